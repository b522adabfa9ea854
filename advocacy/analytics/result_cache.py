"""Figures that take long: calculated in the background, cached, and shown at once.

    asked ─▶ few actions? ─▶ calculated now
               │ many
               ▼
             cached? ─▶ shown, with the time of calculation; old ─▶ calculated again behind it
               │ not yet
               ▼
             `BeingCounted` ─▶ the page says so and asks again      worker: `Counting.count`

A question is a name of `COUNTS`, a scope (a campaign, or None for the whole organization) and its
parameters. The answer is the same for every reader.

The cache is in Redis and may be lost: then figures are calculated again. Without Redis they are
calculated while the reader waits, for as long as a page may take (see `connections.set_deadline`).

Note: an answer older than `FRESH_SECONDS` is not always calculated again. The worker first reads
the change token of the data, which is cheap, and calculates only if it differs. And a question is
calculated once at a time, however many ask: its lock belongs to the transaction that calculates, so
it ends with its process.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Generic, NamedTuple, TypeVar, cast, get_origin
from uuid import UUID

import structlog
from redis import Redis
from redis.exceptions import RedisError

from advocacy.analytics import (
    breakdown,
    conversion_paths,
    engagement_ladder,
    post_story,
    timing,
)
from advocacy.analytics.figures_json import decode, encode
from advocacy.analytics.ladder_figures import LadderCounts
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
"""Figures of fewer actions than this are calculated while the reader waits."""

_COST_FACTORS: Mapping[str, int] = {"influence": 4, "groups": 4}
"""How much more an action costs in these figures; the limit is so much lower."""

FRESH_SECONDS = 300
"""An answer that was checked so recently is shown without another check."""

_CHECK_FACTOR = 20
"""An answer is checked again no sooner than after this many times the time it took."""

_CACHE_SECONDS = 3600
_CACHE_LONG_SECONDS = 3 * 86400
_CACHED_LONG = frozenset({"ladder", "donors", "districts"})
_VERSION = 6
"""Raised whenever figures are calculated differently: older answers are then ignored."""

_FAILED_SECONDS = 60
_JOB_SECONDS = 1800
_WAIT_SECONDS = 300
_MAX_WAITING = 100

log = structlog.get_logger()

F = TypeVar("F")


class BeingCounted(Exception):
    """The figures are not there yet; asked again in some seconds, they may be."""


class NotCounted(Exception):
    """Calculation failed, or took too long; it is not tried again for a minute."""


class Counted(NamedTuple, Generic[F]):
    """Figures, and when they were calculated; None for just now."""

    figures: F
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Cached:
    """A cached answer: figures, seconds it took, change token, and when it was last checked."""

    figures: object
    at: datetime
    took: float
    token: str
    checked: float


# What can be calculated ---------------------------------------------------------------------------


def _scope(org_id: UUID, campaign_id: UUID | None) -> Campaign | Organization:
    found = (
        email_outbox.find_campaign_by_id(org_id, campaign_id)
        if campaign_id
        else organizations.find_organization(org_id)
    )
    if found is None:
        raise errors.NotFound("the campaign or organization no longer exists")
    return found


def _campaign(org_id: UUID, campaign_id: UUID | None) -> Campaign | None:
    found = _scope(org_id, campaign_id)
    return found if isinstance(found, Campaign) else None


def _ladder(
    org_id: UUID, campaign_id: UUID | None, first: date | None, last: date | None
) -> LadderCounts:
    campaign = _campaign(org_id, campaign_id) if campaign_id else None
    return engagement_ladder.count(org_id, campaign, first, last)


def _influence(
    org_id: UUID,
    campaign_id: UUID | None,
    first: date | None,
    last: date | None,
    grains: Sequence[str],
    currency: str,
    models: Sequence[str],
) -> dict[str, conversion_paths.Influence]:
    campaign = _campaign(org_id, campaign_id)
    if campaign is None:
        raise TypeError("influence is calculated for a campaign")
    return conversion_paths.influences(campaign, first, last, grains, currency, models)


def _groups(
    org_id: UUID, campaign_id: UUID | None, question: breakdown.Question
) -> breakdown.Breakdown:
    return breakdown.grouped(_scope(org_id, campaign_id), question)


def _timing(org_id: UUID, campaign_id: UUID | None, question: breakdown.Question) -> timing.Timing:
    campaign = _campaign(org_id, campaign_id)
    if campaign is None:
        raise TypeError("timing is calculated for a campaign")
    return timing.timing(campaign, question)


def _first_hours(org_id: UUID, campaign_id: UUID | None) -> post_story.FirstHours:
    campaign = _campaign(org_id, campaign_id)
    if campaign is None:
        raise TypeError("first hours are calculated for a campaign")
    return post_story.first_hours(campaign)


def _donors(
    org_id: UUID, campaign_id: UUID | None, first: date, last: date
) -> tuple[goals.OfDay, ...]:
    return tuple(goals.read_donors(org_id, campaign_id, first, last))


def _districts(
    org_id: UUID, campaign_id: UUID | None, first: date, last: date
) -> tuple[goals.OfDistrict, ...]:
    return tuple(goals.read_districts(org_id, campaign_id, first, last))


COUNTS: Mapping[str, Callable[..., object]] = {
    "ladder": _ladder,
    "influence": _influence,
    "groups": _groups,
    "timing": _timing,
    "first_hours": _first_hours,
    "donors": _donors,
    "districts": _districts,
}
"""What is calculated, by name: of an organization, a campaign or None, and parameters."""


# The cache ----------------------------------------------------------------------------------------


class Counting:
    """Asks for figures, and calculates those that were asked for."""

    def __init__(self, redis_url: str, queue: str) -> None:
        self._redis_url, self._queue = redis_url, queue
        self.live_below = LIVE_BELOW
        self.fresh_seconds: float = FRESH_SECONDS

    def ask(
        self,
        expected: type[F],
        org_id: UUID,
        campaign_id: UUID | None,
        name: str,
        days: tuple[date, date] | None = None,
        **parameters: object,
    ) -> Counted[F]:
        """Return the figures of this type; `days` are those whose actions it reads, if not all.

        Raises `BeingCounted`, `NotCounted`, and what calculation raises where it is done at once.
        """
        live = partial(COUNTS[name], org_id, campaign_id, **parameters)
        actions = totals.count_actions(org_id, campaign_id, days)
        if actions * _COST_FACTORS.get(name, 1) >= self.live_below:
            question = encode([name, campaign_id, parameters])
            try:
                found = self._ask_redis(connect(self._redis_url), org_id, question)
                return Counted(_checked(expected, found.figures), found.at)
            except (RedisError, OSError) as error:
                log.warning("result_cache_unavailable", error=type(error).__name__)
        return Counted(_checked(expected, live()))

    def _ask_redis(self, redis: Redis, org_id: UUID, question: str) -> _Cached:
        key = self._key(org_id, question)
        cached = _unpacked(redis.get(key))
        if cached is None and redis.exists(f"{key}:failed"):
            raise NotCounted
        if cached is None or time.time() - cached.checked > max(
            self.fresh_seconds, cached.took * _CHECK_FACTOR
        ):
            self._enqueue(redis, org_id, question)
        if cached is None:
            raise BeingCounted
        return cached

    def _enqueue(self, redis: Redis, org_id: UUID, question: str) -> None:
        """Ask for a calculation, unless one waits already. One may wait behind a running one.

        If its worker is killed, the next who asks after the lease enqueues it again.
        """
        queue = counts_queue(self._queue)
        if redis.llen(f"rq:queue:{queue}") >= _MAX_WAITING:
            return
        name, arguments = self._key(org_id, question).replace(":", "-"), [str(org_id), question]
        enqueue_once(
            redis, queue, name, "workers.jobs.count", arguments, _JOB_SECONDS, _WAIT_SECONDS
        )

    def count(self, org_id: UUID, question: str) -> bool:
        """Calculate and cache the answer to a question; return whether it was calculated.

        It is not if another process is at it, or if nothing changed since the last time.
        """
        redis, key = connect(self._redis_url, timeout=5.0), self._key(org_id, question)
        name, campaign_id, parameters = decode(question)
        with transaction():
            if not locks.try_lock(org_id, key):
                return False
            server.allow_long_query()
            cached = _unpacked(redis.get(key))
            # Before the figures: a change in between then has another token.
            token = _token(org_id, campaign_id)
            outdated = cached is None or cached.token != token
            if cached is None or outdated:
                began, at = time.monotonic(), datetime.now(UTC)
                try:
                    figures = COUNTS[name](org_id, campaign_id, **parameters)
                except Exception:
                    if cached is None:
                        redis.set(f"{key}:failed", 1, ex=_FAILED_SECONDS)
                    raise
                cached = _Cached(figures, at, time.monotonic() - began, token, 0)
            seconds = _CACHE_LONG_SECONDS if name in _CACHED_LONG else _CACHE_SECONDS
            redis.set(key, _packed(replace(cached, checked=time.time())), ex=seconds)
        return outdated

    def _key(self, org_id: UUID, question: str) -> str:
        digest = hashlib.blake2b(question.encode(), digest_size=16).hexdigest()
        return f"{self._queue}:counted:{_VERSION}:{org_id}:{digest}"


def _token(org_id: UUID, campaign_id: UUID | None) -> str:
    """Return a token that changes when the figures may, so also at midnight in the scope's zone.

    A question without a last day is up to today.
    """
    today = day_in(datetime.now(UTC), _scope(org_id, campaign_id).timezone)
    return f"{today}:{change_tokens.read_change_token(org_id)}"


def _checked(expected: type[F], figures: object) -> F:
    if not isinstance(figures, get_origin(expected) or expected):
        raise TypeError(f"{expected} expected, not {type(figures).__name__}")
    return cast(F, figures)


def _packed(cached: _Cached) -> bytes:
    return zlib.compress(encode(cached).encode())


def _unpacked(packed: object) -> _Cached | None:
    """Return the cached answer; what another version of the code wrote counts as none."""
    if not isinstance(packed, bytes):
        return None
    try:
        found = decode(zlib.decompress(packed).decode())
    except (ValueError, zlib.error):
        return None
    return found if isinstance(found, _Cached) else None
