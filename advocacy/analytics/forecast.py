"""The pace of a goal, and a forecast of where it will end if the last weeks continue.

Pure and deterministic.

The forecast is what is reached now, plus the mean of the last full weeks (at most eight, at least
three) times the weeks that are left. The range is an 80 % prediction interval by Student's t: it
takes into account that single weeks differ, and that the mean of so few weeks is uncertain.

Note: it has no trend, season or plan. It does not foresee a giving day or a vote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, floor, sqrt

MAX_WEEKS = 8
MIN_WEEKS = 3

# Two-sided 80 %: the 90th percentile of Student's t by degrees of freedom (weeks less one).
_T = {2: 1.8856, 3: 1.6377, 4: 1.5332, 5: 1.4759, 6: 1.4398, 7: 1.4149}


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where a goal will end: the middle and an 80 % range, from this many weeks."""

    low: int
    middle: int
    high: int
    weeks: int


def pace(start: int, target: int, first: date, last: date, day: date) -> float:
    """Return the pace at the end of a day: a straight line from the start to the target."""
    days = (last - first).days + 1
    elapsed = min(max((day - first).days + 1, 0), days)
    return start + (target - start) * elapsed / days


def full_weeks(by_day: Mapping[date, int], since: date, today: date) -> list[int]:
    """Return the sums of the last full weeks before today, not before `since`, newest first."""
    found: list[int] = []
    end = today - timedelta(days=1)
    while len(found) < MAX_WEEKS and end - timedelta(days=6) >= since:
        found.append(sum(by_day.get(end - timedelta(days=back), 0) for back in range(7)))
        end -= timedelta(days=7)
    return found


def forecast(now: int, weeks: list[int], days_left: int, *, falls: bool = False) -> Forecast | None:
    """Return where a goal will end after this many days, or None with too few full weeks.

    `now` is what is reached, `weeks` are the sums of full weeks. Only a figure that `falls`, such
    as money that can be refunded, may end below `now`.
    """
    if len(weeks) < MIN_WEEKS:
        return None
    count = min(len(weeks), MAX_WEEKS)
    weeks = weeks[:count]
    mean = sum(weeks) / count
    variance = sum((week - mean) ** 2 for week in weeks) / (count - 1)
    left = max(days_left, 0) / 7
    spread = _T[count - 1] * sqrt(variance * (left + left**2 / count))
    low, middle, high = (now + left * mean + side * spread for side in (-1, 0, 1))
    lowest = low if falls else max(low, now)
    return Forecast(floor(lowest), round(max(middle, lowest)), ceil(max(high, lowest)), count)
