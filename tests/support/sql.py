"""Run SQL in tests."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from sqlalchemy import text

from advocacy.storage.db import db


def run(statement: str, **values: Any) -> list[Any]:
    """Run one statement in the current transaction and return its rows, if it has any."""
    result: Any = db.session.execute(text(statement), values)
    if not result.returns_rows:
        return []
    return list(map(namedtuple("Row", tuple(result.keys()), rename=True)._make, result.all()))
