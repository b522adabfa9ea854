r"""Notify workers through Redis that an organization may have pending deliveries.

Note: the request never waits for Redis. A background thread notifies it, with short timeouts and a
pause after a failure. A notification may be lost: the sweep finds the deliveries. At most one drain
of an organization waits behind the running one, which is enough: it sees everything that was
committed before it starts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol
from uuid import UUID

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from advocacy.core.ids import new_id
from advocacy.ingestion.postponement import paused_key

_REST_SECONDS = 3.0
# Under steady traffic one notification covers everything that arrives within this time.
_BETWEEN_SECONDS = 0.05
_JOB_SECONDS = 300
_REBUILD_SECONDS = 24 * 3600
# A drain may wait in the queue for so long; after that another one is enqueued.
_SLOT_SECONDS = 60

log = structlog.get_logger()


def counts_queue(queue_name: str) -> str:
    """Return the queue of figures to count, apart from the drain's: they would wait behind it."""
    return f"{queue_name}-counts"


def count_workers(connection: Redis, queue_name: str) -> int:
    """Return how many workers listen on a queue. One that was killed is counted for a minute."""
    from rq import Queue, Worker
    from rq.serializers import JSONSerializer

    queue = Queue(queue_name, connection=connection, serializer=JSONSerializer)
    return len(Worker.all(queue=queue, serializer=JSONSerializer))


class Notifier(Protocol):
    """Announces that an organization may have pending deliveries."""

    def announce(self, org_id: UUID) -> None:
        """Announce that an organization may have work."""
        ...


class NullNotifier:
    """Announces nothing, for callers that process the deliveries themselves."""

    def announce(self, org_id: UUID) -> None:
        """Do nothing."""


def connect(redis_url: str, timeout: float = 0.25) -> Redis:
    """Return a client that fails fast and does not retry."""
    return Redis.from_url(
        redis_url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
    )


def enqueue_drain(connection: Redis, queue_name: str, org_id: UUID) -> None:
    """Enqueue a drain of one organization, unless one already waits behind the running one.

    Note: RQ's job ids cannot tell, because a job whose worker was killed keeps its id for minutes.
    The slot of a running drain expires by itself.
    """
    slots = slots_of(queue_name, org_id)
    *taken, paused = connection.mget(*slots, paused_key(queue_name, org_id))
    # Under steady traffic both slots are usually taken; reading is cheaper than two failed writes.
    if paused or all(taken):
        return
    name = f"{queue_name}-{org_id}"
    enqueue_once(connection, queue_name, name, "workers.jobs.drain", [str(org_id)], _JOB_SECONDS)


def enqueue_rebuild(connection: Redis, queue_name: str, org_id: UUID) -> None:
    """Enqueue the rebuild that an organization needs after an upgrade, once."""
    if connection.exists(paused_key(queue_name, org_id)):
        return
    name = f"{queue_name}-{org_id}-rebuild"
    enqueue_once(
        connection, queue_name, name, "workers.jobs.rebuild", [str(org_id)], _REBUILD_SECONDS
    )


def enqueue_once(
    connection: Redis,
    queue_name: str,
    name: str,
    function: str,
    arguments: Sequence[str],
    job_seconds: int,
    wait_seconds: int = _SLOT_SECONDS,
) -> None:
    """Enqueue a job, unless one of this name already waits behind the running one.

    The job gets its slot as last argument; it has to `hold_slot` while it runs.
    """
    # Imported here, so that processes that never enqueue do not load RQ.
    from rq import Queue
    from rq.serializers import JSONSerializer

    for slot in _slots(name):
        if connection.set(slot, "waits", nx=True, ex=wait_seconds):
            Queue(queue_name, connection=connection, serializer=JSONSerializer).enqueue(
                function,
                *arguments,
                slot,
                job_id=f"{name}-{new_id().hex}",
                job_timeout=job_seconds,
                # A job that outlived its slot would be a third one.
                ttl=wait_seconds,
                result_ttl=0,
                failure_ttl=1,
            )
            return


def slots_of(queue_name: str, org_id: UUID) -> list[str]:
    """Return the Redis keys for the waiting and the running drain of an organization."""
    return _slots(f"{queue_name}-{org_id}")


def _slots(name: str) -> list[str]:
    return [f"{name}-slot-{place}" for place in ("a", "b")]


@contextmanager
def hold_slot(connection: Redis, slot: str, lease_seconds: int) -> Iterator[Callable[[], None]]:
    """Hold a slot while its job runs; if its worker is killed, until the lease expires.

    A job that takes longer than a lease calls what this yields, in time.
    """

    def beat() -> None:
        with suppress(RedisError, OSError):
            connection.set(slot, "runs", ex=lease_seconds)

    beat()
    try:
        yield beat
    finally:
        with suppress(RedisError, OSError):
            connection.delete(slot)


class RedisNotifier:
    """Notifies Redis from a background thread, once for an organization however often announced."""

    def __init__(self, redis_url: str, queue: str = "drain") -> None:
        self._redis_url, self._queue = redis_url, queue
        self._waiting: set[UUID] = set()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None

    def announce(self, org_id: UUID) -> None:
        """Note that an organization may have pending deliveries. Never waits, never fails."""
        with self._wake:
            self._waiting.add(org_id)
            # Started on first use, so that each process has its own thread after a fork.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._tell, name="nudge", daemon=True)
                self._thread.start()
            self._wake.notify()

    def _tell(self) -> None:
        connection = connect(self._redis_url)
        while True:
            with self._wake:
                while not self._waiting:
                    self._wake.wait()
                waiting, self._waiting = self._waiting, set()
            try:
                for org_id in waiting:
                    enqueue_drain(connection, self._queue, org_id)
                time.sleep(_BETWEEN_SECONDS)
            except (RedisError, OSError) as error:
                log.warning("nudge_failed", error=type(error).__name__)
                time.sleep(_REST_SECONDS)
