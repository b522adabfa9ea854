"""④ The ladder: how far supporters have come, who climbed and through which post, who comes back.

Numbers of people, never who. What each figure means is in `definitions`, under the same name.

What a stranger would get wrong: rungs, cohorts and repeats look at all of a campaign's actions (or
the organization's) up to the last day, not only at those in the range; the range says when somebody
climbed. In a campaign only its own actions count, so somebody can be new there and old elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from advocacy.analytics.activation import BadRange, recurring_share
from advocacy.core.dates import day_in
from advocacy.disclosure.suppression import Sum, withheld
from advocacy.storage import engagement_ladder as store
from advocacy.storage import errors, organizations
from advocacy.storage import posts as posts_storage
from advocacy.storage.engagement_ladder import NEW, RUNGS, Cohort, Gifts, Standing
from advocacy.storage.models import Campaign, Organization

USUAL_DAYS = 30
REPEAT_DAYS = 90
COHORT_MONTHS = 12

Shown = Callable[[Hashable, int], int | None]


def ladder(
    org_id: UUID,
    campaign: Campaign | None,
    first: date | None = None,
    last: date | None = None,
    least: int = 0,
) -> dict[str, Any]:
    """Return the ladder of a campaign, or of the whole organization where there is none.

    Without a range it is of the last 30 days. Figures about fewer than `least` people, and those
    that would tell them, are None. Raises `BadRange`.
    """
    return told(org_id, campaign, count(org_id, campaign, first, last), least)


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
    """Count what a ladder is told of, as data that can be kept; no figure of it is withheld.

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


def told(
    org_id: UUID, campaign: Campaign | None, counted: Mapping[str, Any], least: int = 0
) -> dict[str, Any]:
    """Return the ladder of what was counted (see `count`), also where that was kept as JSON."""
    about = _about(org_id, campaign)
    campaign_id = campaign.id if campaign else None
    first, last = counted["first"], counted["last"]
    rows = [Standing(*row) for row in counted["rungs"]]
    cohorts = [Cohort(*row) for row in counted["cohorts"]]
    people, again = counted["repeat"]
    figures, sums = _figures(rows, cohorts)
    figures |= {"repeat": people, "again": again, "once": people - again}
    sums.append(Sum("repeat", ("again", "once")))
    hidden = withheld(figures, sums, least)

    def shown(key: Hashable, number: int) -> int | None:
        return None if key in hidden else number

    return {
        "about": {
            "campaign": campaign.slug if campaign else None,
            "name": about.name,
            "timezone": about.timezone,
        },
        "from": first,
        "to": last,
        "people": shown("people", figures["people"]),
        "joined": shown("joined", figures["joined"]),
        "climbed": shown("climbed", figures["climbed"]),
        "rungs": [
            {
                "rung": name,
                "people": shown(("rung", rung), figures["rung", rung]),
                "joined": shown(("joined", rung), figures["joined", rung]),
                "climbed": shown(("climbed", rung), figures["climbed", rung]),
            }
            for rung, name in enumerate(RUNGS)
        ],
        "still_monthly": shown("still", figures["still"]),
        "climbs": [
            {"from": RUNGS[before], "to": RUNGS[rung], "people": shown(("climb", before, rung), n)}
            for (before, rung), n in sorted(_climbs(rows).items())
        ],
        "posts": _posts(org_id, campaign_id, rows, shown),
        "retention": _retention(cohorts, last, shown),
        "repeat": {
            "days": REPEAT_DAYS,
            "people": shown("repeat", people),
            "again": shown("again", again),
            "share": _share(shown("again", again), shown("repeat", people)),
        },
        "gifts": [_gifts(Gifts(*row), least) for row in counted["gifts"]],
        "least": least,
    }


def climbing(org_id: UUID, campaign: Campaign | None, first: date, last: date) -> dict[str, Any]:
    """Return who climbed in these days, as data that JSON can hold; none of it is withheld.

    Rungs with who came new to them, climbed to them and stayed on them; the ways between rungs; and
    every post through which somebody came or climbed, the one with the most climbs first.
    """
    rows = count(org_id, campaign, first, last)["rungs"]
    return climbing_of(rows, {post.id: post for post in posts_storage.list_posts(org_id)})


def climbing_of(rows: Sequence[Standing], posts: Mapping[UUID, Any]) -> dict[str, Any]:
    """Return what `climbing` does of people by where they stand, and of these posts."""
    figures = _figures(rows, [])[0]
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


def _figures(rows: Sequence[Any], cohorts: Sequence[Any]) -> tuple[dict[Any, int], list[Sum]]:
    """Return how many people each figure is about, and which figures are sums of others.

    Also those that are never shown: who stayed on a rung, whose recurring gift ended, who did not
    come back. They follow from what is shown, and may be few.
    """
    figures: dict[Any, int] = Counter()
    rungs = range(len(RUNGS))
    climbs = _climbs(rows)
    for row in rows:
        before = _before(row)
        way = "stayed" if before == row.rung else "joined" if before == NEW else "climbed"
        figures["people"] += row.people
        figures["rung", row.rung] += row.people
        figures[way, row.rung] += row.people
        figures[way] += row.people
        figures["still"] += row.still
    for name in ("people", "joined", "climbed", "stayed", "still"):
        figures[name] += 0
    for rung in rungs:
        for name in ("rung", "joined", "climbed", "stayed"):
            figures[name, rung] += 0
    figures["ended"] = figures["rung", len(RUNGS) - 1] - figures["still"]
    figures |= {("climb", *way): number for way, number in climbs.items()}
    sums = [
        Sum("people", tuple(("rung", rung) for rung in rungs)),
        Sum("people", ("joined", "climbed", "stayed")),
        Sum(("rung", len(RUNGS) - 1), ("still", "ended")),
    ]
    for rung in rungs:
        sums.append(Sum(("rung", rung), tuple((n, rung) for n in ("joined", "climbed", "stayed"))))
        ways = tuple(("climb", *way) for way in climbs if way[1] == rung)
        sums.append(Sum(("climbed", rung), ways))
    sums += [
        Sum(name, tuple((name, rung) for rung in rungs)) for name in ("joined", "climbed", "stayed")
    ]
    posts = _by_post(rows)
    for name in ("joined", "climbed"):
        figures |= {("post", name, post): counts[name] for post, counts in posts.items()}
        sums.append(Sum(name, tuple(("post", name, post) for post in posts)))
    for row in cohorts:
        figures["cohort", row.month, row.since] = row.people
        if row.since:
            whole, gone = ("cohort", row.month, 0), ("gone", row.month, row.since)
            figures[gone] = figures[whole] - row.people
            sums.append(Sum(whole, (("cohort", row.month, row.since), gone)))
    sizes = tuple(key for key in figures if isinstance(key, tuple) and key[::2] == ("cohort", 0))
    earlier = figures["people"] - sum(figures[key] for key in sizes)
    if earlier >= 0:
        figures["earlier"] = earlier
        sums.append(Sum("people", (*sizes, "earlier")))
    return figures, sums


def _posts(
    org_id: UUID, campaign_id: UUID | None, rows: Sequence[Any], shown: Shown
) -> list[dict[str, Any]]:
    posts = {post.id: post for post in posts_storage.list_posts(org_id, campaign_id)}
    by_post = _by_post(rows)
    return [
        {
            # An action can be credited to a post of another campaign.
            "post": {"id": post.id, "platform": post.platform, "title": post.title}
            if (post := posts.get(post_id))  # type: ignore[arg-type]
            else None,
            "climbed": shown(("post", "climbed", post_id), counts["climbed"]),
            "joined": shown(("post", "joined", post_id), counts["joined"]),
        }
        for post_id, counts in sorted(by_post.items(), key=_most_climbs)
    ]


def _retention(cohorts: Sequence[Any], last: date, shown: Shown) -> list[dict[str, Any]]:
    counts = {(row.month, row.since): row.people for row in cohorts}

    def people(month: date, since: int) -> int | None:
        return shown(("cohort", month, since), counts.get((month, since), 0))

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


def _gifts(row: Gifts, least: int) -> dict[str, Any]:
    groups = {
        "givers": row.givers,
        "once": row.once_people,
        "monthly": row.monthly_people,
        "people": row.people,
    }
    hidden = withheld(groups, [], least)
    return {
        "currency": row.currency,
        "gifts": None if hidden else row.gifts,
        "average_minor": round(row.gross_minor / row.gifts) if row.gifts and not hidden else None,
        "net_minor": None if "people" in hidden else row.net_minor,
        "recurring_net_minor": None if hidden else row.recurring_net_minor,
        "recurring_share": None
        if hidden
        else recurring_share(row.recurring_net_minor, row.net_minor),
    }


def _share(part: int | None, whole: int | None) -> float | None:
    return round(part / whole, 4) if part is not None and whole else None
