"""Posts, tracking links and clicks."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from advocacy.storage.db import db
from advocacy.storage.models.columns import id_column, instant_column, text_column


class Post(db.Model):  # type: ignore[name-defined,misc]
    """A post published on a platform for a campaign. An archived one is in no list."""

    __tablename__ = "posts"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    campaign_id: Mapped[UUID] = mapped_column(Uuid)
    platform: Mapped[str] = text_column()
    title: Mapped[str] = text_column("")
    url: Mapped[str] = text_column("")
    medium: Mapped[str] = text_column("")
    author: Mapped[str] = text_column("")
    published_at: Mapped[datetime] = instant_column(default_now=True)
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = instant_column(default_now=True)

    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "campaign_id"], ["campaigns.org_id", "campaigns.id"], ondelete="CASCADE"
        ),
        Index("posts_org_id_campaign_id_idx", "org_id", "campaign_id"),
    )


class Link(db.Model):  # type: ignore[name-defined,misc]
    """A tracking link of a post. `provider` says how its destination takes our code.

    For the generic provider `carries` maps query parameters to `{code}`, `{click_id}` or `{both}`.
    `changed_at` lets redirect processes read only changed links. A link that a supporter shares has
    a `parent_id` and the post of the first link of the chain, which gets the credit; `generation`
    is how often it was shared on. An archived link is in no list and goes on redirecting.
    """

    __tablename__ = "links"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    post_id: Mapped[UUID] = mapped_column(Uuid)
    campaign_id: Mapped[UUID] = mapped_column(Uuid)
    code: Mapped[str] = text_column()
    destination: Mapped[str] = text_column()
    provider: Mapped[str] = text_column()
    utm: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    carries: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    parent_id: Mapped[UUID | None] = mapped_column(Uuid)
    generation: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    changed_at: Mapped[datetime] = instant_column(default_now=True)
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = instant_column(default_now=True)

    __table_args__ = (
        UniqueConstraint("org_id", "code"),
        ForeignKeyConstraint(
            ["org_id", "post_id"], ["posts.org_id", "posts.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["org_id", "campaign_id"], ["campaigns.org_id", "campaigns.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["org_id", "parent_id"], ["links.org_id", "links.id"], ondelete="CASCADE"
        ),
        Index("links_org_id_post_id_idx", "org_id", "post_id"),
        Index("links_org_id_parent_id_idx", "org_id", "parent_id"),
        Index("links_org_id_changed_at_idx", "org_id", "changed_at"),
        Index("links_utm_campaign_idx", "org_id", text("lower(btrim(utm ->> 'campaign'))")),
    )


class TouchRow(db.Model):  # type: ignore[name-defined,misc]
    """A click on a tracking link, with the supporter once they have acted.

    `shared` means that several people acted through this click (a forwarded URL): it stays evidence
    for the post and identifies no one.
    """

    __tablename__ = "touches"

    org_id: Mapped[UUID] = id_column()
    click_id: Mapped[str] = mapped_column(Text, primary_key=True)
    link_id: Mapped[UUID] = mapped_column(Uuid)
    post_id: Mapped[UUID] = mapped_column(Uuid)
    campaign_id: Mapped[UUID] = mapped_column(Uuid)
    clicked_at: Mapped[datetime] = instant_column()
    seen_at: Mapped[datetime] = instant_column(default_now=True)
    human: Mapped[bool] = mapped_column(Boolean)
    not_human_why: Mapped[str] = text_column("")
    referrer_host: Mapped[str] = text_column("")
    supporter_id: Mapped[UUID | None] = mapped_column(Uuid)
    shared: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))

    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "link_id"], ["links.org_id", "links.id"], ondelete="CASCADE"
        ),
        Index(
            "touches_supporter_idx",
            "org_id",
            "supporter_id",
            "clicked_at",
            postgresql_where=text("supporter_id is not null"),
        ),
        Index("touches_org_id_clicked_at_idx", "org_id", "clicked_at"),
    )
