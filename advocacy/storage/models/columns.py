"""Column types that the tables share."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column


def id_column() -> Mapped[UUID]:
    """Return a primary key column for an id."""
    return mapped_column(Uuid, primary_key=True)


def instant_column(default_now: bool = False) -> Mapped[datetime]:
    """Return a column for an aware instant; with `default_now`, by default that of the insert."""
    return mapped_column(
        DateTime(timezone=True), server_default=func.now() if default_now else None
    )


def text_column(default: str | None = None) -> Mapped[str]:
    """Return a text column, not null."""
    return mapped_column(Text, server_default=text(f"'{default}'") if default is not None else None)
