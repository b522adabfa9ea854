"""`advocacy distribute`: against a PostgreSQL with a stand-in for Citus.

The stand-in (`stand_in/`) is a real extension with Citus's functions. It refuses what Citus says
that it refuses of tables, keys and their order, and moves no rows: what it accepts is well-formed,
and how a cluster runs it has to be seen on a cluster.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Column, ForeignKeyConstraint, Table, Text, Uuid

from advocacy.cli.dev.embedded_servers import own_database
from advocacy.core.ids import new_id
from advocacy.storage.citus import GLOBAL
from advocacy.storage.db import db
from advocacy.storage.models import Organization

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


def test_a_failure_halfway_is_rolled_back(operator, cluster):
    before = keys(cluster)
    # The last table in line gets a key that a cluster cannot hold.
    cluster("create unique index on presences (value)")
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
