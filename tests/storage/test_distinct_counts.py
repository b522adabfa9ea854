"""Distinct people and clicks in the real database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from itertools import combinations_with_replacement
from typing import Any

import pytest

from advocacy.analytics.figures import People
from advocacy.ingestion import figures
from advocacy.storage import distinct_counts, organizations, totals
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from tests.support.happenings import PEOPLE, START, kept, made, make_two
from tests.support.sql import run
from tests.support.stored_figures import stored_figures
from tests.support.world import World


@pytest.fixture
def two(app):
    """A world with two campaigns in different zones, posts by several authors, and links."""
    return make_two(app)


def told(day: int, who: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "who": who,
        "day": day,
        "kind": "call",
        "source": "standard",
        "placed": 2,
        "counted": True,
        "path": None,
    } | more


def test_an_action_that_moves_changes_both_people(two):
    mine = made(two, 0, told(1))
    later = made(two, 1, told(9))
    with transaction():
        kept(two, {}, {mine.id: mine, later.id: later})
    moved = replace(mine, supporter_id=PEOPLE[1])
    with transaction():
        kept(two, {mine.id: mine}, {moved.id: moved})
    assert figures.differences(two.org_id) == []
    with transaction():
        kept(two, {moved.id: moved, later.id: later}, {})
    assert stored_figures(two.org_id) == []


def test_an_earlier_first_action_elsewhere_makes_a_person_returning(two):
    """She is new in one campaign until it turns out that she acted in another one before."""
    here = made(two, 0, told(20))
    before = made(two, 1, told(2, placed=4))
    day = START.date() + timedelta(days=10)
    for step, new in ((here, 1), (before, 0)):
        with transaction():
            kept(two, {}, {step.id: step})
        (row,) = distinct_counts.read_people(
            two.org_id, [two.campaign_id], day, day + timedelta(days=90), "linear", ["all"]
        )
        assert (row.supporters, row.new) == (1, new)


def test_rebuild_makes_the_same(world):
    from advocacy.ingestion import drain

    for number in range(12):
        world.act(
            "call" if number % 3 else "signature",
            id=f"a{number}",
            email=f"p{number % 5}@example.org",
            code=world.links["x" if number % 2 else "instagram"],
            at=datetime.now(UTC) - timedelta(days=number * 4),
        )
    world.drain()
    before = stored_figures(world.org_id)
    assert before
    drain.rebuild(world.settings, world.org_id)
    assert stored_figures(world.org_id) == before
    drain.rebuild(world.settings, world.org_id)
    assert stored_figures(world.org_id) == before


def test_clicks_of_any_range_match_a_count(world):
    now = datetime.now(UTC)
    for number in range(40):
        world.click("x" if number % 3 else "instagram", at=now - timedelta(days=number))
    for first, last in combinations_with_replacement(range(0, 41, 4), 2):
        days = now.date() - timedelta(days=last), now.date() - timedelta(days=first)
        found = totals.read_clicks(world.org_id, world.campaign_id, *days)
        counted = run(
            """select post_id, human, count(*) from touches
               where (clicked_at at time zone 'America/New_York')::date between :a and :b
               group by 1, 2""",
            a=days[0],
            b=days[1],
        )
        assert sorted(map(tuple, found)) == sorted(map(tuple, counted)), days
    kept = run("select * from click_span_totals order by 1, 2, 3, 4, 5")
    run("delete from click_span_totals")
    run("update click_totals set slot = 0")
    migration = import_module("migrations.versions.0005_presences")
    db.session.connection().exec_driver_sql(migration.CLICK_SPAN_TOTALS)
    assert run("select * from click_span_totals order by 1, 2, 3, 4, 5") == kept


def test_rebuild_corrects_counts_of_an_older_version(world):
    from advocacy.ingestion import drain

    for number in range(20):
        world.click("x", at=datetime.now(UTC) - timedelta(days=number))
    right = run("select starts_on, sum(clicks) from click_span_totals group by 1 order by 1")
    with transaction():
        run("update click_span_totals set clicks = 1")
    drain.rebuild(world.settings, world.org_id)
    assert (
        run("select starts_on, sum(clicks) from click_span_totals group by 1 order by 1") == right
    )


def test_an_organization_counts_each_person_once_across_campaigns(two):
    from advocacy.analytics.activation import BadRange, organization_activation

    ana_here, ana_there = made(two, 0, told(3)), made(two, 1, told(9, placed=4))
    ben = made(two, 2, told(9, who=1, placed=4, kind="donation"))
    ben.gross_minor, ben.currency = 500, "NZD"
    nobodys = made(two, 3, told(12, who=-1, placed=0))
    nobodys.campaign_id = None
    with transaction():
        happened = [ana_here, ana_there, ben, nobodys]
        kept(two, {}, {each.id: each for each in happened})
    organization = organizations.find_organization(two.org_id)
    found = organization_activation(organization)
    assert found.actions == 4
    assert found.first == START.date() + timedelta(days=2)  # still the day before in New York
    assert found.supporters == People(distinct=2, new=2, returning=0)
    assert {row.slug: row.supporters.distinct for row in found.campaigns} == {
        "stay": 1,
        "go": 2,
    }
    assert [row.kind for row in found.by_kind] == ["call", "donation"]
    assert [(row.currency, row.net_minor) for row in found.money] == [("NZD", 500)]
    later = organization_activation(
        organization, START.date() + timedelta(days=6), START.date() + timedelta(days=30)
    )
    assert later.supporters == People(distinct=2, new=1, returning=1)
    with pytest.raises(BadRange):
        organization_activation(organization, date(2026, 2, 1), date(2026, 1, 1))
    with pytest.raises(KeyError):
        organization_activation(organization, model="none")


def test_what_one_organization_counts_is_not_anothers(app, world):
    other = World(app, "other")
    for each in (world, other):
        each.act("call", id="1", email="ana@example.org")
        each.drain()
    assert [world.report().supporters.distinct, other.report().supporters.distinct] == [
        1,
        1,
    ]
    from advocacy.ingestion import drain

    drain.rebuild(world.settings, world.org_id)
    assert other.report().supporters.distinct == 1
