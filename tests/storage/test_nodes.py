"""One node of a cluster is down: its organizations wait, and all others go on.

The tables are partitioned by organization, as a cluster does it. A partition that another session
has locked is one whose node does not answer; the error that a statement gets is that of Citus.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError

from advocacy.app import create_app
from advocacy.cli.dev.embedded_servers import own_database
from advocacy.core.ids import new_id
from advocacy.ingestion import sweep
from advocacy.ingestion.receive import KnownSources, ReceiveOutcome, WebhookRequest, receive_batch
from advocacy.ingestion.wakeup import NullNotifier
from advocacy.providers.signatures import standard
from advocacy.storage import citus, inbox, links, members, posts, shared_reports
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from advocacy.tracking.link_cache import Target
from advocacy.web.redirect import Redirector
from config.settings import Settings
from tests.architecture import cut
from tests.support.world import World

METADATA = """
    create table pg_dist_placement (shardid bigint, groupid int);
    insert into pg_dist_placement values (0, 0), (1, 1);
    create function get_shard_id_for_distribution_column(of regclass, value uuid) returns bigint
    language sql as
    $$ select case when satisfies_hash_partition(of, 2, 0, value) then 0 else 1 end $$;
"""
"""What the coordinator knows of where rows are."""


@pytest.fixture
def partitioned(settings: Settings, environment: dict[str, str]) -> Iterator[Flask]:
    """An application on tables of which each organization has its part on one of two nodes."""
    with own_database(environment, f"nodes_{new_id().hex}") as variables:
        app = create_app(replace(settings, database_url=variables["DATABASE_URL"]))
        app.extensions["notifier"] = NullNotifier()
        with app.app_context():
            cut.make_tables()
            with transaction() as session:
                session.execute(text(METADATA))
            app.extensions["key_check"].require()
            yield app
            db.session.remove()
            db.engine.dispose()


def node_of(world: World) -> int:
    with transaction() as session:
        return int(
            session.scalar(
                text("select get_shard_id_for_distribution_column('sources', :o)"),
                {"o": world.org_id},
            )
        )


@contextlib.contextmanager
def node_down(node: int) -> Iterator[None]:
    """Let every statement that needs this node fail as on a cluster."""

    def hurry(connection: Any, *_more: object) -> None:
        connection.execute("set lock_timeout = '200ms'")
        connection.commit()

    def name(context: Any) -> OperationalError | None:
        if isinstance(context.original_exception, psycopg.errors.LockNotAvailable):
            away = psycopg.errors.ConnectionFailure("connection to the remote node failed")
            return OperationalError(context.statement, {}, away)
        return None

    engine, url = db.engine, db.engine.url.set(drivername="postgresql")
    parts = ", ".join(
        f"{table}_p{node}" for table in db.metadata.tables if table not in citus.GLOBAL
    )
    db.session.remove()
    engine.dispose()
    event.listen(engine, "connect", hurry)
    event.listen(Engine, "handle_error", name)
    try:
        with psycopg.connect(url.render_as_string(hide_password=False)) as holder:
            holder.execute(f"lock table {parts} in access exclusive mode")
            yield
    finally:
        event.remove(Engine, "handle_error", name)
        event.remove(engine, "connect", hurry)
        db.session.remove()
        engine.dispose()


@pytest.fixture
def two(partitioned: Flask) -> tuple[World, World]:
    """Two organizations on different nodes."""
    first = World(partitioned, "first")
    for number in range(50):
        other = World(partitioned, f"other{number}")
        if node_of(other) != node_of(first):
            return first, other
    raise AssertionError("all on one node")


def signed(world: World, message_id: str) -> WebhookRequest:
    body = b"{}"
    headers = standard(body, message_id, world.secret, datetime.now(UTC))
    return WebhookRequest(world.keys["standard"], body, headers, "http://127.0.0.1:8000/webhooks/x")


def pending(world: World) -> int:
    with transaction():
        return inbox.count_open(world.org_id).pending


def test_deliveries_of_other_organizations_are_stored(two):
    up, away = two
    sources, notifier = KnownSources(up.master, 1.0), NullNotifier()

    def receive(name: str) -> list[object]:
        group = [signed(away, f"{name}a"), signed(up, f"{name}u"), signed(away, f"{name}b")]
        return [
            one.result if isinstance(one, ReceiveOutcome) else type(one)
            for one in receive_batch(sources, notifier, group)
        ]

    with node_down(node_of(away)):
        assert receive("first") == [OperationalError, "new", OperationalError]
        began = time.monotonic()
        assert receive("second") == [OperationalError, "new", OperationalError]
        assert time.monotonic() - began < 0.2, "who does not answer is not asked for each delivery"
        assert pending(up) == 2
        assert act(up) == 200
        assert act(away) == 503
    time.sleep(2.0)
    assert receive("third") == ["new"] * 3
    assert (pending(up), pending(away)) == (4, 2)


def test_pages_and_tokens_of_other_organizations_work(two):
    up, away = two
    tokens = {world: world.token() for world in two}
    with transaction():
        people = {
            world: members.put_member(world.master, world.org_id, "ana@example.org", "reader")
            for world in two
        }
        invitations = {
            world: members.put_one_time_token(world.org_id, people[world].id) for world in two
        }
        views = {
            world: shared_reports.put_shared_report(
                world.org_id,
                world.campaign_id,
                name="",
                model="last",
                made_by="",
                lasts=timedelta(1),
            )
            for world in two
        }

    def accounts() -> list[UUID]:
        return [row.org_id for row in members.find_by_email(up.master, "ana@example.org")]

    def report(world: World) -> int:
        asked = up.app.test_client().get(
            "/api/v1/campaigns/stay/activation",
            headers={"Authorization": f"Bearer {tokens[world]}"},
        )
        # The request has used the session of this test.
        db.session.rollback()
        return int(asked.status_code)

    assert sorted(accounts()) == sorted([up.org_id, away.org_id])
    with node_down(node_of(away)):
        assert accounts() == [up.org_id]
        assert report(up) == 200
        assert report(away) == 503
        assert members.find_by_one_time_token(invitations[up]) is not None
        assert shared_reports.find_shared_report(views[up]) is not None
        assert sweep.organizations_to_drain() == []
    assert sorted(accounts()) == sorted([up.org_id, away.org_id])


def test_other_organizations_are_drained(two):
    up, away = two
    for world in two:
        assert act(world) == 200
    with node_down(node_of(away)):
        assert sweep.organizations_to_drain() == [up.org_id]
        assert inbox.oldest_pending_seconds() > 0
        up.drain()
        assert sweep.organizations_to_drain() == []
    assert sweep.organizations_to_drain() == [away.org_id]
    assert pending(up) == 0


def test_links_of_all_organizations_redirect_and_new_ones_are_seen(two, tmp_path):
    up, away = two
    settings = replace(up.settings, var_dir=tmp_path)
    cache = Redirector(up.app.wsgi_app, up.app, settings).links

    def new_link(world: World) -> str:
        with transaction():
            post = posts.get_post(world.org_id, world.posts["x"])
            return links.put_link(
                world.org_id, post, "https://example.org/new", "standard", {}
            ).code

    def leads(code: str) -> bool:
        time.sleep(0.3)
        return isinstance(cache.find([code]), Target)

    cache.refresh()
    unseen = new_link(away)
    with node_down(node_of(away)):
        assert leads(new_link(up)), "although the version of all links cannot be read"
        for world in two:
            assert leads(world.links["x"])
        assert not leads(unseen)
        fresh = Redirector(up.app.wsgi_app, up.app, settings).links
        assert fresh.load()
        fresh.refresh()
        assert isinstance(fresh.find([away.links["x"]]), Target), "as it was saved"
    assert leads(unseen)


def act(world: World) -> int:
    return int(world.act("signature", email="ana@example.org").status_code)
