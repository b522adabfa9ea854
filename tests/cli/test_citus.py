"""`advocacy distribute`: against a PostgreSQL with a stand-in for Citus.

The stand-in (`stand_in/`) is a real extension with Citus's functions. It refuses what Citus says
that it refuses of tables, keys and their order, and what a cluster of three nodes refused. It only
copies rows: what it accepts is well-formed, and how a cluster runs it has to be seen on a cluster.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flask_migrate
import psycopg
import pytest
from flask import Flask, current_app
from sqlalchemy import Column, ForeignKeyConstraint, Table, Text, Uuid, event

from advocacy.app import create_app
from advocacy.cli.dev.embedded_servers import own_database
from advocacy.cli.dev.up import MIGRATIONS
from advocacy.core.ids import new_id
from advocacy.storage import members, organizations
from advocacy.storage.citus import GLOBAL
from advocacy.storage.db import db
from advocacy.storage.models import Organization
from advocacy.storage.session import transaction
from config.settings import read_settings
from tests.support.operator import Operator

STAND_IN = Path(__file__).parent / "stand_in"
FIRST_WITH_OWN_PATHS = 180000


@pytest.fixture
def empty(operator) -> Iterator[None]:
    """An operator at a database of her own, with nothing in it."""
    with own_database(dict(operator.environment), f"spread_{new_id().hex}") as variables:
        operator.environment.update(variables)
        yield


@pytest.fixture
def ask(operator, empty) -> Callable[..., list[tuple[object, ...]]]:
    """Ask that database."""

    def asked(statement: str, *before: str) -> list[tuple[object, ...]]:
        url = operator.environment["DATABASE_URL"].replace("+psycopg", "", 1)
        with psycopg.connect(url, autocommit=True) as connection:
            for each in before:
                connection.execute(each)
            found = connection.execute(statement)
            return found.fetchall() if found.description else []

    return asked


@pytest.fixture
def cluster(operator, ask) -> Iterator[Callable[..., list[tuple[object, ...]]]]:
    """That database with the extension and our tables."""
    if int(str(ask("show server_version_num")[0][0])) < FIRST_WITH_OWN_PATHS:
        pytest.skip("only PostgreSQL 18 and later load an extension from a folder of one's own")
    operator.does("migrate")
    with tempfile.TemporaryDirectory(prefix="advocacy-extension-") as folder:
        # The server may run as another user.
        shutil.copytree(STAND_IN, folder, dirs_exist_ok=True)
        for path in (Path(folder), *Path(folder).rglob("*")):
            path.chmod(0o755)
        ask("create extension citus", f"set extension_control_path = '{folder}:$system'")
        yield ask


@contextlib.contextmanager
def opened(operator: Operator) -> Iterator[Flask]:
    """Open the application of that database."""
    app = create_app(read_settings({k: v for k, v in operator.environment.items() if v}))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def spread(ask: Callable[..., list[tuple[object, ...]]]) -> dict[str, tuple[str, str]]:
    rows = ask("select table_name::text, citus_table_type, distribution_column from citus_tables")
    return {str(name): (str(kind), str(column)) for name, kind, column in rows}


def keys(ask: Callable[..., list[tuple[object, ...]]]) -> set[tuple[object, ...]]:
    return set(
        ask(
            "select conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated"
            " from pg_constraint where contype = 'f'"
        )
    )


def test_every_table_is_distributed_and_its_keys_hold(operator, cluster):
    before = keys(cluster)
    told = operator.does("distribute", "--shards", "8")
    assert "done: 8 shards on 1 machines" in told
    found = spread(cluster)
    assert set(found) == set(db.metadata.tables)
    for name, how in found.items():
        assert how == (("reference", "<none>") if name in GLOBAL else ("distributed", "org_id"))
    assert len(cluster("select distinct colocation_id from citus_tables")) == 2, "one for all"
    assert keys(cluster) == before

    assert operator.does("distribute") == "all tables are already distributed; nothing to do\n"


def test_a_table_from_a_migration_is_distributed_with_the_others(operator, cluster):
    operator.does("distribute")
    cluster(
        "create table extra (org_id uuid, word text, primary key (org_id, word),"
        " constraint extra_org_id_fk foreign key (org_id) references organizations (id))"
    )
    made = Table(
        "extra",
        db.metadata,
        Column("org_id", Uuid, primary_key=True),
        Column("word", Text, primary_key=True),
        ForeignKeyConstraint(["org_id"], [Organization.id]),
    )
    try:
        told = operator.does("distribute")
    finally:
        db.metadata.remove(made)
    assert "extra: by org_id, beside" in told
    assert "posts: " not in told
    assert spread(cluster)["extra"] == ("distributed", "org_id")
    assert len(cluster("select distinct colocation_id from citus_tables")) == 2


def test_no_rows_stay_on_the_coordinator(operator, cluster):
    operator.does("org", "create", "--slug", "stay", "--name", "Stay")
    operator.does("source", "create", "--provider", "action_network", "--name", "petitions")
    cluster(
        "insert into inbox (org_id, id, source_id, external_id, body, body_digest) select"
        " org_id, org_id, id, 'x', 'ana@example.org', '' from sources"
    )
    tables = ("organizations", "addresses", "sources", "inbox")
    counted = {name: cluster(f"select count(*) from {name}") for name in tables}
    assert all(count != [(0,)] for count in counted.values())

    told = operator.does("distribute")
    assert "done: " in told
    for name, count in counted.items():
        assert cluster(f"select count(*) from shards.{name}") == count
    for name in db.metadata.tables:
        assert cluster(f"select pg_relation_size('{name}')") == [(0,)], name


def test_rows_that_were_left_on_the_coordinator_go_with_the_next_run(operator, cluster):
    operator.does("distribute")
    cluster("insert into organizations (id, slug, name) values (gen_random_uuid(), 'left', 'Left')")
    assert "organizations" in operator.says("doctor").output
    assert "already distributed" in operator.does("distribute")
    assert cluster("select count(*) from organizations") == [(0,)]
    assert "has rows of" not in operator.says("doctor").output


def test_a_migration_distributes_the_tables_that_it_creates(operator, cluster):
    before = keys(cluster)
    operator.does("distribute")
    with opened(operator):
        flask_migrate.Migrate(current_app, db)
        flask_migrate.downgrade(directory=str(MIGRATIONS), revision="0002")
    assert set(spread(cluster)) < set(db.metadata.tables)
    assert "goals" not in spread(cluster)
    operator.does("migrate")
    found = spread(cluster)
    assert set(found) == set(db.metadata.tables)
    assert found["goals"] == ("distributed", "org_id")
    assert len(cluster("select distinct colocation_id from citus_tables")) == 2
    assert keys(cluster) == before
    assert "already distributed" in operator.does("distribute")


REFUSED = {
    "local table": "create table extra (org_id uuid, id uuid, primary key (org_id, id),"
    " foreign key (org_id) references organizations,"
    " foreign key (org_id, id) references campaigns (org_id, id))",
    "key added": "create table notes (org_id uuid, id uuid, primary key (org_id, id));"
    " alter table notes add foreign key (org_id, id) references campaigns (org_id, id)",
    "key to a local table": "create table kinds (id text primary key);"
    " alter table campaigns add foreign key (slug) references kinds (id)",
    "unique index": "create unique index on campaigns (slug)",
    "storage": "alter table campaigns alter column slug set storage external",
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_stand_in_refuses_what_a_cluster_refuses(operator, cluster, name):
    operator.does("distribute")
    with pytest.raises(
        psycopg.Error, match=r"not colocated|without its distribution column|unsupported"
    ):
        cluster(REFUSED[name])


def test_two_people_are_invited_at_the_same_moment(operator, cluster):
    """Inserts into a table that every node has run side by side; deletes exclude all others."""
    operator.does("org", "create", "--slug", "stay", "--name", "Stay")
    operator.does("distribute")
    # The stand-in's statements go on using the coordinator's tables.
    operator.does("org", "create", "--slug", "go", "--name", "Go")
    both_have_inserted = threading.Barrier(2)

    def meet(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.lstrip().startswith("insert into addresses"):
            with contextlib.suppress(threading.BrokenBarrierError):
                both_have_inserted.wait(timeout=2)

    def invite(app: Flask, email: str) -> str:
        with app.app_context():
            owner = organizations.get_organization("go")
            with transaction():
                member = members.put_member(b"k" * 32, owner.id, email, "reader")
                return members.put_one_time_token(owner.id, member.id)

    with opened(operator) as app:
        event.listen(db.engine, "after_cursor_execute", meet)
        with ThreadPoolExecutor(2) as threads:
            emails = ("ana@example.org", "ben@example.org")
            tokens = list(threads.map(lambda email: invite(app, email), emails))
        event.remove(db.engine, "after_cursor_execute", meet)
        found = [members.find_by_one_time_token(token) for token in tokens]
    assert [member and member.email for member in found] == list(emails)


def test_a_node_that_is_down_is_named_and_takes_no_process_away(operator, cluster):
    operator.does("distribute")
    with opened(operator) as app:
        ready = app.test_client().get("/ready")
        assert (ready.status_code, "node down" in ready.text) == (200, False)
        cluster("update pg_dist_node set isactive = false")
        ready = app.test_client().get("/ready")
        assert ready.status_code == 200
        assert "node down: one:5432\n" in ready.text
    assert "does not reach one:5432" in operator.says("doctor").output


def test_the_doctor_names_the_settings_that_a_cluster_needs(operator, cluster):
    told = operator.says("doctor").output
    assert "citus.propagate_set_commands = 'local'" in told
    assert "citus.node_connection_timeout" in told


def test_a_failure_halfway_is_rolled_back(operator, cluster):
    before = keys(cluster)
    # The last table in line gets a key that a cluster cannot hold.
    cluster("create unique index on cells (scope)")
    assert operator.says("distribute").exit_code != 0
    assert spread(cluster) == {}
    assert keys(cluster) == before


def test_a_dry_run_prints_the_statements_only(operator, cluster):
    told = operator.does("distribute", "--dry-run", "--shards", "12")
    assert "select create_reference_table('organizations');" in told
    assert "shard_count => 12);" in told
    assert "nothing was changed" in told
    assert spread(cluster) == {}


def test_without_the_extension_it_says_what_to_do(operator, ask):
    operator.does("migrate")
    told = operator.fails("distribute")
    assert "has no Citus" in told
    assert "create extension citus" in told
