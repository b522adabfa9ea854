"""Days and hours in SQL, with the time zone data of `advocacy.core.dates`.

A statement gets the transitions of its zones and their UTC offsets as arrays, and finds the offset
of an instant among them.

Note: PostgreSQL's own time zones may be of another release of the data, and it reads some names
differently. The time zone of a connection is lost behind a pooler or on another node. So statements
use neither: `at time zone` only with 'UTC', and Python determines which day is today.
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
    """How a statement refers to a zone: SQL for its name in `CLOCKS`, or '' for `OWN`."""

    zone: str


OWN = Clock("")
"""The transitions of the statement's only zone; `of_zone` has the parameters."""

EACH = Clock("k.zone")
"""The transitions of each row's zone, where `CLOCKS` is joined as `k`; see `of_zones`."""

CLOCKS = """clocks as materialized (
               select zone, cast(starts as timestamptz[]) as starts,
                      cast(ahead as interval[]) as ahead
               from unnest(cast(:clock_zones as text[]), cast(:clock_zone_starts as text[]),
                           cast(:clock_zone_ahead as text[])) as given (zone, starts, ahead))"""
"""A common table expression with the transitions by `zone`."""


def local(at: str, clock: Clock) -> str:
    """Return SQL for the local time of an instant: a timestamp without time zone."""
    return f"({at} at time zone 'UTC' + {_ahead(at, clock)})"


def day(at: str, clock: Clock) -> str:
    """Return SQL for the day of an instant, as `dates.day_in`."""
    return f"{local(at, clock)}::date"


def hour(at: str, clock: Clock) -> str:
    """Return SQL for the start of the local hour of an instant, as `dates.hour_in`."""
    return (
        f"greatest((date_trunc('hour', {local(at, clock)}) - {_ahead(at, clock)})"
        f" at time zone 'UTC', {_change(at, clock)})"
    )


def _ahead(at: str, clock: Clock) -> str:
    """Return SQL for the UTC offset at an instant."""
    return _looked_up(at, clock, "{ahead}[1 + width_bucket({at}, {starts})]")


def _change(at: str, clock: Clock) -> str:
    """Return SQL for the last transition before an instant."""
    return _looked_up(at, clock, "{starts}[width_bucket({at}, {starts})]")


def _looked_up(at: str, clock: Clock, wanted: str) -> str:
    """Return SQL for an array of the zone.

    A row's zone is looked up in a subquery and not joined: PostgreSQL would carry the arrays along
    when it sorts rows, ten kilobytes with each.
    """
    if clock.zone:
        found = wanted.format(at=at, starts="e.starts", ahead="e.ahead")
        return f"(select {found} from clocks e where e.zone = {clock.zone})"
    own = "(cast(:clock_starts as timestamptz[]))", "(cast(:clock_ahead as interval[]))"
    return wanted.format(at=at, starts=own[0], ahead=own[1])


def of_zone(timezone: str) -> dict[str, str]:
    """Return the parameters of `OWN`."""
    starts, ahead = _written(timezone)
    return {"clock_starts": starts, "clock_ahead": ahead}


def of_zones(timezones: Iterable[str]) -> dict[str, list[str]]:
    """Return the parameters of `CLOCKS` for these zones."""
    zones = sorted(set(timezones))
    written = [_written(each) for each in zones]
    return {
        "clock_zones": zones,
        "clock_zone_starts": [starts for starts, _ in written],
        "clock_zone_ahead": [ahead for _, ahead in written],
    }


def of_organization(org_id: UUID) -> dict[str, list[str]]:
    """Return the parameters of `CLOCKS` for the zones of an organization and its campaigns."""
    return of_zones(campaigns.zones(org_id).values())


@lru_cache(maxsize=1024)
def _written(timezone: str) -> tuple[str, str]:
    """Return a zone's transitions and offsets as two PostgreSQL arrays."""
    clock = clock_of(timezone)
    starts = ",".join(each.isoformat() for each in clock.starts)
    ahead = ",".join(f"{each} seconds" for each in clock.ahead)
    return f"{{{starts}}}", f"{{{ahead}}}"


def around(first: date, last: date) -> dict[str, datetime]:
    """Return the instants `since` and `until` that enclose these days in every zone."""
    begin, end = max(first, date.min + timedelta(2)), min(last, date.max - timedelta(3))
    return {
        "since": datetime.combine(begin - timedelta(1), time(), UTC),
        "until": datetime.combine(end + timedelta(2), time(), UTC),
    }
