"""What a rebuild makes from deliveries and clicks: actions, supporters, cells, totals of clicks.

Note: `Total`, `SpanTotal`, `DayTotal`, `GenerationTotal`, `Presence` and `PresenceNews` are of the
version before; nothing reads or fills them any more, a rebuild empties them, and a later version
drops them.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from advocacy.core.records import StoredReturn, StoredTouch
from advocacy.storage.db import db
from advocacy.storage.models.columns import id_column, instant_column, text_column


class Supporter(db.Model):  # type: ignore[name-defined,misc]
    """Someone who acted. `first_acted_at` is the earliest of their counted actions."""

    __tablename__ = "supporters"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    first_acted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Suppressed(db.Model):  # type: ignore[name-defined,misc]
    """An erased person, whom a late delivery must not bring back."""

    __tablename__ = "suppressed"

    org_id: Mapped[UUID] = id_column()
    mark: Mapped[str] = mapped_column(Text, primary_key=True)
    erased_at: Mapped[datetime] = instant_column(default_now=True)

    __table_args__ = (ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),)


class ActionRow(db.Model):  # type: ignore[name-defined,misc]
    """A reconciled and attributed action.

    The digests are what it named, keyed as in `advocacy.identity.hashing`; what was named together
    says who is one person. The columns `*_hash` are an earlier version's and stay empty.
    """

    __tablename__ = "actions"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    source_id: Mapped[UUID] = mapped_column(Uuid)
    external_id: Mapped[str] = text_column()
    kind: Mapped[str] = text_column()
    counted: Mapped[bool] = mapped_column(Boolean)
    occurred_at: Mapped[datetime] = instant_column()
    occurred_on: Mapped[date] = mapped_column(Date)
    campaign_id: Mapped[UUID | None] = mapped_column(Uuid)
    supporter_id: Mapped[UUID | None] = mapped_column(Uuid)
    post_id: Mapped[UUID | None] = mapped_column(Uuid)
    link_id: Mapped[UUID | None] = mapped_column(Uuid)
    platform: Mapped[str] = text_column("")
    tier: Mapped[str] = text_column()
    code: Mapped[str] = text_column("")
    click_id: Mapped[str] = text_column("")
    click_found: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    email_hash: Mapped[str] = text_column("")
    phone_hash: Mapped[str] = text_column("")
    person_hash: Mapped[str] = text_column("")
    email_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    person_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    utm: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    referrer: Mapped[str] = text_column("")
    path: Mapped[list[StoredTouch] | None] = mapped_column(JSONB)
    gross_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    refunded_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    currency: Mapped[str] = text_column("")
    returns: Mapped[list[StoredReturn] | None] = mapped_column(JSONB)
    recurs_as: Mapped[str] = text_column("")
    renewal: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    target: Mapped[str] = text_column("")
    test: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    delivery_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))

    __table_args__ = (
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
        Index(
            "actions_email_digest_idx",
            "org_id",
            "email_digest",
            postgresql_where=text(
                "email_digest is not null"
                " and (phone_digest is not null or person_digest is not null)"
            ),
        ),
        Index(
            "actions_phone_digest_idx",
            "org_id",
            "phone_digest",
            postgresql_where=text("phone_digest is not null"),
        ),
        Index(
            "actions_person_digest_idx",
            "org_id",
            "person_digest",
            postgresql_where=text("person_digest is not null"),
        ),
    )


class IdentifierRow(db.Model):  # type: ignore[name-defined,misc]
    """What an earlier version kept in place of `names`; empty once everything was rebuilt."""

    __tablename__ = "identifiers"

    org_id: Mapped[UUID] = id_column()
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    supporter_id: Mapped[UUID | None] = mapped_column(Uuid)
    blocked: Mapped[str] = text_column("")
    parts: Mapped[int] = mapped_column(Integer, server_default=text("0"))


class NameRow(db.Model):  # type: ignore[name-defined,misc]
    """Whom an address, a phone number or a tool's id names that was seen with others.

    `name` is a letter for its kind and its digest, `blocked` a number; see `storage/names.py`.
    """

    __tablename__ = "names"

    org_id: Mapped[UUID] = id_column()
    name: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    supporter_id: Mapped[UUID | None] = mapped_column(Uuid)
    blocked: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    parts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))


class Duplicate(db.Model):  # type: ignore[name-defined,misc]
    """A name by which a delivery says that an action is a duplicate; see `duplicates.py`."""

    __tablename__ = "duplicates"

    org_id: Mapped[UUID] = id_column()
    name: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)


class ActionName(db.Model):  # type: ignore[name-defined,misc]
    """Another id of an action: a tool reports one payment as intent, charge and invoice."""

    __tablename__ = "action_names"

    org_id: Mapped[UUID] = id_column()
    name: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    action_id: Mapped[UUID] = mapped_column(Uuid)

    __table_args__ = (Index("action_names_org_id_action_id_idx", "org_id", "action_id"),)


class Restatement(db.Model):  # type: ignore[name-defined,misc]
    """A change to figures that had been shown: when, why, which days, how many actions.

    For readers of the old figures. It is history, so a rebuild neither adds nor drops it.
    """

    __tablename__ = "restatements"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    campaign_id: Mapped[UUID] = mapped_column(Uuid)
    at: Mapped[datetime] = instant_column(default_now=True)
    why: Mapped[str] = text_column()
    first_on: Mapped[date] = mapped_column(Date)
    last_on: Mapped[date] = mapped_column(Date)
    actions: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
        CheckConstraint("why in ('late', 'correction', 'evidence')", name="why"),
        Index("restatements_org_id_campaign_id_at_idx", "org_id", "campaign_id", "at"),
    )


class Total(db.Model):  # type: ignore[name-defined,misc]
    """Counted actions and money of one day, in a few stripes, so that no row is contended.

    `model` is `every` where all attribution models agree, as for an action with at most one touch.
    `units` are billionths of an action, since most models split credit. `post_id` and
    `campaign_id` are the nil UUID for none: a key cannot be null.
    """

    __tablename__ = "totals"

    org_id: Mapped[UUID] = id_column()
    campaign_id: Mapped[UUID] = id_column()
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    post_id: Mapped[UUID] = id_column()
    model: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    tier: Mapped[str] = mapped_column(Text, primary_key=True)
    platform: Mapped[str] = mapped_column(Text, primary_key=True)
    source_id: Mapped[UUID] = id_column()
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    units: Mapped[int] = mapped_column(BigInteger)
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    refunded_minor: Mapped[int] = mapped_column(BigInteger)


class FiguresVersion(db.Model):  # type: ignore[name-defined,misc]
    """How often figures changed: of a campaign, or with the organization's id, of no campaign."""

    __tablename__ = "figures_versions"

    org_id: Mapped[UUID] = id_column()
    scope_id: Mapped[UUID] = id_column()
    version: Mapped[int] = mapped_column(BigInteger)


class SpanTotal(db.Model):  # type: ignore[name-defined,misc]
    """Totals of sixteen consecutive days, without the source, for long reports."""

    __tablename__ = "span_totals"

    org_id: Mapped[UUID] = id_column()
    campaign_id: Mapped[UUID] = id_column()
    starts_on: Mapped[date] = mapped_column(Date, primary_key=True)
    post_id: Mapped[UUID] = id_column()
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
    """Totals of one day by kind only, for the chart of a campaign."""

    __tablename__ = "day_totals"

    org_id: Mapped[UUID] = id_column()
    campaign_id: Mapped[UUID] = id_column()
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    model: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    units: Mapped[int] = mapped_column(BigInteger)


class GenerationTotal(db.Model):  # type: ignore[name-defined,misc]
    """Actions by last touch by the generation of the shared link; 2 includes later ones.

    `span` is the number of days from `starts_on`: 1 or 16.
    """

    __tablename__ = "generation_totals"

    org_id: Mapped[UUID] = id_column()
    campaign_id: Mapped[UUID] = id_column()
    span: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    starts_on: Mapped[date] = mapped_column(Date, primary_key=True)
    post_id: Mapped[UUID] = id_column()
    generation: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    actions: Mapped[int] = mapped_column(BigInteger)


class ClickTotal(db.Model):  # type: ignore[name-defined,misc]
    """Clicks on one post on one day of its campaign's zone, with those of people separately."""

    __tablename__ = "click_totals"

    org_id: Mapped[UUID] = id_column()
    campaign_id: Mapped[UUID] = id_column()
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    post_id: Mapped[UUID] = id_column()
    human: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    clicks: Mapped[int] = mapped_column(BigInteger)


class ClickSpanTotal(db.Model):  # type: ignore[name-defined,misc]
    """Clicks on one post in sixteen consecutive days."""

    __tablename__ = "click_span_totals"

    org_id: Mapped[UUID] = id_column()
    campaign_id: Mapped[UUID] = id_column()
    starts_on: Mapped[date] = mapped_column(Date, primary_key=True)
    post_id: Mapped[UUID] = id_column()
    human: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    clicks: Mapped[int] = mapped_column(BigInteger)


class Presence(db.Model):  # type: ignore[name-defined,misc]
    """How many people were in a group on a day, and were there last on the day `since`.

    `campaign_id` is the organization's own id for all of it.
    `day_span`
    and `since_span` say whether a date is a single day (1) or stands for its span (16); with
    `since_span` 0 the last day is left out.
    """

    __tablename__ = "presences"

    org_id: Mapped[UUID] = id_column()
    campaign_id: Mapped[UUID] = id_column()
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
    """What a batch changed of presences of one scope, model and grain; not yet compacted into them.

    Its `size` changes stand in lists of the same length: in the group of that value on a day, since
    another one, so many people more. `scope_id` is what `Presence.campaign_id` is.
    """

    __tablename__ = "presence_news"

    org_id: Mapped[UUID] = id_column()
    scope_id: Mapped[UUID] = id_column()
    model: Mapped[str] = mapped_column(Text, primary_key=True)
    grain: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = id_column()
    size: Mapped[int] = mapped_column(Integer)
    groups: Mapped[list[str]] = mapped_column(ARRAY(Text))
    days: Mapped[list[date]] = mapped_column(ARRAY(Date))
    sinces: Mapped[list[date]] = mapped_column(ARRAY(Date))
    openings: Mapped[list[bool]] = mapped_column(ARRAY(Boolean))
    people: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class StoredCell(db.Model):  # type: ignore[name-defined,misc]
    """Sums and sets of people of a day (`grain` 1) or a month (2) of a scope.

    See `advocacy.core.cells`, which packs them.
    """

    __tablename__ = "cells"

    org_id: Mapped[UUID] = id_column()
    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    grain: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    starts_on: Mapped[date] = mapped_column(Date, primary_key=True)
    words: Mapped[bytes] = mapped_column(LargeBinary)
    keys: Mapped[bytes] = mapped_column(LargeBinary)
    sums: Mapped[bytes] = mapped_column(LargeBinary)
    kinds: Mapped[bytes | None] = mapped_column(LargeBinary)
    places: Mapped[bytes | None] = mapped_column(LargeBinary)
    sources: Mapped[bytes | None] = mapped_column(LargeBinary)
    sets: Mapped[bytes] = mapped_column(LargeBinary)
    counts: Mapped[bytes | None] = mapped_column(LargeBinary)


class CellNews(db.Model):  # type: ignore[name-defined,misc]
    """What a batch changes of cells and is not folded into them yet.

    It has so many `pairs` of a key and a person; `taken` are the months of which it takes people
    away.
    """

    __tablename__ = "cell_news"

    org_id: Mapped[UUID] = id_column()
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = instant_column(default_now=True)
    taken: Mapped[list[date]] = mapped_column(ARRAY(Date))
    pairs: Mapped[int] = mapped_column(Integer)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class CellCounter(db.Model):  # type: ignore[name-defined,misc]
    """The last number of a person and of news, and the zones by whose clocks cells know firsts."""

    __tablename__ = "cell_counters"

    org_id: Mapped[UUID] = id_column()
    people: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    news: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    zones: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))


class PersonNumber(db.Model):  # type: ignore[name-defined,misc]
    """The number of a person in sets, and when they first acted as far as cells know it."""

    __tablename__ = "person_numbers"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    number: Mapped[int] = mapped_column(Integer)
    first_at: Mapped[datetime] = instant_column()

    __table_args__ = (Index("person_numbers_org_id_number_idx", "org_id", "number", unique=True),)
