"""Clicks and actions by weekday and hour: on the campaign's clock, also when it changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from advocacy.analytics.breakdown import BadFilter, Question
from advocacy.analytics.timing import BestTime, best_times, times_of_hours, timing
from advocacy.storage import campaigns

ZONE = "America/New_York"
LATER = datetime(2030, 1, 1, tzinfo=UTC)
MARCH, OCTOBER = date(2025, 3, 3), date(2025, 10, 27)  # Mondays; clocks change on day 6
DAYS = {"first": MARCH, "last": MARCH + timedelta(6)}


def asked(world, **question):
    campaign = campaigns.get_campaign(world.org_id, "stay")
    return timing(campaign, Question("post", **{**DAYS, **question}), now=LATER)


def by_hour(found, name: str) -> dict[tuple[int, int], int]:
    return {(c.weekday, c.hour): getattr(c, name) for c in found.cells if getattr(c, name)}


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 3, day, hour, minute, tzinfo=UTC)


@pytest.fixture
def busy(world):
    """Saturday evening, and the Sunday on which 2:00 does not come (7:00 UTC is 3:00)."""
    world.click("x", at=at(9, 4, 30))  # Saturday 23:30 in New York
    click = world.click("instagram", at=at(9, 6, 59))  # Sunday 1:59
    world.click("instagram", at=at(9, 7))  # Sunday 3:00
    world.click("instagram", at=at(9, 7, 1), not_human_why="preview")
    world.click("x", at=at(10, 4))  # Monday 0:00 of the week after
    world.act("call", id="1", email="ana@example.org", click_id=click, at=at(9, 7, 5))
    world.act("signature", id="2", email="bo@example.org", at=at(3, 4, 59))  # Sunday before
    world.act("signature", id="3", email="bo@example.org", at=at(3, 5))  # Monday 0:00
    for number in range(2):
        world.act(
            "donation", id=f"gift{number}", email="bo@example.org", amount="5", currency="USD",
            recurs_as="plan", renewal=number == 1, at=at(4 + number, 17),
        )  # fmt: skip
    world.drain()
    return world


def test_clicks_and_actions_are_on_the_clock_of_the_campaign(busy):
    found = asked(busy)
    assert by_hour(found, "clicks") == {(5, 23): 1, (6, 1): 1, (6, 3): 1}
    assert by_hour(found, "actions") == {(0, 0): 1, (1, 12): 1, (6, 3): 1}  # no renewal
    assert (found.timezone, found.clicks) == (ZONE, 3)
    assert len(found.cells) == 7 * 24


def test_filters_narrow_actions_to_what_was_credited_and_clicks_to_their_posts(busy):
    found = asked(busy, filters={"platform": ["instagram"]})
    assert by_hour(found, "clicks") == {(6, 1): 1, (6, 3): 1}
    assert by_hour(found, "actions") == {(6, 3): 1}
    found = asked(busy, filters={"kind": ["signature"]})
    assert by_hour(found, "actions") == {(0, 0): 1}
    assert found.clicks == 3
    with pytest.raises(BadFilter):
        asked(busy, filters={"post": ["nonsense"]})


def test_an_hour_that_did_not_come_is_no_quiet_hour():
    times = times_of_hours(MARCH, MARCH + timedelta(6), ZONE, LATER)
    assert {each for each, number in times.items() if number != 1} == {(6, 2)}
    assert times[6, 2] == 0


def test_an_hour_that_came_twice_counts_twice():
    times = times_of_hours(OCTOBER, OCTOBER + timedelta(6), ZONE, LATER)
    assert {each: number for each, number in times.items() if number != 1} == {(6, 1): 2}


def test_half_an_hour_is_half_an_hour():
    """Lord Howe Island's clocks change by half an hour: 1:30 to 2:00 comes twice in April."""
    times = times_of_hours(date(2025, 4, 6), date(2025, 4, 6), "Australia/Lord_Howe", LATER)
    assert {each[1]: number for each, number in times.items() if number not in {0, 1}} == {1: 1.5}


def test_what_is_to_come_is_not_counted():
    now = datetime(2025, 10, 28, 14, 30, tzinfo=UTC)  # Tuesday 10:30 in New York
    times = times_of_hours(OCTOBER, OCTOBER + timedelta(6), ZONE, now)
    assert times[1, 9] == 1
    assert times[1, 10] == 0.5
    assert sum(times.values()) == 24 + 10.5


def test_the_best_time_is_the_best_average_and_not_the_largest_sum():
    """Five Mondays with 40 at noon are less than four Tuesdays with 60 at 19:00 and 20:00."""
    times = {(day, hour): 5.0 if day == 0 else 4.0 for day in range(7) for hour in range(24)}
    numbers = {(0, 12): 200, (1, 19): 120, (1, 20): 120}
    first, second, *_rest = best_times(numbers, times)
    average = 440 / (5 * 24 + 4 * 24 * 6)
    assert first == BestTime(1, 19, 21, 240, round(240 / 8 / average, 2))
    assert (second.weekday, second.number) == (0, 200)


def test_best_times_do_not_overlap_and_need_enough():
    times = {(day, hour): 1.0 for day in range(7) for hour in range(24)}
    assert best_times({(1, 19): 99}, times) == ()
    found = best_times({(1, 19): 100}, times)
    assert [(each.hour, each.until) for each in found] == [(18, 20)]
