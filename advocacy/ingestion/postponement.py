"""Postpone work during an outage: until when, since when, and which outage.

Stored in Redis, since PostgreSQL may be what fails. If Redis is away too, nothing is postponed and
the sweep decides when work is tried again.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict, cast
from uuid import UUID

import structlog
from redis import Redis
from redis.exceptions import RedisError

from advocacy.storage.outages import name_of

log = structlog.get_logger()

_FIRST_SECONDS = 1.0
_LONGEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Postponed:
    """Postponed work of an organization; `name` is a key of `outages.ADVICE`."""

    org_id: UUID
    name: str
    since: datetime
    tries: int


def paused_key(queue: str, org_id: UUID) -> str:
    """Return the Redis key that exists while work of this organization is postponed."""
    return f"{queue}-{org_id}-paused"


@contextmanager
def on_outage(connection: Redis, queue: str, org_id: UUID) -> Iterator[None]:
    """Postpone the organization's work if the body fails because of an outage."""
    try:
        yield
    except Exception as error:
        if not (name := name_of(error)):
            raise
        wait = postpone(connection, queue, org_id, name)
        log.error("work_postponed", reason=name, seconds=round(wait, 1), exc_info=error)
    else:
        resume(connection, queue, org_id)


def postpone(connection: Redis, queue: str, org_id: UUID, name: str) -> float:
    """Postpone work because of an outage; return for how many seconds.

    The delay doubles each time up to a minute, with jitter.
    """
    with suppress(RedisError, OSError):
        before = _read(connection.hget(_key(queue), str(org_id)))
        tries = int(before.get("tries", 0)) + 1
        wait: float = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** min(tries - 1, 10))
        wait *= random.uniform(0.5, 1.0)  # noqa: S311 -- jitter, not a secret
        noted = {"name": name, "since": before.get("since", time.time()), "tries": tries}
        connection.hset(_key(queue), str(org_id), json.dumps(noted))
        connection.set(paused_key(queue, org_id), name, px=int(wait * 1000))
        return wait
    return 0.0


def resume(connection: Redis, queue: str, org_id: UUID) -> None:
    """Record that work succeeds again."""
    with suppress(RedisError, OSError):
        connection.hdel(_key(queue), str(org_id))


def list_postponed(connection: Redis, queue: str) -> list[Postponed]:
    """Return postponed work, the longest waiting first. Raises `RedisError` or `OSError`."""
    found = []
    for org_id, text in cast("dict[bytes, bytes]", connection.hgetall(_key(queue))).items():
        noted = _read(text)
        with suppress(KeyError, ValueError):
            since = datetime.fromtimestamp(noted["since"], UTC)
            found.append(
                Postponed(UUID(org_id.decode()), str(noted["name"]), since, int(noted["tries"]))
            )
    return sorted(found, key=lambda each: each.since)


def _key(queue: str) -> str:
    return f"{queue}-postponed"


class _Note(TypedDict, total=False):
    """Why work was postponed, since when (unix seconds), and how often it was tried."""

    name: str
    since: float
    tries: int


def _read(text: object) -> _Note:
    """Return a stored note; an empty one if there is none, or it cannot be read."""
    if not isinstance(text, str | bytes):
        return {}
    with suppress(ValueError):
        note: _Note = json.loads(text)
        return note if isinstance(note, dict) else {}
    return {}
