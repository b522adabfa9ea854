"""Figures from cells, in the real database: whatever happens, they are those of a count.

Random histories: actions come, change, move to other people and go, in batches; some batches fail
and come again; news are folded now and then, or everything is filled anew.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from advocacy.attribution import RULES
from advocacy.core.cells import NO_ID, campaign_scope
from advocacy.ingestion import figures
from advocacy.storage import (
    breakdowns,
    campaigns,
    cells,
    distinct_counts,
    engagement_ladder,
    goals,
    ladder_sets,
    people,
    person_numbers,
    sums,
    totals,
)
from advocacy.storage.actions import Action
from advocacy.storage.session import transaction
from tests.support.happenings import PEOPLE, START, kept, made, make_two
from tests.support.sql import run
from tests.support.world import World, empty_tables

MODELS = list(RULES)
compared = Counter()
"""How many figures were compared, by what they are."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        first, number = (metafunc.config.getoption(name) for name in ("--seed", "--histories"))
        metafunc.parametrize("seed", range(first, first + number + 2))


def action(world: World, chance: random.Random, number: int) -> Action:
    """Make an action as settling and attribution leave it."""
    kind = chance.choice(["call", "signature", "donation", "donation", "click"])
    said = {
        "who": chance.choice([-1, 0, 0, 1, 1, 2, 3]),
        "day": chance.choice([chance.randint(0, 4), chance.randint(0, 70)]),
        "kind": kind,
        "source": chance.choice(["standard", "actblue"]),
        "placed": chance.randint(0, 6),
        "counted": chance.random() < 0.85,
        "path": None,
    }
    if chance.random() < 0.4:
        said["path"] = (
            chance.randint(0, 5),
            chance.randint(0, 5),
            [chance.choice([(0,), (1,), (0, 1)]) for _ in MODELS],
        )
        said["path"][2][0] = (1,)
        said["placed"] = said["path"][1]
    found = made(world, number, said)
    found.tier = chance.choice(["code", "click_id", "unattributed"])
    found.occurred_at += timedelta(hours=chance.randint(0, 23))
    if kind == "donation":
        found.currency = chance.choice(["USD", "EUR"])
        found.gross_minor = chance.randint(1, 9) * 100
        if chance.random() < 0.4:
            back = chance.choice([found.gross_minor, 50])
            at = found.occurred_at + timedelta(days=chance.randint(0, 40))
            found.refunded_minor = back
            found.returns = [{"at": at.isoformat(), "amount_minor": back}]
        if chance.random() < 0.4:
            found.recurs_as, found.renewal = "m", chance.random() < 0.5
            if chance.random() < 0.4:
                found.ended_at = found.occurred_at + timedelta(days=chance.randint(0, 40))
    return found


def history(world: World, chance: random.Random) -> None:
    """Let something happen, batch after batch."""
    there: dict[UUID, Action] = {}
    for _ in range(chance.randint(1, 7)):
        before: dict[UUID, Action] = {}
        after: dict[UUID, Action] = {}
        for number in chance.sample(range(14), chance.randint(1, 9)):
            action_id = UUID(int=100 + number)
            if action_id in there:
                before[action_id] = there[action_id]
                fate = chance.random()
                if fate < 0.2:
                    continue
                if fate < 0.4:
                    person = chance.choice(PEOPLE)
                    after[action_id] = replace(there[action_id], supporter_id=person)
                    continue
            after[action_id] = action(world, chance, number)
        if chance.random() < 0.2:
            with pytest.raises(InterruptedError), transaction():
                kept(world, before, after)
                raise InterruptedError
        with transaction():
            kept(world, before, after)
        there = {**{of: each for of, each in there.items() if of not in before}, **after}
        what = chance.random()
        if what < 0.3:
            figures.fold_news(world.org_id, above=0)
        elif what < 0.5:
            with transaction():
                cells.fold(world.org_id, most=1)
        elif what < 0.6:
            with transaction():
                figures.refill(world.org_id)


def same(about: str, found: Any, counted: Any, *context: object) -> None:
    found, counted = sorted(map(repr, found)), sorted(map(repr, counted))
    compared[about] += len(counted) or 1
    assert found == counted, (about, *context)


def ranges(chance: random.Random) -> list[tuple[date, date]]:
    some = [(START.date() - timedelta(2), START.date() + timedelta(140))]
    for _ in range(3):
        first = chance.randint(-1, 80)
        days = first, chance.randint(first, 110)
        some.append(tuple(START.date() + timedelta(day) for day in days))  # type: ignore[arg-type]
    return [*some, (date(2026, 4, 1), date(2026, 4, 30)), (date(2026, 2, 27), date(2026, 5, 2))]


def tuples(rows: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows]


def hold(world: World, chance: random.Random) -> None:
    """Compare all figures."""
    org, ids = world.org_id, [each for each in world.zones if each != world.org_id]
    for first, last in ranges(chance):
        model = chance.choice(MODELS)
        at = first, last, model
        same(
            "people",
            tuples(people.read_people(org, [org], *at, people.GRAINS_OF_ORGANIZATION)),
            tuples(distinct_counts.read_people(org, [org], *at, people.GRAINS_OF_ORGANIZATION)),
            at,
        )
        same(
            "people",
            tuples(people.read_people(org, ids, *at, people.GRAINS)),
            tuples(distinct_counts.read_people(org, ids, *at, people.GRAINS)),
            at,
        )
        same(
            "campaigns",
            tuples(sums.read_campaigns(org, [*ids, NO_ID], *at)),
            tuples(totals.read_campaigns(org, [*ids, NO_ID], *at)),
            at,
        )
        for each in ids:
            same(
                "totals",
                tuples(sums.read_totals(org, each, *at)),
                tuples(totals.read_totals(org, each, *at)),
                at,
            )
            same(
                "days",
                tuples(sums.read_days(org, each, *at)),
                tuples(totals.read_days(org, each, *at)),
                at,
            )
            same(
                "generations",
                tuples(sums.read_generations(org, each, first, last)),
                tuples(totals.read_generations(org, each, first, last)),
                at,
            )
            same(
                "supporters by first day",
                tuples(people.read_first_days(org, [campaign_scope(each)], date.min, last)),
                tuples(goals.read_supporters(org, each, last)),
                at,
            )
        zones = campaigns.zones(org)
        same(
            "supporters by first day",
            tuples(people.read_first_days(org, people.own_scopes(zones), date.min, last)),
            tuples(goals.read_supporters(org, None, last)),
            at,
        )
        for each in (None, *ids):
            asked = org, each, first, last, world.zones[each or org], chance.choice([5, 30, 90]), 12
            found, counted = ladder_sets.read_ladder(*asked), engagement_ladder.read_ladder(*asked)
            for part in ("rungs", "cohorts"):
                same(
                    "ladder",
                    tuples(getattr(found, part)),
                    tuples(getattr(counted, part)),
                    part,
                    asked,
                )
            same("ladder", [found.repeat], [counted.repeat], asked)
        for _ in range(3):
            hold_filtered(world, chance, first, last, model)
    for each in ids:
        same("span", [sums.span(org, each)], [raw_span(org, each)])
    spans = [day for each in ids for day in raw_span(org, each) if day]
    same(
        "span",
        [sums.span_of_actions(org, ids)],
        [(min(spans), max(spans)) if spans else (None, None)],
    )


def raw_span(org_id: UUID, campaign_id: UUID) -> Any:
    return tuple(
        run(
            """select min(day), max(day) from (
                 select day from totals where org_id = :o and campaign_id = :c
                 group by day, post_id, model, kind, tier, platform, source_id, currency
                 having sum(units) <> 0 or sum(gross_minor) <> 0 or sum(refunded_minor) <> 0
                 union all
                 select occurred_on from actions
                 where org_id = :o and campaign_id = :c and counted) days""",
            o=org_id,
            c=campaign_id,
        )[0]
    )


def hold_filtered(world: World, chance: random.Random, first: date, last: date, model: str) -> None:
    def some(values: list[Any]) -> frozenset[Any] | None:
        if chance.random() < 0.6:
            return None
        return frozenset(chance.sample(values, chance.randint(1, len(values))))

    campaign = chance.choice([None, *(each for each in world.zones if each != world.org_id)])
    of = breakdowns.ActionFilter(
        world.org_id,
        campaign,
        world.zones[campaign or world.org_id],
        first,
        last,
        model,
        posts=some([None, *(post for post, *_ in world.placed if post)]),
        platforms=some(["", "x"]),
        kinds=some(["call", "signature", "donation"]),
        sources=some(list(world.sources.values())),
        campaigns=None
        if campaign
        else some([None, *(each for each in world.zones if each != world.org_id)]),
    )
    asked = people.ActionFilter(*of)
    for by in ("", "campaign", "post", "platform", "medium", "author", "kind", "source"):
        same(
            "filtered people",
            tuples(people.count_people(asked, by)),
            tuples(row for row in breakdowns.count_people(of, by) if row.supporters),
            by,
            asked,
        )
    for by in ("", "campaign", "post", "platform", "kind", "source", "day"):
        same(
            "filtered sums",
            tuples(sums.read_sums(asked, by)),
            tuples(breakdowns.read_sums(of, by)),
            by,
            asked,
        )
    steps = [first + timedelta(days) for days in range(0, (last - first).days + 1, 9)]
    parts = [(day, min(day + timedelta(8), last)) for day in steps]
    same(
        "people of ranges",
        tuples(people.count_people(asked, "range", parts)),
        tuples(row for row in breakdowns.count_people(of, "range", parts) if row.supporters),
        asked,
    )


def test_the_figures_of_any_history_are_those_of_a_count(app, seed):
    empty_tables()
    chance = random.Random(seed)
    world = make_two(app)
    world.placed.append((None, None, "x", None))
    history(world, chance)
    hold(world, chance)
    assert figures.differences(world.org_id) == []
    figures.fold_news(world.org_id, above=0)
    assert figures.differences(world.org_id) == []
    hold(world, chance)
    with transaction():
        figures.refill(world.org_id)
    assert figures.differences(world.org_id) == []
    hold(world, chance)


def test_numbers_are_small_and_belong_to_people_with_actions(app):
    world = make_two(app)
    one = made(world, 0, {"who": 0, "day": 1, "kind": "call", "source": "standard", "placed": 2,
                          "counted": True, "path": None})  # fmt: skip
    with transaction():
        kept(world, {}, {one.id: one})
    assert person_numbers.numbers_of(world.org_id) == {PEOPLE[0]: 1}
    other = replace(one, supporter_id=PEOPLE[1])
    with transaction():
        kept(world, {one.id: one}, {one.id: other})
    assert person_numbers.numbers_of(world.org_id) == {PEOPLE[1]: 2}
    with transaction():
        kept(world, {one.id: other}, {})
    assert person_numbers.numbers_of(world.org_id) == {}
    figures.fold_news(world.org_id, above=0)
    assert run("select count(*) from cells") == [(0,)]
