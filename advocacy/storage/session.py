"""Transactions and statements. Only `transaction()` commits."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, TypeVar
from uuid import UUID

from flask_sqlalchemy.session import Session
from psycopg import Error as PsycopgError
from sqlalchemy import CursorResult
from sqlalchemy import text as _written
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import scoped_session

from advocacy.storage import figures_versions, packing
from advocacy.storage.db import db

Result = TypeVar("Result")
RowT = TypeVar("RowT")
Value = TypeVar("Value")

# A statement is parsed for its parameters once, not each time it is run.
text = lru_cache(maxsize=2048)(_written)

# Serialization failure and deadlock: the whole transaction should be retried.
_TRY_AGAIN = frozenset({"40001", "40P01"})
_TRIES = 4


@contextmanager
def transaction() -> Iterator[scoped_session[Session]]:
    """Commit the block, or roll it back on an exception. The only place that commits."""
    try:
        yield db.session
        figures_versions.raise_noted(db.session)
        db.session.commit()
    except BaseException:
        figures_versions.forget_noted(db.session)
        db.session.rollback()
        raise


def with_retries(work: Callable[[bool], Result]) -> Result:
    """Run a transaction, and retry it after a serialization failure or a deadlock.

    `work` is passed whether this is a retry.
    """
    for tried in range(_TRIES):
        try:
            return work(tried > 0)
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None)
            if state not in _TRY_AGAIN or tried == _TRIES - 1:
                raise
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 -- jitter, not a secret
    raise AssertionError("unreachable")


def run(kind: type[RowT], statement: str, /, **values: object) -> list[RowT]:
    """Run one statement in the current transaction and return its rows.

    `kind` is a `NamedTuple` or a dataclass with the fields that the statement selects. Raises
    `TypeError` if it selects others.
    """
    result = _execute(statement, values)
    # SQLAlchemy's own rows look up each attribute by name, which is fifteen times as slow.
    columns = tuple(result.keys())
    make = _makers.get((kind, columns)) or _new_maker(kind, columns)
    return list(map(make, result.all()))


def stream(
    kind: type[RowT], statement: str, at_once: int, /, **values: object
) -> Iterator[list[RowT]]:
    """Run one statement and yield its rows, so many at a time, with a cursor of the database.

    `kind` is a `NamedTuple` whose first fields are what the statement selects, in this order.
    """
    result = db.session.execute(text(statement), values, execution_options={"stream_results": True})
    for rows in result.partitions(at_once):
        yield [kind(*row) for row in rows]


def column(kind: type[Value], statement: str, /, **values: object) -> list[Value]:
    """Run one statement and return the values of its only column, of this type."""
    return [value for (value,) in _execute(statement, values).all()]


def scalar(kind: type[Value], statement: str, /, **values: object) -> Value:
    """Run one statement and return its only value, of this type."""
    value: Value = _execute(statement, values).scalar_one()
    return value


def exists(statement: str, /, **values: object) -> bool:
    """Run one statement and return whether it found a row."""
    return _execute(statement, values).first() is not None


def execute(statement: str, /, **values: object) -> int:
    """Run one statement and return how many rows it changed."""
    result = _execute(statement, values)
    changed = result.rowcount
    result.close()
    return changed


def copy(table: str, columns: Mapping[str, Sequence[bytes]], /, org_id: UUID) -> None:
    """Insert rows of an organization that are not there, in the formats of `packing`.

    `columns` has the fields of all rows by column. Raises what a statement raises.
    """
    statement = f"copy {table} (org_id, {', '.join(columns)}) from stdin (format binary)"
    connection = db.session.connection()
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(statement) as into:
            into.write(packing.rows(org_id, columns))
    except PsycopgError as error:
        lost = connection.connection.dbapi_connection is None or connection.closed
        lost = lost or cursor.connection.closed
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement, None, error, PsycopgError, connection_invalidated=lost
        ) from error
    finally:
        cursor.close()


def _execute(statement: str, values: Mapping[str, object]) -> CursorResult[Any]:
    result = db.session.execute(text(statement), values)
    assert isinstance(result, CursorResult)  # noqa: S101 -- what a text statement gives
    return result


_makers: dict[tuple[type, tuple[str, ...]], Callable[[Sequence[Any]], Any]] = {}


def _new_maker(kind: type[RowT], columns: tuple[str, ...]) -> Callable[[Sequence[Any]], RowT]:
    """Return a function that makes a row of this type from its values."""
    if is_dataclass(kind):
        if {each.name for each in fields(kind)} != set(columns):
            raise TypeError(f"{kind.__name__} has other fields than {', '.join(columns)}")
        names = [each.name for each in fields(kind) if not each.kw_only]
        if len(names) == len(columns) > 1:
            # In the order of the fields: names cost as much again as the object.
            in_order = itemgetter(*map(columns.index, names))
            _makers[kind, columns] = lambda row: kind(*in_order(row))
        else:
            _makers[kind, columns] = lambda row: kind(**dict(zip(columns, row, strict=True)))
    elif getattr(kind, "_fields", None) != columns:
        raise TypeError(f"{kind.__name__} has other fields than {', '.join(columns)}")
    else:
        # Like `_make`, without the check of the number of values.
        _makers[kind, columns] = partial(tuple.__new__, kind)  # type: ignore[type-var]
    return _makers[kind, columns]
