"""The calendar: the day and the hour of an instant in a time zone.

Pure, and the only module that reads time zones. They come from the `tzdata` package, whose version
the lock files pin, so that every machine has the same release; the system's and PostgreSQL's own
differ for some dates. SQL that needs days gets them as a `Clock` (see `storage.time_zones`).

Note: importing this turns off the system's time zone files for the whole process.
"""

from __future__ import annotations

import importlib.resources
import zoneinfo
from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

import tzdata

zoneinfo.reset_tzpath(to=())
zoneinfo.ZoneInfo.clear_cache()

RELEASE: str = tzdata.IANA_VERSION
"""The IANA release of the time zones, for example 2026a."""

FIRST_YEAR, LAST_YEAR = 1990, 2200
"""A `Clock` is exact between these years; no action or click lies outside of them."""

_STEP_SECONDS = 3 * 86400
"""Shorter than any period for which a zone kept an offset in these years: a week."""

_LIKELY = {
    "CET": "Europe/Paris",
    "CEST": "Europe/Paris",
    "MET": "Europe/Paris",
    "MEZ": "Europe/Berlin",
    "EET": "Europe/Athens",
    "EEST": "Europe/Athens",
    "WET": "Europe/Lisbon",
    "WEST": "Europe/Lisbon",
    "BST": "Europe/London",
    "MSK": "Europe/Moscow",
    **dict.fromkeys(("ET", "EST", "EDT", "EST5EDT"), "America/New_York"),
    **dict.fromkeys(("CT", "CST", "CDT", "CST6CDT"), "America/Chicago"),
    **dict.fromkeys(("MT", "MST", "MDT", "MST7MDT"), "America/Denver"),
    **dict.fromkeys(("PT", "PST", "PDT", "PST8PDT"), "America/Los_Angeles"),
    "AKST": "America/Anchorage",
    "AST": "America/Halifax",
    "NST": "America/St_Johns",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "KST": "Asia/Seoul",
    "AEST": "Australia/Sydney",
    "AEDT": "Australia/Sydney",
    "NZST": "Pacific/Auckland",
    "NZDT": "Pacific/Auckland",
}
"""The zone that is likely meant by an abbreviation."""

_WITHOUT_LINK = {
    "CST6CDT": "America/Chicago",
    "EST5EDT": "America/New_York",
    "MST7MDT": "America/Denver",
    "PST8PDT": "America/Los_Angeles",
}
"""Old names to which the database gives rules of their own, which are those of a location."""


class Clock(NamedTuple):
    """The offset of a zone from UTC: `ahead[n]` seconds once n of `starts` have passed."""

    starts: tuple[datetime, ...]
    ahead: tuple[int, ...]


@lru_cache(maxsize=1024)
def zone(name: str) -> zoneinfo.ZoneInfo:
    """Return a time zone. Raises `LookupError` or `ValueError` if there is none of that name."""
    return zoneinfo.ZoneInfo(name)


def day_in(moment: datetime, timezone: str) -> date:
    """Return the calendar day of an instant in a zone."""
    return moment.astimezone(zone(timezone)).date()


def begin_of(day: date, timezone: str) -> datetime:
    """Return the first instant of a day in a zone, in UTC, or the latest possible instant."""
    try:
        return datetime.combine(day, time(), zone(timezone)).astimezone(UTC)
    except OverflowError:
        return (
            datetime.max.replace(tzinfo=UTC)
            if day.year > LAST_YEAR
            else datetime.min.replace(tzinfo=UTC)
        )


def seconds_ahead(moment: datetime, timezone: str) -> float:
    """Return the offset of a zone from UTC at an instant, in seconds."""
    ahead = moment.astimezone(zone(timezone)).utcoffset()
    return ahead.total_seconds() if ahead else 0.0


def hour_in(moment: datetime, timezone: str) -> datetime:
    """Return the instant at which an instant's hour began on the clocks of a zone.

    A repeated hour is two hours. If clocks change by half an hour, the hour they change to begins
    with the change.
    """
    local = moment.astimezone(zone(timezone))
    begun = local.replace(minute=0, second=0, microsecond=0, tzinfo=None) - (
        local.utcoffset() or timedelta()
    )
    clock = clock_of(timezone)
    found = begun.replace(tzinfo=UTC)
    if place := bisect_right(clock.starts, moment):
        found = max(found, clock.starts[place - 1])
    return found.astimezone(zone(timezone))


@lru_cache(maxsize=1024)
def clock_of(timezone: str) -> Clock:
    """Return the offsets of a zone from `FIRST_YEAR` to the end of `LAST_YEAR`.

    Before these years it has the first offset, after them the last.
    """
    read = zone(timezone)

    def ahead_at(seconds: int) -> int:
        offset = datetime.fromtimestamp(seconds, read).utcoffset()
        return int(offset.total_seconds()) if offset else 0

    begin = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())
    starts: list[datetime] = []
    ahead = [ahead_at(begin)]
    for after in range(begin + _STEP_SECONDS, end + _STEP_SECONDS, _STEP_SECONDS):
        if (now := ahead_at(after)) != ahead[-1]:
            before = after - _STEP_SECONDS
            while after - before > 1:
                middle = (before + after) // 2
                if ahead_at(middle) == ahead[-1]:
                    before = middle
                else:
                    after = middle
            starts.append(datetime.fromtimestamp(after, UTC))
            ahead.append(now)
    return Clock(tuple(starts), tuple(ahead))


@lru_cache(maxsize=1)
def known() -> frozenset[str]:
    """Return all time zones that can be read, including those that cannot be chosen."""
    return frozenset(zoneinfo.available_timezones())


@lru_cache(maxsize=1)
def accepted() -> frozenset[str]:
    """Return the time zones that an organization, a campaign or a file may have.

    These are all of the form Area/Location, and UTC. An abbreviation can mean several zones, and
    `Etc/GMT+5` is five hours *behind* UTC.
    """
    return frozenset(each for each in known() if "/" in each and not each.startswith("Etc/")) | {
        "UTC"
    }


@lru_cache(maxsize=1)
def _links() -> dict[str, str]:
    """Return the zone for each old or alternative name, from the time zone database."""
    written = importlib.resources.files("tzdata").joinpath("zoneinfo", "tzdata.zi").read_text()
    links = [line.split() for line in written.splitlines() if line.startswith("L ")]
    return {
        name: "UTC" if zone_name.startswith("Etc/") else zone_name for _, zone_name, name in links
    }


def likely(name: str) -> str:
    """Return the zone that is likely meant by a name that is not accepted, or ''."""
    written = name.strip().replace(" ", "_").casefold()
    written = written.removeprefix("posix/").removeprefix("right/").removeprefix("etc/")
    if found := _LIKELY.get(written.upper()):
        return found
    for each in sorted(accepted()):
        if written in {each.casefold(), each.rpartition("/")[2].casefold()}:
            return each
    return next((zone for link, zone in _links().items() if link.casefold() == written), "")


def same_clock(name: str) -> str:
    """Return the accepted zone with the same offsets as one that is not accepted, or ''."""
    written = name.removeprefix("posix/").removeprefix("right/")
    if written in accepted():
        return written
    return _WITHOUT_LINK.get(written) or _links().get(written, "")


def mistake(name: str) -> str:
    """Return why a zone cannot be chosen and which one may be meant; '' if it can."""
    if name in accepted():
        return ""
    meant = likely(name) or "a name like America/Chicago"
    return f"{name!a} is no time zone of the form Area/Location; use {meant}"
