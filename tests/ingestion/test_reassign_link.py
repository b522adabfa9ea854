"""Moving a link to another post gives the figures as if it had been made there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from advocacy.ingestion import drain
from advocacy.ingestion.reassign_link import PassedOn, move_link
from advocacy.storage import campaigns, errors, links, posts
from advocacy.storage.session import transaction
from tests.support.sql import run

LAST_WEEK = datetime.now(UTC).replace(hour=16) - timedelta(days=6)


@pytest.fixture
def told(world):
    """A click on X that led to a signature, one before it on Instagram, and a link passed on."""
    with transaction():
        world.share = links.create_share_link(world.org_id, world.links["x"]).code
    seen = world.click("instagram", at=LAST_WEEK - timedelta(hours=3))
    click = world.click("x", at=LAST_WEEK - timedelta(hours=1))
    world.act(
        "signature",
        id="s0",
        email="ana@example.org",
        click_id=seen,
        at=LAST_WEEK - timedelta(hours=2),
    )
    world.act("signature", id="s1", email="ana@example.org", click_id=click, at=LAST_WEEK)
    world.act("call", id="c1", email="ben@example.org", code=world.share, at=LAST_WEEK)
    world.act("call", id="c2", email="cem@example.org", code=world.links["instagram"], at=LAST_WEEK)
    world.drain()
    return world


def figures(world: Any) -> dict[str, Any]:
    return {
        each.post.platform: (each.actions, each.clicks.human, each.generations)
        for each in world.report(model="linear").posts
        if each.post
    }


def test_moving_a_link_moves_its_actions_in_the_report(told):
    before = figures(told)
    assert (before["x"][0], before["instagram"][0]) == (1.5, 2.5)
    notes = len(told.report().restated)

    moved = move_link(told.org_id, told.links["x"], told.posts["instagram"])
    assert (moved.links, moved.clicks, moved.actions) == (2, 1, 2)
    after = figures(told)
    assert after["instagram"][:2] == (4, 2)
    assert after["x"][:2] == (0, 0)
    assert len(told.report().restated) > notes

    rows = run("select id, post_id, tier, path from actions order by id")
    drain.rebuild(told.settings, told.org_id)
    assert figures(told) == after
    assert run("select id, post_id, tier, path from actions order by id") == rows


def test_moved_there_and_back_nothing_has_changed(told):
    before = figures(told)
    for platform in ("instagram", "x"):
        move_link(told.org_id, told.links["x"], told.posts[platform])
    assert figures(told) == before


def test_a_link_can_move_to_another_campaign(told):
    with transaction():
        other = campaigns.put_campaign(told.org_id, "other", "Other", "Asia/Tokyo")
        post = posts.put_post(told.org_id, other.id, "tiktok")
    move_link(told.org_id, told.links["x"], post.id)
    from advocacy.analytics.activation import activation

    report = activation(campaigns.get_campaign(told.org_id, "other"))
    assert (report.actions, report.clicks.human) == (2, 1)
    assert told.report().actions == 2


def test_a_shared_link_moves_with_its_parent(told):
    with pytest.raises(PassedOn, match="move the one"):
        move_link(told.org_id, told.share, told.posts["instagram"])
    with pytest.raises(errors.NotFound):
        move_link(told.org_id, "nosuchlink", told.posts["instagram"])
