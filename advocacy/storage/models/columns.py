"""Kinds of columns that the tables share."""

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
    """Return a column of the primary key that holds an id."""
    return mapped_column(Uuid, primary_key=True)


def instant_column(default_now: bool = False) -> Mapped[datetime]:
    """Return a column with an aware instant; with `default_now`, that of the insert."""
    return mapped_column(
        DateTime(timezone=True), server_default=func.now() if default_now else None
    )


def text_column(default: str | None = None) -> Mapped[str]:
    """Return a column with text; not null."""
    return mapped_column(Text, server_default=text(f"'{default}'") if default is not None else None)
