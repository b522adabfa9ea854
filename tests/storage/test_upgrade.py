"""The upgrade from the version before, rehearsed with a database that it filled.

`data/version_0018.json` is what that version stored at revision 0018: its tables as PostgreSQL
copies them, and its report. Two deliveries wait, of which a killed worker has leased one; two are
quarantined; two have lost their bodies, and one person was erased.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import flask_migrate
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from advocacy.cli.dev.up import MIGRATIONS
from advocacy.ingestion import drain, sweep
from advocacy.ingestion import figures as figures_ingestion
from advocacy.storage import inbox, organizations
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from tests.support.deliveries import DELIVERIES
from tests.support.derived_rows import rows_of
from tests.support.sql import run
from tests.support.world import World, empty_tables

# As the endpoint of that version does.
STORE = """
insert into inbox (org_id, id, source_id, external_id, body, body_digest, message_id,
                   content_type, received_at, status, reason, test)
select org_id, gen_random_uuid(), source_id, 'late', null, '', '', '', now(), 'pending', '', false
from inbox where external_id = 'm1'"""


@pytest.fixture
def before(app, pytestconfig) -> Iterator[dict[str, Any]]:
    """What the version before stored, in its tables."""
    if pytestconfig.getoption("--cut"):
        pytest.skip("these tables are not made by migrations")
    stored = json.loads((Path(__file__).parent / "data" / "version_0018.json").read_text())
    flask_migrate.downgrade(directory=str(MIGRATIONS), revision="0018")
    try:
        connection = db.engine.raw_connection()
        for name, table in stored["tables"].items():
            columns = ", ".join(table["columns"])
            with connection.cursor().copy(f"copy {name} ({columns}) from stdin") as copy:
                copy.write("".join(f"{row}\n" for row in table["rows"]))
        connection.commit()
        connection.close()
        yield stored
    finally:
        db.session.rollback()
        flask_migrate.upgrade(directory=str(MIGRATIONS))
        empty_tables()


def world_of(app, stored: dict[str, Any]) -> World:
    world = object.__new__(World)
    world.app, world.settings = app, app.extensions["settings"]
    world.master, world.org_id = world.settings.secret_key.encode(), UUID(stored["org_id"])
    world.keys, world.secret = {"standard": stored["key"]}, stored["secret"]
    world.links = stored["links"]
    return world


def figures(report: Any) -> dict[str, Any]:
    """Return what two versions of a report have in common."""
    return {
        "actions": report.actions,
        "supporters": report.supporters.distinct,
        "kinds": {each.kind: (each.actions, each.supporters.distinct) for each in report.by_kind},
        "money": [(each.gross_minor, each.refunded_minor) for each in report.money],
        "evidence": {each.tier: each.actions for each in report.evidence},
    }


def figures_before(report: dict[str, Any]) -> dict[str, Any]:
    return {
        "actions": report["actions"],
        "supporters": report["supporters"]["distinct"],
        "kinds": {
            each["kind"]: (each["actions"], each["supporters"]["distinct"])
            for each in report["by_kind"]
        },
        "money": [(each["gross_minor"], each["refunded_minor"]) for each in report["money"]],
        "evidence": {each["tier"]: each["actions"] for each in report["evidence"]},
    }


def test_an_organization_is_rebuilt_once_and_then_drained(app, before):
    flask_migrate.upgrade(directory=str(MIGRATIONS))
    world = world_of(app, before)
    # What an old worker and an old endpoint do while the new version runs already.
    with transaction() as session:
        session.execute(text("update actions set tier = 'unattributed', post_id = null"))
        session.execute(text("update totals set units = 2 * units"))
        session.execute(text(STORE))
    assert sweep.organizations_to_rebuild() == sweep.organizations_to_drain() == [world.org_id]

    within = app.app_context
    with capture_logs() as logs:
        drain.drain_backlog(world.settings, world.org_id, within)
        assert figures(world.report()) != figures_before(before["report"]), "it waits"
        for _ in range(2):
            sweep.rebuild_once(world.settings, world.org_id, within, lambda: None)
    assert [each["event"] for each in logs] == ["rebuild_after_upgrade", "rebuilt_after_upgrade"]
    assert sweep.organizations_to_rebuild() == []
    assert figures(world.report()) == figures_before(before["report"])
    assert inbox.count_open(world.org_id) == (3, 2)

    assert world.act("signature", "new", id="n1", email="new@example.org").status_code == 200
    drain.drain_backlog(world.settings, world.org_id, within)
    # The one without a body says nothing.
    assert inbox.count_open(world.org_id) == (0, 2)
    assert world.report().actions == before["report"]["actions"] + 3
    reasons = run(f"select reason from {DELIVERIES} where status = 'quarantined' order by 1")
    assert [reason for (reason,) in reasons] == ["id_reuse", "not_json"]
    rows = rows_of(world)
    drain.rebuild(world.settings, world.org_id)
    assert rows_of(world) == rows


def test_what_actions_name_is_converted_as_a_rebuild_makes_it(app, before):
    """Until the rebuild, erasing and attributing again read it."""
    flask_migrate.upgrade(directory=str(MIGRATIONS))
    world = world_of(app, before)

    def named() -> list[Any]:
        return [
            run(f"select {columns} from {table} where org_id = :o order by 1", o=world.org_id)
            for columns, table in (
                ("name, supporter_id, blocked, parts", "names"),
                ("id, email_digest, phone_digest, person_digest", "actions"),
            )
        ]

    converted = named()
    assert all(converted)
    drain.rebuild(world.settings, world.org_id)
    assert named() == converted
    assert run("select * from identifiers") == []


def test_figures_are_there_before_the_rebuild(app, before):
    flask_migrate.upgrade(directory=str(MIGRATIONS))
    world = world_of(app, before)
    assert figures_ingestion.refill_outdated(world.org_id)
    assert figures(world.report()) == figures_before(before["report"])
    assert figures_ingestion.are_right(world.org_id)
    assert organizations.is_outdated(world.org_id)


def test_whoever_drains_without_a_worker_rebuilds_first(app, before):
    flask_migrate.upgrade(directory=str(MIGRATIONS))
    world = world_of(app, before)
    with transaction() as session:
        session.execute(text("update totals set units = 2 * units"))
    assert world.drain().done == 2
    assert world.report().actions == before["report"]["actions"] + 2
    assert not organizations.is_outdated(world.org_id)


def test_the_way_back_shows_the_version_before_what_waits(app, before):
    flask_migrate.upgrade(directory=str(MIGRATIONS))
    world = world_of(app, before)
    world.drain()
    world.act("signature", "new", id="n1", email="new@example.org")
    flask_migrate.downgrade(directory=str(MIGRATIONS), revision="0018")
    found = run("select status, reason, count(*) from inbox group by 1, 2 order by 1, 2")
    db.session.rollback()
    assert [tuple(row) for row in found] == [
        ("done", "", 12),
        ("pending", "", 1),
        ("quarantined", "id_reuse", 1),
        ("quarantined", "not_json", 1),
    ]


def test_a_new_organization_needs_no_rebuild(world):
    assert sweep.organizations_to_rebuild() == []
