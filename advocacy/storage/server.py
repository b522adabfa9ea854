"""The database itself: whether it answers, what it is, and how far its tables have been brought."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from advocacy.storage.session import column, execute, run, scalar

MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "migrations"


def ping() -> None:
    """Ask the database for nothing. Raises `SQLAlchemyError` where it does not answer."""
    execute("select 1")


def version() -> int:
    """Return the server's version as a number: 180006 is 18.6."""
    return int(scalar(str, "show server_version_num"))


def commits_are_durable() -> bool:
    """Say whether a commit is on disk when it returns."""
    return bool(scalar(str, "show synchronous_commit") != "off")


class _Setting(NamedTuple):
    name: str
    setting: str | None


def missing_limits() -> str:
    """Return what gives the role what a connection should begin with, or '' where it has it.

    Behind a pooler of transactions a connection cannot bring limits and time zone along.
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
    """Return the last migration that was done. Raises `ProgrammingError` where none ever was."""
    rows = column(str, "select version_num from alembic_version")
    return rows[0] if rows else None


def lacks_migrations() -> bool:
    """Say whether the tables are older than this version's, or are not there.

    Newer ones are no obstacle: migrations run before the processes of the new version start.
    Raises `SQLAlchemyError` where the database does not answer.
    """
    if not scalar(bool, "select to_regclass('alembic_version') is not null"):
        return True
    at = revision()
    return at is None or at < newest_migration()


@lru_cache(maxsize=1)
def newest_migration() -> str:
    """Return the revision that this version expects: the files are numbered."""
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def prefer_index_scans() -> None:
    """Let the planner prefer index scans in the current transaction, which reads few thousand rows.

    The planner estimates a lookup as on a rotating disk, and scanned all identifiers and all clicks
    of an organization for each batch, as long as these were no more than some hundred thousand.
    """
    execute("set local random_page_cost = 1.1")


def commit_without_waiting() -> None:
    """Let the current transaction's commit return before it is on disk.

    Only for what is made again where the machine crashes right after it: its deliveries are pending
    again then. No later commit becomes durable before it, so that nothing is ever half there.
    """
    execute("set local synchronous_commit = off")


def allow_long_query() -> None:
    """Let the current transaction run long and in memory, where no request waits for it.

    Memoizing is off: PostgreSQL would keep a copy of each action's path to look it up, and no two
    are alike. With much memory that took ten times as long as the count itself.
    """
    execute(
        """select set_config('statement_timeout', '25min', true),
                  set_config('work_mem', '128MB', true),
                  set_config('enable_memoize', 'off', true),
                  set_config('client_connection_check_interval', '5s', true)"""
    )


@contextmanager
def no_nested_loops() -> Iterator[None]:
    """Forbid nested loops in the statements inside.

    For joins of groups made in the statement itself: of tables never analyzed the planner
    expects few groups and goes through all of them for each row. A few thousand people took more
    than five seconds so, where hashing takes as many milliseconds.
    """
    execute("set local enable_nestloop = off")
    yield
    # What failed has no transaction left in which to say so, and its end takes the setting along.
    execute("set local enable_nestloop = on")
