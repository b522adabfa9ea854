"""Processor time and write-ahead log that a piece of work used, in Python and in PostgreSQL.

Note: on a machine that others use, the duration of a run says little and its processor time says
more. Both sides of a comparison are measured alike.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

_TICK = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat behind the name of the program, see proc(5).
_PARENT, _OWN, _OF_CHILDREN = 1, slice(11, 13), slice(13, 15)


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of processor time of this process and of PostgreSQL, and bytes of its log.

    `database_seconds` is None where PostgreSQL runs on another machine, or as another user.
    """

    python_seconds: float
    database_seconds: float | None
    wal_bytes: int

    @property
    def seconds(self) -> float:
        """The processor time of both, as far as it is known."""
        return self.python_seconds + (self.database_seconds or 0.0)

    def __sub__(self, earlier: Usage) -> Usage:
        database = (
            None
            if self.database_seconds is None or earlier.database_seconds is None
            else self.database_seconds - earlier.database_seconds
        )
        return Usage(
            self.python_seconds - earlier.python_seconds,
            database,
            self.wal_bytes - earlier.wal_bytes,
        )

    def of_each(self, number: int) -> dict[str, Any]:
        """Return microseconds and bytes of each of so many pieces of work."""
        database = self.database_seconds
        return {
            "python_us": self.python_seconds * 1e6 / number,
            "database_us": None if database is None else database * 1e6 / number,
            "wal_bytes": self.wal_bytes / number,
        }


def measured(url: str, work: Callable[[], object]) -> Usage:
    """Return what a piece of work in this process used."""
    address = url.replace("postgresql+psycopg:", "postgresql:", 1)
    with psycopg.connect(address, autocommit=True) as connection:
        before = _now(connection)
        work()
        return _now(connection) - before


def _now(connection: psycopg.Connection) -> Usage:
    row = connection.execute(
        "select pg_backend_pid(), pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::int8"
    ).fetchone()
    assert row is not None  # noqa: S101
    backend, log = row
    own = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(own.ru_utime + own.ru_stime, _of_servers(backend), int(log))


def _of_servers(backend: int) -> float | None:
    """Return the processor time of the postmaster of a backend, and of all its processes.

    That includes the checkpointer and the writer of the log, and processes that have ended.
    """
    try:
        postmaster = int(_stat(backend)[_PARENT])
        ticks = sum(int(word) for word in _stat(postmaster)[_OWN.start : _OF_CHILDREN.stop])
        for children in Path(f"/proc/{postmaster}/task").glob("*/children"):
            for child in children.read_text().split():
                ticks += sum(int(word) for word in _stat(int(child))[_OWN])
    except (OSError, IndexError, ValueError):
        return None
    return ticks / _TICK


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
