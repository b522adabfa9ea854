"""Time zones, days and hours."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from advocacy.core import dates


def test_time_zones_come_from_the_package_and_not_from_the_machine():
    assert zoneinfo.TZPATH == ()
    assert dates.RELEASE >= "2026"
    assert {"CET", "Europe/Kyiv"} <= dates.known()
    assert not {"localtime", "posix/Europe/Paris", "right/UTC"} & dates.known()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("CET", "Europe/Paris"),
        ("cest", "Europe/Paris"),
        ("EST", "America/New_York"),
        ("EST5EDT", "America/New_York"),
        ("HST", "Pacific/Honolulu"),
        ("PST8PDT", "America/Los_Angeles"),
        ("GMT", "UTC"),
        ("Etc/UTC", "UTC"),
        ("Z", ""),
        ("GB-Eire", "Europe/London"),
        ("Japan", "Asia/Tokyo"),
        ("paris", "Europe/Paris"),
        ("new york", "America/New_York"),
        ("europe/paris", "Europe/Paris"),
        ("posix/Europe/Paris", "Europe/Paris"),
        ("right/Asia/Tokyo", "Asia/Tokyo"),
        ("localtime", ""),
        ("Factory", ""),
        ("Etc/GMT+5", ""),
        ("", ""),
    ],
)
def test_a_zone_that_is_not_offered_suggests_another(written, meant):
    assert written not in dates.accepted()
    assert dates.likely(written) == meant
    assert (meant or "America/Chicago") in dates.mistake(written)


def test_every_offered_zone_can_be_loaded():
    for each in dates.accepted():
        assert dates.mistake(each) == ""
        assert dates.zone(each).key == each


def test_an_old_name_has_a_location_with_the_same_clock():
    old = {each for each in dates.known() - dates.accepted() if not each.startswith("Etc/")}
    for each in old - {"Factory"}:
        location = dates.same_clock(each)
        assert location in dates.accepted()
        assert dates.clock_of(location) == dates.clock_of(each), each


@pytest.mark.parametrize(
    ("moment", "zone", "hour"),
    [
        # An hour that comes twice is two.
        ("2026-11-01T05:30:00+00:00", "America/New_York", "2026-11-01T01:00:00-04:00"),
        ("2026-11-01T06:30:00+00:00", "America/New_York", "2026-11-01T01:00:00-05:00"),
        ("2026-07-01T22:30:00+00:00", "Asia/Kathmandu", "2026-07-02T04:00:00+05:45"),
        # Clocks go back from 02:00 to 01:30, and on from 02:00 to 02:30.
        ("2026-04-04T14:59:00+00:00", "Australia/Lord_Howe", "2026-04-05T01:00:00+11:00"),
        ("2026-04-04T15:10:00+00:00", "Australia/Lord_Howe", "2026-04-05T01:30:00+10:30"),
        ("2026-10-03T15:40:00+00:00", "Australia/Lord_Howe", "2026-10-04T02:30:00+11:00"),
    ],
)
def test_an_hour_begins_on_the_clock_of_its_zone(moment, zone, hour):
    assert dates.hour_in(datetime.fromisoformat(moment), zone).isoformat() == hour


@pytest.mark.parametrize("zone", ["Africa/Cairo", "America/Havana", "America/New_York", "UTC"])
def test_a_day_begins_where_the_one_before_ends(zone):
    for number in range(400):
        day = date(2026, 1, 1) + timedelta(number)
        begin = dates.begin_of(day, zone)
        assert dates.day_in(begin, zone) == day
        assert dates.day_in(begin - timedelta(microseconds=1), zone) == day - timedelta(1)


def test_a_clock_has_every_change_of_its_zone():
    """Looked for by the hour where changes are close, and by what each of them is."""
    for name in ("Africa/Casablanca", "Africa/Cairo", "America/Boa_Vista", "Antarctica/Troll"):
        read, clock = ZoneInfo(name), dates.clock_of(name)
        at, place = datetime(1990, 1, 1, tzinfo=UTC), 0
        while at.year < 2031:
            while place < len(clock.starts) and clock.starts[place] <= at:
                place += 1
            offset = at.astimezone(read).utcoffset()
            assert offset is not None
            assert offset.total_seconds() == clock.ahead[place], (name, at)
            at += timedelta(hours=1)
