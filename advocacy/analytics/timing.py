"""When supporters click and act: by weekday and hour of the clock, in the campaign's zone.

Note: a range has more Mondays than Tuesdays, an hour is missing or comes twice when clocks change,
and today is not over. So hours are compared by their average: what happened, divided by how often
the hour came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from advocacy.analytics.breakdown import Question, reader_of
from advocacy.core.dates import begin_of, zone
from advocacy.storage import timing as store
from advocacy.storage.models import Campaign

WeekHour: TypeAlias = tuple[int, int]
"""A weekday (0 is Monday) and an hour of the clock."""

WEEK: Sequence[WeekHour] = tuple((weekday, hour) for weekday in range(7) for hour in range(24))
BEST_HOURS = 2
"""The length of a best time: a single hour is too short to plan for."""
MOST_BEST = 3
ENOUGH = 100
"""Below this number no time is called best: it would be chance."""

_STEP = timedelta(minutes=15)
"""Every zone's clock changes at, and by, a multiple of this."""


@dataclass(frozen=True, slots=True)
class TimingCell:
    """What happened at an hour of a weekday, and how often this hour came; parts if not whole."""

    weekday: int
    hour: int
    actions: int
    clicks: int
    times: float


@dataclass(frozen=True, slots=True)
class BestTime:
    """The hours of a weekday from `hour` to before `until` (24 is midnight).

    `times_average` is how many times as much happens as in the average hour.
    """

    weekday: int
    hour: int
    until: int
    number: int
    times_average: float


@dataclass(frozen=True, slots=True)
class Timing:
    """Actions and clicks by weekday and hour, and the best times for each; none if too few."""

    timezone: str
    first: date
    last: date
    actions: int
    clicks: int
    cells: tuple[TimingCell, ...]
    best_of_actions: tuple[BestTime, ...]
    best_of_clicks: tuple[BestTime, ...]
    counted_at: datetime | None = None


def timing(campaign: Campaign, question: Question, now: datetime | None = None) -> Timing:
    """Return when a campaign's actions and clicks came; of a question, its range and filters.

    Clicks are of people, and actions without renewals. It reads every action and click of the
    range. Raises `BadRange` and `BadFilter`.
    """
    reader = reader_of(campaign, question)
    first, last = reader.first, reader.last
    actions = _by_hour(store.read_actions_by_week_hour(reader.actions))
    clicks = _by_hour(store.read_clicks_by_week_hour(reader.clicks))
    times = times_of_hours(first, last, campaign.timezone, now or datetime.now(UTC))
    return Timing(
        timezone=campaign.timezone,
        first=first,
        last=last,
        actions=sum(actions.values()),
        clicks=sum(clicks.values()),
        cells=tuple(
            TimingCell(*each, actions.get(each, 0), clicks.get(each, 0), times.get(each, 0.0))
            for each in WEEK
        ),
        best_of_actions=best_times(actions, times),
        best_of_clicks=best_times(clicks, times),
    )


def _by_hour(rows: Sequence[store.WeekHourRow]) -> dict[WeekHour, int]:
    return {(row.weekday, row.hour): row.number for row in rows}


def times_of_hours(
    first: date, last: date, timezone: str, until: datetime
) -> dict[WeekHour, float]:
    """Return how often each hour of the week came on these days, in parts where not whole.

    On the day on which clocks change an hour is missing or comes twice; what is after `until` has
    not come yet.
    """
    found = dict.fromkeys(WEEK, 0.0)
    begin = begin_of(first, timezone)
    for number in range((last - first).days + 1):
        day = first + timedelta(number)
        end = begin_of(day + timedelta(1), timezone)
        if begin >= until:
            break
        if end - begin == timedelta(1) and end <= until:
            for hour in range(24):
                found[day.weekday(), hour] += 1
        else:
            at = begin
            while at < min(end, until):
                found[day.weekday(), at.astimezone(zone(timezone)).hour] += _STEP / timedelta(
                    hours=1
                )
                at += _STEP
        begin = end
    return found


def best_times(
    numbers: Mapping[WeekHour, int],
    times: Mapping[WeekHour, float],
    length: int = BEST_HOURS,
    most: int = MOST_BEST,
) -> tuple[BestTime, ...]:
    """Return the hours in a row, of one weekday, in which most happens on average; the best first.

    They do not overlap and are above the average hour. None if `numbers` are fewer than `ENOUGH`.
    """
    all_times = sum(times.values())
    total = sum(numbers.values())
    if total < ENOUGH or not all_times:
        return ()
    found = []
    for weekday in range(7):
        for hour in range(24 - length + 1):
            hours = [(weekday, each) for each in range(hour, hour + length)]
            came = sum(times.get(each, 0) for each in hours)
            number = sum(numbers.get(each, 0) for each in hours)
            if came:
                average = round(number / came / (total / all_times), 2)
                found.append(BestTime(weekday, hour, hour + length, number, average))
    chosen: list[BestTime] = []
    for each in sorted(found, key=lambda best: (-best.times_average, best.weekday, best.hour)):
        overlaps = any(
            each.weekday == other.weekday and each.hour < other.until and other.hour < each.until
            for other in chosen
        )
        if not overlaps and each.times_average > 1 and len(chosen) < most:
            chosen.append(each)
    return tuple(chosen)
