"""Advisory locks of the current transaction."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID
from zlib import crc32

from sqlalchemy.exc import OperationalError

from advocacy.storage.db import db
from advocacy.storage.session import execute, scalar

_LOCKS = 1024
# A lock was not to be had in time; or a statement, where locks are waited for without an end.
_WAITED_TOO_LONG = frozenset({"55P03", "57014"})


def lock_aliases(source_id: UUID, *, alone: bool) -> None:
    """Hold the lock on the aliases of a source's actions until the transaction ends.

    Alone where aliases are merged; workers that only use them share it.
    """
    shared = "" if alone else "_shared"
    execute(f"select pg_advisory_xact_lock{shared}(:key)", key=source_id.int % (2**63))


def lock_mandates(org_id: UUID, mandates: Iterable[tuple[UUID, str]]) -> None:
    """Hold the locks on these recurring gifts, as `ids_of_mandates`, until the transaction ends.

    Who keeps a payment while another does would not see the other's. Some gifts share a lock: their
    number is limited.
    """
    numbers = {crc32(f"{source_id}:{name}".encode()) % _LOCKS for source_id, name in mandates}
    execute(
        # The first numbers are other locks: of people, of claims, and so on.
        "select pg_advisory_xact_lock(:key, unnest(cast(:numbers as int4[])))",
        key=org_id.int % (2**31),
        numbers=[16 + number for number in sorted(numbers)],
    )


def lock_organization(org_id: UUID, *, alone: bool, wait: bool = True) -> bool:
    """Hold the organization's drain lock until the transaction ends: shared, or alone.

    Many batches share it; a rebuild holds it alone. Returns False where `wait` is off and it is
    held otherwise.
    """
    key = org_id.int % (2**63)
    shared = "" if alone else "_shared"
    if wait:
        execute(f"select pg_advisory_xact_lock{shared}(:key)", key=key)
        return True
    return bool(scalar(bool, f"select pg_try_advisory_xact_lock{shared}(:key)", key=key))


def wait_for_organization(org_id: UUID, *, alone: bool) -> bool:
    """Lock as `lock_organization`; False where that takes longer than a lock is waited for.

    The transaction goes on then with what it holds.
    """
    if lock_organization(org_id, alone=alone, wait=False):
        return True
    try:
        with db.session.begin_nested():
            return lock_organization(org_id, alone=alone)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) not in _WAITED_TOO_LONG:
            raise
        return False


def lock_people(org_id: UUID) -> None:
    """Wait for other workers that merge or split people of this organization."""
    # Two numbers make another lock than the one number of the organization's own.
    execute("select pg_advisory_xact_lock(:key, 1)", key=org_id.int % (2**31))


def try_lock(org_id: UUID, name: str) -> bool:
    """Take the lock of this name for the current transaction; False where another has it."""
    return scalar(
        bool,
        "select pg_try_advisory_xact_lock(hashtextextended(:name, 0)) as taken",
        name=f"{org_id}:{name}",
    )
