"""SQL lives in these rooms and nowhere else, and nothing here commits but `transaction()`.

Every statement that writes or locks names one `org_id`, so that the same statements run on a
database distributed by organization.
"""

from __future__ import annotations

import math
import random
import time
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, TypeVar

from flask_sqlalchemy.session import Session
from psycopg import Error as PsycopgError
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import Connection, CursorResult, Engine, event
from sqlalchemy import text as _written
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.orm import scoped_session
from sqlalchemy.pool import ConnectionPoolEntry

from advocacy.storage.db import db

Result = TypeVar("Result")

# A statement is looked through for its parameters once, not each time that it is run.
text = lru_cache(maxsize=2048)(_written)

# Serialization failure and deadlock: the database asks for another try of the whole transaction.
_TRY_AGAIN = frozenset({"40001", "40P01"})
_TRIES = 4
# A connection that was used so lately is taken to live.
_FRESH_SECONDS = 1.0
# Until when somebody waits for an answer, by the monotonic clock.
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
# Where less time is left by so much, the database is told again.
_TELL_AGAIN_SECONDS = 0.5


def prepare(connection: Any, _record: object = None) -> None:
    """Let a new connection send arrays in binary: batches are arrays, and text needs escapes."""
    connection.adapters.register_dumper(list, ListBinaryDumper)


def watch(engine: Engine) -> None:
    """Prepare each new connection, and make sure that one lives which was not used for a while.

    To ask each time would cost a busy door a round trip for every group of deliveries.
    """

    @event.listens_for(engine, "checkin")
    def returned(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def taken(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        idle = time.monotonic() - record.info.get("used", math.inf)
        if idle > _FRESH_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except PsycopgError as error:
                # The pool makes a new one, and asks of all others whether they live.
                raise InvalidatePoolError from error

    @event.listens_for(engine, "begin")
    def began(connection: Connection) -> None:
        connection.info["left"] = math.inf

    @event.listens_for(engine, "before_cursor_execute")
    def about_to_run(connection: Connection, cursor: Any, *_more: object) -> None:
        if (until := _deadline.get()) is None:
            return
        left = until - time.monotonic()
        if left <= 0:
            raise TookTooLong
        if connection.info.get("left", math.inf) - left > _TELL_AGAIN_SECONDS:
            # For this transaction alone: the next one may be somebody's who does not wait.
            cursor.execute(f"set local statement_timeout = {math.ceil(left * 1000)}")
            connection.info["left"] = left

    event.listen(engine, "connect", prepare)


class TookTooLong(Exception):
    """Statements took longer than somebody waits for an answer; see `hurry`."""


def hurry(seconds: float | None) -> None:
    """Let what runs from now on in this thread end after so long; None lets it run on.

    A statement that is running then is cancelled by the database (57014); none is begun any more.
    Raises nothing by itself; statements raise `TookTooLong` or what a cancelled one raises.
    """
    _deadline.set(None if seconds is None else time.monotonic() + seconds)


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


@contextmanager
def without_loops() -> Iterator[None]:
    """Join by hashing in the statements inside, whatever the planner expects.

    For what joins groups that it made itself: of tables that nobody analyzed yet the planner
    expects few groups and goes through all of them for each row. A few thousand people took more
    than five seconds so, where hashing takes as many milliseconds.
    """
    run("set local enable_nestloop = off")
    yield
    # What failed has no transaction left in which to say so, and its end takes the setting along.
    run("set local enable_nestloop = on")


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
