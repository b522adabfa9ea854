"""Changes to completed days are restatements with a reason; changes today are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from advocacy.ingestion import drain
from tests.support.sql import run

NOW = datetime.now(UTC)
LAST_WEEK = NOW - timedelta(days=6)


def said(world) -> dict[str, int]:
    return {row.why: row.actions for row in world.report().restated}


def test_what_happens_today_is_no_restatement(world):
    world.act("call", id="c1", email="ana@example.org", at=NOW)
    world.drain()
    world.act(
        "call",
        id="c1",
        email="ana@example.org",
        code=world.links["x"],
        at=NOW + timedelta(seconds=1),
    )
    world.drain()
    assert said(world) == {}


def test_a_late_action_is_a_restatement(world):
    world.act("call", id="c1", email="ana@example.org", at=LAST_WEEK)
    world.drain()
    assert said(world) == {"late": 1}


def test_a_late_click_moves_credit_and_is_a_restatement(world):
    click = "g" * 26
    world.act("call", id="c1", email="ana@example.org", click_id=click, at=LAST_WEEK)
    world.drain()
    world.click("x", at=LAST_WEEK - timedelta(hours=1), click_id=click)
    world.drain()
    assert said(world) == {"late": 1, "evidence": 1}


def test_a_correction_by_the_tool_is_a_restatement(world):
    gift = {"id": "d1", "email": "ana@example.org", "currency": "USD"}
    world.act("donation", "m1", amount="10.00", at=LAST_WEEK, **gift)
    world.drain()
    world.act("donation", "m2", amount="12.00", at=LAST_WEEK + timedelta(seconds=1), **gift)
    world.drain()
    assert said(world) == {"late": 1, "correction": 1}


def test_a_redelivery_and_a_rebuild_restate_nothing(world):
    world.act("call", "m1", id="c1", email="ana@example.org", at=LAST_WEEK)
    world.drain()
    world.act("call", "m1", id="c1", email="ana@example.org", at=LAST_WEEK)
    world.drain()
    drain.rebuild(world.settings, world.org_id)
    assert run("select count(*) from restatements")[0][0] == 1
