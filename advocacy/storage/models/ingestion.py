"""Deliveries and the leases on them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from advocacy.core.records import JsonObject
from advocacy.storage.db import db
from advocacy.storage.models.columns import id_column, instant_column, text_column


class InboxRow(db.Model):  # type: ignore[name-defined,misc]
    """A verified delivery. The row stays; the body is removed after its retention period.

    The row is written once, and again only to remove its body. `facts` is what the body said,
    without anything that names a person, so that numbers can be rebuilt after the body is gone.

    Note: `status`, `reason`, `detail`, `attempts`, `lease_until`, `lease` and `done_at` are of the
    version before, as are the indexes on pending and quarantined deliveries. They go with the next
    one; until then `inbox.adopt_older` reads what it wrote.
    """

    __tablename__ = "inbox"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    source_id: Mapped[UUID] = mapped_column(Uuid)
    external_id: Mapped[str] = text_column()
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    body_digest: Mapped[bytes] = mapped_column(LargeBinary)
    message_id: Mapped[str] = text_column("")
    content_type: Mapped[str] = text_column("")
    received_at: Mapped[datetime] = instant_column(default_now=True)
    status: Mapped[str] = text_column("pending")
    reason: Mapped[str] = text_column("")
    detail: Mapped[str] = text_column("")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lease: Mapped[UUID | None] = mapped_column(Uuid)
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    facts: Mapped[list[JsonObject] | None] = mapped_column(JSONB)
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
        Index(
            "inbox_unread_idx",
            "org_id",
            "source_id",
            "received_at",
            postgresql_where=text("unread_contacts > 0"),
        ),
    )


class WaitingDelivery(db.Model):  # type: ignore[name-defined,misc]
    """That a delivery has not been processed yet; `attempts` is how often it failed alone."""

    __tablename__ = "waiting"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    since: Mapped[datetime] = instant_column(default_now=True)


class QuarantinedDelivery(db.Model):  # type: ignore[name-defined,misc]
    """That a delivery could not be processed, and why."""

    __tablename__ = "quarantine"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    reason: Mapped[str] = text_column()
    detail: Mapped[str] = text_column("")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    since: Mapped[datetime] = instant_column(default_now=True)


class Claim(db.Model):  # type: ignore[name-defined,misc]
    """A lease: a worker processes these deliveries, until its expiry.

    `losses` is how often a lease of exactly these deliveries expired; a part starts at 0.
    """

    __tablename__ = "claims"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    until: Mapped[datetime] = instant_column()
    delivery_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    losses: Mapped[int] = mapped_column(SmallInteger, server_default="0")


class RefusedRequest(db.Model):  # type: ignore[name-defined,misc]
    """When a request to the address of a source was refused, and why; nothing of what was sent."""

    __tablename__ = "refused_requests"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    source_id: Mapped[UUID] = mapped_column(Uuid)
    reason: Mapped[str] = text_column()
    at: Mapped[datetime] = instant_column(default_now=True)

    __table_args__ = (
        Index("refused_requests_org_id_source_id_id_idx", "org_id", "source_id", "id"),
    )
