"""Reports by every model: exact sums, in every order, and what the models themselves say."""

from __future__ import annotations

from fractions import Fraction

import pytest

from advocacy.analytics.activation import MODELS
from advocacy.analytics.figures import Bounds, Money
from advocacy.attribution import RULES, split_minor, split_returns
from advocacy.ingestion import drain
from tests.support.derived import derived
from tests.support.sql import run
from tests.support.walks import NOW, days, walk


@pytest.fixture
def walked(world):
    walk(world)
    world.drain()
    return world


def money_of(report, platform):
    (row,) = [r for r in report.posts if r.post and r.post.platform == platform]
    (money,) = row.money or [Money("USD")]
    return money.gross_minor, money.refunded_minor


@pytest.mark.parametrize("model", MODELS)
def test_sums_are_exact_under_every_model(walked, model):
    report = walked.report(model=model)
    assert report.model == model
    assert report.actions == 3
    assert sum(row.actions for row in report.posts) == pytest.approx(3, abs=1e-9)
    assert report.money == (Money("USD", 10001, 3333, 6668, donations=1),)
    assert report.supporters.distinct == 1
    gross = [money_of(report, platform) for platform in ("instagram", "x")]
    assert tuple(map(sum, zip(*gross, strict=True))) == (10001, 3333)


@pytest.mark.parametrize("model", MODELS)
def test_the_money_is_split_as_the_model_says(walked, model):
    (path,) = [row.path for row in run("select path from actions where external_id = 'gift'")]
    platforms = [touch["platform"] for touch in path]
    assert platforms == ["instagram", "x", "instagram"]
    shares = [Fraction(touch["shares"].get(model, 0)) for touch in path]
    assert sum(shares) == 1
    if model == "position_based":
        assert shares == [Fraction(2, 5), Fraction(1, 5), Fraction(2, 5)]
    if model == "linear":
        assert shares == [Fraction(1, 3)] * 3
    gross = split_minor(10001, shares)
    (back,) = split_returns(10001, shares, [3333])
    report = walked.report(model=model)
    for platform in ("instagram", "x"):
        mine = [index for index, each in enumerate(platforms) if each == platform]
        assert money_of(report, platform) == (
            sum(gross[index] for index in mine),
            sum(back[index] for index in mine),
        )


def test_first_touch_and_last_touch_differ_where_they_should(walked):
    by = {model: walked.report(model=model) for model in MODELS}

    def actions(model, platform):
        (row,) = [r for r in by[model].posts if r.post and r.post.platform == platform]
        return row.actions

    assert actions("last_touch", "x") == 1  # the signature that came through x
    assert actions("first_touch", "x") == 0
    assert actions("first_touch", "instagram") == 3
    assert actions("linear", "x") == pytest.approx(1 / 2 + 1 / 3, abs=1e-8)


def test_supporters_of_a_post_are_those_who_have_a_share_there(walked):
    linear = {
        r.post.platform: r.supporters.distinct
        for r in walked.report(model="linear").posts
        if r.post
    }
    assert linear == {"instagram": 1, "x": 1}
    first = {
        r.post.platform: r.supporters.distinct
        for r in walked.report(model="first_touch").posts
        if r.post
    }
    assert first == {"instagram": 1, "x": 0}


def test_a_rebuild_gives_the_same_rows_for_every_model(walked):
    before = derived()
    drain.rebuild(walked.settings, walked.org_id)
    assert derived() == before


def test_a_full_refund_nets_to_zero_for_every_post_and_model(walked):
    walked.act("donation.refunded", id="gift", amount="66.68", currency="USD", at=NOW)
    walked.drain()
    for model in RULES:
        report = walked.report(model=model)
        for row in report.posts:
            for money in row.money:
                assert money.net_minor == 0, (model, row.post)


def test_a_model_that_is_none_is_named(world, client):
    answer = client.get(
        "/api/v1/campaigns/stay/activation?model=magic",
        headers={"Authorization": f"Bearer {world.token()}"},
    )
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "model"


def test_bounds_leave_out_what_is_only_inferred(walked):
    walked.act("call", id="again", email="ana@example.org", at=days(0.2))
    walked.act("call", id="stranger", email="eli@example.org", at=days(0.2))
    walked.drain()
    report = walked.report()
    assert report.bounds == Bounds(lower=3, upper=4)
    assert report.actions == 5
    (row,) = [r for r in report.posts if r.post and r.post.platform == "instagram"]
    assert row.bounds == Bounds(lower=2, upper=3)
