"""Influence over a whole campaign, asked of the API: models, assists, paths, delays, channels."""

from __future__ import annotations

from datetime import timedelta

import pytest

from advocacy.storage import links
from advocacy.storage import posts as posts_storage
from advocacy.storage.session import transaction
from tests.support.walks import CLICKS, NOW, days, walk


def influence(world, **query):
    answer = world.app.test_client().get(
        "/api/v1/campaigns/stay/influence",
        query_string=query,
        headers={"Authorization": f"Bearer {world.token()}"},
    )
    assert answer.status_code == 200, answer.json
    return answer.json


@pytest.fixture
def walked(world):
    walk(world)
    world.click("x", at=days(3))  # nobody is known to have acted after it
    world.act("call", id="stranger", email="eli@example.org", at=days(1))
    world.drain()
    return world


def test_every_model_shares_out_all_actions_and_all_money(walked):
    found = influence(walked)
    assert (found["actions"], found["actions_without_path"]) == (3, 1)
    assert found["clicks_without_action"] == 1
    assert found["currency"] == "USD"
    for model in found["models"]:
        assert model["reason"] == ""
        assert sum(row["actions"] for row in model["rows"]) == pytest.approx(3, abs=1e-6)
        assert sum(row["amount_minor"] for row in model["rows"]) == 6668


def test_shares_are_written_so_that_they_sum_up(world):
    """Three touches share 30 actions: a third of each is no whole number of billionths."""
    for number in range(30):
        for hours, (name, platform) in enumerate((("a", "instagram"), ("b", "x"), ("c", "email"))):
            if platform not in world.links:
                with transaction():
                    post = posts_storage.put_post(world.org_id, world.campaign_id, platform)
                    world.links[platform] = links.put_link(
                        world.org_id, post, "https://example.org/", "standard", {}
                    ).code
            click = f"{number:02}".translate(str.maketrans("0123456789", "abcdefghij")) + name * 24
            world.click(platform, at=days(2) + timedelta(hours=hours), click_id=click)
            world.act(
                "signature" if name != "c" else "call",
                id=f"{number}{name}",
                email=f"p{number}@example.org",
                click_id=click,
                at=days(2) + timedelta(hours=hours, minutes=5),
            )
    world.drain()
    (linear,) = [each for each in influence(world)["rules"] if each["model"] == "linear"]
    actions = {row["key"]: row["actions"] for row in linear["rows"]}
    # Instagram has all of 30, half of 30, and a third of 30.
    assert actions == {"instagram": 55, "x": 25, "email": 10}


def test_markov_is_the_closed_form(walked):
    """Paths: i; i>x; i>x>i; and one click on x that led to nothing."""
    (markov,) = [m for m in influence(walked)["models"] if m["model"] == "markov_1"]
    # From i: to the end 2 of 4, to x 2 of 4. From x: to the end 1, to i 1, to nothing 1, of 3.
    # i = 1/2 + x/2; x = 1/3 + i/3; so i = 4/5, x = 3/5; P = (3 i + x) / 4 = 3/4.
    # Without x: i = 1/2, P = 3/8, effect 1/2. Without i: x = 1/3, P = 1/12, effect 8/9.
    effects = {"instagram": 8 / 9, "x": 1 / 2}
    total = sum(effects.values())
    for row in markov["rows"]:
        assert row["actions"] == pytest.approx(3 * effects[row["key"]] / total, abs=1e-6)


def test_assists_and_paths(walked):
    found = influence(walked)
    assists = {row["key"]: (row["credited"], row["assisted"]) for row in found["assists"]}
    assert assists == {"instagram": (2, 1), "x": (1, 1)}
    paths = {tuple(row["path"]): row["actions"] for row in found["paths"]}
    assert paths == {
        ("instagram",): 1,
        ("instagram", "x"): 1,
        ("instagram", "x", "instagram"): 1,
    }
    posts = influence(walked, by="post")["paths"]
    assert posts[0]["path"][0] == "instagram: On instagram"


def test_the_time_from_click_to_action(walked):
    seconds = influence(walked)["seconds_to_action"]
    assert seconds["known"] == 3
    assert seconds["half"] == pytest.approx(0.1 * 86400, abs=1)
    assert seconds["three_quarters"] > seconds["half"]


def test_social_helped_the_newsletter(world):
    with transaction():
        post = posts_storage.put_post(world.org_id, world.campaign_id, "email", title="Newsletter")
        world.links["email"] = links.put_link(
            world.org_id, post, "https://example.org/", "standard", {}
        ).code
    world.click("instagram", at=NOW - timedelta(days=3), click_id=CLICKS["a"])
    world.act(
        "signature",
        id="s",
        email="ana@example.org",
        click_id=CLICKS["a"],
        at=NOW - timedelta(days=3),
    )
    world.act("call", id="c", email="ana@example.org", code=world.links["email"], at=NOW)
    world.act("call", id="d", email="ben@example.org", code=world.links["email"], at=NOW)
    world.drain()
    assert influence(world, by="channel")["helped"] == [
        {"channel": "email", "actions": 2, "helped_by_social": 1, "share": 0.5}
    ]
    (row,) = [
        r
        for r in world.report(model="last_social_touch").posts
        if r.post and r.post.platform == "instagram"
    ]
    assert row.actions == 2  # the signature, and the call that the newsletter has by last touch


def test_an_empty_campaign_has_no_influence_and_no_error(world):
    found = influence(world)
    assert found["actions"] == 0
    assert found["paths"] == found["assists"] == found["helped"] == []


@pytest.mark.parametrize("query", [{"by": "magic"}, {"currency": "usd"}, {"model": "linear"}])
def test_what_is_wrong_is_named(world, query):
    answer = world.app.test_client().get(
        "/api/v1/campaigns/stay/influence",
        query_string=query,
        headers={"Authorization": f"Bearer {world.token()}"},
    )
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == next(iter(query))
