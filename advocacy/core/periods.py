"""The days that a report covers, and when it is due.

Pure: the caller gives the current day and time.

Note: a week is Monday to Sunday on the calendar, so a week in which clocks change has 167 or 169
hours. Nothing here adds hours to days.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from advocacy.core.dates import day_in, zone

# The days before it, with which a report compares, have to be dates as well.
_FIRST_YEAR = 1970
_WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Period:
    """A range of days, first and last included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Period:
        """The same number of days, immediately before."""
        return Period(self.first - timedelta(self.days), self.first - timedelta(1))

    @property
    def is_week(self) -> bool:
        """Whether it is a calendar week, Monday to Sunday."""
        return self.days == 7 and self.first.isoweekday() == 1

    @property
    def name(self) -> str:
        """The ISO 8601 name: 2026-W47, or 2026-11-12/2026-11-18."""
        year, week, _ = self.first.isocalendar()
        return f"{year}-W{week:02}" if self.is_week else f"{self.first}/{self.last}"


def week_named(written: str) -> Period:
    """Return the week written as 2026-W47. Raises `ValueError` with the expected form."""
    found = _WEEK.fullmatch(written)
    try:
        if not found or int(found[1]) < _FIRST_YEAR:
            raise ValueError
        first = date.fromisocalendar(int(found[1]), int(found[2]), 1)
        return Period(first, first + timedelta(6))
    except (ValueError, OverflowError):
        raise ValueError(f"{written!a} is no week; write it as 2026-W47") from None


def seven_days_until(last: date) -> Period:
    """Return the seven days that end with this one. Raises `ValueError` for very early days."""
    if last.year < _FIRST_YEAR:
        raise ValueError(f"reports do not cover the year {last.year}")
    return Period(last - timedelta(6), last)


def last_whole_week(today: date) -> Period:
    """Return the last week, Monday to Sunday, that was complete before this day."""
    monday = today - timedelta(today.weekday())
    return Period(monday - timedelta(7), monday - timedelta(1))


def instant(day: date, at: time, timezone: str) -> datetime:
    """Return the instant at which clocks in a time zone show this, in UTC.

    A skipped hour is read as the one after it, a repeated one as the first.
    """
    return datetime.combine(day, at, zone(timezone)).astimezone(UTC)


def last_weekly(now: datetime, weekday: int, at: time, timezone: str) -> tuple[datetime, Period]:
    """Return when a weekly report was last due (Monday is 0), and the week that it covers."""
    today = day_in(now, timezone)
    day = today - timedelta((today.weekday() - weekday) % 7)
    if instant(day, at, timezone) > now:
        day -= timedelta(7)
    return instant(day, at, timezone), last_whole_week(day)


def before_meeting(on: date, at: time, timezone: str) -> tuple[datetime, Period]:
    """Return when the report for a meeting is due, and the seven days before that day."""
    return instant(on, at, timezone), seven_days_until(on - timedelta(1))


def named(name: str) -> Period:
    """Return the period with this `Period.name`. Raises `ValueError`."""
    if "/" not in name:
        return week_named(name)
    first, _, last = name.partition("/")
    return Period(date.fromisoformat(first), date.fromisoformat(last))
