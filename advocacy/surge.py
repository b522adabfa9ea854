"""When a post runs far above its usual.

Pure: it judges figures that it is handed. The rule, in words: in the last minutes a post got at
least so many clicks (or actions), at least so many times its usual, and by chance that many would
come less than once in a million looks.

What a stranger would get wrong: *usual* is the larger of two averages over the last seven days
that are over, the post's own and that of the campaign's posts. So a quiet post has to stand out
among its neighbours, too, and a strong one against itself; a campaign without a past has no usual,
and there the least count alone decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, lgamma, log
from uuid import UUID

BASELINE_DAYS = 7
BY_CHANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What an operator may turn: see `SURGE_…` in `.env.example`."""

    minutes: int
    least: int
    times: float


@dataclass(frozen=True, slots=True)
class Running:
    """A post now and before: what was counted in the window, and per day over the last days.

    `own_per_day` is the post's average, `campaign_per_day` the average of the campaign's posts.
    """

    post_id: UUID
    campaign_id: UUID
    counted: int
    own_per_day: float
    campaign_per_day: float


@dataclass(frozen=True, slots=True)
class Surge:
    """A post that runs far above its usual; `usual` is what as many minutes bring on average."""

    post_id: UUID
    campaign_id: UUID
    counted: int
    usual: float


def usual(post: Running, minutes: int) -> float:
    """Return what so many minutes bring on average."""
    return max(post.own_per_day, post.campaign_per_day) * minutes / (24 * 60)


def surges(posts: Iterable[Running], rule: Thresholds) -> list[Surge]:
    """Return the posts that run far above their usual, the strongest first."""
    found = []
    for post in posts:
        expected = usual(post, rule.minutes)
        if (
            post.counted >= rule.least
            and post.counted >= rule.times * expected
            and chance_of_so_many(post.counted, expected) < BY_CHANCE
        ):
            found.append(Surge(post.post_id, post.campaign_id, post.counted, expected))
    return sorted(found, key=lambda surge: (-surge.counted, surge.post_id))


def chance_of_so_many(counted: int, expected: float) -> float:
    """Return how likely at least so many are where `expected` come on average.

    The upper tail of the Poisson distribution. Nothing is expected: anything at all is a wonder.
    """
    if counted <= 0:
        return 1.0
    if expected <= 0:
        return 0.0
    if counted <= expected:
        # Not in the upper tail; the sum below would be long and its answer is "likely".
        return 1.0
    term = exp(counted * log(expected) - expected - lgamma(counted + 1))
    total, number = 0.0, counted
    while term > total * 1e-12:
        total += term
        number += 1
        term *= expected / number
    return min(total, 1.0)
