"""Models of a whole campaign: V1 to V6, the properties of both models, and independent figures."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import groupby, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.attribution import campaign_models as module
from advocacy.attribution.campaign_models import (
    MODELS,
    Journey,
    TooManyStates,
    markov,
    merge,
    removal_effects,
    shapley,
)
from tests.support.worked_examples import (
    BRYL,
    MIXED,
    ORDER_2,
    PUZYROV,
    PYCHATTR,
    expected,
    journey,
    synthetic,
)

F = Fraction


def close(found, wanted, within=1e-9):
    assert found.keys() == wanted.keys()
    for key, figure in wanted.items():
        assert math.isclose(found[key], figure, rel_tol=0, abs_tol=within), key


# Worked by hand -----------------------------------------------------------------------------------


def test_v1_markov_1():
    removal = removal_effects(MIXED, 1)
    assert math.isclose(removal.probability, 8 / 21)
    close(removal.effects, {"A": 354 / 520, "B": 0.5546875, "C": 0.25})
    close(markov(MIXED, 1).actions, {"A": 3.666316, "B": 2.987297, "C": 1.346387}, within=5e-7)


def test_v1_markov_2():
    close(removal_effects(MIXED, 2).effects, {"A": 0.875, "B": 0.75, "C": 0.25})
    close(markov(MIXED, 2).actions, {"A": 56 / 15, "B": 3.2, "C": 16 / 15})


def test_v1_shapley():
    assert shapley(MIXED).actions == {"A": F(25, 6), "B": F(19, 6), "C": F(2, 3)}
    # 118⅓, 128⅓, 63⅓: of equal remainders the later name has the cent left over.
    assert shapley(MIXED).amount_minor == {"A": 118, "B": 128, "C": 64}


def test_v2():
    close(removal_effects(BRYL).effects, {"C1": 0.5, "C2": 1, "C3": 1})
    shared = markov(BRYL)
    assert shared.actions == {"C1": F(1, 5), "C2": F(2, 5), "C3": F(2, 5)}
    assert shared.amount_minor == {"C1": 200, "C2": 400, "C3": 400}


def test_v3():
    removal = removal_effects(PUZYROV)
    assert math.isclose(removal.probability, 0.8)
    close(removal.effects, {"G": 0.75, "M": 0.5})
    close(markov(PUZYROV).actions, {"G": 2.4, "M": 1.6})
    assert shapley(PUZYROV).actions == {"G": F(5, 2), "M": F(3, 2)}


def test_v4():
    close(markov(PYCHATTR, 1).actions, {"A": 2, "B": 1})
    close(removal_effects(PYCHATTR, 2).effects, {"A": 1, "B": 2 / 3})
    close(markov(PYCHATTR, 2).actions, {"A": 1.8, "B": 1.2})


def test_v5():
    close(removal_effects(ORDER_2, 2).effects, {"A": 1, "B": 5 / 6})
    close(markov(ORDER_2, 2).actions, {"A": 36 / 11, "B": 30 / 11})
    close(removal_effects(ORDER_2, 1).effects, {"A": 0.8, "B": 5 / 7})
    close(markov(ORDER_2, 1).actions, {"A": 3.169811, "B": 2.830189}, within=5e-7)


def test_v6():
    # v: A10 B20 C0 AB60 AC25 BC20 ABC90, as the sum of what each set adds to its parts.
    game = [
        journey("A", 10),
        journey("B", 20),
        journey("A>B", 30),
        journey("C>A", 15),
        journey("C>B>A", 15),
    ]
    assert shapley(game).actions == {"A": F(75, 2), "B": F(40), "C": F(25, 2)}
    worth = {"": 0, "A": 10, "B": 20, "C": 0, "AB": 60, "AC": 25, "BC": 20, "ABC": 90}
    for key, value in by_definition("ABC", lambda of: worth["".join(sorted(of))]).items():
        assert shapley(game).actions[key] == value


def by_definition(keys, worth):
    """The mean of what a key adds, over all orders in which keys can come."""
    orders = list(permutations(keys))
    added = dict.fromkeys(keys, F(0))
    for order in orders:
        for at, key in enumerate(order):
            added[key] += worth(set(order[: at + 1])) - worth(set(order[:at]))
    return {key: total / len(orders) for key, total in added.items()}


# What holds for any data ------------------------------------------------------------------------

some_journeys = st.lists(
    st.builds(
        lambda keys, actions, amount, nulls: Journey(
            tuple(keys), actions, amount if actions else 0, nulls
        ),
        st.lists(st.sampled_from("ABCD"), min_size=1, max_size=5),
        st.integers(0, 5),
        st.integers(0, 10_000),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=8,
).filter(lambda some: any(each.actions for each in some))
some_returns = st.lists(
    st.builds(
        lambda keys, amount: Journey(tuple(keys), 0, -amount),
        st.lists(st.sampled_from("ABCDE"), min_size=1, max_size=5),
        st.integers(0, 20_000),
    ),
    max_size=4,
)
orders = st.integers(1, 4)


def removed_by_definition(journeys, order, key):
    """Send every transition into a state with `key` to null, and solve the chain again."""
    states, moves, starts, wins = {}, {}, {}, {}
    for each in merge(journeys):
        n = each.actions + each.nulls
        grams = [each.path[i : i + order] for i in range(max(1, len(each.path) - order + 1))]
        for gram in grams:
            states.setdefault(gram, len(states))
            moves.setdefault(gram, {})
        starts[grams[0]] = starts.get(grams[0], 0) + n
        for here, there in pairwise(grams):
            moves[here][there] = moves[here].get(there, 0) + n
        wins[grams[-1]] = wins.get(grams[-1], 0) + each.actions
        moves[grams[-1]][None] = moves[grams[-1]].get(None, 0) + n
    size = len(states)
    chain, win, start = np.zeros((size, size)), np.zeros(size), np.zeros(size)
    for gram, to in moves.items():
        total = sum(to.values())
        win[states[gram]] = wins.get(gram, 0) / total
        for there, n in to.items():
            if there is not None and (key is None or key not in there):
                chain[states[gram], states[there]] = n / total
    for gram, n in starts.items():
        if key is None or key not in gram:
            start[states[gram]] = n / sum(starts.values())
    return float(start @ np.linalg.solve(np.eye(size) - chain, win))


@given(some_journeys, orders)
def test_removal_is_what_its_definition_says(some, order):
    removal = removal_effects(some, order)
    whole = removed_by_definition(some, order, None)
    for key, effect in removal.effects.items():
        assert math.isclose(
            effect, 1 - removed_by_definition(some, order, key) / whole, abs_tol=1e-9
        )


@given(some_journeys, orders)
def test_i_the_chain_gives_back_the_conversion_rate(some, order):
    actions = sum(each.actions for each in some)
    everybody = actions + sum(each.nulls for each in some)
    assert math.isclose(removal_effects(some, order).probability, actions / everybody)


@given(some_journeys)
def test_ii_self_loops_do_not_matter(some):
    without = [replace(each, path=tuple(key for key, _ in groupby(each.path))) for each in some]
    close(removal_effects(without).effects, removal_effects(some).effects)


@given(some_journeys, orders)
def test_iii_the_effect_of_a_channel_on_every_path_is_one(some, order):
    through_x = [replace(each, path=("X", *each.path)) for each in some]
    assert math.isclose(removal_effects(through_x, order).effects["X"], 1)
    beside_x = [*through_x, Journey(("Y",), 1)]
    assert removal_effects(beside_x, order).effects["X"] < 1 - 1e-6


@given(some_journeys, orders)
def test_iv_without_nulls_the_conversion_rate_is_one(some, order):
    acted = [replace(each, nulls=0) for each in some]
    assert math.isclose(removal_effects(acted, order).probability, 1)


@given(some_journeys, orders, st.integers(2, 9))
def test_v_only_proportions_matter(some, order, times):
    more = [replace(each, actions=each.actions * times, nulls=each.nulls * times) for each in some]
    close(removal_effects(more, order).effects, removal_effects(some, order).effects)


@given(some_journeys, orders)
def test_vi_names_do_not_matter_and_a_useless_channel_gets_nothing(some, order):
    names = dict(zip("ABCD", "zyxw", strict=True))
    renamed = [replace(each, path=tuple(names[key] for key in each.path)) for each in some]
    close(
        removal_effects(renamed, order).effects,
        {names[key]: effect for key, effect in removal_effects(some, order).effects.items()},
    )
    with_dead_end = [*some, Journey(("DEAD", "END"), 0, 0, 3)]
    assert markov(with_dead_end, order).actions["DEAD"] == 0


@given(some_journeys)
def test_vii_with_long_memory_the_effect_is_the_share_of_paths(some):
    total = sum(each.actions for each in some)
    wanted = {
        key: sum(each.actions for each in some if key in each.path) / total
        for key in {key for each in merge(some) for key in each.path}
    }
    close(removal_effects(some, 5).effects, wanted)


def test_vii_worked():
    close(removal_effects(MIXED, 4).effects, {"A": 7 / 8, "B": 6 / 8, "C": 2 / 8})


def worth_of(journeys):
    return lambda keys: sum(each.actions for each in journeys if set(each.path) <= keys)


@given(some_journeys)
def test_shapley_is_what_its_definition_says(some):
    keys = "".join(sorted({key for each in merge(some) for key in each.path}))
    assert shapley(some).actions == by_definition(keys, worth_of(some))


@given(some_journeys)
def test_shapley_is_symmetric(some):
    swap = {"A": "B", "B": "A", "C": "C", "D": "D"}
    swapped = [replace(each, path=tuple(swap[key] for key in each.path)) for each in some]
    both = shapley([*some, *swapped]).actions
    assert both.get("A") == both.get("B")


@given(some_journeys)
def test_shapley_gives_a_null_player_nothing(some):
    assert shapley([*some, Journey(("NULL", "A"), 0, 0, 4)]).actions["NULL"] == 0


@given(some_journeys, some_journeys)
def test_shapley_adds_up(some, more):
    one, other, both = (shapley(each).actions for each in (some, more, some + more))
    assert both == {key: one.get(key, F(0)) + other.get(key, F(0)) for key in both}


@given(some_journeys, st.sampled_from(sorted(MODELS)))
def test_every_model_shares_out_everything(some, name):
    shared = MODELS[name](some)
    assert sum(shared.actions.values()) == sum(each.actions for each in some)
    assert sum(shared.amount_minor.values()) == sum(each.amount_minor for each in some)
    assert all(part >= 0 for part in (*shared.actions.values(), *shared.amount_minor.values()))


@given(some_journeys, some_returns, st.sampled_from(sorted(MODELS)))
def test_refunds_of_earlier_gifts_are_money_without_a_path(some, back, name):
    before, after = MODELS[name](some), MODELS[name]([*some, *back])
    assert sum(after.amount_minor.values()) == sum(each.amount_minor for each in [*some, *back])
    assert {key: part for key, part in after.actions.items() if part} == {
        key: part for key, part in before.actions.items() if part
    }


def test_refunds_are_credited_by_path_in_shapley_and_in_proportion_in_markov():
    some = [Journey(("A",), 1, 400), Journey(("B",), 1, 0), Journey(("B", "C"), 0, -100)]
    assert shapley(some).amount_minor == {"A": 400, "B": -50, "C": -50}
    assert markov(some).amount_minor == {"A": 150, "B": 150}
    assert markov(some[2:]) == shapley(some[2:])


@given(
    some_journeys.flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))),
    st.sampled_from(sorted(MODELS)),
)
def test_arrival_order_does_not_matter(both, name):
    some, shuffled = both
    assert MODELS[name](some) == MODELS[name](shuffled)
    assert merge(some) == merge(shuffled)


@given(st.integers(1, 9), st.integers(0, 999), st.integers(0, 9))
def test_with_one_touch_all_models_agree(actions, amount, nulls):
    for model in MODELS.values():
        shared = model([Journey(("A",), actions, amount, nulls)])
        assert (shared.actions, shared.amount_minor) == ({"A": actions}, {"A": amount})


def test_without_an_action_no_one_has_credit():
    for model in MODELS.values():
        shared = model([journey("A>B", 0, 0, 5)])
        assert set(shared.actions.values()) == set(shared.amount_minor.values()) == {0}
        assert model([]).actions == {}
        assert model([Journey((), 3, 30)]).actions == {}


def test_keys_can_be_anything():
    shared = markov([Journey((1, ("post", 2)), 3, 100)])
    assert shared.actions == {1: F(3, 2), ("post", 2): F(3, 2)}


def test_a_chain_too_large_says_so(monkeypatch):
    monkeypatch.setattr(module, "MAX_STATES", 2)
    with pytest.raises(TooManyStates):
        markov(MIXED)
    assert shapley(MIXED).actions


@pytest.mark.parametrize("wrong", [{"actions": -1}, {"nulls": -1}])
def test_an_impossible_path_is_rejected(wrong):
    with pytest.raises(ValueError, match="negative"):
        Journey(("A",), **wrong)


def test_an_order_is_at_least_one():
    with pytest.raises(ValueError, match="at least 1"):
        markov(MIXED, 0)


# Independent figures ----------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3])
def test_agrees_with_closed_forms(order):
    figures = expected("synthetic_exact.json")[f"markov_order{order}"]
    removal = removal_effects(synthetic(), order)
    assert math.isclose(removal.probability, figures["p_conversion"], abs_tol=1e-9)
    close(removal.effects, figures["removal_effect"])
    close(markov(synthetic(), order).actions, figures["conversions"])


def test_agrees_exactly_with_shapley():
    figures = expected("synthetic_exact.json")["shapley_cumulative"]
    assert shapley(synthetic()).actions == {key: F(each["exact"]) for key, each in figures.items()}


def test_agrees_with_marketing_attribution_models():
    figures = expected("synthetic_mam.json")["count"]
    close(removal_effects(synthetic()).effects, figures["removal_effect"])
    close(removal_effects(synthetic()).effects, figures["removal_effect_no_self"])


@pytest.mark.parametrize("order", [1, 2, 3])
def test_agrees_with_channel_attribution_within_its_noise(order):
    figures = expected("synthetic_ca.json")[f"markov_{order}_removal_effects"]
    close(
        removal_effects(synthetic(), order).effects,
        {row["channel_name"]: row["removal_effects_conversion"] for row in figures},
        within=0.01,
    )
