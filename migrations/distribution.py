"""How a migration creates tables where the others are distributed over a Citus cluster.

Citus refuses a foreign key from a table that is not distributed to one that is, and some changes of
a table that is. So a table is created without its keys; at the end of its migration it is
distributed beside the others and given its keys. `op.create_table` and `env.py` do this, and a
migration needs to know nothing of it. It has to create tables with `op.create_table`.

Source: Citus documentation, "Creating and Modifying Distributed Objects (DDL)".
"""

from __future__ import annotations

from typing import Any

from alembic.ddl.postgresql import PostgresqlImpl
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Table, text
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable

COLUMN = "org_id"


def distributed_table(connection: Connection) -> str | None:
    """Return the name of a table that is distributed; None if this is a single PostgreSQL."""
    found: str | None = None
    if connection.scalar(text("select 1 from pg_extension where extname = 'citus'")):
        found = connection.scalar(
            text(
                "select min(table_name::text) from citus_tables"
                " where citus_table_type = 'distributed'"
            )
        )
    return found


class Implementation(PostgresqlImpl):
    """Alembic's implementation of operations for PostgreSQL, and for a cluster of it."""

    __dialect__ = "postgresql"

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._beside: str | None = None
        self._created: list[Table] = []

    def create_table(self, table: Table, **more: Any) -> None:
        """Create a table; without its keys if it is to be distributed."""
        self._beside = self._beside or (self.connection and distributed_table(self.connection))
        if not self._beside:
            super().create_table(table, **more)
            return
        self._exec(CreateTable(table, include_foreign_key_constraints=()))
        for index in table.indexes:
            self._exec(CreateIndex(index))
        self._created.append(table)

    def distribute_created(self) -> None:
        """Distribute the tables that were created, and add their keys."""
        for table in self._created:
            if self._is_distributed(table):
                # By the migration itself, before it stored rows.
                continue
            if COLUMN in table.columns:
                how = f"'{table}', '{COLUMN}', colocate_with => '{self._beside}'"
                self._exec(text(f"select create_distributed_table({how})"))
            else:
                self._exec(text(f"select create_reference_table('{table}')"))
            # Rows that the migration stored are copied, and stay here unless they are removed.
            self._exec(text(f"select truncate_local_data_after_distributing_table('{table}')"))
        for table in self._created:
            for key in table.foreign_key_constraints:
                self._exec(AddConstraint(key))
        self._created.clear()

    def _is_distributed(self, table: Table) -> bool:
        found = text("select 1 from citus_tables where table_name = cast(:name as regclass)")
        assert self.connection  # noqa: S101 -- there is one where something was created
        return self.connection.scalar(found, {"name": str(table)}) is not None


def on_version_apply(*, ctx: MigrationContext, **_more: Any) -> None:
    """Finish a migration; Alembic calls it at the end of each, in its transaction."""
    if isinstance(ctx.impl, Implementation):
        ctx.impl.distribute_created()
