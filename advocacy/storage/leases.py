"""Leases: which deliveries a worker is processing, and until when.

A lease (table `claims`) is one row for a batch. Its worker renews it for as long as it lives.

Note: a lease is committed before any work, so that it is known which deliveries a killed process
had. After a lost lease the same deliveries are leased again together, since a worker may be killed
for any reason. If they are lost again they are halved, until one delivery is left, and only that
one has used an attempt. So a bad delivery costs no other one an attempt.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from advocacy.core.events import shape
from advocacy.core.ids import new_id
from advocacy.core.records import JsonObject
from advocacy.storage.session import column, execute, run


@shape()
class LeasedDelivery:
    """A delivery that this worker may process until its lease expires."""

    id: UUID
    source_id: UUID
    external_id: str
    body: bytes | None
    message_id: str
    content_type: str
    received_at: datetime
    facts: list[JsonObject] | None
    test: bool


COLUMNS = (
    "i.id, i.source_id, i.external_id, i.body, i.message_id, i.content_type, i.received_at,"
    " i.facts, i.test"
)


class LeaseLost(Exception):
    """The lease expired and another worker may have the deliveries: roll back."""


def new_lease_id() -> UUID:
    """Return the id for a new lease."""
    return new_id()


def claim_batch(
    org_id: UUID, claim: UUID, seconds: int, limit: int, after: UUID | None = None
) -> list[LeasedDelivery]:
    """Lease deliveries that were not tried yet, the oldest first; with `after`, only later ones.

    `after` skips index entries of processed deliveries that vacuum has not removed yet.
    """
    _one_at_a_time(org_id)
    waiting = column(
        UUID,
        """select id from waiting
           where org_id = :o and attempts = 0 and id > :after
             and id <> all(cast(:taken as uuid[]))
           order by id limit :limit""",
        o=org_id,
        after=after or UUID(int=0),
        taken=_taken(org_id),
        limit=limit,
    )
    return _claim(org_id, claim, seconds, waiting)


def claim_again(org_id: UUID, claim: UUID, seconds: int, most: int) -> list[LeasedDelivery]:
    """Lease the deliveries of an expired lease, or one delivery that failed alone.

    A delivery that failed alone `most` times is quarantined.
    """
    _one_at_a_time(org_id)
    return _claim_lost(org_id, claim, seconds, most) or _claim_failed(org_id, claim, seconds)


class _EndedRow(NamedTuple):
    id: UUID
    losses: int


def _claim_lost(org_id: UUID, claim: UUID, seconds: int, most: int) -> list[LeasedDelivery]:
    """Lease the deliveries of an expired lease: all the first time, then half of them."""
    for lost in run(
        _EndedRow,
        """select id, losses from claims where org_id = :o and until < now()
           order by until, id for update skip locked""",
        o=org_id,
    ):
        ids = _end(org_id, lost.id)
        if len(ids) == 1 and lost.losses:
            count_attempt(org_id, ids[0], most, "killed_worker", "")
            continue
        size = (len(ids) + 1) // 2 if lost.losses else len(ids)
        if ids[size:]:
            _leave(org_id, ids[size:])
        if claimed := _claim(org_id, claim, seconds, ids[:size], losses=1):
            return claimed
    return []


def _claim_failed(org_id: UUID, claim: UUID, seconds: int) -> list[LeasedDelivery]:
    """Lease one delivery that failed alone."""
    failed = column(
        UUID,
        """select id from waiting
           where org_id = :o and attempts > 0 and id <> all(cast(:taken as uuid[]))
           order by id limit 1""",
        o=org_id,
        taken=_taken(org_id),
    )
    return _claim(org_id, claim, seconds, failed, losses=1)


def _one_at_a_time(org_id: UUID) -> None:
    """Serialize leasing within this organization until the transaction ends."""
    execute("select pg_advisory_xact_lock(:key, 2)", key=org_id.int % (2**31))


def _taken(org_id: UUID) -> list[UUID]:
    rows = column(list[UUID], "select delivery_ids from claims where org_id = :o", o=org_id)
    return [id for ids in rows for id in ids]


def _claim(
    org_id: UUID, claim: UUID, seconds: int, ids: list[UUID], losses: int = 0
) -> list[LeasedDelivery]:
    if not ids:
        return []
    execute(
        """insert into claims (org_id, id, until, delivery_ids, losses)
           values (:o, :claim, now() + make_interval(secs => :seconds), cast(:ids as uuid[]),
                   :losses)""",
        o=org_id,
        claim=claim,
        seconds=seconds,
        ids=ids,
        losses=losses,
    )
    return run(
        LeasedDelivery,
        f"""select {COLUMNS} from inbox i where i.org_id = :o and i.id = any(cast(:ids as uuid[]))
            order by i.id""",
        o=org_id,
        ids=ids,
    )


def renew_leases(org_id: UUID, claims: Iterable[UUID], seconds: int) -> None:
    """Extend leases; one that a transaction holds lasts as long as the transaction."""
    execute(
        """update claims set until = now() + make_interval(secs => :seconds)
           where org_id = :o and id in (
             select id from claims where org_id = :o and id = any(cast(:claims as uuid[]))
             order by id for update skip locked)""",
        o=org_id,
        seconds=seconds,
        claims=sorted(claims),
    )


def hold_lease(org_id: UUID, claim: UUID) -> None:
    """Lock a lease until the transaction ends. Raises `LeaseLost` if it no longer exists."""
    held = column(
        UUID,
        "select id from claims where org_id = :o and id = :claim for update",
        o=org_id,
        claim=claim,
    )
    if not held:
        raise LeaseLost


def release_lease(org_id: UUID, claim: UUID) -> None:
    """End a lease: its deliveries are processed, or pending as if never tried."""
    execute("delete from claims where org_id = :o and id = :claim", o=org_id, claim=claim)


def count_attempt(org_id: UUID, delivery_id: UUID, most: int, reason: str, detail: str) -> None:
    """Count that a delivery failed alone; with this reason it is quarantined the last time."""
    tried = column(
        int,
        """update waiting set attempts = attempts + 1 where org_id = :o and id = :id
           returning attempts""",
        o=org_id,
        id=delivery_id,
    )
    if tried and tried[0] >= most:
        execute(
            """insert into quarantine (org_id, id, reason, detail, attempts)
               values (:o, :id, :reason, :detail, :attempts) on conflict do nothing""",
            o=org_id,
            id=delivery_id,
            reason=reason,
            detail=detail[:500],
            attempts=tried[0],
        )
        execute("delete from waiting where org_id = :o and id = :id", o=org_id, id=delivery_id)


def _end(org_id: UUID, claim: UUID) -> list[UUID]:
    """End a lease; return its unprocessed deliveries, the oldest first."""
    return column(
        UUID,
        """with ended as (
             delete from claims where org_id = :o and id = :claim returning delivery_ids)
           select id from waiting
           where org_id = :o and id in (select unnest(delivery_ids) from ended)
           order by id""",
        o=org_id,
        claim=claim,
    )


def _leave(org_id: UUID, ids: list[UUID]) -> None:
    """Leave deliveries of a lost lease to the next worker."""
    execute(
        """insert into claims (org_id, id, until, delivery_ids)
           values (:o, :id, now() - interval '1 second', cast(:ids as uuid[]))""",
        o=org_id,
        id=new_id(),
        ids=ids,
    )
