"""Advisory locks of the current transaction."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.exc import OperationalError

from advocacy.storage.db import db
from advocacy.storage.session import execute, scalar

# A lock was not to be had in time; or a statement, where locks are waited for without an end.
_WAITED_TOO_LONG = frozenset({"55P03", "57014"})


def lock_organization(org_id: UUID) -> None:
    """Hold the organization's lock until the transaction ends: whoever changes what is derived.

    One at a time, so that nothing derived needs a lock of its own.
    """
    execute("select pg_advisory_xact_lock(:key)", key=_key(org_id))


def try_organization(org_id: UUID) -> bool:
    """Take the organization's lock; False where another has it."""
    return scalar(bool, "select pg_try_advisory_xact_lock(:key)", key=_key(org_id))


def wait_for_organization(org_id: UUID) -> bool:
    """Lock as `lock_organization`; False where that takes longer than a lock is waited for.

    The transaction goes on then with what it holds.
    """
    if try_organization(org_id):
        return True
    try:
        with db.session.begin_nested():
            lock_organization(org_id)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) not in _WAITED_TOO_LONG:
            raise
        return False
    return True


def _key(org_id: UUID) -> int:
    return org_id.int % (2**63)


def try_lock(org_id: UUID, name: str) -> bool:
    """Take the lock of this name for the current transaction; False where another has it."""
    return scalar(
        bool,
        "select pg_try_advisory_xact_lock(hashtextextended(:name, 0)) as taken",
        name=f"{org_id}:{name}",
    )
