"""Raised is one sum: the same days have the same money on every page, wherever it is read from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from advocacy.analytics.activation import MODELS, activation, organization_activation
from advocacy.analytics.breakdown import GROUPS, GROUPS_OF_ORGANIZATION, Question, grouped
from advocacy.analytics.conversion_paths import CAMPAIGN_MODELS, GRAINS, influences
from advocacy.analytics.engagement_ladder import ladder
from advocacy.core.crypto import organization_key
from advocacy.core.minimization import retained_name
from advocacy.storage import campaigns, organizations, sources
from advocacy.storage.session import transaction
from tests.support.sql import run

NEW_YORK, LISBON, TOKYO = "America/New_York", "Europe/Lisbon", "Asia/Tokyo"
CHANGES = date(2026, 3, 8), date(2025, 11, 2)
"""Days on which New York's clocks change: one of 23 hours, and one of 25."""


class Moved(NamedTuple):
    """Money that was given, or went back, at an instant."""

    gift: str
    at: datetime
    minor: int
    recurs: bool
    zone: str

    def within(self, days: tuple[date, date]) -> bool:
        return days[0] <= self.at.astimezone(ZoneInfo(self.zone)).date() <= days[1]


def give(world, chance: Random, change: date, zone: str, count: int) -> list[Moved]:
    """Give around a day, also recurringly, through posts or none, and take some of it back."""
    midnight = datetime.combine(change, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    moved = []
    for number in range(count):
        name, who = f"{zone}{change}{number}", f"{zone[:3]}{chance.randrange(6)}@example.org"
        # Close to where a day, or an hour that comes twice, begins and ends, or days away.
        at = midnight + timedelta(
            hours=chance.choice((0, 6, 24, 25)), minutes=chance.choice((-1, 1))
        )
        at += timedelta(days=chance.choice((-40, -3, 0, 0, 0, 2)))
        minor, recurs = chance.randrange(100, 9000), chance.random() < 0.4
        more = {"recurs_as": f"m{who}"} if recurs else {}
        if chance.random() < 0.7:
            # Several clicks of hers make a way of several touches.
            post = chance.choice(("instagram", "x"))
            clicked = at - timedelta(hours=chance.randrange(1, 90))
            more["click_id"] = world.click(post, at=clicked)
        world.act(
            "donation",
            id=name,
            email=who,
            amount=f"{minor / 100:.2f}",
            currency="USD",
            at=at,
            **more,
        )
        moved.append(Moved(name, at, minor, recurs, zone))
        for part in chance.choice(((), (), (minor,), (minor // 3, minor // 3))):
            back = at + timedelta(days=chance.choice((0, 1, 3, 38)), minutes=chance.randrange(200))
            amount = f"{part / 100:.2f}"
            world.act("donation.refunded", id=name, amount=amount, currency="USD", at=back)
            moved.append(Moved(name, back, -part, recurs, zone))
    return moved


@pytest.fixture(params=[1, pytest.param(2, marks=pytest.mark.slow)])
def given(world, request) -> list[Moved]:
    """Money of the campaign, of one in Tokyo, and of none (the organization's zone)."""
    chance = Random(request.param)
    moved = [each for change in CHANGES for each in give(world, chance, change, NEW_YORK, 14)]
    with transaction():
        world.organization = organizations.find_organization(world.org_id)
        world.organization.timezone = LISBON
        tokyo = campaigns.put_campaign(world.org_id, "tokyo", "Tokyo", TOKYO)
    for zone, campaign_id in ((TOKYO, tokyo.id), (LISBON, None)):
        with transaction():
            source, world.keys["standard"] = sources.put_source(
                world.org_id, "standard", zone, campaign_id=campaign_id
            )
            sources.put_secret(
                world.master,
                world.org_id,
                source.id,
                world.secret,
                datetime.now(UTC),
                timedelta(0),
            )
        world.links, links = dict.fromkeys(world.links, ""), world.links
        world.click, click = lambda *_args, **_more: "", world.click
        moved += give(world, chance, CHANGES[0], zone, 8)
        world.links, world.click = links, click
    world.drain()
    return moved


DAY = timedelta(days=1)
RANGES = [
    *((change, change) for change in CHANGES),
    *((change + DAY, change + 40 * DAY) for change in CHANGES),  # refunds of earlier gifts
    (CHANGES[0] - 3 * DAY, CHANGES[0] + DAY),
    (date(2025, 9, 1), date(2026, 6, 1)),
]


def net(moved: list[Moved], days: tuple[date, date], *zones: str) -> int:
    return sum(each.minor for each in moved if each.within(days) and each.zone in zones)


def raised_on_ladder(world, campaign, days) -> int:
    return sum(each.net_minor for each in ladder(world.org_id, campaign, *days).gifts)


def sum_of(rows: list) -> int:
    return sum(each["net_minor"] for row in rows for each in row["money"])


def net_of(rows: Iterable[Any]) -> int:
    return sum(each.net_minor for row in rows for each in row.money)


def test_the_same_days_have_the_same_money_in_a_campaign(world, given):
    campaign = campaigns.get_campaign(world.org_id, "stay")
    for days in RANGES:
        raised = net(given, days, NEW_YORK)
        for model in MODELS:
            report = activation(campaign, *days, model)
            for rows in ([report], report.posts, report.platforms):
                assert net_of(rows) == raised
            for by in GROUPS:
                found = grouped(campaign, Question(by, *days, model, gifts=by in {"post", "hour"}))
                assert net_of([found.total]) == net_of(found.groups) == raised, (model, by)
        assert raised_on_ladder(world, campaign, days) == raised


def test_the_columns_of_ways_are_the_same_money(world, given):
    campaign = campaigns.get_campaign(world.org_id, "stay")
    rows = run("select external_id from actions where not renewal and tier <> 'unattributed'")
    with_way = {row.external_id for row in rows}
    key = organization_key(world.master, world.org_id, "identity")
    for days in RANGES:
        raised = net(given, days, NEW_YORK)
        on_ways = net(
            [each for each in given if retained_name(each.gift, key) in with_way], days, NEW_YORK
        )
        found = influences(campaign, *days, GRAINS)
        for by in GRAINS:
            for model in found[by].rules:
                assert sum(row.amount_minor for row in model.rows) == raised, (by, model)
            assert [each.model for each in found[by].models] == list(CAMPAIGN_MODELS)
            for model in found[by].models:
                assert sum(row.amount_minor for row in model.rows) == on_ways, (by, model)


def test_the_same_days_have_the_same_money_in_the_organization(world, given):
    organization = organizations.find_organization(world.org_id)
    for days in RANGES:
        raised = net(given, days, NEW_YORK, TOKYO, LISBON)
        overview = organization_activation(organization, *days)
        assert net_of([overview]) == net_of(overview.platforms) == raised
        assert net_of(overview.campaigns) == net(given, days, NEW_YORK, TOKYO)
        for by in GROUPS_OF_ORGANIZATION:
            found = grouped(organization, Question(by, *days, gifts=by == "campaign"))
            assert net_of([found.total]) == net_of(found.groups) == raised, by
        assert raised_on_ladder(world, None, days) == raised


def test_the_recurring_share_is_of_the_same_money(world, given):
    campaign = campaigns.get_campaign(world.org_id, "stay")
    for days in RANGES:
        raised = net(given, days, NEW_YORK)
        recurring = net([each for each in given if each.recurs], days, NEW_YORK)
        share = round(recurring / raised, 4) if raised and 0 <= recurring <= raised else None
        (of_ladder,) = ladder(world.org_id, campaign, *days).gifts
        assert of_ladder.recurring_net_minor == recurring
        (of_groups,) = grouped(campaign, Question("hour", *days, gifts=True)).total.money
        assert of_ladder.recurring_share == of_groups.recurring_share == share


def test_what_only_went_back_is_about_few(world):
    """Two gifts of March went back in April: no action of April, and money of two people."""
    for number in range(2):
        at = datetime(2026, 3, 20, 12, tzinfo=UTC)
        who = {"id": f"g{number}", "amount": "50", "currency": "USD"}
        code = world.links["instagram"]
        world.act("donation", email=f"g{number}@example.org", code=code, at=at, **who)
        world.act("donation.refunded", at=at + timedelta(days=20), **who)
    world.drain()
    april = date(2026, 4, 1), date(2026, 4, 30)
    campaign = campaigns.get_campaign(world.org_id, "stay")
    (money,) = ladder(world.org_id, campaign, *april).gifts
    assert (money.gifts, money.net_minor, money.recurring_share) == (0, -10000, None)
    ways = influences(campaign, *april, ("platform",))["platform"]
    assert [row.amount_minor for row in ways.rules[0].rows] == [-10000]
