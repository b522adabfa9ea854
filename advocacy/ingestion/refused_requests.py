"""Write down refused requests for the log of their source, outside of the request.

Note: a process notes them in memory, and a thread stores them within seconds. Nobody who sends
rubbish makes much work: of one address and of unknown ones only a few a turn are noted, and the
others are only counted, in the metrics. A process that is killed loses what it had not stored yet.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from uuid import UUID

import structlog

from advocacy.storage import delivery_log
from advocacy.storage.lookup_keys import find_owners, token_digest
from advocacy.storage.session import transaction

log = structlog.get_logger()

UNKNOWN = "unknown_source"
DISABLED = "disabled"
"""The reason that is stored for `UNKNOWN` where the address is that of a source after all."""

_BETWEEN_SECONDS = 1.0
_MOST_OF_A_KEY = 5
_MOST_KNOWN, _MOST_UNKNOWN = 200, 50


class RefusedRequests:
    """Notes refused requests of one process. Never waits for the database, and never fails."""

    def __init__(self, context: Callable[[], AbstractContextManager[object]]) -> None:
        self._context = context
        self._noting = threading.Lock()
        self._noted: list[tuple[str, str, datetime]] = []
        self._of_a_key: Counter[str] = Counter()
        self._unknown = 0
        self._something = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, key: str, reason: str) -> None:
        """Note that a request to the address with this key was refused just now."""
        unknown = reason == UNKNOWN
        with self._noting:
            known = len(self._noted) - self._unknown
            full = self._unknown >= _MOST_UNKNOWN if unknown else known >= _MOST_KNOWN
            if full or self._of_a_key[key] >= _MOST_OF_A_KEY:
                return
            self._of_a_key[key] += 1
            self._unknown += unknown
            self._noted.append((key, reason, datetime.now(UTC)))
            # Started late, so that each process has its own after a fork.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="refused", daemon=True)
                self._thread.start()
        self._something.set()

    def _run(self) -> None:
        while True:
            self._something.wait()
            time.sleep(_BETWEEN_SECONDS)
            self._something.clear()
            self.flush()

    def flush(self) -> None:
        """Store what was noted. What cannot be stored is dropped: it is a help, not a record."""
        with self._noting:
            noted, self._noted = self._noted, []
            self._of_a_key.clear()
            self._unknown = 0
        try:
            with self._context(), transaction():
                _store(noted)
        except Exception as error:
            log.warning("refused_requests_not_stored", error=type(error).__name__)


def _store(noted: list[tuple[str, str, datetime]]) -> None:
    digests = {key: token_digest(key) for key, _, _ in noted}
    owners = {each.word: each for each in find_owners({"source"}, set(digests.values()))}
    by_org: dict[UUID, list[tuple[UUID, str, datetime]]] = {}
    for key, reason, at in noted:
        owner = owners.get(digests[key])
        if owner is not None:
            why = DISABLED if reason == UNKNOWN else reason
            by_org.setdefault(owner.org_id, []).append((owner.target_id, why, at))
    for org_id in sorted(by_org):
        delivery_log.put_refused(org_id, by_org[org_id])
