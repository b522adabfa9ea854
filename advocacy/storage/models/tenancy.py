"""Organizations and what their staff set up: campaigns, sources, secrets."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from advocacy.core.records import JsonObject
from advocacy.storage.db import db
from advocacy.storage.models.columns import id_column, instant_column, text_column


class Organization(db.Model):  # type: ignore[name-defined,misc]
    """An organization. `fallback_url` is offered on the page for missing links, or empty.

    `rounding_base` is that of what people who are not members see, if it is coarser than the
    installation's.

    `derived_version` is the version of the rules by which all figures were last made.
    """

    __tablename__ = "organizations"

    id: Mapped[UUID] = id_column()
    slug: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = text_column()
    timezone: Mapped[str] = text_column("UTC")
    fallback_url: Mapped[str] = text_column("")
    rounding_base: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    derived_version: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    created_at: Mapped[datetime] = instant_column(default_now=True)


class Address(db.Model):  # type: ignore[name-defined,misc]
    """A lookup key: the owner of a source key, a token (by digest) or the code of a link.

    A member's `word` is a keyed digest of their e-mail address, a slash, and the organization's id.
    """

    __tablename__ = "addresses"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    word: Mapped[str] = mapped_column(Text, primary_key=True)
    org_id: Mapped[UUID] = mapped_column(Uuid)
    target_id: Mapped[UUID] = mapped_column(Uuid)

    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
        CheckConstraint(
            "kind in ('source', 'rehearsal', 'token', 'link', 'member', 'one_time', 'view')",
            name="kind",
        ),
        Index("addresses_org_id_target_id_idx", "org_id", "target_id"),
        # One person may be a member of several organizations: found by the beginning of `word`.
        Index(
            "addresses_member_idx",
            "word",
            postgresql_ops={"word": "text_pattern_ops"},
            postgresql_where=text("kind = 'member'"),
        ),
    )


class Campaign(db.Model):  # type: ignore[name-defined,misc]
    """A campaign of an organization, with its time zone. An archived one is in no list."""

    __tablename__ = "campaigns"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    slug: Mapped[str] = text_column()
    name: Mapped[str] = text_column()
    timezone: Mapped[str] = text_column("UTC")
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = instant_column(default_now=True)

    __table_args__ = (
        UniqueConstraint("org_id", "slug"),
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
    )


class Source(db.Model):  # type: ignore[name-defined,misc]
    """A configured webhook endpoint. Only a digest of its key is stored, in `addresses`."""

    __tablename__ = "sources"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    provider: Mapped[str] = text_column()
    name: Mapped[str] = text_column()
    campaign_id: Mapped[UUID | None] = mapped_column(Uuid)
    region: Mapped[str] = text_column("US")
    setup: Mapped[JsonObject] = mapped_column(JSONB, server_default=text("'{}'"))
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = instant_column(default_now=True)

    __table_args__ = (
        UniqueConstraint("org_id", "name"),
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["org_id", "campaign_id"], ["campaigns.org_id", "campaigns.id"]),
    )


class SourceSecret(db.Model):  # type: ignore[name-defined,misc]
    """An encrypted secret of a source. Several are valid during a rotation."""

    __tablename__ = "source_secrets"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    source_id: Mapped[UUID] = mapped_column(Uuid)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    valid_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = instant_column(default_now=True)

    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "source_id"], ["sources.org_id", "sources.id"], ondelete="CASCADE"
        ),
        Index("source_secrets_org_id_source_id_idx", "org_id", "source_id"),
    )


class SecretKeyDigest(db.Model):  # type: ignore[name-defined,misc]
    """The digest of the `SECRET_KEY` of the data: one row, with the nil UUID as organization."""

    __tablename__ = "secret_key_digests"

    org_id: Mapped[UUID] = id_column()
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Goal(db.Model):  # type: ignore[name-defined,misc]
    """A goal of a campaign or the organization for a range of days.

    `target` is a number (minor units for money), or `growth_bp` is the growth to reach in
    hundredths of a percent; the other is 0. For calls, `each_district` is the number that each of
    `districts` needs.
    """

    __tablename__ = "goals"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    campaign_id: Mapped[UUID | None] = mapped_column(Uuid)
    name: Mapped[str] = text_column("")
    measure: Mapped[str] = text_column()
    currency: Mapped[str] = text_column("")
    target: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    growth_bp: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    first_on: Mapped[date] = mapped_column(Date)
    last_on: Mapped[date] = mapped_column(Date)
    districts: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    each_district: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[datetime] = instant_column(default_now=True)

    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["org_id", "campaign_id"], ["campaigns.org_id", "campaigns.id"], ondelete="CASCADE"
        ),
        CheckConstraint(
            "measure in ('supporters', 'donors', 'net', 'calls', 'actions')", name="measure"
        ),
        CheckConstraint("first_on <= last_on", name="days"),
        CheckConstraint("(target > 0) <> (growth_bp > 0)", name="target"),
    )
