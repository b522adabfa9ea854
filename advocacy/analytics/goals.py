"""④ Goals: what is reached of each, where it should stand by now, and where it will probably end.

Definitions
- *supporters*: everybody who acted by the day, ever; so it starts with those there were before.
- *donors*: people with a gift within the goal's days that did not wholly go back.
- *net*: money given less money that went back, each on its own day, in one currency.
- *calls*, *actions*: counted actions within the goal's days.
- *growth*: supporters grow over how many there were on the day before the first; all else over the
  equally long time before.
- *pace*: a straight line from the start to the target; *forecast*: see `forecast`.

Note: a growth goal has no fixed target. What it grows over is counted
anew each time, so a late action of last year moves the target, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any, Protocol
from uuid import UUID

from advocacy.analytics.forecast import MOST_WEEKS, forecast, full_weeks, pace
from advocacy.core.choices import MEASURES
from advocacy.core.dates import day_in
from advocacy.core.messages import say
from advocacy.core.money import exponent
from advocacy.core.numbers import read_number, write_number
from advocacy.storage import campaigns, errors, organizations
from advocacy.storage import goals as store
from advocacy.storage.goals import OfDay, OfDistrict
from advocacy.storage.models import Goal

_MOST_POINTS = 53
_LONGEST_NAME = 200
# More than any legislature has.
_MOST_DISTRICTS = 1_000
_GROWTH = re.compile(r"\+(.+?)\s?%")
# In hundredths of a percent: a hundred times as many.
_MOST_GROWTH = 10_000 * 100
_YEARS = range(2000, 2101)
_LONGEST = timedelta(days=3653)


class BadGoal(ValueError):
    """A goal cannot be like this; the message says what to do."""


def put_goal(
    org_id: UUID,
    campaign_id: UUID | None,
    measure: str,
    target: str,
    first: date,
    last: date,
    *,
    name: str = "",
    currency: str = "",
    districts: Sequence[str] = (),
    each_district: int = 0,
    language: str = "en",
) -> Goal:
    """Make a goal. `target` is a number as `language` writes it, or growth as +5%.

    Raises `BadGoal`, also where there is one of the same measure, about the same, for these days.
    """
    if measure not in MEASURES:
        raise BadGoal(
            say(
                "%(word)s is not a measure; available: %(known)s",
                word=ascii(measure),
                known=", ".join(MEASURES),
            )
        )
    if first > last:
        raise BadGoal(say("the first day is after the last"))
    if not {first.year, last.year} <= set(_YEARS) or last - first >= _LONGEST:
        raise BadGoal(
            say(
                "its days must lie between the years %(first)s and %(last)s and span "
                "no more than ten years",
                first=_YEARS[0],
                last=_YEARS[-1],
            )
        )
    if (measure == "net") != bool(currency):
        raise BadGoal(say("money needs a currency, e.g. USD; other measures have none"))
    if currency and not re.fullmatch(r"[A-Z]{3}", currency):
        raise BadGoal(
            say("%(word)s is not a currency; use three letters, e.g. USD", word=ascii(currency))
        )
    if (districts or each_district) and measure != "calls":
        raise BadGoal(say("only calls are counted by district"))
    if not 0 <= each_district < 2**62:
        raise BadGoal(say("no district can need so many calls"))
    if len(name) > _LONGEST_NAME or len(districts) > _MOST_DISTRICTS:
        raise BadGoal(say("its name is too long, or there are too many districts"))
    growth = _GROWTH.fullmatch(target.strip())
    try:
        return store.put_goal(
            org_id,
            campaign_id=campaign_id,
            name=name.strip(),
            measure=measure,
            currency=currency,
            target=0 if growth else _number(target, currency, language),
            growth_bp=_growth(growth[1], language) if growth else 0,
            first_on=first,
            last_on=last,
            districts=list(dict.fromkeys(each.strip() for each in districts if each.strip())),
            each_district=each_district,
        )
    except errors.Taken:
        raise BadGoal(
            say("there is already such a goal for this period; delete it to set another")
        ) from None


def _growth(percent: str, language: str) -> int:
    try:
        growth_bp = int(read_number(percent, language, 2) * 100)
    except ValueError:
        growth_bp = 0
    if not 0 < growth_bp < _MOST_GROWTH:
        raise BadGoal(
            say(
                "growth is written like %(growth)s and must be above 0 and below %(most)s",
                growth=f"+{write_number(Decimal('2.5'), language)}%",
                most=f"{write_number(Decimal(_MOST_GROWTH // 100), language)}%",
            )
        )
    return growth_bp


def _number(written: str, currency: str, language: str) -> int:
    places = exponent(currency) if currency else 0
    try:
        number = int(read_number(written, language, places).scaleb(places))
    except ValueError:
        number = 0
    if not 0 < number < 2**62:
        raise BadGoal(
            say(
                "%(word)s is not a valid target; use a number above 0, e.g. "
                "%(number)s, or growth, e.g. %(growth)s",
                word=ascii(written),
                number=write_number(Decimal("1250.50") if places == 2 else Decimal(5000), language),
                growth="+5%",
            )
        )
    return number


class Reading(Protocol):
    """What reads the figures that cost a walk through the actions; rows as `store.goals` has."""

    def read_donors(
        self, org_id: UUID, campaign_id: UUID | None, first: date, last: date
    ) -> Sequence[Any]:
        """Return the donors of each day."""
        ...

    def read_districts(
        self, org_id: UUID, campaign_id: UUID | None, first: date, last: date
    ) -> Sequence[Any]:
        """Return the calls to each district."""
        ...


def goals(
    org_id: UUID, now: datetime | None = None, reading: Reading = store
) -> list[dict[str, Any]]:
    """Return every goal with what is reached, its pace and its forecast; what ends first first.

    `reading` may have some of the figures kept.
    """
    organization = organizations.find_organization(org_id)
    if organization is None:
        raise errors.NotFound("there is no such organization")
    of = {campaign.id: campaign for campaign in campaigns.list_campaigns(org_id)}
    now = now or datetime.now(UTC)
    return [
        _goal(
            goal,
            of[goal.campaign_id] if goal.campaign_id else organization,
            now,
            reading,
        )
        for goal in store.list_goals(org_id)
    ]


def _goal(goal: Goal, about: Any, now: datetime, reading: Reading) -> dict[str, Any]:
    today = day_in(now, about.timezone)
    by_day = _by_day(goal, min(today, goal.last_on), reading)
    grown = goal.measure == "supporters"
    start = sum(n for day, n in by_day.items() if day < goal.first_on) if grown else 0
    levels = _levels(by_day, goal, start, today)
    reached = levels[-1][1] if levels else start
    base = _base(goal, start, reading) if goal.growth_bp else 0
    # Rounded up, in whole numbers: half a supporter is one more.
    grown_to = -(-base * (10_000 + goal.growth_bp) // 10_000) if base > 0 else None
    target = goal.target or grown_to
    found = _stand(goal, by_day, levels, start, reached, target, today)
    return {
        "id": goal.id,
        "campaign": about.slug if goal.campaign_id else None,
        "about": about.name,
        "name": goal.name,
        "measure": goal.measure,
        "currency": goal.currency,
        "growth_percent": goal.growth_bp / 100 or None,
        "from": goal.first_on,
        "to": goal.last_on,
        "timezone": about.timezone,
        "days_left": max((goal.last_on - max(today, goal.first_on)).days + 1, 0),
        "start": start,
        "target": target,
        **found,
        "points": _points(levels, goal, start, target),
        "districts": _districts(goal, reading),
        "each_district": goal.each_district,
    }


def _scope(goal: Goal) -> tuple[UUID, UUID | None]:
    return goal.org_id, goal.campaign_id


def _by_day(goal: Goal, last: date, reading: Reading) -> dict[date, int]:
    """Read what each day brought, from some weeks before the goal's first day."""
    before = goal.first_on - timedelta(days=min(7 * MOST_WEEKS, (goal.first_on - date.min).days))
    if goal.measure == "donors":
        before = goal.first_on  # who gave before may give for the first time in the goal's days
        last = goal.last_on  # the same days each day, so that what is kept of them serves tomorrow
    return {row.day: row.number for row in _rows(goal, before, last, reading)}


def _rows(goal: Goal, first: date, last: date, reading: Reading) -> Sequence[Any]:
    match goal.measure:
        case "supporters":
            return store.read_supporters(*_scope(goal), last)
        case "donors":
            return _donors(goal, first, last, reading)
        case "net":
            return store.read_sums(*_scope(goal), first, last, currency=goal.currency)
        case "calls":
            return store.read_sums(*_scope(goal), first, last, kind="call")
    return store.read_sums(*_scope(goal), first, last)


def _donors(goal: Goal, first: date, last: date, reading: Reading) -> list[OfDay]:
    return [OfDay(*row) for row in reading.read_donors(*_scope(goal), first, last)]


def _base(goal: Goal, start: int, reading: Reading) -> int:
    """Return what a goal to grow grows over."""
    if goal.measure == "supporters":
        return start
    length = min((goal.last_on - goal.first_on).days + 1, (goal.first_on - date.min).days)
    days = goal.first_on - timedelta(days=length), goal.first_on - timedelta(days=1)
    return sum(row.number for row in _rows(goal, *days, reading))


def _levels(
    by_day: Mapping[date, int], goal: Goal, start: int, today: date
) -> list[tuple[date, int]]:
    """Return what is reached at the end of each of the goal's days up to today."""
    days = range((min(today, goal.last_on) - goal.first_on).days + 1)
    each = [goal.first_on + timedelta(days=day) for day in days]
    sums = accumulate((by_day.get(day, 0) for day in each), initial=start)
    return list(zip(each, list(sums)[1:], strict=True))


def _stand(
    goal: Goal,
    by_day: Mapping[date, int],
    levels: Sequence[tuple[date, int]],
    start: int,
    reached: int,
    target: int | None,
    today: date,
) -> dict[str, Any]:
    due = pace(start, target, goal.first_on, goal.last_on, today) if target else None
    found: dict[str, Any] = {
        "reached": reached,
        "share": round(reached / target, 4) if target else None,
        "pace": round(due) if due is not None else None,
        # Of the pace as it is shown, so that the three figures fit each other.
        "ahead": reached - round(due) if due is not None else None,
        "forecast": None,
    }
    if today < goal.first_on:
        return {**found, "state": "not_begun", "pace": None, "ahead": None}
    if target is None:
        return {**found, "state": "nothing_to_grow_over"}
    if reached >= target:
        found["state"] = "reached"
    if today > goal.last_on:
        return {"state": "missed", **found}
    # Today is not over: the forecast goes on from the end of yesterday.
    yesterday = levels[-2][1] if len(levels) > 1 else start
    since = min(by_day, default=today)
    weeks = full_weeks(by_day, since, today)
    money = goal.measure == "net"
    end = forecast(yesterday, weeks, (goal.last_on - today).days + 1, falls=money)
    if end is None:
        return {"state": "too_early", **found}
    low, middle, high = (
        each if money else max(each, reached) for each in (end.low, end.middle, end.high)
    )
    found["forecast"] = {"low": low, "middle": middle, "high": high, "weeks": end.weeks}
    likely = "likely" if low >= target else "unlikely" if high < target else "open"
    return {"state": likely, **found}


def _points(
    levels: Sequence[tuple[date, int]], goal: Goal, start: int, target: int | None
) -> list[dict[str, Any]]:
    """Return points of the line, the last day always."""
    step = max(-(-len(levels) // _MOST_POINTS), 1)
    found: list[dict[str, Any]] = []
    for day, reached in levels[::-1][::step]:
        due = pace(start, target, goal.first_on, goal.last_on, day) if target else None
        found.append(
            {"day": day, "reached": reached, "pace": round(due) if due is not None else None}
        )
    return found[::-1]


def _districts(goal: Goal, reading: Reading) -> list[dict[str, Any]]:
    """Return each district's calls, what lacks most first."""
    if goal.measure != "calls":
        return []
    days = goal.first_on, goal.last_on
    told = [OfDistrict(*row) for row in reading.read_districts(*_scope(goal), *days)]
    rows = {row.district: row for row in told}
    names = list(dict.fromkeys([*goal.districts, *sorted(rows)]))
    found = []
    for name in names:
        calls = rows[name].calls if name in rows else 0
        # Calls are wanted from the districts that were named, or from each where none was.
        asked = name in goal.districts or (name and not goal.districts)
        wanted = goal.each_district if asked else 0
        found.append(
            {
                "district": name,
                "calls": calls,
                "left": max(wanted - calls, 0) if wanted else None,
            }
        )
    return sorted(found, key=lambda row: (not row["district"], -(row["left"] or 0)))
