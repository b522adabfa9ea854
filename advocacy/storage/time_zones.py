"""Days and hours in SQL, by the clocks that `advocacy.core.dates` gives.

A statement is given when the clocks of its zones change and by how much they are then ahead of UTC;
it finds the place of an instant among these changes.

Note: PostgreSQL has time zones too, of another release, and reads some names otherwise. So does the
zone of a connection, which a pooler or another node does not know of. No statement uses either:
`at time zone` is of 'UTC' alone, and which day is today is given by Python.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from advocacy.core.dates import clock_of
from advocacy.storage import campaigns


class Clock(NamedTuple):
    """Where a statement has a clock: SQL for its zone, to be found in `CLOCKS`; '' for `OWN`."""

    zone: str


OWN = Clock("")
"""The clock of the one zone that a statement is about; its values are `of_zone`."""

EACH = Clock("k.zone")
"""The clock of each row's zone, where `CLOCKS` is joined as `k`; its values are `of_zones`."""

CLOCKS = """clocks as materialized (
               select zone, cast(starts as timestamptz[]) as starts,
                      cast(ahead as interval[]) as ahead
               from unnest(cast(:clock_zones as text[]), cast(:clock_zone_starts as text[]),
                           cast(:clock_zone_ahead as text[])) as given (zone, starts, ahead))"""
"""The clocks by `zone`, for the `with` of a statement."""


def local(at: str, clock: Clock) -> str:
    """Return SQL for what a clock shows at an instant: a timestamp without zone."""
    return f"({at} at time zone 'UTC' + {_ahead(at, clock)})"


def day(at: str, clock: Clock) -> str:
    """Return SQL for the day of an instant, as `days.day_in`."""
    return f"{local(at, clock)}::date"


def hour(at: str, clock: Clock) -> str:
    """Return SQL for when the hour of an instant began, as `days.hour_in`."""
    return (
        f"greatest((date_trunc('hour', {local(at, clock)}) - {_ahead(at, clock)})"
        f" at time zone 'UTC', {_change(at, clock)})"
    )


def _ahead(at: str, clock: Clock) -> str:
    """Return SQL for how much a clock is ahead at an instant."""
    return _looked_up(at, clock, "{ahead}[1 + width_bucket({at}, {starts})]")


def _change(at: str, clock: Clock) -> str:
    """Return SQL for when a clock was changed last before an instant."""
    return _looked_up(at, clock, "{starts}[width_bucket({at}, {starts})]")


def _looked_up(at: str, clock: Clock, wanted: str) -> str:
    """Return SQL for a part of a clock.

    That of a row's zone is looked up and not joined: PostgreSQL would take the arrays along where
    it sorts rows, ten kilobytes with each.
    """
    if clock.zone:
        found = wanted.format(at=at, starts="e.starts", ahead="e.ahead")
        return f"(select {found} from clocks e where e.zone = {clock.zone})"
    own = "(cast(:clock_starts as timestamptz[]))", "(cast(:clock_ahead as interval[]))"
    return wanted.format(at=at, starts=own[0], ahead=own[1])


def of_zone(timezone: str) -> dict[str, str]:
    """Return the values of `OWN`."""
    starts, ahead = _written(timezone)
    return {"clock_starts": starts, "clock_ahead": ahead}


def of_zones(timezones: Iterable[str]) -> dict[str, list[str]]:
    """Return the values of `CLOCKS` for these zones."""
    zones = sorted(set(timezones))
    written = [_written(each) for each in zones]
    return {
        "clock_zones": zones,
        "clock_zone_starts": [starts for starts, _ in written],
        "clock_zone_ahead": [ahead for _, ahead in written],
    }


def of_organization(org_id: UUID) -> dict[str, list[str]]:
    """Return the values of `CLOCKS` for the zones of an organization and of its campaigns."""
    return of_zones(campaigns.zones(org_id).values())


@lru_cache(maxsize=1024)
def _written(timezone: str) -> tuple[str, str]:
    """Write a clock as two arrays of PostgreSQL."""
    clock = clock_of(timezone)
    starts = ",".join(each.isoformat() for each in clock.starts)
    ahead = ",".join(f"{each} seconds" for each in clock.ahead)
    return f"{{{starts}}}", f"{{{ahead}}}"


def around(first: date, last: date) -> dict[str, datetime]:
    """Return instants `since` and `until` between which these days lie in every zone."""
    begin, end = max(first, date.min + timedelta(2)), min(last, date.max - timedelta(3))
    return {
        "since": datetime.combine(begin - timedelta(1), time(), UTC),
        "until": datetime.combine(end + timedelta(2), time(), UTC),
    }
