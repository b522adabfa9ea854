"""Rules of one action: worked examples V1, V7, V9, and what must hold for any path."""

from __future__ import annotations

import math
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.attribution import (
    RULES,
    WINDOWS,
    assign_weights,
    attribute,
    check_eligibility,
    eligible,
    last_social_touch,
    last_touch,
    linear,
    path_of,
    position_based,
    time_decay,
)
from advocacy.attribution.rules import decayed
from advocacy.core.events import ActionKind, Tier, Touch
from tests.support.worked_examples import MIXED, NOW, expected, path, synthetic, tally, touch

F = Fraction
WEEK = timedelta(days=7)


# V1: five rules over MIXED, worked out by hand -------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "actions", "amounts"),
    [
        ("first_touch", (6, 2, 0), (270, 40, 0)),
        ("last_touch", (3, 3, 2), (30, 90, 190)),
        ("linear", (F(13, 3), F(37, 12), F(7, 12)), (135, 120, 55)),
        ("position_based", (F(22, 5), F(14, 5), F(4, 5)), (141, 93, 76)),
    ],
)
def test_v1(rule, actions, amounts):
    by_action, by_amount = tally(MIXED, RULES[rule])
    assert tuple(by_action[key] for key in "ABC") == actions
    assert tuple(by_amount[key] for key in "ABC") == amounts


def test_position_based_on_four_touches():
    assert position_based(path("ABAC"), NOW) == [F(2, 5), F(1, 10), F(1, 10), F(2, 5)]


# V7: half-lives ---------------------------------------------------------------------------------


def test_v7():
    totals = dict.fromkeys("ABCD", F(0))
    for keys, hours, amount in [
        ("ABC", (336, 168, 0), 70),
        ("ABCAD", (672, 504, 336, 168, 0), 310),
        ("B", (24,), 10),
        ("CD", (168, 0), 30),
    ]:
        shares = time_decay(path(keys, hours), NOW)
        for key, share in zip(keys, shares, strict=True):
            totals[key] += share * amount
    assert totals == {"A": 100, "B": 50, "C": 90, "D": 180}


def test_decay_is_the_same_from_the_action_as_from_the_last_touch():
    assert time_decay(path("ABC", (339, 171, 3)), NOW) == [F(1, 7), F(2, 7), F(4, 7)]


@given(st.lists(st.integers(0, 30 * 24 * 3600), min_size=2, max_size=8))
def test_decay_follows_the_formula(seconds):
    ages = sorted((age / 3600 for age in seconds), reverse=True)
    shares = time_decay(path("A" * len(ages), ages), NOW)
    weights = [2 ** (-age / 168) for age in ages]
    for share, weight in zip(shares, weights, strict=True):
        assert math.isclose(share, weight / math.fsum(weights), abs_tol=2e-12)
    assert shares == sorted(shares)


def test_decay_limits():
    touches = path("ABCD", (9, 5, 2, 0))
    assert decayed(touches, timedelta(microseconds=1)) == [0, 0, 0, 1]
    for share in decayed(touches, timedelta(days=10**8)):
        assert abs(share - F(1, 4)) < 1e-9


def test_a_half_life_has_to_be_positive():
    with pytest.raises(ValueError, match="positive"):
        decayed(path("A"), timedelta(0))


# V9: the window -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ago", "word"),
    [
        (WEEK, ""),
        (WEEK + timedelta(seconds=1), "outside_window"),
        (WEEK + timedelta(microseconds=1), "outside_window"),
        (timedelta(0), ""),
        (timedelta(seconds=-1), ""),
        (timedelta(minutes=-5), ""),
        (timedelta(minutes=-5, microseconds=-1), "after_action"),
        (timedelta(minutes=-10), "after_action"),
    ],
)
def test_v9(ago, word):
    (judged,) = check_eligibility(NOW, [touch(ago=ago)], WEEK)
    assert judged.rejection_reason == word
    if not word:
        assert judged.touch.at <= NOW
        assert eligible(NOW, [touch(ago=ago)], WEEK) == [judged.touch]


def test_windows_by_kind():
    assert WINDOWS[ActionKind.DONATION] == timedelta(days=30)
    assert {WINDOWS[kind] for kind in ActionKind if kind is not ActionKind.DONATION} == {WEEK}


# Evidence ---------------------------------------------------------------------------------------


def test_evidence_in_the_action_beats_a_later_click_of_the_same_person():
    carried = touch("A", timedelta(hours=3), Tier.CLICK_ID)
    later = touch("B", timedelta(hours=1))
    (credit,) = attribute(NOW, [later, carried], last_touch, WEEK)
    assert credit.touch == carried
    assert credit.tier is Tier.CLICK_ID


def test_all_evidence_in_an_action_is_one_touch():
    click = touch("A", timedelta(hours=3), Tier.CLICK_ID)
    told = [touch("A", tier=Tier.CODE), touch("B", tier=Tier.UTM), touch("x", tier=Tier.REFERRER)]
    other = touch("C", timedelta(hours=1))
    assert path_of(NOW, [*told, other, click], WEEK) == [click, other]
    assert eligible(NOW, [*told, other, click], WEEK)[0] == click
    assert len(eligible(NOW, [*told, other, click], WEEK)) == 5


def test_with_a_click_older_than_the_window_the_code_is_evidence():
    old = touch("A", WEEK * 2, Tier.CLICK_ID)
    code = touch("A", tier=Tier.CODE)
    assert path_of(NOW, [old, code], WEEK) == [code]


def test_a_click_known_in_two_ways_counts_once_by_the_stronger_evidence():
    by_id = touch("A", timedelta(hours=1), Tier.CLICK_ID, click_id="c1")
    by_person = touch("A", timedelta(hours=1), Tier.IDENTITY, click_id="c1")
    for touches in ([by_id, by_person], [by_person, by_id]):
        assert eligible(NOW, touches, WEEK) == [by_id]


def test_a_reload_is_no_new_touch_but_a_return_is():
    touches = path("AABA", (5, 4.75, 4.7, 4.6))
    assert path_of(NOW, touches, WEEK) == touches[1:]
    assert path_of(NOW, touches, WEEK, timedelta(-1)) == touches
    far = path("AA", (5, 4))
    assert path_of(NOW, far, WEEK) == far


def test_a_session_keeps_its_strongest_evidence():
    carried = touch("A", timedelta(minutes=20), Tier.CLICK_ID)
    later = touch("A", timedelta(minutes=10))
    assert path_of(NOW, [carried, later], WEEK) == [carried]


def test_last_social_touch_looks_past_the_email():
    post = touch("A", timedelta(hours=3))
    email = touch("B", timedelta(hours=1), Tier.CLICK_ID, channel="email")
    assert last_touch([post, email], NOW) == [0, 1]
    assert last_social_touch([post, email], NOW) == [1, 0]


def test_last_social_touch_without_a_post_is_the_last_touch():
    sms = touch("A", timedelta(hours=3), channel="sms")
    email = touch("B", timedelta(hours=1), channel="email")
    assert last_social_touch([sms, email], NOW) == [0, 1]


def test_nothing_eligible_is_unattributed():
    for rule in RULES.values():
        (credit,) = attribute(NOW, [touch(ago=WEEK * 2)], rule, WEEK)
        assert (credit.touch, credit.share, credit.tier) == (None, 1, Tier.UNATTRIBUTED)


def test_the_receipt_has_every_touch_and_why_not():
    click = touch("A", timedelta(hours=3), Tier.CLICK_ID)
    lines = assign_weights(
        NOW,
        [
            touch("B", timedelta(hours=1)),
            click,
            touch("A", tier=Tier.CODE),
            touch("A", WEEK * 2),
            touch("A", timedelta(hours=3), click_id=click.click_id),
            touch("A", -timedelta(hours=1)),
        ],
        WEEK,
    )
    assert [(line.touch.platform, line.rejection_reason) for line in lines] == [
        ("A", "outside_window"),
        ("A", "same_click"),
        ("A", ""),
        ("B", ""),
        ("A", "weaker_evidence"),
        ("A", "after_action"),
    ]
    assert lines[2].shares["last_touch"] == 1
    assert lines[3].shares["linear"] == F(1, 2)
    for name in RULES:
        assert sum(line.shares[name] for line in lines) == 1


def test_the_receipt_of_nothing():
    assert assign_weights(NOW, [], WEEK) == []
    (line,) = assign_weights(NOW, [touch(ago=WEEK * 2)], WEEK)
    assert set(line.shares.values()) == {0}


# What holds for any evidence ------------------------------------------------------------------

ages = st.integers(-8 * 60, 9 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
touches = st.lists(
    st.builds(
        touch,
        st.sampled_from("ABC"),
        ages,
        st.sampled_from([tier for tier in Tier if tier is not Tier.UNATTRIBUTED]),
        st.sampled_from(["", "c1", "c2"]),
        st.sampled_from(["social", "email"]),
    ),
    max_size=8,
)
rules = st.sampled_from(sorted(RULES))


def credited(given_touches, name, window=WEEK):
    return attribute(NOW, given_touches, RULES[name], window)


@given(touches, rules)
def test_credits_sum_to_one(given_touches, name):
    credits = credited(given_touches, name)
    assert sum(credit.share for credit in credits) == 1
    assert all(credit.share > 0 for credit in credits)


@given(touches.flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))), rules)
def test_arrival_order_does_not_matter(both, name):
    some, shuffled = both
    assert credited(some, name) == credited(shuffled, name)
    assert check_eligibility(NOW, some, WEEK) == check_eligibility(NOW, shuffled, WEEK)


@given(touches, rules)
def test_duplicates_are_ignored(some, name):
    assert credited(some + some, name) == credited(some, name)


@given(touches, rules, st.sampled_from("ABC"), st.sampled_from(list(Tier)))
def test_a_touch_outside_the_window_changes_nothing(some, name, key, tier):
    old = touch(key, WEEK + timedelta(microseconds=1), tier, click_id="old")
    late = touch(key, -timedelta(minutes=6), tier, click_id="late")
    assert credited([*some, old, late], name) == credited(some, name)


@given(st.lists(st.sampled_from("ABC"), min_size=1, max_size=8), rules)
def test_renaming_does_not_matter(keys, name):
    renamed = dict(zip("ABC", "zxy", strict=True))
    before = RULES[name](path(keys), NOW)
    assert RULES[name](path(renamed[key] for key in keys), NOW) == before


@given(
    st.builds(touch, st.sampled_from("ABC"), ages.filter(lambda ago: timedelta(0) <= ago <= WEEK))
)
def test_with_one_touch_all_rules_agree(only):
    (expected_credit,) = credited([only], "last_touch")
    assert expected_credit.touch == only
    for name in RULES:
        assert credited([only], name) == [expected_credit]


@given(st.lists(st.sampled_from("ABC"), min_size=2, max_size=2))
def test_position_based_with_two_touches_is_linear(keys):
    assert position_based(path(keys), NOW) == linear(path(keys), NOW)


@given(touches)
def test_merging_a_session_does_not_change_whose_the_last_touch_is(some):
    def owner(session: timedelta) -> tuple[Touch | None, ...]:
        return tuple(each.touch for each in attribute(NOW, some, last_touch, WEEK, session))

    assert owner(timedelta(minutes=30)) == owner(timedelta(-1))


# Independent figures ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "theirs"),
    [
        ("first_touch", "first"),
        ("last_touch", "last"),
        ("linear", "linear"),
        ("position_based", "u_shaped"),
    ],
)
def test_agrees_exactly_with_closed_forms(rule, theirs):
    actions, amounts = tally(synthetic(), RULES[rule])
    for key, figures in expected("synthetic_exact.json")["touch"][theirs].items():
        assert [actions[key], amounts[key]] == [F(each) for each in figures["exact"]]


@pytest.mark.parametrize(
    ("rule", "theirs"),
    [
        ("first_touch", "first_click"),
        ("last_touch", "last_click"),
        ("linear", "linear"),
        ("position_based", "position_based"),
    ],
)
def test_agrees_with_marketing_attribution_models(rule, theirs):
    actions, amounts = tally(synthetic(), RULES[rule])
    figures = expected("synthetic_mam.json")
    for key in figures["count"][theirs]:
        assert math.isclose(actions[key], figures["count"][theirs][key], rel_tol=1e-9)
        assert math.isclose(amounts[key], figures["value"][theirs][key], rel_tol=1e-9)


@pytest.mark.parametrize("rule", ["first_touch", "last_touch", "linear"])
def test_agrees_with_channel_attribution(rule):
    actions, amounts = tally(synthetic(), RULES[rule])
    theirs = rule if rule != "linear" else "linear_touch"
    for row in expected("synthetic_ca.json")["heuristic_models"]:
        key = row["channel_name"]
        assert math.isclose(actions[key], row[f"{theirs}_conversions"], rel_tol=1e-9)
        assert math.isclose(amounts[key], row[f"{theirs}_value"], rel_tol=1e-9)
