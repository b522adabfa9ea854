"""SQL lives in these rooms and nowhere else, and nothing here commits but `transaction()`.

Every statement that writes or locks names one `org_id`, so that the same statements run on a
database distributed by organization.
"""

from __future__ import annotations

import random
import time
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar

from flask_sqlalchemy.session import Session
from sqlalchemy import CursorResult
from sqlalchemy import text as _written
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import scoped_session

from advocacy.storage.db import db

Result = TypeVar("Result")

# A statement is looked through for its parameters once, not each time that it is run.
text = lru_cache(maxsize=2048)(_written)

# Serialization failure and deadlock: the database asks for another try of the whole transaction.
_TRY_AGAIN = frozenset({"40001", "40P01"})
_TRIES = 4


class Contended(Exception):
    """Another worker made the same row first: the transaction has to be tried again."""


@contextmanager
def transaction() -> Iterator[scoped_session[Session]]:
    """Commit what was done inside, or nothing of it. The one place that commits."""
    try:
        yield db.session
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


def with_retries(work: Callable[[bool], Result]) -> Result:
    """Run work that is one transaction, again where the database or another worker asks for it.

    Work is told whether this is another try; then it does well to keep others out.
    """
    for tried in range(_TRIES):
        try:
            return work(tried > 0)
        except (DBAPIError, Contended) as error:
            state = getattr(getattr(error, "orig", None), "sqlstate", None)
            asked = isinstance(error, Contended) or state in _TRY_AGAIN
            if not asked or tried == _TRIES - 1:
                raise
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 -- jitter, not a secret
    raise AssertionError("unreachable")


def run(statement: str, **values: Any) -> list[Any]:
    """Run one statement in the current transaction and return its rows, as named tuples."""
    result = _execute(statement, values)
    if not result.returns_rows:
        return []
    # SQLAlchemy looks a name up anew each time that a row is asked for it: fifteen times as slow.
    return list(map(_row_of(tuple(result.keys()))._make, result.all()))


def run_count(statement: str, **values: Any) -> int:
    """Run one statement and return how many rows it touched."""
    return _execute(statement, values).rowcount


def _execute(statement: str, values: Mapping[str, Any]) -> CursorResult[Any]:
    result = db.session.execute(text(statement), values)
    assert isinstance(result, CursorResult)  # noqa: S101 -- what a text statement gives
    return result


@lru_cache(maxsize=2048)
def _row_of(columns: tuple[str, ...]) -> Any:
    # A column without a name, as of `select 1`, is read by its place alone.
    return namedtuple("Row", columns, rename=True)
