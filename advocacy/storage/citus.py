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

GLOBAL = ("organizations", "addresses", "secret_key_digests")
"""Small tables that are read for every organization; copied to every machine."""

COLUMN = "org_id"

_REACH_MILLISECONDS = 1_000
"""How long a check waits for a node."""
_LONGEST_REACH = 5_000
"""How many milliseconds a statement may wait for a node."""

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


def tables_left_behind() -> list[str]:
    """Return the tables of which the coordinator still has the rows from before.

    No statement sees these: they would never be erased or removed. The size is that of the
    coordinator's own table, not of the shards.
    """
    return column(
        str,
        """select table_name::text from citus_tables
           where pg_relation_size(table_name::oid) > 0 order by table_name::text""",
    )


def clear_left_behind(table: str) -> None:
    """Remove the coordinator's rows of a table that is distributed; see `tables_left_behind`."""
    execute(
        "select truncate_local_data_after_distributing_table(cast(:name as regclass))", name=table
    )


class _Answer(NamedTuple):
    name: str
    port: int
    success: bool


def nodes_down() -> list[str]:
    """Return the nodes that do not answer the coordinator, as host:port."""
    execute(f"set local citus.node_connection_timeout = {_REACH_MILLISECONDS}")
    rows = run(
        _Answer,
        """select nodename as name, nodeport as port, success
           from run_command_on_workers('select 1') order by nodename, nodeport""",
    )
    return [f"{row.name}:{row.port}" for row in rows if not row.success]


def missing_settings() -> str:
    """Return the statements that set what a role needs on a cluster, or '' if it is set.

    Settings for one transaction reach the nodes only if Citus is told to send them along. And a
    node that is switched off would keep each statement waiting for half a minute.
    """
    has = {
        row.name: row.setting
        for row in run(
            _Setting,
            """select name, setting from pg_settings
               where name in ('citus.propagate_set_commands', 'citus.node_connection_timeout')""",
        )
    }
    missing = []
    if has.get("citus.propagate_set_commands") != "local":
        missing.append("citus.propagate_set_commands = 'local'")
    if int(has.get("citus.node_connection_timeout") or _LONGEST_REACH + 1) > _LONGEST_REACH:
        missing.append("citus.node_connection_timeout = '3s'")
    return " ".join(f"`alter role current_user set {each};`" for each in missing)


class _Setting(NamedTuple):
    name: str
    setting: str | None


def undistributed_tables() -> list[str]:
    """Return the tables that are not distributed, though others are."""
    done = _spread()
    return sorted(set(db.metadata.tables) - set(done)) if done else []


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
