"""Activation by groups in the real database: every figure is the one that a plain count gives."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from advocacy.analytics.activation import activation, organization_activation
from advocacy.analytics.breakdown import (
    GROUPS,
    GROUPS_OF_ORGANIZATION,
    NONE,
    TIMES,
    Breakdown,
    GroupFigures,
    Question,
    grouped,
)
from advocacy.analytics.engagement_ladder import ladder
from advocacy.analytics.figures import Clicks
from advocacy.attribution import RULES
from advocacy.storage import campaigns, organizations
from advocacy.storage.actions import Action
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from tests.support.happenings import START, happenings, kept, made, make_two
from tests.support.sql import run
from tests.support.world import World, empty_tables

FIRST, LAST = START.date() + timedelta(1), START.date() + timedelta(34)


def scopes(world: World) -> list[Any]:
    return [*campaigns.list_campaigns(world.org_id), organizations.find_organization(world.org_id)]


def is_campaign(scope: Any) -> bool:
    return hasattr(scope, "org_id")


def plain(world: World, scope: Any, asked: Question, first: date, last: date) -> dict[str, Any]:
    """Count everything in Python, from the rows of actions and touches alone."""
    zones = campaigns.zones(world.org_id)
    own = ZoneInfo(scope.timezone)
    rows = run("select * from actions where counted order by id")
    posts = {row.id: row for row in run("select * from posts")}
    slugs = {row.id: row.slug for row in run("select id, slug from campaigns")}
    firsts: dict[UUID, datetime] = {}
    for row in rows:
        if row.supporter_id:
            firsts[row.supporter_id] = min(
                firsts.get(row.supporter_id, row.occurred_at), row.occurred_at
            )

    def bucket(day: date) -> str:
        year, week, _ = day.isocalendar()
        return {"week": f"{year:04}-W{week:02}", "month": f"{day:%Y-%m}"}.get(
            asked.by, day.isoformat()
        )

    def begins(day: date) -> date:
        if asked.by == "week":
            return max(first, day - timedelta(day.weekday()))
        return max(first, day.replace(day=1)) if asked.by == "month" else day

    def hour(at: datetime) -> datetime:
        return at.astimezone(own).replace(minute=0, second=0, microsecond=0)

    found: dict[str, dict[str, Any]] = defaultdict(
        lambda: {"actions": Fraction(0), "people": set(), "new": set(), "human": 0, "other": 0}
    )

    def wanted(
        row: Any, post_id: UUID | None, platform: str, at: datetime, of: UUID | None
    ) -> bool:
        post = posts.get(post_id)
        values = {
            "post": str(post_id) if post_id else NONE,
            "platform": platform or NONE,
            "medium": (post and post.medium) or NONE,
            "author": (post and post.author) or NONE,
            "kind": row.kind if row else None,
            "source": str(row.source_id) if row else None,
            "hour": f"{at.astimezone(own).hour:02}",
            "campaign": slugs.get(of, NONE),
        }
        return all(
            values[name] is None or values[name] in keys
            for name, keys in asked.filters.items()
            if keys
        )

    def key_of(row: Any, post_id: UUID | None, platform: str, day: date, at: datetime) -> str:
        post = posts.get(post_id)
        return {
            "campaign": lambda: slugs.get(row.campaign_id, NONE),
            "post": lambda: str(post_id) if post_id else NONE,
            "platform": lambda: platform or NONE,
            "medium": lambda: (post and post.medium) or NONE,
            "author": lambda: (post and post.author) or NONE,
            "kind": lambda: row.kind,
            "source": lambda: str(row.source_id),
            "hour": lambda: hour(at).isoformat(timespec="minutes"),
        }.get(asked.by, lambda: bucket(day))()

    for row in rows:
        if is_campaign(scope) and row.campaign_id != scope.id:
            continue
        day = row.occurred_at.astimezone(ZoneInfo(zones[row.campaign_id])).date()
        own_day = row.occurred_at.astimezone(own).date()
        touches = [
            (each["post_id"] and UUID(each["post_id"]), each["platform"], Fraction(share))
            for each in row.path or ()
            if (share := each["shares"].get(asked.model))
        ] or [(row.post_id, row.platform, Fraction(1))]
        for post_id, platform, share in touches:
            if not wanted(row, post_id, platform, row.occurred_at, row.campaign_id):
                continue
            if first <= day <= last:
                for key in (key_of(row, post_id, platform, day, row.occurred_at), None):
                    found[key]["actions"] += share
                    by_kind = found[key].setdefault("by_kind", defaultdict(Fraction))
                    by_kind[row.kind] += share
            if not row.supporter_id:
                continue
            first_at = firsts[row.supporter_id]
            at_campaign = asked.by == "campaign"
            zone = ZoneInfo(zones[row.campaign_id]) if at_campaign else own
            on = day if at_campaign else own_day
            if first <= on <= last:
                figures = found[key_of(row, post_id, platform, on, row.occurred_at)]
                figures["people"].add(row.supporter_id)
                since = {"hour": hour(first_at) == hour(row.occurred_at)}.get(
                    asked.by,
                    first_at.astimezone(zone).date()
                    >= (begins(on) if asked.by in TIMES else first),
                )
                if since:
                    figures["new"].add(row.supporter_id)
            if first <= own_day <= last:
                found[None]["people"].add(row.supporter_id)
                if first_at.astimezone(own).date() >= first:
                    found[None]["new"].add(row.supporter_id)
    for touch in run("select * from touches"):
        day = touch.clicked_at.astimezone(ZoneInfo(zones[touch.campaign_id])).date()
        if not first <= day <= last or (is_campaign(scope) and touch.campaign_id != scope.id):
            continue
        platform = posts[touch.post_id].platform
        if not wanted(None, touch.post_id, platform, touch.clicked_at, touch.campaign_id):
            continue
        keys = [None]
        if asked.by not in {"kind", "source"}:
            keys.append(key_of(touch, touch.post_id, platform, day, touch.clicked_at))
        for key in keys:
            found[key]["human" if touch.human else "other"] += 1
    return found


def check(world: World, scope: Any, asked: Question) -> Breakdown:
    """Compare the report with a plain count, and return it."""
    report = grouped(scope, asked)
    expected = plain(world, scope, asked, report.first, report.last)
    rows = {row.key: row for row in report.groups} | {None: report.total}
    where = (scope.slug, asked)
    assert set(expected) - {None} <= set(rows), where
    empty = {"actions": 0, "people": (), "new": (), "human": 0, "other": 0}
    for key, row in rows.items():
        counted = expected.get(key, empty)
        people = row.supporters
        assert abs(row.actions - counted["actions"]) < 1e-6, (where, key)
        by_kind = counted.get("by_kind", {})
        assert row.by_kind.keys() == by_kind.keys(), (where, key)
        for kind, number in by_kind.items():
            assert abs(row.by_kind[kind] - number) < 1e-6, (where, key)
        assert people.distinct == len(counted["people"]), (where, key)
        assert people.new == len(counted["new"]), (where, key)
        assert people.returning == people.distinct - people.new
        if row.clicks:
            assert row.clicks == Clicks(counted["human"], counted["other"])
        else:
            assert asked.by in {"kind", "source"}
    units = sum(round(row.actions * 10**9) for row in report.groups)
    assert units == round(report.total.actions * 10**9)
    return report


def click(world: World, at: datetime, number: int) -> None:
    """Put a click on the link of one of the placed posts, by a person or by a preview."""
    from advocacy.core.records import Click
    from advocacy.storage import clicks

    placed = [each for each in world.placed if each[1]]
    with transaction():
        clicks.put_clicks(
            world.org_id,
            [
                Click(
                    f"click{number}",
                    world.org_id,
                    placed[number % len(placed)][1],
                    at,
                    not_human_why="" if number % 3 else "prefetch",
                )
            ],
            stripe=0,
        )


def keys_of(world: World) -> dict[str, list[str]]:
    posts = [str(each[0]) for each in world.placed if each[0]]
    return {
        "post": [posts[0], NONE],
        "platform": ["x", NONE],
        "medium": ["video", NONE],
        "author": ["Ana", NONE],
        "kind": ["call", "donation"],
        "source": [str(each) for each in world.sources.values()],
        "hour": ["01", "05", "21"],
        "campaign": ["stay", "go", NONE],
    }


def of_scope(scope: Any, filters: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return those of these filters that a scope has: a campaign is not filtered by campaigns."""
    return {n: keys for n, keys in filters.items() if n != "campaign" or not is_campaign(scope)}


def filters_of(world: World) -> Any:
    return st.fixed_dictionaries(
        {},
        optional={
            name: st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)
            for name, values in keys_of(world).items()
        },
    )


@settings(
    max_examples=settings().max_examples // 25,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(happenings(), st.sampled_from(list(RULES)), st.data())
def test_every_figure_is_that_of_a_plain_count(app, steps, model, data):
    db.session.rollback()
    empty_tables()
    world = make_two(app)
    there: dict[UUID, Action] = {}
    for step in steps:
        before, after = {}, {}
        for at, action in step.items():
            action_id = UUID(int=100 + at)
            if action_id in there:
                before[action_id] = there.pop(action_id)
            if action and action["path"]:
                action = action | {"path": whole(action["path"])}
            if action:
                after[action_id] = there[action_id] = paid(made(world, at, action), at)
        with transaction():
            kept(world, before, after)
    for number in range(7):
        click(world, START + timedelta(days=5 * number, hours=number), number)
    filters = data.draw(filters_of(world))
    # A single key of a single filter is read from presences.
    name, keys = data.draw(st.sampled_from(sorted(keys_of(world).items())))
    single = {name: [data.draw(st.sampled_from(keys))]}
    for scope in scopes(world):
        reports_by: dict[tuple[str, bool], Breakdown] = {}
        for by in GROUPS if is_campaign(scope) else GROUPS_OF_ORGANIZATION:
            for narrowed, chosen in ((False, {}), (True, of_scope(scope, filters))):
                asked = Question(by, FIRST, LAST, model, filters=chosen, gifts=True)
                reports_by[by, narrowed] = check(world, scope, asked)
            alone = of_scope(scope, single)
            check(world, scope, Question(by, FIRST, LAST, model, filters=alone, gifts=True))
        check_money(reports_by)
        check_report(scope, model, reports_by["kind", False])


def whole(path: Any) -> Any:
    """Return a path in which every model gives its touches all of the action."""
    one, two, shared = path
    return one, two, [each or (0,) for each in shared]


def paid(action: Action, number: int) -> Action:
    """Let gifts have money of two currencies, and some of it go back in parts."""
    if action.kind == "donation":
        action.gross_minor, action.currency = 1001 + number, "USD" if number % 2 else "JPY"
        action.recurs_as = "monthly" if number % 3 == 0 else ""
        action.renewal = number == 3
        if number % 4 < 2:
            action.returns = [
                {"at": (action.occurred_at + timedelta(days=days)).isoformat(), "amount_minor": 333}
                for days in (0, 9)
            ]
            action.refunded_minor = 666
    return action


def money_of(row: GroupFigures) -> dict[str, tuple[int, int]]:
    return {each.currency: (each.gross_minor, each.refunded_minor) for each in row.money}


def check_money(reports_by: dict[tuple[str, bool], Breakdown]) -> None:
    """Money adds up over groups, to the same by whatever they are; hours add up to their days."""
    for narrowed in (False, True):
        reports = [each for (_, of), each in reports_by.items() if of == narrowed]
        for report in reports:
            assert report.total.money == reports[0].total.money
            sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
            for row in report.groups:
                for currency, (gross, refunded) in money_of(row).items():
                    sums[currency][0] += gross
                    sums[currency][1] += refunded
            assert {c: tuple(each) for c, each in sums.items()} == money_of(report.total)
        days = {row.key: row for row in reports_by["day", narrowed].groups}
        if reports_by["day", narrowed].about.campaign:
            for day, row in days.items():
                hours = [
                    each for each in reports_by["hour", narrowed].groups if each.key.startswith(day)
                ]
                assert abs(sum(each.actions for each in hours) - row.actions) < 1e-6
                for currency, (gross, refunded) in money_of(row).items():
                    found = [money_of(each).get(currency, (0, 0)) for each in hours]
                    assert (sum(g for g, _ in found), sum(r for _, r in found)) == (gross, refunded)


def check_report(scope: Any, model: str, breakdown: Breakdown) -> None:
    """The same range gives the same figures as the report does."""
    of = activation if is_campaign(scope) else organization_activation
    report = of(scope, FIRST, LAST, model)
    total = breakdown.total
    assert total.actions == report.actions
    assert total.supporters == report.supporters
    for one, other in zip(total.money, report.money, strict=True):
        for name in ("currency", "gross_minor", "refunded_minor", "net_minor"):
            assert getattr(one, name) == getattr(other, name)
        assert (one.donations, one.renewals) == (other.donations, other.renewals)
    rows = {row.key: row for row in breakdown.groups}
    for each in report.by_kind:
        assert rows[each.kind].actions == each.actions
        assert rows[each.kind].supporters == each.supporters
    gifts = {
        each.currency: each
        for each in ladder(
            getattr(scope, "org_id", scope.id), scope if is_campaign(scope) else None, FIRST, LAST
        ).gifts
    }
    for each in total.money:
        if is_campaign(scope) and each.currency in gifts:
            same = gifts[each.currency]
            assert each.average_gift_minor == same.average_minor
            assert each.recurring_share == same.recurring_share


def test_a_day_with_a_person_and_no_action_is_told(app):
    """On the last day in the organization's zone, it is the day after in the campaign's."""
    db.session.rollback()
    empty_tables()
    world = make_two(app)
    details = {"day": 34, "source": "standard", "placed": 1, "kind": "donation", "counted": True}
    action = made(world, 4, details | {"who": 1, "path": None})
    with transaction():
        kept(world, {}, {action.id: action})
    (organization,) = (each for each in scopes(world) if not is_campaign(each))
    for by in ("day", "week", "month"):
        report = check(world, organization, Question(by, FIRST, LAST, "last_touch"))
        assert [(row.actions, row.supporters.distinct) for row in report.groups] == [(0, 1)]
