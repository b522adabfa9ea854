"""Where a goal stands against its pace, and where it will end if things go on as they do.

Pure, and the same for the same data: no chance is involved.

How the forecast is made: the last full weeks (at most eight, at least three) go on. What is there
now, plus the mean week times the weeks that are left. The range holds the end with 80 % by
Student's t, from how much those weeks differed: it is a prediction interval, so it counts both that
single weeks differ and that so few weeks do not tell the mean well.

Note: no trend, no season and no plan is in it. A giving day or a vote is
not foreseen; the range only says how far the past weeks alone carry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, floor, sqrt

MOST_WEEKS = 8
FEWEST_WEEKS = 3

# Two-sided 80 %: the 90th percentile of Student's t by degrees of freedom (weeks less one).
_T = {2: 1.8856, 3: 1.6377, 4: 1.5332, 5: 1.4759, 6: 1.4398, 7: 1.4149}


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where it will end: the middle, and a range that holds the end with 80 %."""

    low: int
    middle: int
    high: int
    weeks: int


def pace(start: int, target: int, first: date, last: date, day: date) -> float:
    """Return where the goal should stand at the end of a day, to come out even: a straight line."""
    days = (last - first).days + 1
    gone = min(max((day - first).days + 1, 0), days)
    return start + (target - start) * gone / days


def full_weeks(by_day: Mapping[date, int], since: date, today: date) -> list[int]:
    """Return the sums of the last full weeks before today and since a day, the newest first."""
    found: list[int] = []
    end = today - timedelta(days=1)
    while len(found) < MOST_WEEKS and end - timedelta(days=6) >= since:
        found.append(sum(by_day.get(end - timedelta(days=back), 0) for back in range(7)))
        end -= timedelta(days=7)
    return found


def forecast(now: int, weeks: list[int], days_left: int, *, falls: bool = False) -> Forecast | None:
    """Return where it will end in so many days, or None where there are too few full weeks.

    `now` is what is reached, `weeks` what full weeks brought. Only what `falls` (money can go back)
    may end below where it is.
    """
    if len(weeks) < FEWEST_WEEKS:
        return None
    count = min(len(weeks), MOST_WEEKS)
    weeks = weeks[:count]
    mean = sum(weeks) / count
    variance = sum((week - mean) ** 2 for week in weeks) / (count - 1)
    left = max(days_left, 0) / 7
    spread = _T[count - 1] * sqrt(variance * (left + left**2 / count))
    low, middle, high = (now + left * mean + side * spread for side in (-1, 0, 1))
    lowest = low if falls else max(low, now)
    return Forecast(floor(lowest), round(max(middle, lowest)), ceil(max(high, lowest)), count)
