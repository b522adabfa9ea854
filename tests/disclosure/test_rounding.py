"""Counts that are shown to others are rounded at random, and the same cell always the same way."""

from __future__ import annotations

from uuid import UUID

import pytest

from advocacy.disclosure import Rounding
from advocacy.disclosure.reports import three_digits

SECRET = "a-secret-key-of-more-than-thirty-two-letters"
HERE, THERE = UUID(int=1), UUID(int=2)
ROUNDING = Rounding.of(SECRET, HERE, 5)


@pytest.mark.parametrize("value", [1, 2, 3, 4, 6, 13, 2.5])
def test_a_count_goes_up_as_often_as_it_is_above_a_multiple(value):
    cells = [ROUNDING.count(value, "stay", "actions", n) for n in range(10_000)]
    below = int(value // 5) * 5
    assert set(cells) == {below, below + 5}
    went_up = cells.count(below + 5) / len(cells)
    # Five standard errors of a share of 10,000.
    assert went_up == pytest.approx((value - below) / 5, abs=0.025)


def test_the_mean_error_over_many_cells_is_zero():
    errors = [ROUNDING.count(n % 50, "stay", "actions", n) - n % 50 for n in range(10_000)]
    assert abs(sum(errors) / len(errors)) < 0.1
    assert max(map(abs, errors)) < 5


@pytest.mark.parametrize("value", [0, 5, 1000])
def test_zero_and_multiples_stay_as_they_are(value):
    assert {ROUNDING.count(value, "stay", n) for n in range(1000)} == {value}


@pytest.mark.parametrize("base", [0, 1])
def test_without_a_base_all_is_exact(base):
    exact = Rounding.of(SECRET, HERE, base)
    assert [exact.count(value, "x") for value in (0, 1, 3, 2.5)] == [0, 1, 3, 2.5]


def test_a_cell_is_always_the_same_and_never_falls_while_its_count_grows():
    for cell in range(200):
        shown = [ROUNDING.count(value, "stay", cell) for value in range(30)]
        assert shown == [Rounding.of(SECRET, HERE, 5).count(v, "stay", cell) for v in range(30)]
        assert shown == sorted(shown)


def test_other_organizations_keys_and_cells_are_rounded_otherwise():
    def rounded(rounding: Rounding, *cell: object) -> list[float]:
        return [rounding.count(2.5, *cell, n) for n in range(64)]

    here = rounded(ROUNDING, "stay")
    assert here != rounded(Rounding.of(SECRET, THERE, 5), "stay")
    assert here != rounded(Rounding.of(SECRET + "!", HERE, 5), "stay")
    assert here != rounded(ROUNDING, "leave")
    # Names are not run together: these are two cells.
    assert [ROUNDING.count(2.5, f"{n}", "1x") for n in range(64)] != [
        ROUNDING.count(2.5, f"{n}1", "x") for n in range(64)
    ]


@pytest.mark.parametrize(
    ("minor", "shown"),
    [(0, 0), (7, 7), (999, 999), (1234, 1230), (123456, 123000), (-98765, -98800)],
)
def test_amounts_have_three_digits(minor, shown):
    assert three_digits(minor) == shown
