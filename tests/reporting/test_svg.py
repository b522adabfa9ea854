"""The geometry of small pictures: lengths add up, nothing leaves its place, zeros are zeros."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.reporting import svg

counts = st.integers(min_value=0, max_value=10**9)


def test_a_sparkline_goes_from_edge_to_edge_and_ends_at_its_last_value():
    line = svg.sparkline([0, 5, 10], width=100, height=20, pad=0)
    assert line.points == "0,20 50,10 100,0"
    assert line.area == "0,20 0,20 50,10 100,0 100,20"
    assert line.end == (100, 0)


def test_a_sparkline_of_zeros_lies_on_the_ground():
    assert svg.sparkline([0, 0], width=10, height=10, pad=1).points == "0,9 10,9"


def test_a_refund_goes_below_zero_and_stays_inside():
    assert svg.sparkline([-5, 5], width=10, height=10, pad=0).points == "0,10 10,0"


@pytest.mark.parametrize("values", [[], [3]])
def test_a_line_needs_two_points(values):
    assert svg.sparkline(values) is None


@given(st.lists(counts, min_size=2, max_size=60))
def test_no_point_leaves_the_picture(values):
    points = [tuple(map(float, each.split(","))) for each in svg.sparkline(values).points.split()]
    assert all(0 <= x <= 96 and 0 <= y <= 24 for x, y in points)


@pytest.mark.parametrize(
    ("value", "most", "expected"),
    [(0, 10, 0), (10, 10, 100), (5, 10, 50), (1, 10**6, 1.5), (20, 10, 100), (3, 0, 0), (-4, 9, 0)],
)
def test_bars(value, most, expected):
    assert svg.length(value, most) == expected


def test_parts_of_a_strip_are_beside_each_other():
    parts = svg.strip([("call", 1), ("letter", 0), ("donation", 3)], most=8)
    assert parts == [svg.Segment("call", 1, 0, 12.5), svg.Segment("donation", 3, 12.5, 37.5)]


@given(st.lists(st.tuples(st.text(max_size=3), counts), max_size=8))
def test_a_strip_alone_fills_its_width(parts):
    found = svg.strip(parts)
    assert sum(each.width for each in found) == pytest.approx(100 if found else 0, abs=0.1)


def test_steps_of_a_funnel_are_shares_of_what_they_come_from():
    clicks, acted, gave = svg.funnel([("Clicks", 400, None), ("Acted", 100, 400), ("Gave", 5, 100)])
    assert (clicks.width, clicks.share) == (100, None)
    assert (acted.width, acted.share) == (25, 0.25)
    assert (gave.width, gave.share) == (1.5, 0.05)


def test_people_without_clicks_are_no_share_of_them():
    assert [each.share for each in svg.funnel([("Clicks", 0, None), ("Acted", 7, 0)])] == [None] * 2


@pytest.mark.parametrize(
    ("value", "level"), [(None, 0), (0, 0), (1, 1), (20, 1), (21, 2), (99, 5), (100, 5), (120, 5)]
)
def test_shades_of_a_heat_map(value, level):
    assert svg.level(value, 100) == level


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (15, 10, svg.Change("up", 5, 0.5)),
        (5, 10, svg.Change("down", -5, -0.5)),
        (10, 10, svg.Change("same", 0, 0.0)),
        (0, 0, None),
        (3, 0, svg.Change("new", 3, None)),
        (10, -10, svg.Change("up", 20, None)),
        (3, None, None),
        (None, 3, None),
    ],
)
def test_changes(now, before, expected):
    assert svg.change(now, before) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(50, 0), (75, 50), (100, 100), (130, 100), (20, 0)]
)
def test_places_on_the_bar_of_a_goal(value, expected):
    assert svg.position(value, 50, 100) == expected


def test_a_goal_that_begins_at_its_target_is_full():
    assert svg.position(5, 5, 5) == 100
