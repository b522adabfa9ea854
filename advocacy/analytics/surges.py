"""Surges: posts whose clicks or actions are far above their usual rate.

A post surges if it got, in the last minutes, at least a minimum of clicks (or actions), at least a
multiple of its usual number, and so many that chance would bring them less than once in a million
checks.

Note: the usual rate is the larger of two averages over the last seven completed days, the post's
own and that of all posts of the campaign. So a quiet post has to stand out among the others as
well. A new campaign has no usual rate; there the minimum alone decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from advocacy.core.records import Running, Surge
from advocacy.core.statistics import chance_of_so_many

BASELINE_DAYS = 7
BY_CHANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What an operator can set: see `SURGE_…` in `.env.example`."""

    minutes: int
    least: int
    times: float


@dataclass(frozen=True, slots=True)
class SurgeCampaign:
    """The campaign of a post that surges."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class SurgeFigures:
    """A surge as an alert shows it; stored as JSON when the alert is sent.

    `what` is clicks or actions, of which there were `counted` in so many minutes. `rounded_to` is
    the base that both counts are rounded to; 0 for exact figures.
    """

    what: str
    counted: int
    usual: float
    minutes: int = field(metadata={"exact": True})
    platform: str = field(metadata={"label": True})
    url: str = field(metadata={"label": True})
    title: str = field(metadata={"label": True})
    campaign: SurgeCampaign
    noticed: str
    quiet_hours: int = field(metadata={"exact": True})
    made_at: datetime
    rounded_to: int = field(default=0, metadata={"exact": True})


def usual(post: Running, minutes: int) -> float:
    """Return the usual number in so many minutes."""
    return max(post.own_per_day, post.campaign_per_day) * minutes / (24 * 60)


def surges(posts: Iterable[Running], rule: Thresholds) -> list[Surge]:
    """Return the posts that are far above their usual rate, the strongest first."""
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
