"""Renew the leases of a worker while it lives, from a thread of its own.

Note: a batch may take longer than a lease: a slow moment must not look like a killed worker. A
process that is stopped or killed renews nothing. A worker that hangs is ended by its job's limit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import UUID

import structlog

from advocacy.storage import leases
from advocacy.storage.session import transaction

log = structlog.get_logger()

_TIMES_A_LEASE = 3


class HeldLeases:
    """The leases that a worker holds now; two threads use it."""

    def __init__(self) -> None:
        """Hold none."""
        self._lock = threading.Lock()
        self._held: set[UUID] = set()

    def add(self, claim: UUID) -> None:
        """Renew this lease from now on."""
        with self._lock:
            self._held.add(claim)

    def discard(self, claim: UUID) -> None:
        """Renew this lease no more."""
        with self._lock:
            self._held.discard(claim)

    def all(self) -> list[UUID]:
        """Return the leases that are held."""
        with self._lock:
            return sorted(self._held)


@contextmanager
def renewing(
    org_id: UUID,
    seconds: int,
    within: Callable[[], AbstractContextManager[object]],
    beat: Callable[[], None],
) -> Iterator[HeldLeases]:
    """Renew what is added to the yielded leases, as often as is safe for leases of `seconds`.

    The thread runs `within` the application context; it connects only where work takes long. `beat`
    is called each time as well.
    """
    held, over = HeldLeases(), threading.Event()

    def renew() -> None:
        while not over.wait(seconds / _TIMES_A_LEASE):
            try:
                beat()
                if claims := held.all():
                    with within(), transaction():
                        leases.renew_leases(org_id, claims, seconds)
            except Exception as error:
                # It is tried again; where that fails, too, another worker takes over.
                log.warning("lease_not_renewed", error=type(error).__name__)

    thread = threading.Thread(target=renew, name="renewal", daemon=True)
    thread.start()
    try:
        yield held
    finally:
        over.set()
        thread.join()
