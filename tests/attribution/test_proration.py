"""Money: worked examples V8 and V10, and that not a unit is lost."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.attribution import linear, position_based, split_minor, split_returns, time_decay
from tests.support.worked_examples import NOW, path

F = Fraction
shares = (
    st.lists(st.integers(0, 50), min_size=1, max_size=7)
    .filter(any)
    .map(lambda weights: [F(weight, sum(weights)) for weight in weights])
)
amounts = st.integers(0, 10**9)


def test_v8_the_remaining_cent_goes_to_the_later_touch():
    assert split_minor(100, linear(path("ABC"), NOW)) == [33, 33, 34]


def test_v8_one_cent_over_four_touches():
    assert split_minor(1, position_based(path("ABCD"), NOW)) == [0, 0, 0, 1]


def test_v8_time_decay():
    assert split_minor(9999, time_decay(path("ABC", (336, 168, 0)), NOW)) == [1428, 2857, 5714]


def test_a_negative_amount_is_the_mirror():
    assert split_minor(-100, [F(1, 3)] * 3) == [-33, -33, -34]


@pytest.mark.parametrize("wrong", [[], [F(1, 2)], [F(3, 2), F(-1, 2)]])
def test_shares_have_to_be_shares(wrong):
    with pytest.raises(ValueError, match="exactly one"):
        split_minor(100, wrong)


@given(amounts, shares)
def test_a_split_sums_to_the_amount_and_is_off_by_less_than_one(amount, of):
    parts = split_minor(amount, of)
    assert sum(parts) == amount
    assert all(abs(part - amount * share) < 1 for part, share in zip(parts, of, strict=True))


def test_v10():
    thirds = [F(1, 3)] * 3
    assert split_minor(1000, thirds) == [333, 333, 334]
    first, second = split_returns(1000, thirds, [500, 500])
    assert first == [166, 167, 167]
    assert second == [167, 166, 167]


@given(
    shares,
    st.lists(st.integers(0, 10**6), max_size=6),
    st.integers(0, 10**6),
)
def test_returns_net_to_exactly_zero_and_never_below(of, returns, kept):
    gross = sum(returns) + kept
    credited = split_minor(gross, of)
    net = list(credited)
    rows = split_returns(gross, of, returns)
    for each, row in zip(returns, rows, strict=True):
        assert sum(row) == each
        net = [part - gone for part, gone in zip(net, row, strict=True)]
        assert all(0 <= left <= had for left, had in zip(net, credited, strict=True))
    assert sum(net) == kept
    if not kept:
        assert not any(net)


@given(shares, st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_net_depends_only_on_the_sum_of_the_refunds(of, one, other, kept):
    gross = one + other + kept
    at_once = split_returns(gross, of, [one + other])[0]
    in_two = split_returns(gross, of, [one, other])
    assert [a + b for a, b in zip(*in_two, strict=True)] == at_once


@pytest.mark.parametrize("wrong", [[600, 500], [-1]])
def test_refunds_do_not_exceed_the_gift(wrong):
    with pytest.raises(ValueError, match="returns"):
        split_returns(1000, [F(1)], wrong)


def test_without_a_gift_there_is_no_refund():
    assert split_returns(0, [F(1, 2)] * 2, [0]) == [[0, 0]]
