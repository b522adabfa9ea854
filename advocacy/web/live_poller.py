"""Watch campaigns for whoever looks at them: one thread of a process asks for all of them.

Who looks waits here; nobody asks the database for herself. What changed is known by a mark
(`store.marks`), and where nobody looks, nothing is asked.

Note: PostgreSQL's LISTEN would say the same without asking, and it does
not pass through a pooler of transactions (PgBouncer), where most of these databases are. So one
small statement a second is asked instead, and more seldom where it takes long: never more than a
twentieth of the time is spent on it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import structlog

from advocacy.storage.change_tokens import Watched

log = structlog.get_logger()

_PAUSE_PER_SECOND = 19.0
_LONGEST_PAUSE = 60.0
_PAUSE_AFTER_ERROR = 5.0


class Watcher:
    """The marks of the campaigns that somebody looks at, at most `most` lookers at a time."""

    def __init__(
        self,
        read: Callable[[Sequence[Watched]], Mapping[Watched, str]],
        most: int,
        seconds: float = 1.0,
    ) -> None:
        self._read, self._most, self._seconds = read, most, seconds
        self._changed = threading.Condition()
        self._alone = threading.Lock()
        self._watched: Counter[Watched] = Counter()
        self._marks: dict[Watched, tuple[float, str]] = {}
        self._thread: threading.Thread | None = None

    @property
    def lookers(self) -> int:
        """How many look now."""
        return self._watched.total()

    def join(self, campaign: Watched) -> bool:
        """Take a place; False where all are taken. Give it back with `leave`."""
        with self._changed:
            if self.lookers >= self._most:
                return False
            if not self._watched[campaign]:
                # What was known when somebody looked last may be long past.
                self._marks.pop(campaign, None)
            self._watched[campaign] += 1
            # Started late, so that each process has its own after a fork.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
                self._thread.start()
            return True

    def leave(self, campaign: Watched) -> None:
        """Give a place back."""
        with self._changed:
            self._watched[campaign] -= 1
            self._watched += Counter()  # drops what nobody looks at

    def mark(self, campaign: Watched) -> str:
        """Return the mark of a campaign, no older than what the watching thread would know."""
        with self._alone:
            known = self._marks.get(campaign)
            if known is not None and time.monotonic() - known[0] <= self._seconds:
                return known[1]
            found = self._read([campaign])
            self._note(found)
            return found[campaign]

    def wait(self, campaign: Watched, known: str, seconds: float) -> str:
        """Wait for another mark than the known one, so long at most; returns the newest."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest(campaign, known) != known, seconds)
            return self._newest(campaign, known)

    def _newest(self, campaign: Watched, known: str) -> str:
        found = self._marks.get(campaign)
        return found[1] if found else known

    def _note(self, found: Mapping[Watched, str]) -> None:
        now = time.monotonic()
        with self._changed:
            self._marks.update((campaign, (now, mark)) for campaign, mark in found.items())
            self._changed.notify_all()

    def _look(self) -> None:
        while True:
            with self._changed:
                campaigns = list(self._watched)
                if not campaigns:
                    self._thread = None
                    return
            began = time.monotonic()
            try:
                self._note(self._read(campaigns))
                pause = (time.monotonic() - began) * _PAUSE_PER_SECOND
            except Exception as error:
                log.warning("watch_failed", error=type(error).__name__)
                pause = _PAUSE_AFTER_ERROR
            time.sleep(min(max(pause, self._seconds), _LONGEST_PAUSE))
