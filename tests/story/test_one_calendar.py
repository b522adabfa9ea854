"""The day of an action is the same on arrival, in each report, and after a rebuild."""

from __future__ import annotations

import runpy
from datetime import UTC, date, datetime, timedelta

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations

from advocacy.analytics.activation import activation
from advocacy.analytics.breakdown import Question, grouped
from advocacy.core import dates
from advocacy.ingestion import drain
from advocacy.ingestion import figures as figures_ingestion
from advocacy.storage import campaigns, organizations
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from tests.support.sql import run
from tests.support.zones import HARD

LATE = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)


def in_zone(world, zone):
    with transaction():
        run("update organizations set timezone = :z where id = :o", z=zone, o=world.org_id)
        run("update campaigns set timezone = :z where org_id = :o", z=zone, o=world.org_id)
    db.session.expire_all()


def campaign_of(world):
    return campaigns.get_campaign(world.org_id, "stay")


def people_of(world, day):
    people = activation(campaign_of(world), day, day).supporters
    return people.new, people.returning


def figures(world, first, last):
    """Return what groups say of some days, by every way in which actions and people are read."""
    campaign = campaign_of(world)
    owner = organizations.find_organization(world.org_id)
    return [
        (scope.id, by, filters, grouped(scope, Question(by, first, last, filters=filters)))
        for scope, groups in ((campaign, ("day", "hour")), (owner, ("day", "hour", "campaign")))
        for by in groups
        for filters in ({}, {"hour": ["22", "23", "00"]}, {"kind": ["donation"]})
    ]


@pytest.mark.parametrize("zone", ["CET", "Europe/Paris", *HARD])
def test_days_do_not_change_by_a_rebuild(world, zone):
    in_zone(world, zone)
    world.act("donation", id="d0", email="ana@example.org", amount="5.00", at=LATE - timedelta(3))
    world.act("donation", id="d1", email="ana@example.org", amount="10.00", at=LATE)
    world.act("donation", id="d2", email="bo@example.org", amount="10.00", at=LATE)
    for change in [each for each in dates.clock_of(zone).starts if each.year == 2026]:
        for minutes in (-60, -1, 0, 60):
            world.act(
                "call",
                id=f"c{change:%j}{minutes}",
                email=f"p{change:%j}{minutes}@example.org",
                at=change + timedelta(minutes=minutes),
            )
    world.drain()
    year, first = date(2026, 1, 1), date(2026, 6, 30)
    live = [people_of(world, first + timedelta(each)) for each in range(4)]
    told = figures(world, first, first + timedelta(3)), figures(world, year, date(2026, 12, 31))
    assert people_of(world, dates.day_in(LATE, zone)) == (1, 1)
    drain.rebuild(world.settings, world.org_id)
    assert [people_of(world, first + timedelta(each)) for each in range(4)] == live
    assert (
        figures(world, first, first + timedelta(3)),
        figures(world, year, date(2026, 12, 31)),
    ) == told


def test_zones_that_cannot_be_chosen_become_locations_and_no_day_changes(world, root):
    in_zone(world, "CET")
    world.act("donation", id="d1", email="ana@example.org", amount="10.00", at=LATE)
    world.drain()
    before = people_of(world, date(2026, 7, 2))
    migration = runpy.run_path(str(root / "migrations/versions/0016_one_calendar.py"))
    with (
        transaction() as session,
        Operations.context(MigrationContext.configure(session.connection())),
    ):
        migration["upgrade"]()
    assert set(campaigns.zones(world.org_id).values()) == {"Europe/Brussels"}
    db.session.expire_all()
    # As `advocacy migrate` does of an older version's figures.
    with transaction():
        figures_ingestion.refill(world.org_id)
    assert people_of(world, date(2026, 7, 2)) == before == (1, 0)
    by_location = migration["_by_location"]
    assert by_location("EST") == "America/Panama"
    assert by_location("EST5EDT") == "America/New_York"
    assert by_location("posix/Europe/Paris") == by_location("right/Europe/Paris") == "Europe/Paris"
    assert by_location("Factory") == by_location("GMT") == "UTC"
    assert by_location("localtime") in dates.accepted()
    for kept in ("Europe/Paris", "US/Eastern", "UTC", "Etc/GMT+5"):
        assert by_location(kept) == kept
