"""Presences in the real database: whatever happens to actions, the figures are those of a count."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from itertools import combinations_with_replacement
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advocacy.analytics.figures import People
from advocacy.attribution import RULES
from advocacy.core.distinct import GRAINS
from advocacy.storage import distinct_counts, distinct_deltas, organizations, totals
from advocacy.storage.actions import Action
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from tests.support.happenings import PEOPLE, START, happenings, kept, made, make_two
from tests.support.sql import run
from tests.support.world import World, empty_tables

TABLES = ("span_totals", "day_totals", "generation_totals", "presences")


def counted_anew(org_id: UUID, scope: UUID, zone: str, first: date, last: date, model: str) -> Any:
    """Count distinct people from the actions themselves."""
    rows = run(
        """with first_ever as (
             select supporter_id, min(occurred_at) as at from actions
             where org_id = :o and counted group by supporter_id),
           within as (
             select a.*, f.at >= (cast(:first as timestamp) at time zone :zone) as new
             from actions a join first_ever f on f.supporter_id = a.supporter_id
             where a.org_id = :o and a.counted
               and case when :c = :o
                        then (a.occurred_at at time zone :zone)::date between :first and :last
                        else a.campaign_id = :c and a.occurred_on between :first and :last end),
           credited as (
             select supporter_id, new, post_id, platform from within where path is null
             union
             select w.supporter_id, w.new, cast(t ->> 'post_id' as uuid), t ->> 'platform'
             from within w, jsonb_array_elements(w.path) t
             where w.path is not null and t -> 'shares' ? :model),
           acted as (
             select supporter_id, new, g.grain, g.value from within
             cross join lateral (values ('all', ''), ('kind', kind), ('source', source_id::text))
                                as g (grain, value)
             union
             select c.supporter_id, c.new, g.grain, g.value from credited c
             left join posts p on p.org_id = :o and p.id = c.post_id
             cross join lateral (values ('post', coalesce(c.post_id::text, '')),
                                        ('platform', c.platform),
                                        ('medium', coalesce(p.medium, '')),
                                        ('author', coalesce(p.author, ''))) as g (grain, value))
           select grain, value, count(distinct supporter_id) as supporters,
                  count(distinct supporter_id) filter (where new) as new
           from acted where :c <> :o or grain in ('all', 'kind', 'platform')
           group by grain, value order by grain, value""",
        o=org_id,
        c=scope,
        zone=zone,
        first=first,
        last=last,
        model=model,
    )
    return [tuple(row) for row in rows]


@pytest.fixture
def two(app):
    """A world with two campaigns in different zones, posts by several authors, and links."""
    return make_two(app)


def hold(world: World, model: str, every: int) -> None:
    """Compare all ranges between each `every`th day with a count."""
    days = [START.date() + timedelta(days=number) for number in range(-1, 66, every)]
    for first, last in combinations_with_replacement(days, 2):
        for scope, zone in world.zones.items():
            found = distinct_counts.read_people(world.org_id, [scope], first, last, model, GRAINS)
            counted = counted_anew(world.org_id, scope, zone, first, last, model)
            assert [tuple(row)[1:] for row in found] == counted, (first, last, zone)


def generations(world: World, first: date, last: date) -> tuple[list[Any], list[Any]]:
    found = totals.read_generations(world.org_id, world.campaign_id, first, last)
    counted = run(
        """select a.post_id, least(l.generation, 2), count(*) from actions a
           join links l on l.org_id = a.org_id and l.id = a.link_id
           where a.counted and a.campaign_id = :c and a.occurred_on between :first and :last
           group by 1, 2""",
        c=world.campaign_id,
        first=first,
        last=last,
    )
    return sorted(map(tuple, found)), sorted(map(tuple, counted))


@settings(
    max_examples=settings().max_examples // 8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(happenings(), st.sampled_from(list(RULES)))
def test_the_figures_match_a_count(app, steps, model):
    empty_tables()
    world = make_two(app)
    there: dict[UUID, Action] = {}
    for number, step in enumerate(steps):
        before, after = {}, {}
        for at, told in step.items():
            action_id = UUID(int=100 + at)
            if action_id in there:
                before[action_id] = there.pop(action_id)
            if told:
                after[action_id] = there[action_id] = made(world, at, told)
        with transaction():
            kept(world, before, after, slot=number)
            if number % 2:
                distinct_deltas.compact_deltas(world.org_id, most=1)
    hold(world, model, every=13)
    for first, last in ((2, 3), (0, 40), (17, 33)):
        found, counted = generations(
            world, START.date() + timedelta(first), START.date() + timedelta(last)
        )
        assert found == counted
    fold(world.org_id)
    hold(world, model, every=31)
    assert refilled() == standing()


def fold(org_id: UUID) -> None:
    """Take all news into presences, one family after the other."""
    with transaction():
        while distinct_deltas.count_deltas(org_id):
            distinct_deltas.compact_deltas(org_id, most=1)


def standing() -> dict[str, Any]:
    """Return what the tables say in all slots together, all news folded."""
    for (org_id,) in run("select id from organizations"):
        fold(org_id)
    figures = {
        "span_totals": "units",
        "day_totals": "units",
        "generation_totals": "actions",
        "presences": "people",
    }
    found = {}
    for table, figure in figures.items():
        keys = [
            column.name for column in db.metadata.tables[table].primary_key if column.name != "slot"
        ]
        names = ", ".join(keys)
        found[table] = [
            tuple(row)
            for row in run(
                f"""select {names}, sum({figure}) from {table} group by {names}
                    having sum({figure}) <> 0 order by {names}"""
            )
        ]
    return found


def refilled() -> dict[str, Any]:
    """Return what the migration would fill the tables with; they are left as they are."""
    migration = import_module("migrations.versions.0005_presences")
    for table in (*TABLES, "presence_news"):
        run(f"delete from {table}")
    for statement in ("SPAN_TOTALS", "DAY_TOTALS", "GENERATION_TOTALS", "PRESENCES"):
        db.session.connection().exec_driver_sql(getattr(migration, statement))
    found = standing()
    db.session.rollback()
    return found


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


def test_two_workers_with_the_same_person_at_once(two):
    """The second waits for the first, and then sees what it has committed."""
    first, second = made(two, 0, told(3)), made(two, 1, told(5, kind="donation"))
    waits = threading.Event()
    failed: list[BaseException] = []

    def work_second() -> None:
        with two.app.app_context():
            try:
                with transaction():
                    waits.set()
                    kept(two, {}, {second.id: second}, slot=1)
            except BaseException as error:
                failed.append(error)

    worker = threading.Thread(target=work_second)
    with transaction():
        kept(two, {}, {first.id: first})
        worker.start()
        assert waits.wait(10)
        for _ in range(100):
            waiting = run("select count(*) from pg_locks where not granted")[0][0]
            if waiting:
                break
            threading.Event().wait(0.05)
        assert waiting, "the second worker did not wait for the first"
    worker.join(30)
    assert not failed
    assert not worker.is_alive()
    hold(two, "linear", every=7)
    assert refilled() == standing()


def test_an_action_that_moves_changes_both_people(two):
    mine = made(two, 0, told(1))
    later = made(two, 1, told(9))
    with transaction():
        kept(two, {}, {mine.id: mine, later.id: later})
    moved = replace(mine, supporter_id=PEOPLE[1])
    with transaction():
        kept(two, {mine.id: mine}, {moved.id: moved})
    hold(two, "linear", every=3)
    with transaction():
        kept(two, {moved.id: moved, later.id: later}, {})
    assert standing() == {table: [] for table in TABLES}


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
    before = standing()
    assert all(before.values())
    drain.rebuild(world.settings, world.org_id)
    assert standing() == before
    assert refilled() == before


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
