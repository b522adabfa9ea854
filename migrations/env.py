"""Alembic's environment: numbered, linear, one transaction for each migration.

Note: a migration runs while processes of the old version are running. So it only adds; what is no
longer used is removed by a later one. On a cluster, tables are created as `distribution` says.
"""

from alembic import context
from flask import current_app
from sqlalchemy import text

from advocacy.storage.db import db
from migrations import distribution

ONE_AT_A_TIME = 8_215_001

with db.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        transaction_per_migration=True,
        on_version_apply=distribution.on_version_apply,
        **current_app.extensions["migrate"].configure_args,
    )
    # Rather fail and be run again than block every query behind a waiting ALTER.
    connection.execute(text("set lock_timeout = '5s'"))
    connection.execute(text("select pg_advisory_lock(:key)"), {"key": ONE_AT_A_TIME})
    if distribution.distributed_table(connection):
        # As keys to a table that every node has require.
        connection.execute(text("set citus.multi_shard_modify_mode = 'sequential'"))
    connection.commit()
    with context.begin_transaction():
        context.run_migrations()
    connection.execute(text("select pg_advisory_unlock(:key)"), {"key": ONE_AT_A_TIME})
    connection.commit()
