"""The engagement ladder: how far supporters have come, who climbed by which post, who comes back.

Numbers of people only. The definition of each figure is in `glossary`, under the same name.

Note: rungs, cohorts and repeats look at all actions of a campaign (or of the organization) up to
the last day, not only at those in the range; the range says when somebody climbed. In a campaign
only its own actions count, so somebody can be new there and known elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from advocacy.analytics.activation import BadRange, recurring_share
from advocacy.analytics.ladder_figures import (
    ClimbLeader,
    CohortMonth,
    CohortRetention,
    GiftFigures,
    Ladder,
    LadderAbout,
    LadderCounts,
    LadderPost,
    PostClimbs,
    RepeatFigures,
    Rung,
)
from advocacy.analytics.weekly_figures import Climb, Climbing, PostProgress, RungFigures
from advocacy.core.dates import day_in
from advocacy.storage import engagement_ladder as store
from advocacy.storage import errors, organizations
from advocacy.storage import posts as posts_storage
from advocacy.storage.engagement_ladder import NEW, RUNGS, Cohort, Gifts, RungCount
from advocacy.storage.models import Campaign, Organization, Post

DEFAULT_DAYS = 30
REPEAT_DAYS = 90
COHORT_MONTHS = 12

_PostCounts: TypeAlias = Counter[str]


def ladder(
    org_id: UUID,
    campaign: Campaign | None,
    first: date | None = None,
    last: date | None = None,
) -> Ladder:
    """Return the ladder of a campaign, or of the whole organization without one.

    The default range is the last 30 days. Raises `BadRange`.
    """
    return ladder_from(org_id, campaign, count(org_id, campaign, first, last))


def days_of(
    org_id: UUID, campaign: Campaign | None, first: date | None, last: date | None
) -> tuple[date, date]:
    """Return the first and the last day; by default the last 30 days. Raises `BadRange`."""
    last = last or day_in(datetime.now(UTC), _about(org_id, campaign).timezone)
    first = first or max(last, date.min + timedelta(days=DEFAULT_DAYS)) - timedelta(
        days=DEFAULT_DAYS - 1
    )
    if first > last:
        raise BadRange("the first day is after the last")
    return first, last


def count(
    org_id: UUID, campaign: Campaign | None, first: date | None = None, last: date | None = None
) -> LadderCounts:
    """Return the counts that a ladder is made from. Raises `BadRange`.

    It reads all actions up to the last day: about two seconds for a million.
    """
    first, last = days_of(org_id, campaign, first, last)
    campaign_id = campaign.id if campaign else None
    timezone = _about(org_id, campaign).timezone
    found = store.read_ladder(
        org_id, campaign_id, first, last, timezone, REPEAT_DAYS, COHORT_MONTHS
    )
    return LadderCounts(
        first=first,
        last=last,
        rungs=tuple(found.rungs),
        cohorts=tuple(found.cohorts),
        repeat=found.repeat,
        gifts=tuple(store.read_gifts(org_id, campaign_id, first, last, timezone)),
    )


def _about(org_id: UUID, campaign: Campaign | None) -> Campaign | Organization:
    about = campaign or organizations.find_organization(org_id)
    if about is None:
        raise errors.NotFound("there is no such organization")
    return about


def ladder_from(org_id: UUID, campaign: Campaign | None, counts: LadderCounts) -> Ladder:
    """Return the ladder of these counts."""
    about = _about(org_id, campaign)
    ways = _ways(counts.rungs)
    people, again = counts.repeat
    return Ladder(
        about=LadderAbout(campaign.slug if campaign else None, about.name, about.timezone),
        first=counts.first,
        last=counts.last,
        people=_on_all_rungs(ways, "people"),
        joined=_on_all_rungs(ways, "joined"),
        climbed=_on_all_rungs(ways, "climbed"),
        rungs=tuple(
            Rung(name, ways["people", rung], ways["joined", rung], ways["climbed", rung])
            for rung, name in enumerate(RUNGS)
        ),
        still_monthly=sum(row.still for row in counts.rungs),
        climbs=tuple(
            Climb(RUNGS[lower], RUNGS[higher], climbed)
            for (lower, higher), climbed in sorted(_climbs(counts.rungs).items())
        ),
        posts=_posts(org_id, campaign.id if campaign else None, counts.rungs),
        retention=_retention(counts.cohorts, counts.last),
        repeat=RepeatFigures(REPEAT_DAYS, people, again, _share(again, people)),
        gifts=tuple(_gifts(row) for row in counts.gifts),
        leaders=_leaders(org_id, campaign.id if campaign else None, counts.rungs),
    )


def climbing(org_id: UUID, campaign: Campaign | None, first: date, last: date) -> Climbing:
    """Return where supporters are on the ladder, and who climbed on these days.

    Posts through which somebody joined or climbed are in order of the climbs.
    """
    rows = count(org_id, campaign, first, last).rungs
    return climbing_of(rows, {post.id: post for post in posts_storage.list_posts(org_id)})


def climbing_of(rows: Sequence[RungCount], posts: Mapping[UUID, Post]) -> Climbing:
    """Return the same from counts of supporters by rung, with these posts."""
    ways = _ways(rows)
    return Climbing(
        people=_on_all_rungs(ways, "people"),
        rungs=tuple(
            RungFigures(
                name,
                ways["people", rung],
                *(ways[way, rung] for way in ("joined", "climbed", "stayed")),
            )
            for rung, name in enumerate(RUNGS)
        ),
        climbs=tuple(
            Climb(RUNGS[before], RUNGS[rung], people)
            for (before, rung), people in sorted(_climbs(rows).items())
        ),
        posts=tuple(
            PostProgress(
                platform=post.platform if post else "",
                url=post.url if post else "",
                title=post.title if post else None,
                climbed=counts["climbed"],
                joined=counts["joined"],
            )
            for post_id, counts in sorted(_by_post(rows).items(), key=_most_climbs)
            for post in [posts.get(post_id) if post_id else None]
        ),
    )


def _most_climbs(item: tuple[UUID | None, _PostCounts]) -> tuple[bool, int, int, str]:
    post_id, counts = item
    return post_id is None, -counts["climbed"], -counts["joined"], str(post_id)


def _before(row: RungCount) -> int:
    return NEW if row.before is None else row.before


def _climbs(rows: Sequence[RungCount]) -> Counter[tuple[int, int]]:
    found: Counter[tuple[int, int]] = Counter()
    for row in rows:
        if NEW < _before(row) < row.rung:
            found[_before(row), row.rung] += row.people
    return found


def _by_post(rows: Sequence[RungCount]) -> dict[UUID | None, _PostCounts]:
    found: dict[UUID | None, _PostCounts] = {}
    for row in rows:
        if _before(row) < row.rung:
            counts = found.setdefault(row.post_id, Counter())
            counts["joined" if _before(row) == NEW else "climbed"] += row.people
    return found


def _ways(rows: Sequence[RungCount]) -> Counter[tuple[str, int]]:
    """Return how many people are on each rung: all (`people`), and by the way they came to it."""
    found: Counter[tuple[str, int]] = Counter()
    for row in rows:
        before = _before(row)
        way = "stayed" if before == row.rung else "joined" if before == NEW else "climbed"
        found["people", row.rung] += row.people
        found[way, row.rung] += row.people
    return found


def _on_all_rungs(ways: Counter[tuple[str, int]], way: str) -> int:
    return sum(ways[way, rung] for rung in range(len(RUNGS)))


def _leaders(
    org_id: UUID, campaign_id: UUID | None, rows: Sequence[RungCount]
) -> tuple[ClimbLeader, ...]:
    """Return each climb with the post that led to most of it; with None if none is known."""
    posts = _shown_posts(org_id, campaign_id)
    by_post: dict[tuple[int, int], Counter[UUID]] = {}
    for row in rows:
        if NEW < _before(row) < row.rung:
            found = by_post.setdefault((_before(row), row.rung), Counter())
            if row.post_id in posts:
                found[row.post_id] += row.people
    leaders = []
    for (lower, higher), climbed in sorted(_climbs(rows).items()):
        most = sorted(by_post[lower, higher].items(), key=lambda item: (-item[1], str(item[0])))
        post_id, people = most[0] if most else (None, 0)
        post = posts[post_id] if post_id else None
        leaders.append(ClimbLeader(RUNGS[lower], RUNGS[higher], climbed, post, people))
    return tuple(leaders)


def _shown_posts(org_id: UUID, campaign_id: UUID | None) -> dict[UUID, LadderPost]:
    """Return the posts to name; an action can be credited to one of another campaign."""
    return {
        post.id: LadderPost(post.id, post.platform, post.title)
        for post in posts_storage.list_posts(org_id, campaign_id)
    }


def _posts(
    org_id: UUID, campaign_id: UUID | None, rows: Sequence[RungCount]
) -> tuple[PostClimbs, ...]:
    posts = _shown_posts(org_id, campaign_id)
    return tuple(
        PostClimbs(posts.get(post_id) if post_id else None, counts["climbed"], counts["joined"])
        for post_id, counts in sorted(_by_post(rows).items(), key=_most_climbs)
    )


def _retention(cohorts: Sequence[Cohort], last: date) -> tuple[CohortRetention, ...]:
    people = {(row.month, row.since): row.people for row in cohorts}

    def later_month(month: date, since: int) -> CohortMonth:
        active = people.get((month, since), 0)
        return CohortMonth(since, active, _share(active, people.get((month, 0), 0)))

    return tuple(
        CohortRetention(
            month=f"{month:%Y-%m}",
            people=people.get((month, 0), 0),
            months=tuple(
                later_month(month, since)
                for since in range(1, _month_number(last) - _month_number(month) + 1)
            ),
        )
        for month in sorted({row.month for row in cohorts})
    )


def _month_number(day: date) -> int:
    return day.year * 12 + day.month


def _gifts(row: Gifts) -> GiftFigures:
    return GiftFigures(
        currency=row.currency,
        gifts=row.gifts,
        average_minor=round(row.gross_minor / row.gifts) if row.gifts else None,
        net_minor=row.net_minor,
        recurring_net_minor=row.recurring_net_minor,
        recurring_share=recurring_share(row.recurring_net_minor, row.net_minor),
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
