"""The database server: its version and settings, migrations, and planner hints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from advocacy.storage.session import column, execute, run, scalar

MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "migrations"


def ping() -> None:
    """Run an empty query. Raises `SQLAlchemyError` if the database does not respond."""
    execute("select 1")


def version() -> int:
    """Return the server's version as a number: 180006 is 18.6."""
    return int(scalar(str, "show server_version_num"))


def commits_are_durable() -> bool:
    """Return whether a commit is on disk when it returns."""
    return bool(scalar(str, "show synchronous_commit") != "off")


class _Setting(NamedTuple):
    name: str
    setting: str | None


def missing_limits() -> str:
    """Return the statement that sets the limits and time zone of the role, or '' if they are set.

    Behind a pooler in transaction mode a connection cannot set them itself.
    """
    has = {
        row.name: row.setting
        for row in run(
            _Setting,
            """select name, setting from pg_settings
               where name in ('statement_timeout', 'lock_timeout', 'TimeZone')""",
        )
    }
    wanted = {"statement_timeout": "120s", "lock_timeout": "30s", "TimeZone": "UTC"}
    missing = [name for name in wanted if has.get(name) in {None, "0"}]
    if has.get("TimeZone") not in {"UTC", "Etc/UTC", "GMT"}:
        missing.append("TimeZone")
    return " ".join(f"`alter role current_user set {name} = '{wanted[name]}';`" for name in missing)


def revision() -> str | None:
    """Return the last applied migration. Raises `ProgrammingError` if there is none."""
    rows = column(str, "select version_num from alembic_version")
    return rows[0] if rows else None


def lacks_migrations() -> bool:
    """Return whether migrations of this version have not been applied.

    Newer migrations are fine: they run before the processes of the new version start.
    Raises `SQLAlchemyError` if the database does not respond.
    """
    if not scalar(bool, "select to_regclass('alembic_version') is not null"):
        return True
    at = revision()
    return at is None or at < newest_migration()


@lru_cache(maxsize=1)
def newest_migration() -> str:
    """Return the revision that this version expects: the files are numbered."""
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def limit_idle_transaction(seconds: int) -> None:
    """End the current transaction, and its locks, where its process says nothing for so long."""
    execute(f"set local idle_in_transaction_session_timeout = '{seconds}s'")


def prefer_index_scans() -> None:
    """Let the planner prefer index scans in this transaction, which reads a few thousand rows.

    By default it assumes a rotating disk: for each batch it scanned all identifiers and clicks of
    an organization, as long as these were fewer than some hundred thousand.
    """
    execute("set local random_page_cost = 1.1")


def commit_without_waiting() -> None:
    """Let the current transaction's commit return before it is on disk.

    Only for what is made again where the machine crashes right after it: its deliveries are pending
    again then. No later commit becomes durable before it, so that nothing is ever half there.
    """
    execute("set local synchronous_commit = off")


def allow_long_query() -> None:
    """Allow this transaction a long time and much memory; no request waits for it.

    Memoize is off: PostgreSQL would cache each action's path, and no two are alike. With much
    memory that took ten times as long as the count itself.
    """
    execute("set local statement_timeout = '25min'")
    execute("set local work_mem = '128MB'")
    execute("set local enable_memoize = off")
    execute("set local client_connection_check_interval = '5s'")


@contextmanager
def no_nested_loops() -> Iterator[None]:
    """Disable nested loops for the statements in the block.

    For joins of aggregates: on tables never analyzed the planner expects few groups and scans all
    of them for each row. For a few thousand people that took more than five seconds, a hash join
    as many milliseconds.
    """
    execute("set local enable_nestloop = off")
    yield
    # After an error the transaction is aborted; the rollback resets the setting.
    execute("set local enable_nestloop = on")
