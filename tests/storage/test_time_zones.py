"""Days and hours in SQL equal those of Python, independent of PostgreSQL's time zones."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from advocacy.core import dates
from advocacy.storage import time_zones
from advocacy.storage.session import transaction
from tests.support.sql import run
from tests.support.zones import HARD

YEAR = 2026


def instants(zone: str) -> list[datetime]:
    """Return the hour around each change, midnights, and samples of other years."""
    found = []
    for change in dates.clock_of(zone).starts:
        if YEAR - 1 <= change.year <= YEAR + 1:
            found += [change + timedelta(minutes=each) for each in (-60, -31, -1, 0, 1, 29, 60)]
            found.append(change - timedelta(microseconds=1))
    for number in range(0, 366, 9):
        begin = dates.begin_of(date(YEAR, 1, 1) + timedelta(number), zone)
        found += [begin - timedelta(microseconds=1), begin, begin + timedelta(hours=number % 24)]
    return found + [datetime(year, 7, 1, 22, 30, tzinfo=UTC) for year in (1990, 2016, 2039, 2200)]


@pytest.mark.parametrize("step", [20, pytest.param(1, marks=pytest.mark.slow)])
def test_a_year_of_instants_is_the_same_days_and_hours_in_all_zones(world, step):
    """In all zones, or the hard ones and one in twenty of all."""
    accepted = sorted(dates.accepted())
    assert set(HARD) <= set(accepted)
    zones = sorted({*HARD, *accepted[::step]})
    asked = [(zone, at) for zone in zones for at in instants(zone)]
    with transaction():
        rows = run(
            f"""with {time_zones.CLOCKS}
                select zone, at, {time_zones.day("at", time_zones.EACH)} as day,
                       {time_zones.hour("at", time_zones.EACH)} as hour,
                       extract(hour from {time_zones.local("at", time_zones.EACH)})::int as shown
                from unnest(cast(:of as text[]), cast(:ats as timestamptz[])) as asked (of, at)
                join clocks k on k.zone = asked.of""",
            of=[zone for zone, _ in asked],
            ats=[at for _, at in asked],
            **time_zones.of_zones(zones),
        )
    assert len(rows) == len(asked)
    for row in rows:
        assert row.day == dates.day_in(row.at, row.zone), (row.zone, row.at)
        hour = dates.hour_in(row.at, row.zone)
        # Python takes times that come twice for no others of another zone: compared in UTC.
        assert row.hour == hour.astimezone(UTC), (row.zone, row.at)
        assert row.shown == hour.hour, (row.zone, row.at)


@pytest.mark.parametrize("zone", [*HARD, "Europe/Paris", "UTC"])
@pytest.mark.parametrize("session", ["UTC", "Asia/Tokyo", "Etc/GMT+12"])
def test_the_clock_of_one_zone_needs_no_zone_of_the_connection(world, zone, session):
    asked = instants(zone)
    with transaction():
        run(f"set local timezone = '{session}'")
        rows = run(
            f"""select at, {time_zones.day("at", time_zones.OWN)} as day,
                       {time_zones.hour("at", time_zones.OWN)} as hour
                from unnest(cast(:ats as timestamptz[])) as at""",
            ats=asked,
            **time_zones.of_zone(zone),
        )
    assert [row.day for row in rows] == [dates.day_in(at, zone) for at in asked]
    assert [row.hour for row in rows] == [dates.hour_in(at, zone).astimezone(UTC) for at in asked]


def test_no_statement_asks_postgresql_for_a_day(root):
    """Its zones are another release; that of the connection does not reach other nodes."""
    wrong = re.compile(
        r"at time zone (?!'UTC')|current_date|localtimestamp|current_time\b|now\(\)::date"
        r"|\b\w*_?at as date\b|\b(\w*_?at)::date|date_trunc\([^()]*,[^()]*,",
        re.IGNORECASE,
    )
    found = [
        (path.name, match[0])
        for path in sorted(Path(root, "advocacy").rglob("*.py"))
        for match in wrong.finditer(path.read_text())
        if path.name != "clocks.py"
    ]
    assert found == []


def test_time_zones_are_read_in_one_module(root):
    reads = [
        str(path.relative_to(root))
        for package in ("advocacy", "workers", "config")
        for path in sorted(Path(root, package).rglob("*.py"))
        if "zoneinfo" in path.read_text().lower()
    ]
    assert reads == ["advocacy/core/dates.py"]
