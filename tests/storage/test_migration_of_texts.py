"""A migration keys and scrubs texts that older versions stored unchanged."""

from __future__ import annotations

import json
import runpy
from datetime import UTC, datetime, timedelta

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations

from advocacy.core.crypto import organization_key, seal
from advocacy.core.events import ActionEvent, ActionKind, Person, StatementType
from advocacy.core.ids import new_id
from advocacy.identity.hashing import digests
from advocacy.ingestion import drain
from advocacy.ingestion.pipeline import Parsed, apply_batch
from advocacy.ingestion.reconcile import write_facts
from advocacy.storage import inbox
from advocacy.storage import sources as sources_storage
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from tests.support.older_facts import fact_of
from tests.support.sql import run

ADDRESS, NUMBER = "zoe.m@example.org", "+12025550147"
CANARIES = ("zoe.m", "2025550147", "canary")
NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
TABLES = ("inbox", "actions", "action_names", "touches")


def event(**more) -> ActionEvent:
    made = {
        "kind": ActionKind.DONATION,
        "external_id": ADDRESS,
        "occurred_at": NOW,
        "statement_id": StatementType.CREATED,
        "person": Person(email=ADDRESS),
        "amount_minor": 2500,
        "currency": "USD",
        "utm": {"content": NUMBER, "campaign": "stay", "source": "x"},
        "recurs_as": NUMBER,
        "target": f"Office {NUMBER}",
        "referrer": "https://2025550147.example.net/",
    }
    return ActionEvent(**(made | more))


def store_as_before(world, events: list[ActionEvent], name: str, **columns: str) -> None:
    """Store a delivery and settle it with its texts as the tool wrote them."""
    key = organization_key(world.master, world.org_id, "identity")
    source_id, delivery_id = world.sources["standard"], new_id()
    facts = [
        fact_of(
            each,
            source_id=source_id,
            delivery_id=delivery_id,
            who=digests(each.person, key, "US", str(source_id)),
        )
        for each in events
    ]
    body = json.dumps({"n": name}).encode()
    with transaction():
        row = inbox.ImportedRow(
            delivery_id,
            name,
            seal(world.master, world.org_id, f"body:{delivery_id}", body),
            bytes(32),
        )
        inbox.put_rows(world.org_id, source_id, "application/json; charset=utf-8", NOW, [row])
        # The body's time is over, as it soon is; a rebuild has the facts alone.
        run(
            """update inbox set body = null, facts = cast(:facts as jsonb),
                      message_id = :message_id, detail = :detail
               where org_id = :o and id = :id""",
            o=world.org_id,
            id=delivery_id,
            facts=write_facts(facts),
            message_id=columns.get("message_id", ""),
            detail=columns.get("detail", ""),
        )
        sources = {each.id: each for each in sources_storage.list_sources(world.org_id)}
        parsed = Parsed({delivery_id: facts}, {}, {delivery_id: source_id})
        apply_batch(world.master, world.org_id, parsed, sources)


@pytest.fixture
def before(world):
    store_as_before(world, [event()], ADDRESS, message_id=f"utm_content={NUMBER}")
    renewal = {"renewal": True, "occurred_at": NOW + timedelta(hours=1)}
    store_as_before(world, [event(external_id=NUMBER, **renewal)], NUMBER, detail=f"of {ADDRESS}")
    joined = event(external_id="canary one", same_as=("canary two",), recurs_as="", target="TX-07")
    store_as_before(world, [joined], "canary delivery")
    store_as_before(
        world, [event(external_id="canary two", statement_id="again", recurs_as="")], "m1"
    )
    world.click("x", referrer_host="2025550147.example.net")
    return world


def migrate(root) -> None:
    path = next((root / "migrations/versions").glob("*_no_personal_texts.py"))
    migration = runpy.run_path(str(path))
    with db.engine.begin() as tables, Operations.context(MigrationContext.configure(tables)):
        migration["upgrade"]()


def dump() -> str:
    return "\n".join(
        row[0] for table in TABLES for row in run(f"select to_jsonb(t)::text from {table} t")
    )


def rows(table: str) -> list[str]:
    return sorted(row[0] for row in run(f"select to_jsonb(t)::text from {table} t"))


def test_texts_from_before_are_keyed_and_scrubbed_and_count_the_same(before, root):
    assert all(canary in dump() for canary in CANARIES)
    report = before.report()
    assert report.actions == 3

    migrate(root)

    assert [canary for canary in CANARIES if canary in dump()] == []
    assert before.report() == report
    after = {table: rows(table) for table in TABLES}
    migrate(root)
    assert {table: rows(table) for table in TABLES} == after, "to do it twice changes nothing"


def test_a_rebuild_gives_what_the_migration_gave(before, root):
    migrate(root)
    after, report = {table: rows(table) for table in TABLES}, before.report()
    drain.rebuild(before.settings, before.org_id)
    assert {table: rows(table) for table in TABLES} == after
    assert before.report() == report


def test_a_refund_finds_the_gift_from_before(before, root):
    migrate(root)
    before.act(
        "donation.refunded", id=ADDRESS, amount="10.00", currency="USD", at=NOW + timedelta(hours=2)
    )
    before.drain()
    assert before.report().actions == 3
    (money,) = before.report().money
    assert money.refunded_minor == 1000
    assert len(run("select id from actions")) == 3


def test_a_delivery_from_before_is_known_again(world, root):
    world.standard("{", message_id="zoe%2Em@example%2Eorg")
    (row,) = run("select id, external_id from inbox")
    with transaction():
        run(
            "update inbox set external_id = :name, message_id = :name where org_id = :o",
            o=world.org_id,
            name="zoe%2Em@example%2Eorg",
        )
    migrate(root)
    assert run("select id, external_id from inbox") == [row]
    world.standard("{", message_id="zoe%2Em@example%2Eorg")
    assert len(run("select id from inbox")) == 1
    world.drain()
    assert inbox.counts(world.org_id)["quarantined"] == 1


def test_a_rebuild_joins_what_an_old_worker_stored_beside_the_new_version(before, root):
    """It gave the action its former name after the migration."""
    migrate(root)
    store_as_before(before, [event(statement_id="refund:1", said=StatementType.REFUNDED)], "m2")
    assert len(run("select id from actions")) == 4
    drain.rebuild(before.settings, before.org_id)
    assert len(run("select id from actions")) == 3
    assert [canary for canary in CANARIES if canary in "".join(rows("actions"))] == []
