"""The lost-source alarm: rings when a tool stops bringing codes back, and else is silent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.analytics.tracking_loss import Carried, chance_of_so_few, lost_sources
from advocacy.storage import totals


def carried(recent, recent_with, before, before_with):
    return Carried("Petitions", "action_network", recent, recent_with, before, before_with)


@pytest.mark.parametrize(
    ("figures", "rings"),
    [
        (carried(40, 0, 200, 160), True),
        (carried(15, 1, 300, 240), True),
        (carried(40, 30, 200, 160), False),
        (carried(9, 0, 200, 160), False),  # too few to say
        (carried(40, 0, 200, 4), False),  # never brought many
        (carried(40, 0, 0, 0), False),  # new
        (carried(12, 3, 24, 10), False),  # may well be chance
    ],
)
def test_it_rings_for_a_fall_that_is_not_chance(figures, rings):
    assert bool(lost_sources([figures])) is rings


@given(st.data())
def test_the_chance_is_that_of_the_hypergeometric_distribution(data):
    recent = data.draw(st.integers(1, 12))
    before = data.draw(st.integers(1, 12))
    some = data.draw(st.integers(0, recent))
    others = data.draw(st.integers(0, before))
    exact = sum(
        comb(some + others, drawn) * comb(recent + before - some - others, recent - drawn)
        for drawn in range(some + 1)
        if recent - drawn <= recent + before - some - others
    ) / comb(recent + before, recent)
    found = chance_of_so_few(carried(recent, some, before, others))
    assert found == pytest.approx(exact, abs=1e-9)


def test_the_figures_come_from_the_actions(world):
    now = datetime.now(UTC)
    for n in range(30):
        world.act("call", id=f"b{n}", code=world.links["x"], at=now - timedelta(days=5))
    for n in range(12):
        world.act("call", id=f"r{n}", at=now - timedelta(hours=1))
    world.act("call", id="test", test=True)
    world.drain()
    (row,) = totals.carried_codes(world.org_id, 2, 28)
    assert tuple(row) == ("standard", "standard", 12, 0, 30, 30)
    (lost,) = lost_sources([Carried(*row)])
    assert (lost.source, lost.share_before, lost.share_recent) == ("standard", 1.0, 0.0)

    client = world.app.test_client()
    client.post("/sign-in", data={"token": world.token()})
    page = client.get("/").text
    assert "standard has stopped returning tracking codes" in page
    assert "code= and click_id=" in page
