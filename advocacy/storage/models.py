"""The tables. No behaviour: what is done with them is in `storage/`.

`org_id` comes first in every primary, unique and foreign key, so that no row of one organization
can point at another's and the same schema can be distributed by `org_id`. Two tables are global:
`organizations`, and `addresses`, which says whose a public word is.

What a stranger would get wrong: `actions`, `identifiers`, `supporters` and `totals` are derived.
The record is `inbox`, `touches` and what staff made; `rebuild` makes the rest anew from it.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Time,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from advocacy.storage.db import db


def _id() -> Mapped[UUID]:
    return mapped_column(Uuid, primary_key=True)


def _instant(default_now: bool = False) -> Mapped[datetime]:
    return mapped_column(
        DateTime(timezone=True), server_default=func.now() if default_now else None
    )


def _words(default: str | None = None) -> Mapped[str]:
    return mapped_column(Text, server_default=text(f"'{default}'") if default is not None else None)


class Organization(db.Model):  # type: ignore[name-defined,misc]
    """`fallback_url` is where supporters are sent on to whose link leads nowhere, or empty."""

    __tablename__ = "organizations"

    id: Mapped[UUID] = _id()
    slug: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = _words()
    timezone: Mapped[str] = _words("UTC")
    fallback_url: Mapped[str] = _words("")
    created_at: Mapped[datetime] = _instant(default_now=True)


class Address(db.Model):  # type: ignore[name-defined,misc]
    """Whose a public word is: a source key or a token (by digest), or a link's code.

    A member's word is a keyed digest of her e-mail address, a slash, and the organization's id.
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
        # One person may be a member of several organizations: found by the beginning of the word.
        Index(
            "addresses_member_idx",
            "word",
            postgresql_ops={"word": "text_pattern_ops"},
            postgresql_where=text("kind = 'member'"),
        ),
    )


class Campaign(db.Model):  # type: ignore[name-defined,misc]
    """A campaign of an organization, with its time zone."""

    __tablename__ = "campaigns"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    slug: Mapped[str] = _words()
    name: Mapped[str] = _words()
    timezone: Mapped[str] = _words("UTC")
    created_at: Mapped[datetime] = _instant(default_now=True)

    __table_args__ = (
        UniqueConstraint("org_id", "slug"),
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
    )


class Post(db.Model):  # type: ignore[name-defined,misc]
    """What was published on a platform for a campaign."""

    __tablename__ = "posts"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    campaign_id: Mapped[UUID] = mapped_column(Uuid)
    platform: Mapped[str] = _words()
    title: Mapped[str] = _words("")
    url: Mapped[str] = _words("")
    medium: Mapped[str] = _words("")
    author: Mapped[str] = _words("")
    published_at: Mapped[datetime] = _instant(default_now=True)
    created_at: Mapped[datetime] = _instant(default_now=True)

    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "campaign_id"], ["campaigns.org_id", "campaigns.id"], ondelete="CASCADE"
        ),
        Index("posts_org_id_campaign_id_idx", "org_id", "campaign_id"),
    )


class Link(db.Model):  # type: ignore[name-defined,misc]
    """A tracking link of a post. `provider` says how its destination takes our code.

    For the generic provider `carries` says it: query parameter to `{code}`, `{click_id}`, `{both}`.
    `changed_at` is what redirect doors look at to know whether their copy is fresh. A link that a
    supporter passes on has a `parent_id` and is of the same post as the first of its chain, so that
    what it brings is that post's; `generation` is how often it was passed on.
    """

    __tablename__ = "links"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    post_id: Mapped[UUID] = mapped_column(Uuid)
    campaign_id: Mapped[UUID] = mapped_column(Uuid)
    code: Mapped[str] = _words()
    destination: Mapped[str] = _words()
    provider: Mapped[str] = _words()
    utm: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    carries: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    parent_id: Mapped[UUID | None] = mapped_column(Uuid)
    generation: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    changed_at: Mapped[datetime] = _instant(default_now=True)
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = _instant(default_now=True)

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


class Source(db.Model):  # type: ignore[name-defined,misc]
    """A configured endpoint at a provider. Its key is kept only as a digest in `addresses`."""

    __tablename__ = "sources"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    provider: Mapped[str] = _words()
    name: Mapped[str] = _words()
    campaign_id: Mapped[UUID | None] = mapped_column(Uuid)
    region: Mapped[str] = _words("US")
    setup: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = _instant(default_now=True)

    __table_args__ = (
        UniqueConstraint("org_id", "name"),
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["org_id", "campaign_id"], ["campaigns.org_id", "campaigns.id"]),
    )


class SourceSecret(db.Model):  # type: ignore[name-defined,misc]
    """A sealed secret of a source. Several are valid while one is rotated out."""

    __tablename__ = "source_secrets"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    source_id: Mapped[UUID] = mapped_column(Uuid)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    valid_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = _instant(default_now=True)

    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "source_id"], ["sources.org_id", "sources.id"], ondelete="CASCADE"
        ),
        Index("source_secrets_org_id_source_id_idx", "org_id", "source_id"),
    )


class Token(db.Model):  # type: ignore[name-defined,misc]
    """A bearer token of the API. The token itself is shown once and kept only as a digest."""

    __tablename__ = "tokens"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    name: Mapped[str] = _words()
    scope: Mapped[str] = _words("reports")
    expires_at: Mapped[datetime] = _instant()
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = _instant(default_now=True)

    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
        CheckConstraint("scope in ('reports', 'admin')", name="scope"),
    )


class Member(db.Model):  # type: ignore[name-defined,misc]
    """Someone of the staff. Invited until she has a password; `one_time_until` is her link's end.

    The e-mail address is kept as it is: she signs in with it and gets mail there. She has one
    password in each organization, so that who runs one can never get into another.
    """

    __tablename__ = "members"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    email: Mapped[str] = _words()
    name: Mapped[str] = _words("")
    role: Mapped[str] = _words()
    password: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str] = _words("")
    one_time_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_seen_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = _instant(default_now=True)

    __table_args__ = (
        UniqueConstraint("org_id", "email"),
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
        CheckConstraint("role in ('reader', 'editor', 'owner')", name="role"),
    )


class SessionRow(db.Model):  # type: ignore[name-defined,misc]
    """A browser that is signed in, as a member or with a token. Its cookie holds the word."""

    __tablename__ = "sessions"

    org_id: Mapped[UUID] = _id()
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    member_id: Mapped[UUID | None] = mapped_column(Uuid)
    token_id: Mapped[UUID | None] = mapped_column(Uuid)
    seen_at: Mapped[datetime] = _instant(default_now=True)
    expires_at: Mapped[datetime] = _instant()
    created_at: Mapped[datetime] = _instant(default_now=True)

    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "member_id"], ["members.org_id", "members.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["org_id", "token_id"], ["tokens.org_id", "tokens.id"], ondelete="CASCADE"
        ),
        CheckConstraint("(member_id is null) <> (token_id is null)", name="whose"),
        Index("sessions_org_id_member_id_idx", "org_id", "member_id"),
    )


class AuditRow(db.Model):  # type: ignore[name-defined,misc]
    """That one of the staff did something which owners want to know. Nothing of supporters."""

    __tablename__ = "audit"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    at: Mapped[datetime] = _instant(default_now=True)
    who: Mapped[str] = _words()
    did: Mapped[str] = _words()
    what: Mapped[str] = _words("")

    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
        Index("audit_org_id_at_idx", "org_id", "at"),
    )


class ViewLink(db.Model):  # type: ignore[name-defined,misc]
    """A link that shows one campaign's report to whoever has it. Its word is kept as a digest only.

    `days` are the last so many; else `first_on` to `last_on`; without any, all days there are.
    `shown` is the report as it was shown on the day `shown_on`: it stays the same until the next.
    """

    __tablename__ = "view_links"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    campaign_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = _words("")
    days: Mapped[int | None] = mapped_column(Integer)
    first_on: Mapped[date | None] = mapped_column(Date)
    last_on: Mapped[date | None] = mapped_column(Date)
    model: Mapped[str] = _words()
    made_by: Mapped[str] = _words()
    expires_at: Mapped[datetime] = _instant()
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    opened: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    last_opened_on: Mapped[date | None] = mapped_column(Date)
    shown_on: Mapped[date | None] = mapped_column(Date)
    shown: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = _instant(default_now=True)

    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "campaign_id"], ["campaigns.org_id", "campaigns.id"], ondelete="CASCADE"
        ),
        Index("view_links_org_id_campaign_id_idx", "org_id", "campaign_id"),
    )


class InboxRow(db.Model):  # type: ignore[name-defined,misc]
    """A delivery that was vouched for. The row stays for good; the body goes after its time.

    `facts` is what the body said, without anything that names a person, so that numbers can be
    rebuilt after the body is gone.
    """

    __tablename__ = "inbox"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    source_id: Mapped[UUID] = mapped_column(Uuid)
    external_id: Mapped[str] = _words()
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    body_digest: Mapped[bytes] = mapped_column(LargeBinary)
    message_id: Mapped[str] = _words("")
    content_type: Mapped[str] = _words("")
    received_at: Mapped[datetime] = _instant(default_now=True)
    status: Mapped[str] = _words("pending")
    reason: Mapped[str] = _words("")
    detail: Mapped[str] = _words("")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lease: Mapped[UUID | None] = mapped_column(Uuid)
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    facts: Mapped[list[Any] | None] = mapped_column(JSONB)
    test: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    unread_contacts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))

    __table_args__ = (
        UniqueConstraint("org_id", "source_id", "external_id"),
        ForeignKeyConstraint(["org_id", "source_id"], ["sources.org_id", "sources.id"]),
        CheckConstraint("status in ('pending', 'done', 'quarantined')", name="status"),
        Index(
            "inbox_pending_idx",
            "org_id",
            "received_at",
            "id",
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "inbox_tried_idx",
            "org_id",
            "received_at",
            "id",
            postgresql_where=text("status = 'pending' and attempts > 0"),
        ),
        Index(
            "inbox_quarantined_idx",
            "org_id",
            "received_at",
            "id",
            postgresql_where=text("status = 'quarantined'"),
        ),
        Index(
            "inbox_test_idx",
            "org_id",
            "source_id",
            "received_at",
            postgresql_where=text("test"),
        ),
        Index("inbox_received_idx", "org_id", "received_at", "id"),
        Index(
            "inbox_unread_idx",
            "org_id",
            "source_id",
            "received_at",
            postgresql_where=text("unread_contacts > 0"),
        ),
    )


class Claim(db.Model):  # type: ignore[name-defined,misc]
    """That a worker is at these deliveries, and may be until then.

    `losses` is how often an earlier claim of just these deliveries ran out; a part begins at 0.
    """

    __tablename__ = "claims"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    until: Mapped[datetime] = _instant()
    delivery_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    losses: Mapped[int] = mapped_column(SmallInteger, server_default="0")


class SecretKeyDigest(db.Model):  # type: ignore[name-defined,misc]
    """Which `SECRET_KEY` the data was stored with: one row, with the id of no organization."""

    __tablename__ = "secret_key_digests"

    org_id: Mapped[UUID] = _id()
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class TouchRow(db.Model):  # type: ignore[name-defined,misc]
    """A click on a tracking link. Nothing of the person but, once she has acted, who she is.

    `shared` says that several people acted through this click (a forwarded link): it stays evidence
    for the post and joins nobody.
    """

    __tablename__ = "touches"

    org_id: Mapped[UUID] = _id()
    click_id: Mapped[str] = mapped_column(Text, primary_key=True)
    link_id: Mapped[UUID] = mapped_column(Uuid)
    post_id: Mapped[UUID] = mapped_column(Uuid)
    campaign_id: Mapped[UUID] = mapped_column(Uuid)
    clicked_at: Mapped[datetime] = _instant()
    seen_at: Mapped[datetime] = _instant(default_now=True)
    human: Mapped[bool] = mapped_column(Boolean)
    not_human_why: Mapped[str] = _words("")
    referrer_host: Mapped[str] = _words("")
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


class Supporter(db.Model):  # type: ignore[name-defined,misc]
    """Someone who acted. `first_acted_at` is the earliest of all her counted actions."""

    __tablename__ = "supporters"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    first_acted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),)


class Suppressed(db.Model):  # type: ignore[name-defined,misc]
    """Someone who was erased: a late delivery must not bring her back."""

    __tablename__ = "suppressed"

    org_id: Mapped[UUID] = _id()
    mark: Mapped[str] = mapped_column(Text, primary_key=True)
    erased_at: Mapped[datetime] = _instant(default_now=True)

    __table_args__ = (ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),)


class ActionRow(db.Model):  # type: ignore[name-defined,misc]
    """An action, settled from all facts about it and attributed.

    The hashes are what it named, keyed as in `advocacy.identity.hashing`; what was named together
    says who
    is one person.
    """

    __tablename__ = "actions"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    source_id: Mapped[UUID] = mapped_column(Uuid)
    external_id: Mapped[str] = _words()
    kind: Mapped[str] = _words()
    counted: Mapped[bool] = mapped_column(Boolean)
    occurred_at: Mapped[datetime] = _instant()
    occurred_on: Mapped[date] = mapped_column(Date)
    campaign_id: Mapped[UUID | None] = mapped_column(Uuid)
    supporter_id: Mapped[UUID | None] = mapped_column(Uuid)
    post_id: Mapped[UUID | None] = mapped_column(Uuid)
    link_id: Mapped[UUID | None] = mapped_column(Uuid)
    platform: Mapped[str] = _words("")
    tier: Mapped[str] = _words()
    code: Mapped[str] = _words("")
    click_id: Mapped[str] = _words("")
    click_found: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    email_hash: Mapped[str] = _words("")
    phone_hash: Mapped[str] = _words("")
    person_hash: Mapped[str] = _words("")
    utm: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    referrer: Mapped[str] = _words("")
    path: Mapped[list[Any] | None] = mapped_column(JSONB)
    gross_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    refunded_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    currency: Mapped[str] = _words("")
    returns: Mapped[list[Any] | None] = mapped_column(JSONB)
    recurs_as: Mapped[str] = _words("")
    renewal: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    target: Mapped[str] = _words("")
    test: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    delivery_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))

    __table_args__ = (
        ForeignKeyConstraint(["org_id", "source_id"], ["sources.org_id", "sources.id"]),
        Index(
            "actions_report_idx",
            "org_id",
            "campaign_id",
            "occurred_on",
            postgresql_where=text("counted"),
        ),
        Index(
            "actions_returned_idx",
            "org_id",
            "campaign_id",
            postgresql_where=text("counted and returns is not null"),
        ),
        Index("actions_supporter_idx", "org_id", "supporter_id", "occurred_at"),
        Index(
            "actions_mandate_idx",
            "org_id",
            "source_id",
            "recurs_as",
            postgresql_where=text("recurs_as <> ''"),
        ),
        Index(
            "actions_waiting_idx",
            "org_id",
            "click_id",
            postgresql_where=text("click_id <> '' and not click_found"),
        ),
        Index(
            "actions_email_idx",
            "org_id",
            "email_hash",
            postgresql_where=text("phone_hash <> '' or person_hash <> ''"),
        ),
        Index(
            "actions_phone_idx", "org_id", "phone_hash", postgresql_where=text("phone_hash <> ''")
        ),
        Index(
            "actions_person_idx",
            "org_id",
            "person_hash",
            postgresql_where=text("person_hash <> ''"),
        ),
        Index("actions_click_idx", "org_id", "click_id", postgresql_where=text("click_id <> ''")),
    )


class IdentifierRow(db.Model):  # type: ignore[name-defined,misc]
    """Whom an identifier names that was seen with others; also its lock. See `identifiers.py`."""

    __tablename__ = "identifiers"

    org_id: Mapped[UUID] = _id()
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    supporter_id: Mapped[UUID | None] = mapped_column(Uuid)
    blocked: Mapped[str] = _words("")
    parts: Mapped[int] = mapped_column(Integer, server_default=text("0"))

    __table_args__ = (ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),)


class Goal(db.Model):  # type: ignore[name-defined,misc]
    """What a campaign or the organization wants to reach between two days.

    `target` is a number (of minor units for money), or `growth_bp` says by how many hundredths of a
    percent the measure has to grow; the other is 0. For calls, `each_district` is how many each of
    `districts` needs.
    """

    __tablename__ = "goals"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    campaign_id: Mapped[UUID | None] = mapped_column(Uuid)
    name: Mapped[str] = _words("")
    measure: Mapped[str] = _words()
    currency: Mapped[str] = _words("")
    target: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    growth_bp: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    first_on: Mapped[date] = mapped_column(Date)
    last_on: Mapped[date] = mapped_column(Date)
    districts: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    each_district: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[datetime] = _instant(default_now=True)

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


class ActionName(db.Model):  # type: ignore[name-defined,misc]
    """Another name of an action: a tool tells of one payment as intent, charge and invoice."""

    __tablename__ = "action_names"

    org_id: Mapped[UUID] = _id()
    name: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    action_id: Mapped[UUID] = mapped_column(Uuid)

    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
        Index("action_names_org_id_action_id_idx", "org_id", "action_id"),
    )


class Restatement(db.Model):  # type: ignore[name-defined,misc]
    """That numbers which had been shown were changed: when, why, of which days, how many actions.

    A note for whoever read the old numbers. It is history, so a rebuild neither makes nor drops it.
    """

    __tablename__ = "restatements"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    campaign_id: Mapped[UUID] = mapped_column(Uuid)
    at: Mapped[datetime] = _instant(default_now=True)
    why: Mapped[str] = _words()
    first_on: Mapped[date] = mapped_column(Date)
    last_on: Mapped[date] = mapped_column(Date)
    actions: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
        CheckConstraint("why in ('late', 'correction', 'evidence')", name="why"),
        Index("restatements_org_id_campaign_id_at_idx", "org_id", "campaign_id", "at"),
    )


class Total(db.Model):  # type: ignore[name-defined,misc]
    """Counted actions and money of one day, as deltas in a few slots, so that no row is hot.

    `model` is `every` where all attribution models say the same, as they do for an action with one
    touch or none. `units` are billionths of an action, since most models share one out. `post_id`
    and `campaign_id` are the nil UUID where there is none: a key cannot be null.
    """

    __tablename__ = "totals"

    org_id: Mapped[UUID] = _id()
    campaign_id: Mapped[UUID] = _id()
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    post_id: Mapped[UUID] = _id()
    model: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    tier: Mapped[str] = mapped_column(Text, primary_key=True)
    platform: Mapped[str] = mapped_column(Text, primary_key=True)
    source_id: Mapped[UUID] = _id()
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    units: Mapped[int] = mapped_column(BigInteger)
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    refunded_minor: Mapped[int] = mapped_column(BigInteger)


class ClickTotal(db.Model):  # type: ignore[name-defined,misc]
    """Clicks of one post on one day in its campaign's zone, people and others apart."""

    __tablename__ = "click_totals"

    org_id: Mapped[UUID] = _id()
    campaign_id: Mapped[UUID] = _id()
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    post_id: Mapped[UUID] = _id()
    human: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    clicks: Mapped[int] = mapped_column(BigInteger)


class ReportSubscription(db.Model):  # type: ignore[name-defined,misc]
    """Who of the staff gets what by mail: the week, a report before a meeting, or surge alerts.

    `weekday` (Monday is 0), `on_date` and `send_at` are in the organization's time zone. Without a
    campaign it is about the whole organization. When it is ended the address goes and the row
    stays, because the reports that were sent for it are kept.
    """

    __tablename__ = "report_subscriptions"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    what: Mapped[str] = _words()
    email: Mapped[str] = _words()
    campaign_id: Mapped[UUID | None] = mapped_column(Uuid)
    weekday: Mapped[int | None] = mapped_column(SmallInteger)
    on_date: Mapped[date | None] = mapped_column(Date)
    send_at: Mapped[time] = mapped_column(Time)
    language: Mapped[str] = _words("en")
    created_at: Mapped[datetime] = _instant(default_now=True)
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["org_id", "campaign_id"], ["campaigns.org_id", "campaigns.id"], ondelete="CASCADE"
        ),
        CheckConstraint("what in ('weekly', 'once', 'alert')", name="what"),
        CheckConstraint(
            "(weekday is not null) = (what = 'weekly') and (on_date is not null) = (what = 'once')",
            name="when",
        ),
    )


class SentReport(db.Model):  # type: ignore[name-defined,misc]
    """A mail that is due, on its way or sent: one for a subscription and a period, ever.

    `making`: claimed, nothing was sent yet. `sending`: handed to the mail server, no answer yet;
    where the process dies here, nobody knows whether it arrived, so nothing sends it by itself.
    `waiting`: was not taken, is tried again at `next_try_at`. `sent` and `failed` are ends.
    """

    __tablename__ = "sent_reports"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    subscription_id: Mapped[UUID] = mapped_column(Uuid)
    period: Mapped[str] = _words()
    status: Mapped[str] = _words("making")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    resent: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    claimed_at: Mapped[datetime] = _instant(default_now=True)
    next_try_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    error: Mapped[str] = _words("")
    figures: Mapped[dict[str, Any] | None] = mapped_column(JSONB)

    __table_args__ = (
        UniqueConstraint("org_id", "subscription_id", "period"),
        ForeignKeyConstraint(
            ["org_id", "subscription_id"],
            ["report_subscriptions.org_id", "report_subscriptions.id"],
            ondelete="CASCADE",
        ),
        CheckConstraint(
            "status in ('making', 'sending', 'waiting', 'sent', 'failed')", name="status"
        ),
        Index(
            "sent_reports_open_idx",
            "org_id",
            "claimed_at",
            postgresql_where=text("status <> 'sent'"),
        ),
    )


class SurgeRow(db.Model):  # type: ignore[name-defined,misc]
    """That a post ran far above its usual: how much was counted in how many minutes, and when.

    `usual` is what the same number of minutes brings on average.
    """

    __tablename__ = "surges"

    org_id: Mapped[UUID] = _id()
    id: Mapped[UUID] = _id()
    campaign_id: Mapped[UUID] = mapped_column(Uuid)
    post_id: Mapped[UUID] = mapped_column(Uuid)
    what: Mapped[str] = _words()
    counted: Mapped[int] = mapped_column(BigInteger)
    usual: Mapped[float] = mapped_column(Float)
    minutes: Mapped[int] = mapped_column(SmallInteger)
    noticed_at: Mapped[datetime] = _instant()

    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "post_id"], ["posts.org_id", "posts.id"], ondelete="CASCADE"
        ),
        CheckConstraint("what in ('clicks', 'actions')", name="what"),
        Index("surges_org_id_noticed_at_idx", "org_id", "noticed_at"),
    )


class SpanTotal(db.Model):  # type: ignore[name-defined,misc]
    """Totals of sixteen days in a row, without the source: what long reports read."""

    __tablename__ = "span_totals"

    org_id: Mapped[UUID] = _id()
    campaign_id: Mapped[UUID] = _id()
    starts_on: Mapped[date] = mapped_column(Date, primary_key=True)
    post_id: Mapped[UUID] = _id()
    model: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    tier: Mapped[str] = mapped_column(Text, primary_key=True)
    platform: Mapped[str] = mapped_column(Text, primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    units: Mapped[int] = mapped_column(BigInteger)
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    refunded_minor: Mapped[int] = mapped_column(BigInteger)


class DayTotal(db.Model):  # type: ignore[name-defined,misc]
    """Totals of one day by kind alone: what the course of a campaign is drawn from."""

    __tablename__ = "day_totals"

    org_id: Mapped[UUID] = _id()
    campaign_id: Mapped[UUID] = _id()
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    model: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    units: Mapped[int] = mapped_column(BigInteger)


class ClickSpanTotal(db.Model):  # type: ignore[name-defined,misc]
    """Clicks of one post in sixteen days in a row."""

    __tablename__ = "click_span_totals"

    org_id: Mapped[UUID] = _id()
    campaign_id: Mapped[UUID] = _id()
    starts_on: Mapped[date] = mapped_column(Date, primary_key=True)
    post_id: Mapped[UUID] = _id()
    human: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    clicks: Mapped[int] = mapped_column(BigInteger)


class GenerationTotal(db.Model):  # type: ignore[name-defined,misc]
    """Actions by last touch through a link passed on so often; 2 stands for 2 and beyond.

    `span` is how many days from `starts_on` are counted: 1, and again 16.
    """

    __tablename__ = "generation_totals"

    org_id: Mapped[UUID] = _id()
    campaign_id: Mapped[UUID] = _id()
    span: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    starts_on: Mapped[date] = mapped_column(Date, primary_key=True)
    post_id: Mapped[UUID] = _id()
    generation: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    actions: Mapped[int] = mapped_column(BigInteger)


class Presence(db.Model):  # type: ignore[name-defined,misc]
    """How many people were in a group on a day, and were there last on the day `since`.

    See `advocacy.core.distinct`. `campaign_id` is the organization's own id for all of it.
    `day_span`
    and `since_span` say whether a date is a single day (1) or stands for its span (16); with
    `since_span` 0 the last day is left out.
    """

    __tablename__ = "presences"

    org_id: Mapped[UUID] = _id()
    campaign_id: Mapped[UUID] = _id()
    model: Mapped[str] = mapped_column(Text, primary_key=True)
    grain: Mapped[str] = mapped_column(Text, primary_key=True)
    day_span: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    since_span: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    since: Mapped[date] = mapped_column(Date, primary_key=True)
    opening: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    value: Mapped[str] = mapped_column(Text, primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    people: Mapped[int] = mapped_column(BigInteger)


class PresenceNews(db.Model):  # type: ignore[name-defined,misc]
    """What a batch changed of presences of one scope, model and grain; not yet folded into them.

    Its `size` changes stand in lists of the same length: in the group of that value on a day, since
    another one, so many people more. `scope_id` is what `Presence.campaign_id` is.
    """

    __tablename__ = "presence_news"

    org_id: Mapped[UUID] = _id()
    scope_id: Mapped[UUID] = _id()
    model: Mapped[str] = mapped_column(Text, primary_key=True)
    grain: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = _id()
    size: Mapped[int] = mapped_column(Integer)
    groups: Mapped[list[str]] = mapped_column(ARRAY(Text))
    days: Mapped[list[date]] = mapped_column(ARRAY(Date))
    sinces: Mapped[list[date]] = mapped_column(ARRAY(Date))
    openings: Mapped[list[bool]] = mapped_column(ARRAY(Boolean))
    people: Mapped[list[int]] = mapped_column(ARRAY(Integer))
