"""Goals: progress, where each should stand by now, and where it will probably end.

Definitions
- *supporters*: everybody who acted by the day, ever; so it starts with those there were before.
- *donors*: people with a gift within the goal's days that was not fully refunded.
- *net*: money given less money refunded, each on its own day, in one currency.
- *calls*, *actions*: counted actions within the goal's days.
- *growth*: supporters grow over how many there were on the day before the first; all else over the
  equally long time before.
- *pace*: a straight line from the start to the target; *forecast*: see `forecast`.

Note: a growth goal has no fixed target. What it grows over is counted again each time, so a late
action of last year moves the target, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Protocol
from uuid import UUID

from advocacy.analytics.forecast import MAX_WEEKS, Forecast, forecast, full_weeks, pace
from advocacy.core.dates import day_in
from advocacy.storage import campaigns, errors, organizations
from advocacy.storage import goals as store
from advocacy.storage.goals import OfDay, OfDistrict
from advocacy.storage.models import Campaign, Goal, Organization

_MAX_POINTS = 53


@dataclass(frozen=True, slots=True)
class GoalPoint:
    """What was reached at the end of a day, and the pace; None without a target."""

    day: date
    reached: int
    pace: int | None


@dataclass(frozen=True, slots=True)
class DistrictCalls:
    """Calls to a district, empty if unknown, and how many are left; None without a target."""

    district: str
    calls: int
    left: int | None


@dataclass(frozen=True, slots=True)
class GoalProgress:
    """A goal and its progress; money is in minor units.

    `campaign` is the slug, None for the organization; `about` is the name of either. `target` is
    None if there is nothing to grow over.
    """

    id: UUID
    campaign: str | None
    about: str
    name: str
    measure: str
    currency: str
    growth_percent: float | None
    first: date
    last: date
    timezone: str
    days_left: int
    start: int
    target: int | None
    reached: int
    share: float | None
    pace: int | None
    ahead: int | None
    state: str
    forecast: Forecast | None
    points: tuple[GoalPoint, ...]
    districts: tuple[DistrictCalls, ...]
    each_district: int


class GoalReader(Protocol):
    """Reads the figures for which actions are read one by one; `storage.goals` is one."""

    def read_donors(
        self, org_id: UUID, campaign_id: UUID | None, first: date, last: date
    ) -> Sequence[OfDay]:
        """Return the donors of each day."""
        ...

    def read_districts(
        self, org_id: UUID, campaign_id: UUID | None, first: date, last: date
    ) -> Sequence[OfDistrict]:
        """Return the calls to each district."""
        ...


def goals(
    org_id: UUID, now: datetime | None = None, reader: GoalReader = store
) -> tuple[GoalProgress, ...]:
    """Return every goal with its progress, pace and forecast, by last day.

    `reader` may have some of the figures cached.
    """
    organization = organizations.find_organization(org_id)
    if organization is None:
        raise errors.NotFound("there is no such organization")
    by_id = {campaign.id: campaign for campaign in campaigns.list_campaigns(org_id)}
    now = now or datetime.now(UTC)
    return tuple(
        _progress(goal, by_id[goal.campaign_id] if goal.campaign_id else organization, now, reader)
        for goal in store.list_goals(org_id)
    )


def _progress(
    goal: Goal, scope: Campaign | Organization, now: datetime, reader: GoalReader
) -> GoalProgress:
    today = day_in(now, scope.timezone)
    by_day = _by_day(goal, min(today, goal.last_on), reader)
    cumulative = goal.measure == "supporters"
    start = sum(n for day, n in by_day.items() if day < goal.first_on) if cumulative else 0
    levels = _levels(by_day, goal, start, today)
    reached = levels[-1][1] if levels else start
    target = goal.target or _grown(goal, start, reader)
    due = pace(start, target, goal.first_on, goal.last_on, today) if target else None
    if today < goal.first_on:
        due = None
    end = _forecast(goal, by_day, levels, start, today) if target else None
    return GoalProgress(
        id=goal.id,
        campaign=scope.slug if goal.campaign_id else None,
        about=scope.name,
        name=goal.name,
        measure=goal.measure,
        currency=goal.currency,
        growth_percent=goal.growth_bp / 100 or None,
        first=goal.first_on,
        last=goal.last_on,
        timezone=scope.timezone,
        days_left=max((goal.last_on - max(today, goal.first_on)).days + 1, 0),
        start=start,
        target=target,
        reached=reached,
        share=round(reached / target, 4) if target else None,
        pace=round(due) if due is not None else None,
        # From the rounded pace, so that the three figures fit each other.
        ahead=reached - round(due) if due is not None else None,
        state=_state(goal, reached, target, end, today),
        forecast=end,
        points=_points(levels, goal, start, target),
        districts=_districts(goal, reader),
        each_district=goal.each_district,
    )


def _state(goal: Goal, reached: int, target: int | None, end: Forecast | None, today: date) -> str:
    if today < goal.first_on:
        return "not_begun"
    if target is None:
        return "nothing_to_grow_over"
    if reached >= target:
        return "reached"
    if today > goal.last_on:
        return "missed"
    if end is None:
        return "too_early"
    return "likely" if end.low >= target else "unlikely" if end.high < target else "open"


def _forecast(
    goal: Goal,
    by_day: Mapping[date, int],
    levels: Sequence[tuple[date, int]],
    start: int,
    today: date,
) -> Forecast | None:
    if not goal.first_on <= today <= goal.last_on:
        return None
    # Today is not over: the forecast goes on from the end of yesterday.
    yesterday = levels[-2][1] if len(levels) > 1 else start
    weeks = full_weeks(by_day, min(by_day, default=today), today)
    money = goal.measure == "net"
    end = forecast(yesterday, weeks, (goal.last_on - today).days + 1, falls=money)
    if end is None or money:
        return end
    reached = levels[-1][1]
    return Forecast(
        max(end.low, reached), max(end.middle, reached), max(end.high, reached), end.weeks
    )


def _scope(goal: Goal) -> tuple[UUID, UUID | None]:
    return goal.org_id, goal.campaign_id


def _by_day(goal: Goal, last: date, reader: GoalReader) -> dict[date, int]:
    """Return the figure of each day, from some weeks before the goal's first day."""
    before = goal.first_on - timedelta(days=min(7 * MAX_WEEKS, (goal.first_on - date.min).days))
    if goal.measure == "donors":
        # Who gave before may give for the first time in the goal's days.
        before = goal.first_on
        # The same days every day, so that a cached answer serves tomorrow, too.
        last = goal.last_on
    return {row.day: row.number for row in _rows(goal, before, last, reader)}


def _rows(goal: Goal, first: date, last: date, reader: GoalReader) -> Sequence[OfDay]:
    match goal.measure:
        case "supporters":
            return store.read_supporters(*_scope(goal), last)
        case "donors":
            return reader.read_donors(*_scope(goal), first, last)
        case "net":
            return store.read_sums(*_scope(goal), first, last, currency=goal.currency)
        case "calls":
            return store.read_sums(*_scope(goal), first, last, kind="call")
    return store.read_sums(*_scope(goal), first, last)


def _grown(goal: Goal, start: int, reader: GoalReader) -> int | None:
    """Return the target of a growth goal, rounded up; None if there is nothing to grow over."""
    base = _base(goal, start, reader) if goal.growth_bp else 0
    return -(-base * (10_000 + goal.growth_bp) // 10_000) if base > 0 else None


def _base(goal: Goal, start: int, reader: GoalReader) -> int:
    """Return what a growth goal grows over."""
    if goal.measure == "supporters":
        return start
    length = min((goal.last_on - goal.first_on).days + 1, (goal.first_on - date.min).days)
    days = goal.first_on - timedelta(days=length), goal.first_on - timedelta(days=1)
    return sum(row.number for row in _rows(goal, *days, reader))


def _levels(
    by_day: Mapping[date, int], goal: Goal, start: int, today: date
) -> list[tuple[date, int]]:
    """Return what is reached at the end of each of the goal's days up to today."""
    days = range((min(today, goal.last_on) - goal.first_on).days + 1)
    each = [goal.first_on + timedelta(days=day) for day in days]
    sums = accumulate((by_day.get(day, 0) for day in each), initial=start)
    return list(zip(each, list(sums)[1:], strict=True))


def _points(
    levels: Sequence[tuple[date, int]], goal: Goal, start: int, target: int | None
) -> tuple[GoalPoint, ...]:
    """Return evenly spaced points of the line, always with the last day."""
    step = max(-(-len(levels) // _MAX_POINTS), 1)
    found = []
    for day, reached in levels[::-1][::step]:
        due = pace(start, target, goal.first_on, goal.last_on, day) if target else None
        found.append(GoalPoint(day, reached, round(due) if due is not None else None))
    return tuple(found[::-1])


def _districts(goal: Goal, reader: GoalReader) -> tuple[DistrictCalls, ...]:
    """Return the calls to each district, the most needed first, the unknown district last."""
    if goal.measure != "calls":
        return ()
    rows = reader.read_districts(*_scope(goal), goal.first_on, goal.last_on)
    calls = {row.district: row.calls for row in rows}
    found = []
    for name in dict.fromkeys([*goal.districts, *sorted(calls)]):
        # Calls are needed in the named districts, or in each if none is named.
        needed = name in goal.districts or (name and not goal.districts)
        target = goal.each_district if needed else 0
        left = max(target - calls.get(name, 0), 0) if target else None
        found.append(DistrictCalls(name, calls.get(name, 0), left))
    return tuple(sorted(found, key=lambda row: (not row.district, -(row.left or 0))))
