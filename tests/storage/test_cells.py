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
from advocacy.core.cells import NO_ID
from advocacy.ingestion import figures
from advocacy.storage import (
    breakdowns,
    campaigns,
    cells,
    conversion_paths,
    distinct_counts,
    engagement_ladder,
    goals,
    person_numbers,
    totals,
)
from advocacy.storage.actions import Action
from advocacy.storage.session import transaction
from tests.support import raw_figures as raw
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
    found, counted = (
        sorted(repr(tuple(row) if isinstance(row, tuple) else row) for row in rows)
        for rows in (found, counted)
    )
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
    """Compare all figures with those counted from the actions."""
    org, ids = world.org_id, [each for each in world.zones if each != world.org_id]
    raw.count_totals(org)
    for first, last in ranges(chance):
        model = chance.choice(MODELS)
        at = first, last, model
        for scope, zone in world.zones.items():
            grains = distinct_counts.GRAINS if scope != org else ("all", "kind", "platform")
            found = distinct_counts.read_people(org, [scope], *at, grains)
            counted = raw.count_people(org, scope, zone, *at)
            same("people", [row[1:] for row in found], counted, at, scope)
        same(
            "campaigns",
            tuples(totals.read_campaigns(org, [*ids, NO_ID], *at)),
            raw.totals("campaign_id, platform, kind, currency", *at, [*ids, NO_ID]),
            at,
        )
        for each in ids:
            hold_campaign(org, each, *at)
        same(
            "supporters by first day",
            tuples(goals.read_supporters(org, None, last)),
            raw.first_days(org, None, world.zones[org], date.min, last),
            at,
        )
        for each in (None, *ids):
            zone = world.zones[each or org]
            asked = org, each, first, last, zone, chance.choice([5, 30, 90]), 12
            found, counted = engagement_ladder.read_ladder(*asked), raw.count_ladder(*asked)
            for part in ("rungs", "cohorts"):
                parts = tuples(getattr(found, part)), tuples(getattr(counted, part))
                same("ladder", *parts, part, asked)
            same("ladder", [found.repeat], [counted.repeat], asked)
        for _ in range(3):
            hold_filtered(world, chance, first, last, model)
    days = [day for each in ids for day in raw_span(org, each) if day]
    span = (min(days), max(days)) if days else (None, None)
    same("span", [totals.span_of_actions(org, ids)], [span])
    for each in ids:
        same("span", [totals.span(org, each)], [raw_span(org, each)])


def hold_campaign(org: UUID, campaign: UUID, first: date, last: date, model: str) -> None:
    at = first, last, model
    zone = campaigns.zones(org)[campaign]
    same(
        "totals",
        [
            row[:1] + row[2:] if row.tier is None else row[:2] + row[6:]
            for row in totals.read_totals(org, campaign, *at)
        ],
        [
            (post, platform, kind, renewal, currency, *amounts)
            for post, platform, kind, renewal, currency, *amounts in raw.totals(
                "post_id, platform, kind, currency", *at, [campaign]
            )
        ]
        + raw.totals("post_id, tier", *at, [campaign]),
        at,
    )
    units: Counter[tuple[date, str]] = Counter()
    for day, kind, _, number, *_ in raw.totals("day, kind", *at, [campaign]):
        units[day, kind] += number
    same(
        "days",
        tuples(totals.read_days(org, campaign, *at)),
        [(*of, number) for of, number in units.items() if number],
        at,
    )
    counted = run(
        """select coalesce(a.post_id, :no_id), least(l.generation, 2), count(*) from actions a
           join links l on l.org_id = a.org_id and l.id = a.link_id
           where a.counted and a.campaign_id = :c and a.occurred_on between :first and :last
           group by 1, 2""",
        c=campaign,
        no_id=NO_ID,
        first=first,
        last=last,
    )
    found = totals.read_generations(org, campaign, first, last)
    same("generations", tuples(found), tuples(counted), at)
    same(
        "supporters by first day",
        tuples(goals.read_supporters(org, campaign, last)),
        raw.first_days(org, campaign, zone, date.min, last),
        at,
    )
    same(
        "donors by first day",
        tuples(goals.read_donors(org, campaign, first, last)),
        raw.first_days(
            org, campaign, zone, first, last, "kind = 'donation' and gross_minor > refunded_minor"
        ),
        at,
    )
    same(
        "currencies",
        conversion_paths.read_currencies(org, campaign, first, last),
        [
            row[0]
            for row in raw.totals(
                "currency", first, last, "last_touch", [campaign], "currency <> ''"
            )
        ],
        at,
    )
    credits = run(
        """select model, case post_id when :no_id then '' else post_id::text end,
                  sum(units)::int8,
                  sum(case currency when 'USD' then gross_minor - refunded_minor else 0 end)::int8
           from counted_totals where campaign_id = :c and day between :first and :last
           group by 1, 2""",
        c=campaign,
        no_id=NO_ID,
        first=first,
        last=last,
    )
    same(
        "credits",
        tuples(conversion_paths.read_credits(org, campaign, first, last, "post", "USD")),
        [tuple(row) for row in credits if any(row[2:])],
        at,
    )


def raw_span(org_id: UUID, campaign_id: UUID) -> Any:
    return tuple(
        run(
            """select min(day), max(day) from (
                 select day from counted_totals where campaign_id = :c
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

    ids = [each for each in world.zones if each != world.org_id]
    campaign = chance.choice([None, *ids])
    asked = distinct_counts.ActionFilter(
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
        campaigns=None if campaign else some([None, *ids]),
    )
    for by in ("", "campaign", "post", "platform", "medium", "author", "kind", "source"):
        same(
            "filtered people",
            tuples(distinct_counts.count_people(asked, by)),
            # Reads the actions themselves, as for hours.
            [row for row in breakdowns.count_people_at_hours(asked, by) if row.supporters],
            by,
            asked,
        )
    where = [
        f"{column} in ({', '.join(repr(str(each or NO_ID if ids_ else each)) for each in values)})"
        for column, values, ids_ in (
            ("post_id", asked.posts, True),
            ("platform", asked.platforms, False),
            ("source_id", asked.sources, True),
            ("campaign_id", asked.campaigns, True),
            (
                "case kind when 'renewal' then 'donation' else kind end",
                asked.kinds,
                False,
            ),
        )
        if values is not None
    ]
    for by in ("", "campaign", "post", "platform", "kind", "source", "day"):
        column = {
            "": "''::text",
            "campaign": "campaign_id",
            "post": "post_id",
            "source": "source_id",
        }
        key = column.get(by, by)
        same(
            "filtered sums",
            [row if by != "kind" else row[1:] for row in tuples(totals.read_sums(asked, by))],
            raw.totals(
                f"{'' if by == 'kind' else key + ', '}post_id <> '{NO_ID}', kind, currency",
                first,
                last,
                model,
                [campaign] if campaign else [*ids, NO_ID],
                " and ".join(where) or "true",
            ),
            by,
            asked,
        )
    steps = [first + timedelta(days) for days in range(0, (last - first).days + 1, 9)]
    parts = [(day, min(day + timedelta(8), last)) for day in steps]
    same(
        "people of ranges",
        tuples(distinct_counts.count_people(asked, "range", parts)),
        [row for row in breakdowns.count_people_at_hours(asked, "range", parts) if row.supporters],
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
