"""Advisory locks of the current transaction."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.exc import OperationalError

from advocacy.storage.db import db
from advocacy.storage.session import execute, scalar

# A lock timeout; or a statement timeout, where no lock timeout is set.
_WAITED_TOO_LONG = frozenset({"55P03", "57014"})


def lock_organization(org_id: UUID) -> None:
    """Lock the organization's derived data until the transaction ends.

    Only one transaction at a time changes it, so that it needs no other locks.
    """
    execute("select pg_advisory_xact_lock(:key)", key=_key(org_id))


def try_organization(org_id: UUID) -> bool:
    """Try to take the organization's lock; return False if it is taken."""
    return scalar(bool, "select pg_try_advisory_xact_lock(:key)", key=_key(org_id))


def wait_for_organization(org_id: UUID) -> bool:
    """Lock as `lock_organization`; return False if the lock timeout passes.

    The transaction remains usable, with the locks it has.
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
    """Try to take the lock of this name for this transaction; return False if it is taken."""
    return scalar(
        bool,
        "select pg_try_advisory_xact_lock(hashtextextended(:name, 0)) as taken",
        name=f"{org_id}:{name}",
    )
