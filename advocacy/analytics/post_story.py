"""What followed after a post: its first hours beside those of the campaign's other posts.

Note: a post that is younger than the hours asked for has a shorter curve, and counts for the median
only as far as it goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from uuid import UUID

from advocacy.storage import post_story as store
from advocacy.storage import posts as posts_storage
from advocacy.storage.models import Campaign

FIRST_HOURS = 72

MIN_OTHERS = 3
"""Of fewer other posts there is no median to compare with."""


@dataclass(frozen=True, slots=True)
class FirstHours:
    """Actions in the first hours of each post of a campaign, as rows of (post, hour, actions)."""

    rows: tuple[store.FirstHourRow, ...]


@dataclass(frozen=True, slots=True)
class FirstHoursOfPost:
    """Actions of a post by the end of each hour, all so far; and the median of the other posts."""

    actions: tuple[int, ...]
    median: tuple[float, ...]
    others: int


def first_hours(campaign: Campaign) -> FirstHours:
    """Return the actions of a campaign's posts in their first hours; it reads all its actions."""
    found = store.read_first_hours(campaign.org_id, campaign.id, FIRST_HOURS)
    return FirstHours(tuple(found))


def first_hours_of(
    campaign: Campaign, post_id: UUID, found: FirstHours, now: datetime | None = None
) -> FirstHoursOfPost:
    """Return the first hours of one post beside those of the campaign's other posts."""
    published = {
        post.id: post.published_at
        for post in posts_storage.list_posts(campaign.org_id, campaign.id)
    }
    return curves(published, post_id, found.rows, now or datetime.now(UTC))


def curves(
    published: Mapping[UUID, datetime],
    post_id: UUID,
    rows: Sequence[store.FirstHourRow],
    now: datetime,
) -> FirstHoursOfPost:
    """Return what `first_hours_of` does, of posts published then. Posts without actions count."""
    by_post: dict[UUID, dict[int, int]] = defaultdict(dict)
    for row in rows:
        by_post[row.post_id][row.hour] = row.actions
    of_post = {
        each: _summed(by_post.get(each, {}), _hours_so_far(at, now))
        for each, at in published.items()
    }
    own = of_post.pop(post_id, ())
    medians = []
    for hour in range(FIRST_HOURS):
        values = [each[hour] for each in of_post.values() if hour < len(each)]
        if len(values) < MIN_OTHERS:
            break
        medians.append(float(median(values)))
    return FirstHoursOfPost(tuple(own), tuple(medians), len(of_post))


def _hours_so_far(published: datetime, now: datetime) -> int:
    """Return how many hours began since then, at most `FIRST_HOURS`."""
    if now < published:
        return 0
    return min(FIRST_HOURS, int((now - published) / timedelta(hours=1)) + 1)


def _summed(by_hour: Mapping[int, int], hours: int) -> tuple[int, ...]:
    found, total = [], 0
    for hour in range(hours):
        total += by_hour.get(hour, 0)
        found.append(total)
    return tuple(found)
