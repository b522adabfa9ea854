"""Distribute the tables over a Citus cluster, by organization.

Global tables are copied to every machine (*reference tables*). All others are sharded by `org_id`,
so that all rows of an organization are on one machine, where its statements run.

Note: foreign keys to the global tables are dropped first and created again at the end. In between,
some tables are distributed and others are not, and Citus supports foreign keys between those only
for some kinds of tables.

Source of the rules: Citus documentation, "Creating and Modifying Distributed Objects (DDL)" and
"SQL Support and Workarounds".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import ForeignKeyConstraint, Table
from sqlalchemy.schema import AddConstraint, DropConstraint, ExecutableDDLElement

from advocacy.storage import models  # noqa: F401 -- the tables have to be known
from advocacy.storage.db import db
from advocacy.storage.session import column, execute, exists, run

GLOBAL = ("organizations", "addresses")
"""Small tables that statements of every organization read; copied to every machine."""

COLUMN = "org_id"

Step = tuple[str, str]
"""A description, and the statement to run."""


def has_citus() -> bool:
    """Return whether this database has the extension."""
    return exists("select 1 from pg_extension where extname = 'citus'")


def could_have_citus() -> bool:
    """Return whether the extension is installed on the server, so that it can be created."""
    return exists("select 1 from pg_available_extensions where name = 'citus'")


def machines() -> int:
    """Return how many machines of the cluster hold shards."""
    rows = column(int, "select count(*) from pg_dist_node where isactive and shouldhaveshards")
    return rows[0]


def steps(shards: int) -> list[Step]:
    """Return the remaining steps in order; empty if all tables are distributed already."""
    done = _spread()
    left = [table for table in db.metadata.sorted_tables if table.name not in done]
    beside = next((name for name, kind in done.items() if kind == "distributed"), "")
    return list(_steps(left, beside, shards))


def do(step: Step) -> None:
    """Run one step. All of them belong in one transaction that starts with `begin`."""
    execute(step[1])


def begin() -> None:
    """Let this transaction modify shards sequentially, as foreign keys require."""
    execute("set local citus.multi_shard_modify_mode = 'sequential'")
    execute("set local statement_timeout = 0")


class _TableRow(NamedTuple):
    name: str
    kind: str


def _spread() -> dict[str, str]:
    """Return the distributed tables, with the type that Citus gives them."""
    rows = run(
        _TableRow, "select table_name::text as name, citus_table_type as kind from citus_tables"
    )
    return {row.name: row.kind for row in rows if row.name in db.metadata.tables}


def _is_global(table: Table) -> bool:
    return table.name in GLOBAL


def _steps(left: list[Table], beside: str, shards: int) -> Iterator[Step]:
    keys = [
        key
        for table in left
        for key in table.foreign_key_constraints
        if _is_global(key.referred_table)
    ]
    for key in keys:
        yield f"{key.table.name}: its key to {key.referred_table.name} rests", _dropped(key)
    for table in left:
        if _is_global(table):
            yield (
                f"{table.name}: on every machine",
                f"select create_reference_table('{table.name}')",
            )
    for table in left:
        if _is_global(table):
            continue
        how = f"colocate_with => '{beside}'" if beside else f"shard_count => {shards}"
        yield (
            f"{table.name}: by {COLUMN}" + (f", beside {beside}" if beside else ""),
            f"select create_distributed_table('{table.name}', '{COLUMN}', {how})",
        )
        beside = beside or table.name
    for key in keys:
        yield f"{key.table.name}: its key to {key.referred_table.name} holds again", _made(key)


def _dropped(key: ForeignKeyConstraint) -> str:
    return _written(DropConstraint(key))


def _made(key: ForeignKeyConstraint) -> str:
    return _written(AddConstraint(key))


def _written(statement: ExecutableDDLElement) -> str:
    return str(statement.compile(dialect=db.engine.dialect)).strip()
