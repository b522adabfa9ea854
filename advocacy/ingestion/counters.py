"""Counters of all processes, added up in Redis: deliveries by outcome and source, lost clicks.

Note: a process counts in memory, and a thread adds that to Redis within a second. While Redis is
away it stays in memory. A process that is killed loses what it had not added yet.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from redis import Redis
from redis.exceptions import RedisError

from advocacy.ingestion.wakeup import connect

_BETWEEN_SECONDS = 0.5
_REST_SECONDS = 3.0
_STORED = frozenset({"new", "known", "conflict"})
_DELIVERIES, _CLICKS_LOST = "deliveries", "clicks_lost"


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted by all processes. Instants are seconds since 1970.

    A delivery whose source is not known is counted for the source "".
    """

    deliveries: dict[tuple[str, str], int]
    """By outcome and id of the source."""
    clicks_lost: int
    last_delivery: dict[str, float]
    """When a delivery was last accepted, by id of the source."""
    last_drain: dict[str, float]
    """When a drain last ended without an error, by id of the organization."""


class Counters:
    """Counts for one process. Never waits for Redis, but in `flush`, and never fails."""

    def __init__(self, redis_url: str, queue: str) -> None:
        self._redis_url, self._queue = redis_url, queue
        self._counting, self._flushing = threading.Lock(), threading.Lock()
        self._counts: Counter[str] = Counter()
        self._last: dict[str, float] = {}
        self._something = threading.Event()
        self._thread: threading.Thread | None = None

    def count_delivery(self, outcome: str, source: str = "") -> None:
        """Count a request at the webhook endpoint; `source` is its id, where it is known."""
        last = {source: time.time()} if source and outcome in _STORED else {}
        self._add(f"{_DELIVERIES}:{outcome}:{source}", 1, last)

    def count_lost_clicks(self, clicks: int) -> None:
        """Count clicks that could not be written to disk."""
        self._add(_CLICKS_LOST, clicks, {})

    def _add(self, name: str, number: int, last: dict[str, float]) -> None:
        with self._counting:
            self._counts[name] += number
            self._last.update(last)
            # Started late, so that each process has its own after a fork.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="counters", daemon=True)
                self._thread.start()
        self._something.set()

    def _run(self) -> None:
        while True:
            self._something.wait()
            time.sleep(_BETWEEN_SECONDS)
            self._something.clear()
            if not self.flush():
                time.sleep(_REST_SECONDS)
                self._something.set()

    def flush(self) -> bool:
        """Add what was counted to Redis; says whether Redis took it. If not, it is kept."""
        with self._flushing:
            with self._counting:
                counts, self._counts = self._counts, Counter()
                last, self._last = self._last, {}
            if not counts:
                return True
            try:
                with connect(self._redis_url) as connection, connection.pipeline() as pipeline:
                    for name, number in counts.items():
                        pipeline.hincrby(_key(self._queue), name, number)
                    if last:
                        pipeline.hset(_last_delivery_key(self._queue), mapping=cast("Any", last))
                    pipeline.execute()
            except (RedisError, OSError):
                with self._counting:
                    self._counts.update(counts)
                    self._last = {**last, **self._last}
                return False
        return True


def note_drain(connection: Redis, queue: str, org_id: UUID) -> None:
    """Note that a drain of this organization ended just now, unless Redis is away."""
    with suppress(RedisError, OSError):
        connection.hset(_last_drain_key(queue), str(org_id), str(time.time()))


def read_counters(connection: Redis, queue: str) -> Counted:
    """Return what all processes counted. Raises `RedisError` or `OSError`."""
    counts = _read(connection, _key(queue))
    deliveries = {
        (outcome, source): int(number)
        for name, number in counts.items()
        if name.startswith(f"{_DELIVERIES}:")
        for _, outcome, source in (name.split(":"),)
    }
    return Counted(
        deliveries,
        int(counts.get(_CLICKS_LOST, 0)),
        _read(connection, _last_delivery_key(queue)),
        _read(connection, _last_drain_key(queue)),
    )


def _read(connection: Redis, key: str) -> dict[str, float]:
    found = cast("dict[bytes, bytes]", connection.hgetall(key))
    return {name.decode(): float(number) for name, number in found.items()}


def _key(queue: str) -> str:
    return f"{queue}-counters"


def _last_delivery_key(queue: str) -> str:
    return f"{queue}-last-delivery"


def _last_drain_key(queue: str) -> str:
    return f"{queue}-last-drain"
