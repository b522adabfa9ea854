"""Figures that take long to count: counted in the background, kept, and shown at once.

    asked ─▶ few actions? ─▶ counted now
               │ many
               ▼
             kept? ─▶ shown, with the time it was counted; old ─▶ counted anew behind it
               │ not yet
               ▼
             `BeingCounted` ─▶ the page says so and asks again      worker: `Counting.count`

A question is a name of `COUNTS`, a scope (a campaign, or None for all of the organization) and
what is asked about it. Its answer is the same for every reader.

What is kept is in Redis and may be lost: then it is counted anew. Where Redis is away figures are
counted while one waits, for as long as a page may take (see `store.hurry`).

Note: that something is older than `FRESH_SECONDS` does not mean that it
is counted anew. The worker first looks at the mark of the data (`store.marks`), which is cheap, and
counts only where it is another one. And a question is counted once at a time, whoever asks how
often: its lock belongs to the transaction that counts, so it ends with its process.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from redis import Redis
from redis.exceptions import RedisError

from advocacy.analytics import breakdown, conversion_paths, engagement_ladder
from advocacy.analytics.figures_json import decode, encode
from advocacy.core.dates import day_in
from advocacy.ingestion.wakeup import connect, counts_queue, enqueue_once
from advocacy.storage import (
    change_tokens,
    email_outbox,
    errors,
    goals,
    locks,
    organizations,
    server,
    totals,
)
from advocacy.storage.models import Campaign, Organization
from advocacy.storage.session import transaction

LIVE_BELOW = 200_000
"""Of fewer actions than this figures are counted while one waits."""

_TIMES_AS_MANY: Mapping[str, int] = {"influence": 4, "groups": 4}
"""What costs so much more for each action, and so is counted while one waits of fewer."""

FRESH_SECONDS = 300
"""What was looked at so lately is shown without another look."""

_TIMES_AS_LONG = 20
"""What took long is looked at more seldom, so that no more than a part of the time goes into it."""

_KEPT_SECONDS = 3600
_KEPT_LONG_SECONDS = 3 * 86400
_KEPT_LONG = frozenset({"ladder", "donors", "districts"})
_WAY = 3
"""One more whenever a figure is counted another way: what was kept the old way is left behind."""

_FAILED_SECONDS = 60
_JOB_SECONDS = 1800
_WAIT_SECONDS = 300
_MOST_WAITING = 100

log = structlog.get_logger()


class BeingCounted(Exception):
    """The figures are not there yet; asked again in some seconds, they may be."""


class NotCounted(Exception):
    """Counting failed, or took too long; it is not tried again for a minute."""


class Counted(NamedTuple):
    """Figures, and when they were counted; None for just now."""

    figures: Any
    at: datetime | None = None


# What there is to count ---------------------------------------------------------------------------


def _scope(org_id: UUID, campaign_id: UUID | None) -> Campaign | Organization:
    found = (
        email_outbox.find_campaign_by_id(org_id, campaign_id)
        if campaign_id
        else organizations.find_organization(org_id)
    )
    if found is None:
        raise errors.NotFound("what was asked about is there no more")
    return found


def _campaign(org_id: UUID, campaign_id: UUID | None) -> Campaign | None:
    return _scope(org_id, campaign_id) if campaign_id else None


def _ladder(org_id: UUID, campaign_id: UUID | None, **of: Any) -> Any:
    return engagement_ladder.count(org_id, _campaign(org_id, campaign_id), **of)


def _influence(org_id: UUID, campaign_id: UUID | None, **of: Any) -> Any:
    campaign = _scope(org_id, campaign_id)
    assert isinstance(campaign, Campaign)  # noqa: S101 -- nobody asks for that of an organization
    return conversion_paths.influences(campaign, **of)


def _groups(org_id: UUID, campaign_id: UUID | None, **of: Any) -> Any:
    question = breakdown.Question(**of)
    return breakdown.grouped(_scope(org_id, campaign_id), question)


COUNTS: Mapping[str, Callable[..., Any]] = {
    "ladder": _ladder,
    "influence": _influence,
    "groups": _groups,
    "donors": goals.read_donors,
    "districts": goals.read_districts,
}
"""What is counted, by name: of an organization, a campaign or None, and what is asked about it."""


# Asked, counted and kept --------------------------------------------------------------------------


class Counting:
    """Asks for figures, and counts those that were asked for."""

    def __init__(self, redis_url: str, queue: str) -> None:
        self._redis_url, self._queue = redis_url, queue
        self.live_below = LIVE_BELOW
        self.fresh_seconds: float = FRESH_SECONDS

    def ask(
        self,
        org_id: UUID,
        campaign_id: UUID | None,
        about: str,
        days: tuple[date, date] | None = None,
        **of: Any,
    ) -> Counted:
        """Return the figures of a question; `days` are those whose actions it reads, if not all.

        Raises `BeingCounted`, `NotCounted`, and what counting raises where it is done at once.
        """
        live = partial(COUNTS[about], org_id, campaign_id, **of)
        actions = totals.count_actions(org_id, campaign_id, days)
        if actions * _TIMES_AS_MANY.get(about, 1) < self.live_below:
            return Counted(live())
        written = encode([about, campaign_id, of])
        try:
            return self._ask_redis(connect(self._redis_url), org_id, written)
        except (RedisError, OSError) as error:
            log.warning("nothing_kept", error=type(error).__name__)
        return Counted(live())

    def _ask_redis(self, redis: Redis, org_id: UUID, written: str) -> Counted:
        key = self._key(org_id, written)
        kept = _unpacked(redis.get(key))
        if kept is None and redis.exists(f"{key}:failed"):
            raise NotCounted
        if kept is None or time.time() - kept["looked"] > max(
            self.fresh_seconds, kept["took"] * _TIMES_AS_LONG
        ):
            self._enqueue(redis, org_id, written)
        if kept is None:
            raise BeingCounted
        return Counted(kept["figures"], kept["at"])

    def _enqueue(self, redis: Redis, org_id: UUID, written: str) -> None:
        """Ask for a count, unless one waits already. One may wait behind a running one.

        If its worker is killed, the next who asks after the lease enqueues it again.
        """
        queue = counts_queue(self._queue)
        if redis.llen(f"rq:queue:{queue}") >= _MOST_WAITING:
            return
        name, arguments = self._key(org_id, written).replace(":", "-"), [str(org_id), written]
        enqueue_once(
            redis, queue, name, "workers.jobs.count", arguments, _JOB_SECONDS, _WAIT_SECONDS
        )

    def count(self, org_id: UUID, written: str) -> bool:
        """Count what was asked for and keep it; says whether it did.

        It does not where somebody else is at it, and where nothing changed since it was counted.
        """
        redis, key = connect(self._redis_url, timeout=5.0), self._key(org_id, written)
        about, campaign_id, of = decode(written)
        with transaction():
            if not locks.try_lock(org_id, key):
                return False
            server.allow_long_query()
            kept = _unpacked(redis.get(key))
            # Before the figures: what changes in between makes another mark.
            mark = _mark(org_id, campaign_id)
            again = kept is None or kept["mark"] != mark
            if again:
                began, at = time.monotonic(), datetime.now(UTC)
                try:
                    figures = COUNTS[about](org_id, campaign_id, **of)
                except Exception:
                    if kept is None:
                        redis.set(f"{key}:failed", 1, ex=_FAILED_SECONDS)
                    raise
                took = time.monotonic() - began
                kept = {"figures": figures, "at": at, "took": took, "mark": mark}
            assert kept is not None  # noqa: S101
            seconds = _KEPT_LONG_SECONDS if about in _KEPT_LONG else _KEPT_SECONDS
            redis.set(key, _packed({**kept, "looked": time.time()}), ex=seconds)
        return again

    def _key(self, org_id: UUID, written: str) -> str:
        digest = hashlib.blake2b(written.encode(), digest_size=16).hexdigest()
        return f"{self._queue}:counted:{_WAY}:{org_id}:{digest}"


def _mark(org_id: UUID, campaign_id: UUID | None) -> str:
    """Return another word whenever the figures may be others; so at midnight in the scope's zone.

    Up to today is what is asked for where no day is named.
    """
    today = day_in(datetime.now(UTC), _scope(org_id, campaign_id).timezone)
    return f"{today}:{change_tokens.read_change_token(org_id, campaign_id)}"


def _packed(kept: Mapping[str, Any]) -> bytes:
    return zlib.compress(encode(kept).encode())


def _unpacked(packed: Any) -> dict[str, Any] | None:
    """Return what was kept; what another version of the code wrote otherwise counts as nothing."""
    if packed is None:
        return None
    try:
        found: dict[str, Any] = decode(zlib.decompress(packed).decode())
        return found if {"figures", "at", "took", "mark", "looked"} <= found.keys() else None
    except (ValueError, zlib.error, AttributeError):
        return None
