"""Pool connections: prepare new ones, check them after a pause, and enforce deadlines."""

from __future__ import annotations

import math
import time
from contextvars import ContextVar

from psycopg import Connection as PsycopgConnection
from psycopg import Cursor
from psycopg import Error as PsycopgError
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from advocacy.storage import packing

# A connection that was used within this time is assumed to be alive.
_FRESH_SECONDS = 1.0
# The deadline of the current request on the monotonic clock.
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
# The statement timeout is updated when the remaining time is shorter by this much.
_SET_AGAIN_SECONDS = 0.5


def register_dumpers(connection: PsycopgConnection, _record: object = None) -> None:
    """Send arrays in binary format: batches are arrays, and text format needs escaping."""
    connection.adapters.register_dumper(list, ListBinaryDumper)
    packing.register_dumpers(connection.adapters)


def register_events(engine: Engine) -> None:
    """Prepare each new connection, and check one that was not used for a while.

    Checking each time would cost a busy endpoint one round trip for every group of deliveries.
    """

    @event.listens_for(engine, "checkin")
    def returned(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def taken(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
        idle = time.monotonic() - record.info.get("used", math.inf)
        if idle > _FRESH_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except PsycopgError as error:
                # The pool creates a new one, and checks all others.
                raise InvalidatePoolError from error

    @event.listens_for(engine, "begin")
    def began(connection: Connection) -> None:
        connection.info["left"] = math.inf

    @event.listens_for(engine, "before_cursor_execute")
    def about_to_run(connection: Connection, cursor: Cursor, *_more: object) -> None:
        if (until := _deadline.get()) is None:
            return
        left = until - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded
        if connection.info.get("left", math.inf) - left > _SET_AGAIN_SECONDS:
            # For this transaction only: the next one may have no deadline.
            cursor.execute(f"set local statement_timeout = {math.ceil(left * 1000)}")
            connection.info["left"] = left

    event.listen(engine, "connect", register_dumpers)


class DeadlineExceeded(Exception):
    """The deadline of `set_deadline` has passed."""


def set_deadline(seconds: float | None) -> None:
    """Set a deadline for all statements of this thread from now on; None removes it.

    When it passes, the database cancels the running statement (57014), and later statements raise
    `DeadlineExceeded`.
    """
    _deadline.set(None if seconds is None else time.monotonic() + seconds)
