"""Pace and forecast, worked out by hand, and what they promise for all data."""

from __future__ import annotations

import random
from datetime import date, timedelta
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.analytics.forecast import forecast, full_weeks, pace

FIRST, LAST = date(2026, 1, 1), date(2026, 1, 10)


@pytest.mark.parametrize(
    ("day", "due"),
    [(date(2025, 12, 31), 100), (FIRST, 110), (date(2026, 1, 5), 150), (LAST, 200),
     (date(2026, 2, 1), 200)],
)  # fmt: skip
def test_the_pace_is_a_straight_line(day, due):
    assert pace(100, 200, FIRST, LAST, day) == due


def test_full_weeks_end_yesterday_and_begin_with_the_data():
    today = date(2026, 3, 31)
    by_day = {today - timedelta(days=back): back for back in range(30)}
    weeks = full_weeks(by_day, min(by_day), today)
    # Today is left out; of the 29 days before, four weeks are full.
    assert weeks == [sum(range(1, 8)), sum(range(8, 15)), sum(range(15, 22)), sum(range(22, 29))]
    assert len(full_weeks({}, date(2020, 1, 1), today)) == 8


def test_a_forecast_by_hand():
    # Weeks 10, 20, 30: mean 20, variance 100. Two weeks left: 100 + 40, spread
    # 1.8856 · sqrt(100 · (2 + 4/3)) = 34.43.
    found = forecast(100, [10, 20, 30], 14)
    spread = 1.8856 * sqrt(100 * (2 + 4 / 3))
    assert (found.middle, found.weeks) == (140, 3)
    assert found.low == int(140 - spread) == 105
    assert found.high == int(140 + spread) + 1 == 175


def test_alike_weeks_leave_no_doubt_and_two_are_too_few():
    found = forecast(50, [7, 7, 7, 7], 28)
    assert (found.low, found.middle, found.high) == (78, 78, 78)
    assert forecast(50, [7, 7], 28) is None


@given(
    st.integers(0, 10**6),
    st.lists(st.integers(0, 10**4), min_size=3, max_size=8),
    st.integers(-5, 400),
)
def test_what_cannot_fall_does_not_end_below_what_is_there(now, weeks, days):
    found = forecast(now, weeks, days)
    assert now <= found.low <= found.middle <= found.high
    if days <= 0:
        assert found.high == now


def test_the_range_holds_four_of_five():
    """Weeks that do not depend on each other: how often is the end in the range?"""
    chance = random.Random(4)
    held = 0
    for _ in range(2000):
        weeks = [round(chance.gauss(1000, 150)) for _ in range(14)]
        found = forecast(0, weeks[:8], 42)
        held += found.low <= sum(weeks[8:]) <= found.high
    assert 0.77 < held / 2000 < 0.83
