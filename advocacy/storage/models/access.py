"""Access: members, API tokens, sessions, the audit log."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from advocacy.storage.db import db
from advocacy.storage.models.columns import id_column, instant_column, text_column


class Token(db.Model):  # type: ignore[name-defined,misc]
    """A bearer token of the API. It is shown once; only its digest is stored."""

    __tablename__ = "tokens"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    name: Mapped[str] = text_column()
    scope: Mapped[str] = text_column("reports")
    expires_at: Mapped[datetime] = instant_column()
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = instant_column(default_now=True)

    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
        CheckConstraint("scope in ('reports', 'write', 'admin')", name="scope"),
    )


class Member(db.Model):  # type: ignore[name-defined,misc]
    """A staff member. Invited until they have a password; `one_time_until` is their link's expiry.

    The email address is stored in plain text: they sign in with it and get mail there. They have a
    password in each organization, so that the owner of one cannot get into another.
    """

    __tablename__ = "members"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    email: Mapped[str] = text_column()
    name: Mapped[str] = text_column("")
    role: Mapped[str] = text_column()
    password: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str] = text_column("")
    one_time_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_seen_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = instant_column(default_now=True)

    __table_args__ = (
        UniqueConstraint("org_id", "email"),
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
        CheckConstraint("role in ('reader', 'editor', 'owner')", name="role"),
    )


class IdempotencyKey(db.Model):  # type: ignore[name-defined,misc]
    """A request of the API that was carried out, and its encrypted response, by the client's key.

    `digest` is that of the request, so that the same key with another request is noticed.
    """

    __tablename__ = "idempotency_keys"

    org_id: Mapped[UUID] = id_column()
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = text_column()
    status: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    location: Mapped[str] = text_column("")
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = instant_column(default_now=True)

    __table_args__ = (ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),)


class SessionRow(db.Model):  # type: ignore[name-defined,misc]
    """A signed-in browser, of a member or an API token. Its cookie contains the session token."""

    __tablename__ = "sessions"

    org_id: Mapped[UUID] = id_column()
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    member_id: Mapped[UUID | None] = mapped_column(Uuid)
    token_id: Mapped[UUID | None] = mapped_column(Uuid)
    seen_at: Mapped[datetime] = instant_column(default_now=True)
    expires_at: Mapped[datetime] = instant_column()
    created_at: Mapped[datetime] = instant_column(default_now=True)

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
    """An entry of the audit log for owners: what a staff member did. Nothing about supporters."""

    __tablename__ = "audit"

    org_id: Mapped[UUID] = id_column()
    id: Mapped[UUID] = id_column()
    at: Mapped[datetime] = instant_column(default_now=True)
    who: Mapped[str] = text_column()
    did: Mapped[str] = text_column()
    what: Mapped[str] = text_column("")

    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organizations.id"], ondelete="CASCADE"),
        Index("audit_org_id_at_idx", "org_id", "at"),
    )
