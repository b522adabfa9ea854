"""The tables spread over the machines of a Citus cluster, by organization.

What is global is on every machine (*reference tables*); all else is cut into shards by `org_id`, so
that everything of one organization lies on one machine and its statements run there whole.

Note: Foreign keys to the global tables are dropped first and made again
at the end. While some tables are spread and others are not yet, Citus would have to hold a key
between them, which it does only for some kinds of tables.

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
"""Tables that are read by every organization's statements; small, and on every machine."""

COLUMN = "org_id"

Step = tuple[str, str]
"""What is done, in words, and the statement that does it."""


def has_citus() -> bool:
    """Say whether this database has the extension."""
    return exists("select 1 from pg_extension where extname = 'citus'")


def could_have_citus() -> bool:
    """Say whether the extension is installed on the server, so that it can be created."""
    return exists("select 1 from pg_available_extensions where name = 'citus'")


def machines() -> int:
    """Return how many machines of the cluster hold shards."""
    rows = column(int, "select count(*) from pg_dist_node where isactive and shouldhaveshards")
    return rows[0]


def steps(shards: int) -> list[Step]:
    """Return what is left to be done, in order; nothing where all tables are spread already."""
    done = _spread()
    left = [table for table in db.metadata.sorted_tables if table.name not in done]
    beside = next((name for name, kind in done.items() if kind == "distributed"), "")
    return list(_steps(left, beside, shards))


def do(step: Step) -> None:
    """Do one step. All of them belong into one transaction that began with `begin`."""
    execute(step[1])


def begin() -> None:
    """Let the steps of this transaction touch one shard after the other, as foreign keys need."""
    execute("set local citus.multi_shard_modify_mode = 'sequential'")
    execute("set local statement_timeout = 0")


class _TableRow(NamedTuple):
    name: str
    kind: str


def _spread() -> dict[str, str]:
    """Return which of our tables are spread, and how Citus calls their kind."""
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
