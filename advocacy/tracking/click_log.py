"""The click log: one line on disk before each redirect is answered, loaded in bulk afterwards.

Has the file format, appending, and finding segments that are ready to load; knows no database.

Note: a line is written with one `write` to a file opened for appending, so it survives `kill -9`,
and only the last line can be truncated, of a click that was never answered. A segment belongs to
the process that holds its lock; when the process ends the lock is released, and the next loader
takes over the segment.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from advocacy.core.ids import new_id
from advocacy.core.records import Click

_SUFFIX = ".clicks"
_LINES_A_BATCH = 2_000


def write_line(click_id: str, link_columns: str, reason: str, referrer_host: str) -> bytes:
    """Return the line for a click at this instant, as `Click.to_line` does, but faster."""
    return f"{click_id}\t{link_columns}\t{_instant()}\t{reason}\t{referrer_host}\n".encode()


def link_columns(org_id: str, link_id: str) -> str:
    """Return the columns that identify a link, computed once for many clicks."""
    return f"{UUID(org_id)}\t{UUID(link_id)}"


def _instant() -> str:
    """Return this instant in ISO 8601; the date is formatted once a second only."""
    micros = time.time_ns() // 1000
    second = micros // 1_000_000
    return f"{_second(second)}.{micros % 1_000_000:06d}+00:00"


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class _Segment:
    """A file that is appended to; closed when the last thread that writes to it is done."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{new_id().hex}{_SUFFIX}"
        # Locked before it gets its final name, or another process might take it first.
        fresh = path.with_suffix(".new")
        self.fd = os.open(fresh, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fresh.rename(path)

    def __del__(self) -> None:
        # Closing the descriptor releases the lock, and a loader may take the file.
        with contextlib.suppress(OSError, AttributeError):
            os.close(self.fd)


class ClickLog:
    """The segment that this process appends to. Safe to use from many threads.

    No lock is held while a line is written, so that threads do not queue behind the disk. A writer
    keeps a reference to the segment, so that it is not closed meanwhile.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._changing = threading.Lock()
        self._segment: _Segment | None = None
        self.lost = 0

    def append(self, click: Click) -> bool:
        """Write the click before its redirect is answered; return False, and count it, on failure.

        A full disk loses clicks visibly; it never fails a redirect.
        """
        return self.append_line(click.to_line())

    def append_line(self, line: bytes) -> bool:
        """Write a click that is formatted already. See `append`."""
        segment = None
        try:
            segment = self._segment or self._open()
            if os.write(segment.fd, line) != len(line):
                raise OSError("short write")
        except OSError:
            with self._changing:
                self.lost += 1
                if self._segment is segment:
                    self._segment = None
            return False
        return True

    def rotate(self) -> None:
        """Close the current segment, so that it can be loaded."""
        with self._changing:
            if self._segment is not None and os.fstat(self._segment.fd).st_size:
                self._segment = None

    def _open(self) -> _Segment:
        with self._changing:
            if self._segment is None:
                self._segment = _Segment(self.folder)
            return self._segment


@contextlib.contextmanager
def ready_segment(folder: Path) -> Iterator[tuple[Path, Iterator[list[Click]]] | None]:
    """Hold the oldest segment that no process writes to; yield it with its clicks in batches.

    Yields None if there is none. The caller removes the file once its clicks are stored. Until then
    it is found again, and loading a click twice is harmless.
    """
    for path in sorted(folder.glob(f"*{_SUFFIX}")) if folder.is_dir() else []:
        try:
            fd = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            continue
        try:
            if path.exists():
                yield path, _batches(fd)
                return
        finally:
            os.close(fd)
    yield None


def _batches(fd: int) -> Iterator[list[Click]]:
    batch: list[Click] = []
    with os.fdopen(os.dup(fd), "rb") as lines:
        for line in lines:
            # An invalid line is not a click for which anyone was redirected.
            with contextlib.suppress(ValueError):
                if line.endswith(b"\n"):
                    batch.append(Click.from_line(line))
            if len(batch) >= _LINES_A_BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def waiting_bytes(folder: Path) -> int:
    """Return how many bytes are logged and not yet loaded."""
    total = 0
    for path in folder.glob(f"*{_SUFFIX}") if folder.is_dir() else []:
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total
