"""When a post runs far above its usual.

Pure: it judges figures that it is handed. The rule, in words: in the last minutes a post got at
least so many clicks (or actions), at least so many times its usual, and by chance that many would
come less than once in a million looks.

Note: *usual* is the larger of two averages over the last seven days
that are over, the post's own and that of the campaign's posts. So a quiet post has to stand out
among its neighbours, too, and a strong one against itself; a campaign without a past has no usual,
and there the least count alone decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from advocacy.core.records import Running, Surge
from advocacy.core.statistics import chance_of_so_many

BASELINE_DAYS = 7
BY_CHANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What an operator may turn: see `SURGE_…` in `.env.example`."""

    minutes: int
    least: int
    times: float


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
