"""Shared reports, email reports, surges."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import (
    BigInteger,
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
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from advocacy.core.records import JsonObject
from advocacy.storage.db import db
from advocacy.storage.models.columns import id_column, instant_column, text_column


class ViewLink(db.Model):  # type: ignore[name-defined,misc]
    """A shared report: a link that shows one campaign's report. Its token is stored as a digest.

    It covers the last `days` days, or `first_on` to `last_on`, or all days. `shown` is the snapshot
    of the day `shown_on`, which stays the same for that day.
    """

    __tablename__ = "view_links"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    campaign_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = text_column("")
    days: Mapped[int | None] = mapped_column(Integer)
    first_on: Mapped[date | None] = mapped_column(Date)
    last_on: Mapped[date | None] = mapped_column(Date)
    model: Mapped[str] = text_column()
    made_by: Mapped[str] = text_column()
    expires_at: Mapped[datetime] = instant_column()
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    opened: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    last_opened_on: Mapped[date | None] = mapped_column(Date)
    shown_on: Mapped[date | None] = mapped_column(Date)
    shown: Mapped[JsonObject | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = instant_column(default_now=True)

    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "campaign_id"], ["campaigns.org_id", "campaigns.id"], ondelete="CASCADE"
        ),
        Index("view_links_org_id_campaign_id_idx", "org_id", "campaign_id"),
    )


class ReportSubscription(db.Model):  # type: ignore[name-defined,misc]
    """A subscription to a weekly report, a report before a meeting, or surge alerts.

    `weekday` (Monday is 0), `on_date` and `send_at` are in the organization's time zone. Without a
    campaign it covers the whole organization. When it ends, the address is deleted and the row
    stays, because the sent reports are stored.
    """

    __tablename__ = "report_subscriptions"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    what: Mapped[str] = text_column()
    email: Mapped[str] = text_column()
    campaign_id: Mapped[UUID | None] = mapped_column(Uuid)
    weekday: Mapped[int | None] = mapped_column(SmallInteger)
    on_date: Mapped[date | None] = mapped_column(Date)
    send_at: Mapped[time] = mapped_column(Time)
    language: Mapped[str] = text_column("en")
    created_at: Mapped[datetime] = instant_column(default_now=True)
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
    """A mail that is due, being sent or sent: at most one for a subscription and a period.

    `making`: claimed, nothing was sent yet. `sending`: passed to the mail server, no response yet;
    if the process dies here, it is unknown whether the mail arrived, so it is not sent again
    automatically. `waiting`: not accepted, retried at `next_try_at`. `sent` and `failed` are final.
    """

    __tablename__ = "sent_reports"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    subscription_id: Mapped[UUID] = mapped_column(Uuid)
    period: Mapped[str] = text_column()
    status: Mapped[str] = text_column("making")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    resent: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    claimed_at: Mapped[datetime] = instant_column(default_now=True)
    next_try_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    error: Mapped[str] = text_column("")
    figures: Mapped[JsonObject | None] = mapped_column(JSONB)

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
    """A post that was far above its average: how much was counted in how many minutes, and when.

    `usual` is the average for the same number of minutes.
    """

    __tablename__ = "surges"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    campaign_id: Mapped[UUID] = mapped_column(Uuid)
    post_id: Mapped[UUID] = mapped_column(Uuid)
    what: Mapped[str] = text_column()
    counted: Mapped[int] = mapped_column(BigInteger)
    usual: Mapped[float] = mapped_column(Float)
    minutes: Mapped[int] = mapped_column(SmallInteger)
    noticed_at: Mapped[datetime] = instant_column()

    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "post_id"], ["posts.org_id", "posts.id"], ondelete="CASCADE"
        ),
        CheckConstraint("what in ('clicks', 'actions')", name="what"),
        Index("surges_org_id_noticed_at_idx", "org_id", "noticed_at"),
    )


class OutgoingWebhook(db.Model):  # type: ignore[name-defined,misc]
    """An address of the organization's own, to which events are sent. URL and secret are encrypted.

    `failing_since` is when the first attempt failed after the last one that succeeded.
    """

    __tablename__ = "outgoing_webhooks"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    name: Mapped[str] = text_column()
    form: Mapped[str] = text_column("standard")
    host: Mapped[str] = text_column()
    sealed_url: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    language: Mapped[str] = text_column("en")
    failing_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = instant_column(default_now=True)

    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
        CheckConstraint("form in ('standard', 'slack', 'teams')", name="form"),
    )


class OutgoingMessage(db.Model):  # type: ignore[name-defined,misc]
    """An event for an outgoing webhook, with its exact body; sums about many people only."""

    __tablename__ = "outgoing_messages"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    webhook_id: Mapped[UUID] = mapped_column(Uuid)
    event: Mapped[str] = text_column()
    body: Mapped[str] = text_column()
    status: Mapped[str] = text_column("waiting")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    next_try_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = instant_column(default_now=True)

    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "webhook_id"],
            ["outgoing_webhooks.org_id", "outgoing_webhooks.id"],
            ondelete="CASCADE",
        ),
        CheckConstraint("status in ('waiting', 'sent', 'failed')", name="status"),
        Index("outgoing_messages_org_id_webhook_id_idx", "org_id", "webhook_id"),
        Index(
            "outgoing_messages_waiting_idx",
            "org_id",
            "next_try_at",
            postgresql_where=text("status = 'waiting'"),
        ),
    )


class OutgoingAttempt(db.Model):  # type: ignore[name-defined,misc]
    """An attempt to send a message: the status that was answered, or 0 and the error."""

    __tablename__ = "outgoing_attempts"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    message_id: Mapped[UUID] = mapped_column(Uuid)
    at: Mapped[datetime] = instant_column(default_now=True)
    status: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    error: Mapped[str] = text_column("")

    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "message_id"],
            ["outgoing_messages.org_id", "outgoing_messages.id"],
            ondelete="CASCADE",
        ),
        Index("outgoing_attempts_org_id_message_id_idx", "org_id", "message_id"),
    )
