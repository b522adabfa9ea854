"""What is withheld about small groups cannot be had back from what is shown."""

from __future__ import annotations

from itertools import product

import numpy
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from advocacy.disclosure.suppression import Sum, withheld, withheld_crossing, withheld_parts


def solutions(people, sums, hidden, limit=40_000):
    """Walk through every way in which whole numbers could stand where figures are hidden.

    The reader of a table knows the sums, what is shown, and that people are whole numbers. Wholes
    that are hidden follow from their parts, so only hidden parts are tried.
    """
    wholes = {each.whole for each in sums}
    free = [key for key in people if key in hidden and key not in wholes]
    most = max(people.values(), default=0)
    if (most + 1) ** len(free) > limit:
        return None
    found = []
    for values in product(range(most + 1), repeat=len(free)):
        trial = {key: number for key, number in people.items() if key not in hidden}
        trial |= dict(zip(free, values, strict=True))
        fits = True
        for each in reversed(sums):  # the inner sums stand last
            whole = sum(trial[part] for part in each.parts)
            if each.whole in hidden and each.whole not in trial:
                trial[each.whole] = whole
            elif trial[each.whole] != whole:
                fits = False
                break
        if fits:
            found.append(trial)
    return found


def cannot_be_had(people, sums, least):
    hidden = withheld(people, sums, least)
    assert {key for key, n in people.items() if 0 < n < least} <= hidden
    assert all(people[key] for key in hidden)
    if hidden and (found := solutions(people, sums, hidden)) is not None:
        assert people in found
        for key in hidden:
            assert len({each[key] for each in found}) > 1, (key, people, hidden)
    for each in sums:
        parts = [key for key in each.parts if key in hidden]
        if parts and each.whole not in hidden:
            assert len(parts) > 1
            assert sum(people[key] for key in parts) >= least
    return hidden


@given(st.lists(st.integers(0, 9), min_size=1, max_size=4), st.integers(2, 5))
def test_one_sum(parts, least):
    people = dict(enumerate(parts))
    people["all"] = sum(parts)
    cannot_be_had(people, [Sum("all", tuple(range(len(parts))))], least)


@given(
    st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=3), min_size=2, max_size=2).filter(
        lambda rows: len({len(row) for row in rows}) == 1
    ),
    st.integers(2, 4),
)
def test_sums_that_cross(rows, least):
    wide = range(len(rows[0]))
    tall = range(len(rows))
    people = {(r, c): rows[r][c] for r in tall for c in wide}
    sums = [Sum(("row", r), tuple((r, c) for c in wide)) for r in tall]
    sums += [Sum(("column", c), tuple((r, c) for r in tall)) for c in wide]
    for each in sums:
        people[each.whole] = sum(people[part] for part in each.parts)
    people["all"] = sum(map(sum, rows))
    sums = [
        Sum("all", tuple(("row", r) for r in tall)),
        Sum("all", tuple(("column", c) for c in wide)),
        *sums,
    ]
    cannot_be_had(people, sums, least)


def test_the_last_one_is_not_found_by_subtraction():
    hidden, whole = withheld_parts({"x": 50, "instagram": 3, "tiktok": 20}, 5)
    assert (hidden, whole) == ({"instagram", "tiktok"}, False)


def test_two_small_ones_together_are_still_a_small_group():
    hidden, whole = withheld_parts({"x": 50, "instagram": 1, "tiktok": 2, "bluesky": 9}, 5)
    assert (hidden, whole) == ({"instagram", "tiktok", "bluesky"}, False)


def test_where_there_is_nothing_else_the_sum_goes_too():
    assert withheld_parts({"x": 3, "instagram": 0}, 5) == ({"x"}, True)


def test_who_did_not_come_back_is_a_group_as_well():
    people = {"cohort": 100, "came back": 99, "did not": 1}
    hidden = withheld(people, [Sum("cohort", ("came back", "did not"))], 5)
    assert "came back" in hidden


def test_nobody_is_not_a_small_group_and_off_is_off():
    assert withheld_parts({"x": 0, "instagram": 8}, 5) == (frozenset(), False)
    assert withheld_parts({"x": 1, "instagram": 8}, 0) == (frozenset(), False)


def test_a_sum_that_is_none_is_a_mistake():
    with pytest.raises(ValueError, match="not the sum"):
        withheld({"all": 5, "x": 1}, [Sum("all", ("x",))], 3)


@given(
    st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=2, max_size=7),
    st.integers(2, 5),
)
# The smallest is alone between what it is a row of and a column that is not told.
@example(columns=[[0, 2, 1], [1, 0, 1], [1, 0, 1]], least=2)
def test_a_table_tells_of_no_cell_and_no_sum_that_is_small(columns, least):
    """Rows' sums are known, unless they are small themselves, as kinds are that are folded."""
    cells = {(r, c): n for c, column in enumerate(columns) for r, n in enumerate(column)}
    rows = {r: sum(column[r] for column in columns) for r in range(3)}
    cells = {cell: n for cell, n in cells.items() if rows[cell[0]] >= least}
    hidden, untold = withheld_crossing(cells, least)
    names = [cell for cell in cells if cell in hidden]
    known = [[name[0] == r for name in names] for r in rows]
    known += [[name[1] == c for name in names] for c in range(len(columns)) if c not in untold]
    matrix = numpy.array(known, dtype=float).T
    sums = {cell: [name == cell for name in names] for cell in names if cells[cell] < least}
    for c in range(len(columns)):
        if 0 < sum(n for cell, n in cells.items() if cell[1] == c) < least:
            assert c in untold
            sums[c] = [name[1] == c for name in names]
    for name, sum_ in sums.items():
        sum_ = numpy.array(sum_, dtype=float)
        found = numpy.linalg.lstsq(matrix, sum_, rcond=None)[0]
        assert not numpy.allclose(matrix @ found, sum_, atol=1e-7), (name, hidden, untold)


def test_of_a_year_of_days_and_kinds_most_sums_of_days_are_told():
    cells = {(k, d): (d * 7 + k * 3) % 11 for k in range(8) for d in range(366)}
    hidden, untold = withheld_crossing(cells, 5)
    assert {cell for cell, n in cells.items() if 0 < n < 5} <= hidden
    assert len(untold) < 40
