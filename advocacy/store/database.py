"""The database itself: whether it answers, what it is, and how far its tables have been brought."""

from __future__ import annotations

from advocacy.store import run


def ping() -> None:
    """Ask the database for nothing. Raises `SQLAlchemyError` where it does not answer."""
    run("select 1")


def version() -> int:
    """Return the server's version as a number: 180006 is 18.6."""
    return int(run("show server_version_num")[0][0])


def keeps_commits() -> bool:
    """Say whether a commit is on disk when it returns."""
    return bool(run("show synchronous_commit")[0][0] != "off")


def revision() -> str | None:
    """Return the last migration that was done. Raises `ProgrammingError` where none ever was."""
    rows = run("select version_num from alembic_version")
    return str(rows[0][0]) if rows else None
