"""What is found and done without a notification, while a part of the database is away."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from advocacy.ingestion import sweep
from advocacy.storage import inbox
from advocacy.storage.db import db
from tests.support.sql import run
from tests.support.world import World


@pytest.fixture
def two(app) -> tuple[World, World]:
    """Two organizations with work; the machine of the first will be away."""
    away, there = World(app, "away"), World(app, "there")
    for world in (away, there):
        world.act("call", id="c1", email="ana@example.org")
    return away, there


def fail() -> None:
    """Fail as where a machine is away: none of the delivery's own errors."""
    run("select * from a_table_on_another_machine")


def test_organizations_of_the_other_machines_have_work(two, monkeypatch):
    away, there = two
    assert sweep.organizations_to_drain() == [away.org_id, there.org_id]
    whole = inbox.has_work

    def has_work(org_id: UUID) -> bool:
        if org_id == away.org_id:
            fail()
        return whole(org_id)

    monkeypatch.setattr(inbox, "organizations_with_work", fail)
    assert sweep.organizations_to_drain() == [away.org_id, there.org_id]
    monkeypatch.setattr(inbox, "has_work", has_work)
    assert sweep.organizations_to_drain() == [there.org_id]
    there.drain()
    assert sweep.organizations_to_drain() == []


def test_what_only_some_organizations_cannot_do_the_others_do(two):
    done: list[UUID] = []

    def work(org_id: UUID) -> None:
        if org_id == two[0].org_id:
            fail()
        done.append(org_id)

    sweep.for_each_organization(work)
    assert done == [two[1].org_id]


def test_what_none_can_do_is_raised(two):
    with pytest.raises(DBAPIError):
        sweep.for_each_organization(lambda _: fail())
    db.session.rollback()
