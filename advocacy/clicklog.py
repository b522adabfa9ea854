"""The click log: one line on disk before each redirect is answered, shipped in bulk afterwards.

Here lives the file format, appending, and finding what is ready to be shipped. Nothing here knows
the database.

What a stranger would get wrong: a line is written with one `write` to a file opened for appending,
so it survives `kill -9` of the process and a torn line can only be the last one, of a click that
was never answered. A segment belongs to the process that holds its lock; when the process is gone,
so is the lock, and whoever ships next adopts the segment.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from advocacy.ids import new_id

_SUFFIX = ".clicks"
_LINES_A_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Click:
    """A click as it is logged: no address, no browser, nothing of the person.

    `not_human_why` is empty for a person, else `head`, `prefetch` or `preview`.
    """

    click_id: str
    org_id: UUID
    link_id: UUID
    at: datetime
    not_human_why: str = ""
    referrer_host: str = ""

    def to_line(self) -> bytes:
        """Write the click as one line of tab-separated fields."""
        return (
            "\t".join(
                (
                    self.click_id,
                    str(self.org_id),
                    str(self.link_id),
                    self.at.isoformat(),
                    self.not_human_why,
                    self.referrer_host,
                )
            ).encode()
            + b"\n"
        )

    @classmethod
    def from_line(cls, line: bytes) -> Click:
        """Read what `to_line` wrote. Raises `ValueError` for anything else."""
        click_id, org_id, link_id, at, why, host = line.decode().rstrip("\n").split("\t")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or len(click_id) > 64:
            raise ValueError("not a click")
        return cls(click_id, UUID(org_id), UUID(link_id), moment.astimezone(UTC), why, host)


class ClickLog:
    """The segment that this process appends to. Safe to use from many threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._fd = -1
        self._path: Path | None = None
        self._lines = 0
        self.lost = 0

    def append(self, click: Click) -> bool:
        """Write the click before its redirect is answered; False (and counted) where it cannot.

        A full disk loses clicks visibly; it never fails a redirect.
        """
        line = click.to_line()
        with self._lock:
            try:
                if self._fd < 0:
                    self._open()
                if os.write(self._fd, line) != len(line):
                    raise OSError("short write")
            except OSError:
                self.lost += 1
                self._close()
                return False
            self._lines += 1
            return True

    def rotate(self) -> None:
        """Let go of the current segment, so that it may be shipped."""
        with self._lock:
            if self._lines:
                self._close()

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{new_id().hex}{_SUFFIX}"
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._path, self._lines = path, 0

    def _close(self) -> None:
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self._fd)
        self._fd, self._path, self._lines = -1, None, 0


@contextlib.contextmanager
def ready_segment(folder: Path) -> Iterator[tuple[Path, Iterator[list[Click]]] | None]:
    """Hold the oldest segment that nobody writes to, with its clicks in batches; None if none.

    The caller removes the file when all its clicks are kept. Until then it will be found again,
    and shipping a click twice is harmless.
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
            # A torn or foreign line is no click that anybody was redirected for.
            with contextlib.suppress(ValueError):
                if line.endswith(b"\n"):
                    batch.append(Click.from_line(line))
            if len(batch) >= _LINES_A_BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def waiting_bytes(folder: Path) -> int:
    """Return how much has been logged and not yet shipped."""
    total = 0
    for path in folder.glob(f"*{_SUFFIX}") if folder.is_dir() else []:
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total
