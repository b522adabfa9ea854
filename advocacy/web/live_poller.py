"""One thread of a process polls the database for changes of all campaigns whose live page is open.

Open pages wait on it and send no queries of their own. A change shows in the change token
(`storage.change_tokens`). The thread ends when no page is open.

Note: PostgreSQL's LISTEN would need no polling, but does not work through a connection pooler in
transaction mode (PgBouncer), which many hosted databases have. At most a twentieth of the time is
spent on queries: where they are slow, they are sent less often.
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


class LivePoller:
    """The change tokens of the campaigns with an open page, for at most `most_pages` pages."""

    def __init__(
        self,
        read: Callable[[Sequence[Watched]], Mapping[Watched, str]],
        most_pages: int,
        seconds: float = 1.0,
    ) -> None:
        self._read, self._most_pages, self._seconds = read, most_pages, seconds
        self._changed = threading.Condition()
        self._read_lock = threading.Lock()
        self._open_pages: Counter[Watched] = Counter()
        self._tokens: dict[Watched, tuple[float, str]] = {}
        self._thread: threading.Thread | None = None

    @property
    def open_pages(self) -> int:
        """How many pages are open now."""
        return self._open_pages.total()

    def join(self, campaign: Watched) -> bool:
        """Add an open page; return False if there are too many. End it with `leave`."""
        with self._changed:
            if self.open_pages >= self._most_pages:
                return False
            if not self._open_pages[campaign]:
                # The token from the last time a page was open may be old.
                self._tokens.pop(campaign, None)
            self._open_pages[campaign] += 1
            # Started here, so that each process has its own thread after a fork.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._poll, name="live poller", daemon=True)
                self._thread.start()
            return True

    def leave(self, campaign: Watched) -> None:
        """Remove an open page."""
        with self._changed:
            self._open_pages[campaign] -= 1
            self._open_pages += Counter()  # removes campaigns without an open page

    def token(self, campaign: Watched) -> str:
        """Return the change token of a campaign, at most one polling interval old."""
        with self._read_lock:
            cached = self._tokens.get(campaign)
            if cached is not None and time.monotonic() - cached[0] <= self._seconds:
                return cached[1]
            found = self._read([campaign])
            self._store(found)
            return found[campaign]

    def wait(self, campaign: Watched, known: str, seconds: float) -> str:
        """Wait until the token differs from `known`, at most so many seconds; return the newest."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest(campaign, known) != known, seconds)
            return self._newest(campaign, known)

    def _newest(self, campaign: Watched, known: str) -> str:
        found = self._tokens.get(campaign)
        return found[1] if found else known

    def _store(self, found: Mapping[Watched, str]) -> None:
        now = time.monotonic()
        with self._changed:
            self._tokens.update((campaign, (now, token)) for campaign, token in found.items())
            self._changed.notify_all()

    def _poll(self) -> None:
        while True:
            with self._changed:
                campaigns = list(self._open_pages)
                if not campaigns:
                    self._thread = None
                    return
            began = time.monotonic()
            try:
                self._store(self._read(campaigns))
                pause = (time.monotonic() - began) * _PAUSE_PER_SECOND
            except Exception as error:
                log.warning("watch_failed", error=type(error).__name__)
                pause = _PAUSE_AFTER_ERROR
            time.sleep(min(max(pause, self._seconds), _LONGEST_PAUSE))
