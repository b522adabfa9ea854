"""Days, weeks or months: every action stands at one bar, and the earlier period beside its own."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from advocacy.analytics.figures import DayFigures
from advocacy.reporting.timeline import timeline


def of(day: str, kind: str = "call", actions: float = 1) -> DayFigures:
    return DayFigures(date.fromisoformat(day), kind, actions)


def test_each_day_of_the_range_has_a_bar():
    found = timeline(
        [of("2026-05-02"), of("2026-05-02", "signature", 2), of("2026-05-04", actions=3)],
        date(2026, 5, 1),
        date(2026, 5, 5),
    )
    assert (found.unit, len(found.starts)) == ("day", 5)
    assert [(each.kind, each.values) for each in found.series] == [
        ("signature", [0, 2, 0, 0, 0]),
        ("call", [0, 1, 0, 3, 0]),
    ]
    assert found.totals() == [0, 3, 0, 3, 0]


def test_earlier_days_stand_where_the_same_day_of_the_range_stands():
    found = timeline(
        [of("2026-05-08")],
        date(2026, 5, 8),
        date(2026, 5, 14),
        before=[of("2026-05-01", actions=4), of("2026-05-07", actions=2)],
        before_first=date(2026, 5, 1),
    )
    assert found.before == [4, 0, 0, 0, 0, 0, 2]


def test_without_a_comparison_there_is_no_line():
    assert timeline([of("2026-05-08")], date(2026, 5, 8), date(2026, 5, 9)).before == []


@pytest.mark.parametrize(
    ("days", "unit"), [(120, "day"), (121, "week"), (742, "week"), (743, "month")]
)
def test_longer_ranges_have_wider_bars(days, unit):
    first = date(2024, 1, 3)
    every = [DayFigures(first + timedelta(days=number), "call", 1) for number in range(days)]
    found = timeline(every, first, first + timedelta(days=days - 1))
    assert found.unit == unit
    assert sum(found.totals()) == days
    assert len(found.starts) <= 120
    assert found.starts[0] == first


def test_a_range_far_longer_than_its_data_is_cut():
    found = timeline([of("2026-05-03"), of("2026-05-04")], date.min, date.max)
    assert (found.starts, found.totals()) == ([date(2026, 5, 3), date(2026, 5, 4)], [1, 1])


@pytest.mark.parametrize(
    ("first", "last"), [(date.min, date.min), (date.max, date.max), (date.min, date.max)]
)
def test_the_first_and_last_possible_days(first, last):
    assert timeline([], first, last).totals() == [0]
    both = timeline([DayFigures(first, "call", 1), DayFigures(last, "call", 1)], first, last)
    assert sum(both.totals()) == 2


def test_marks_stand_at_their_bar_and_none_outside():
    days = [(date(2026, 5, 2), "One"), (date(2026, 4, 30), "Before"), (date(2026, 5, 1), "Two")]
    found = timeline([of("2026-05-01")], date(2026, 5, 1), date(2026, 5, 3), marks=days)
    assert [(each.at, each.text) for each in found.marks] == [(0, "Two"), (1, "One")]


def test_what_the_script_draws_has_the_words_of_the_page():
    found = timeline([of("2026-05-01")], date(2026, 5, 1), date(2026, 5, 1), names=str.upper)
    assert found.drawn(lambda day: f"{day:%d}", actions="actions") == {
        "labels": ["01"],
        "series": [{"kind": "call", "label": "CALL", "values": [1]}],
        "before": [],
        "marks": [],
        "actions": "actions",
    }
