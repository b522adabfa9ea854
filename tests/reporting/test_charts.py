"""Every chart drawn by Vega: its marks, their colours and what is written beside them."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from typing import Any
from xml.etree import ElementTree

import pytest
import vl_convert

from advocacy.analytics.figures import DayFigures
from advocacy.reporting import charts

FIRST, FOURTH, LAST = date(2026, 10, 1), date(2026, 10, 4), date(2026, 10, 9)
DAYS = [
    DayFigures(FIRST, "call", 3),
    DayFigures(FIRST, "signature", 12.5),
    DayFigures(FOURTH, "donation", 2),
]
WORDS = charts.Words(kinds={"call": 'an "appel"'})
STEPS = [{"step": "opened", "people": 9}, {"step": "acted", "people": 4}]
GROUPS = [
    {"group": "x", "actions": 2, "period": "before"},
    {"group": "x", "actions": 1, "period": "now"},
    {"group": "y", "actions": 3, "period": "now"},
]
FIELDS = ("group", "actions", "period")
REACHED = [{"day": FIRST, "value": 1}, {"day": FOURTH, "value": 40.5}]
PACE = [{"day": FIRST, "value": 0}, {"day": LAST, "value": 100}]
FORECAST = [{"day": FOURTH, "low": 40.5, "high": 40.5}, {"day": LAST, "low": 60, "high": 90}]
GOAL = ("reached", "pace", "forecast")
COLOURS = charts.COLOURS
SVG = "{http://www.w3.org/2000/svg}"
BLUE, GREY = COLOURS["signature"], COLOURS["click"]


def drawn(definition: dict[str, Any]) -> tuple[Counter[tuple[str, str]], set[str]]:
    """Draw a chart; return how many marks of each kind and colour it has, and all its text."""
    svg = ElementTree.fromstring(vl_convert.vegalite_to_svg({**definition, "width": 600}))  # noqa: S314
    marks = Counter(
        (each.get("aria-roledescription", ""), each.get("fill", each.get("stroke", "")))
        for group in svg.iter(f"{SVG}g")
        if "role-mark" in group.get("class", "")
        for each in group.iter(f"{SVG}path")
        if each.get("aria-roledescription")
    )
    return marks, {each.text or "" for each in svg.iter(f"{SVG}text")}


def test_actions_by_day_are_bars_of_each_kinds_colour():
    marks, texts = drawn(charts.actions_by_day(DAYS, FIRST, LAST))
    assert marks == {("bar", COLOURS[kind]): 1 for kind in ("call", "signature", "donation")}
    # The axis goes on to days without an action, and the legend names only kinds that are shown.
    assert {"Oct 1", "Oct 9", "actions", "call", "donation", "signature"} <= texts
    assert "letter" not in texts


def test_plain_bars_stand_in_the_order_of_their_values():
    marks, texts = drawn(charts.bars(STEPS, "step", "people", "Steps.", ("step", "people")))
    assert marks == {("bar", BLUE): 2}
    assert {"opened", "acted", "step", "people"} <= texts


def test_two_periods_stand_beside_each_other():
    marks, texts = drawn(charts.beside(GROUPS, FIELDS, ["before", "now"], "Groups.", "actions"))
    assert marks == {("bar", GREY): 1, ("bar", BLUE): 2}
    assert {"x", "y", "before", "now"} <= texts


def test_one_period_has_no_legend():
    marks, texts = drawn(charts.beside(GROUPS[1:], FIELDS, ["now"], "Groups.", "actions"))
    assert marks == {("bar", BLUE): 2}
    assert "now" not in texts


def test_a_goal_has_its_line_its_pace_and_the_range_of_its_forecast():
    marks, texts = drawn(charts.toward(REACHED, PACE, FORECAST, "Goal.", GOAL))
    assert Counter(mark for mark, _ in marks.elements()) == {"line mark": 2, "area mark": 1}
    assert set(GOAL) <= texts


def test_a_goal_without_a_forecast_has_two_lines():
    marks, texts = drawn(charts.toward(REACHED, PACE, [], "Goal.", GOAL))
    assert Counter(mark for mark, _ in marks.elements()) == {"line mark": 2}
    assert "forecast" not in texts


def test_the_bars_of_posts_are_stacked_by_kind():
    rows = [("1. Second", "call", 2.0), ("1. Second", "signature", 3.5), ("2. First", "call", 1.0)]
    marks, texts = drawn(charts.actions_of_posts(rows))
    assert marks == {("bar", COLOURS["call"]): 2, ("bar", BLUE): 1}
    assert {"1. Second", "2. First", "call", "signature"} <= texts


@pytest.mark.parametrize(
    "definition",
    [
        charts.actions_by_day([], FIRST, LAST),
        charts.bars([], "step", "people", "Steps.", ("step", "people")),
        charts.toward([], [], [], "Goal.", GOAL),
        charts.actions_of_posts([]),
    ],
)
def test_a_chart_of_nothing_has_no_marks(definition):
    marks, _ = drawn(definition)
    assert {mark for mark, _ in marks} <= {"line mark"}


@pytest.mark.parametrize("language", ["fr", "es"])
def test_a_language_writes_the_day_before_the_month(language):
    for definition in (
        charts.actions_by_day(DAYS, FIRST, LAST),
        charts.toward(REACHED, PACE, FORECAST, "Goal.", GOAL),
    ):
        _, texts = drawn(charts.in_language(definition, language))
        assert any(re.fullmatch(r"\d+ \w+", text) for text in texts)
