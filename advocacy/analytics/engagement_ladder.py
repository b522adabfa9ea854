"""④ The ladder: how far supporters have come, who climbed and through which post, who comes back.

Numbers of people, never who. What each figure means is in `definitions`, under the same name.

Note: rungs, cohorts and repeats look at all of a campaign's actions (or
the organization's) up to the last day, not only at those in the range; the range says when somebody
climbed. In a campaign only its own actions count, so somebody can be new there and old elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from advocacy.analytics.activation import BadRange, recurring_share
from advocacy.core.dates import day_in
from advocacy.storage import engagement_ladder as store
from advocacy.storage import errors, organizations
from advocacy.storage import posts as posts_storage
from advocacy.storage.engagement_ladder import NEW, RUNGS, Cohort, Gifts, RungCount
from advocacy.storage.models import Campaign, Organization

USUAL_DAYS = 30
REPEAT_DAYS = 90
COHORT_MONTHS = 12


def ladder(
    org_id: UUID,
    campaign: Campaign | None,
    first: date | None = None,
    last: date | None = None,
) -> dict[str, Any]:
    """Return the ladder of a campaign, or of the whole organization where there is none.

    Without a range it is of the last 30 days. Raises `BadRange`.
    """
    return told(org_id, campaign, count(org_id, campaign, first, last))


def days_of(
    org_id: UUID, campaign: Campaign | None, first: date | None, last: date | None
) -> tuple[date, date]:
    """Return the days that are meant: without a range the last 30. Raises `BadRange`."""
    last = last or day_in(datetime.now(UTC), _about(org_id, campaign).timezone)
    first = first or max(last, date.min + timedelta(days=USUAL_DAYS)) - timedelta(
        days=USUAL_DAYS - 1
    )
    if first > last:
        raise BadRange("the first day is after the last")
    return first, last


def count(
    org_id: UUID, campaign: Campaign | None, first: date | None = None, last: date | None = None
) -> dict[str, Any]:
    """Count what a ladder is told of, as data that can be kept.

    It reads all actions up to the last day: about two seconds for a million. Raises `BadRange`.
    """
    first, last = days_of(org_id, campaign, first, last)
    campaign_id = campaign.id if campaign else None
    timezone = _about(org_id, campaign).timezone
    found = store.read_ladder(
        org_id, campaign_id, first, last, timezone, REPEAT_DAYS, COHORT_MONTHS
    )
    return {
        "first": first,
        "last": last,
        **found._asdict(),
        "gifts": store.read_gifts(org_id, campaign_id, first, last, timezone),
    }


def _about(org_id: UUID, campaign: Campaign | None) -> Campaign | Organization:
    about = campaign or organizations.find_organization(org_id)
    if about is None:
        raise errors.NotFound("there is no such organization")
    return about


def told(org_id: UUID, campaign: Campaign | None, counted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ladder of what was counted (see `count`), also where that was kept as JSON."""
    about = _about(org_id, campaign)
    campaign_id = campaign.id if campaign else None
    first, last = counted["first"], counted["last"]
    rows = [RungCount(*row) for row in counted["rungs"]]
    cohorts = [Cohort(*row) for row in counted["cohorts"]]
    people, again = counted["repeat"]
    figures = _figures(rows)
    return {
        "about": {
            "campaign": campaign.slug if campaign else None,
            "name": about.name,
            "timezone": about.timezone,
        },
        "from": first,
        "to": last,
        "people": figures["people"],
        "joined": figures["joined"],
        "climbed": figures["climbed"],
        "rungs": [
            {
                "rung": name,
                "people": figures["rung", rung],
                "joined": figures["joined", rung],
                "climbed": figures["climbed", rung],
            }
            for rung, name in enumerate(RUNGS)
        ],
        "still_monthly": figures["still"],
        "climbs": [
            {"from": RUNGS[before], "to": RUNGS[rung], "people": n}
            for (before, rung), n in sorted(_climbs(rows).items())
        ],
        "posts": _posts(org_id, campaign_id, rows),
        "retention": _retention(cohorts, last),
        "repeat": {
            "days": REPEAT_DAYS,
            "people": people,
            "again": again,
            "share": _share(again, people),
        },
        "gifts": [_gifts(Gifts(*row)) for row in counted["gifts"]],
    }


def climbing(org_id: UUID, campaign: Campaign | None, first: date, last: date) -> dict[str, Any]:
    """Return who climbed in these days, as data that JSON can hold.

    Rungs with who came new to them, climbed to them and stayed on them; the ways between rungs; and
    every post through which somebody came or climbed, the one with the most climbs first.
    """
    rows = count(org_id, campaign, first, last)["rungs"]
    return climbing_of(rows, {post.id: post for post in posts_storage.list_posts(org_id)})


def climbing_of(rows: Sequence[RungCount], posts: Mapping[UUID, Any]) -> dict[str, Any]:
    """Return what `climbing` does of people by where they stand, and of these posts."""
    figures = _figures(rows)
    return {
        "people": figures["people"],
        "rungs": [
            {
                "rung": name,
                "people": figures["rung", rung],
                **{way: figures[way, rung] for way in ("joined", "climbed", "stayed")},
            }
            for rung, name in enumerate(RUNGS)
        ],
        "climbs": [
            {"from": RUNGS[before], "to": RUNGS[rung], "people": people}
            for (before, rung), people in sorted(_climbs(rows).items())
        ],
        "posts": [
            {
                "title": post.title if post else None,
                "platform": post.platform if post else "",
                "url": post.url if post else "",
                **counts,
            }
            for post_id, counts in sorted(_by_post(rows).items(), key=_most_climbs)
            for post in [posts.get(post_id)]  # type: ignore[arg-type]
        ],
    }


def _most_climbs(item: tuple[UUID | None, dict[str, int]]) -> tuple[Any, ...]:
    post_id, counts = item
    return post_id is None, -counts["climbed"], -counts["joined"], str(post_id)


def _before(row: Any) -> int:
    return NEW if row.before is None else int(row.before)


def _climbs(rows: Sequence[Any]) -> Counter[tuple[int, int]]:
    found: Counter[tuple[int, int]] = Counter()
    for row in rows:
        if NEW < _before(row) < row.rung:
            found[_before(row), row.rung] += row.people
    return found


def _by_post(rows: Sequence[Any]) -> dict[UUID | None, dict[str, int]]:
    found: dict[UUID | None, dict[str, int]] = {}
    for row in rows:
        if _before(row) < row.rung:
            counts = found.setdefault(row.post_id, {"climbed": 0, "joined": 0})
            counts["joined" if _before(row) == NEW else "climbed"] += row.people
    return found


def _figures(rows: Sequence[Any]) -> Counter[Any]:
    """Return how many people there are, on each rung, and by each way to it."""
    figures: Counter[Any] = Counter()
    for row in rows:
        before = _before(row)
        way = "stayed" if before == row.rung else "joined" if before == NEW else "climbed"
        figures["people"] += row.people
        figures["rung", row.rung] += row.people
        figures[way, row.rung] += row.people
        figures[way] += row.people
        figures["still"] += row.still
    return figures


def _posts(org_id: UUID, campaign_id: UUID | None, rows: Sequence[Any]) -> list[dict[str, Any]]:
    posts = {post.id: post for post in posts_storage.list_posts(org_id, campaign_id)}
    by_post = _by_post(rows)
    return [
        {
            # An action can be credited to a post of another campaign.
            "post": {"id": post.id, "platform": post.platform, "title": post.title}
            if (post := posts.get(post_id))  # type: ignore[arg-type]
            else None,
            "climbed": counts["climbed"],
            "joined": counts["joined"],
        }
        for post_id, counts in sorted(by_post.items(), key=_most_climbs)
    ]


def _retention(cohorts: Sequence[Any], last: date) -> list[dict[str, Any]]:
    counts = {(row.month, row.since): row.people for row in cohorts}

    def people(month: date, since: int) -> int:
        return int(counts.get((month, since), 0))

    return [
        {
            "month": f"{month:%Y-%m}",
            "people": people(month, 0),
            "months": [
                {
                    "since": since,
                    "people": people(month, since),
                    "share": _share(people(month, since), people(month, 0)),
                }
                for since in range(1, _months(last) - _months(month) + 1)
            ],
        }
        for month in sorted({row.month for row in cohorts})
    ]


def _months(day: date) -> int:
    return day.year * 12 + day.month


def _gifts(row: Gifts) -> dict[str, Any]:
    return {
        "currency": row.currency,
        "gifts": row.gifts,
        "average_minor": round(row.gross_minor / row.gifts) if row.gifts else None,
        "net_minor": row.net_minor,
        "recurring_net_minor": row.recurring_net_minor,
        "recurring_share": recurring_share(row.recurring_net_minor, row.net_minor),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
