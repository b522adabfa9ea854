"""Leases: which deliveries a worker is processing, and until when.

A lease (table `claims`) is one row for a batch: marking each delivery would rewrite every body.

Note: a lease is committed before any work, so that it is known which deliveries a killed process
had. After a lost lease the same deliveries are leased again together, since a worker may be killed
for any reason. If they are lost or fail again, they are divided until one delivery is left, and
only that one has used an attempt. So a bad delivery costs no other one an attempt.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
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
    attempts: int
    facts: list[JsonObject] | None
    test: bool


COLUMNS = (
    "i.id, i.source_id, i.external_id, i.body, i.message_id, i.content_type, i.received_at,"
    " i.attempts, i.facts, i.test"
)


# A failed batch is divided into so many parts, to find the delivery that fails.
_PARTS = 16


class LeaseLost(Exception):
    """The lease expired and another worker may have the deliveries: roll back."""


def new_lease_id() -> UUID:
    """Return the id for a new lease."""
    return new_id()


QueuePosition = tuple[datetime, UUID]
"""When a delivery was received, and its id: a position in the processing order."""

_FROM_THE_FIRST = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


def claim_batch(
    org_id: UUID, claim: UUID, seconds: int, limit: int, after: QueuePosition | None = None
) -> list[LeasedDelivery]:
    """Lease deliveries that were not tried yet, the oldest first; with `after`, only later ones.

    `after` skips index entries of processed deliveries that vacuum has not removed yet.
    """
    _one_at_a_time(org_id)
    at, id = after or _FROM_THE_FIRST
    waiting = column(
        UUID,
        """select id from inbox
           where org_id = :o and status = 'pending' and attempts = 0
             and (lease_until is null or lease_until < now())
             and (received_at, id) > (:at, :id) and id <> all(cast(:taken as uuid[]))
           order by received_at, id limit :limit""",
        o=org_id,
        at=at,
        id=id,
        taken=_taken(org_id),
        limit=limit,
    )
    return _claim(org_id, claim, seconds, waiting)


def claim_again(org_id: UUID, claim: UUID, seconds: int, most: int) -> list[LeasedDelivery]:
    """Lease the deliveries of an expired lease, or one delivery that failed alone.

    A delivery that failed alone `most` times is quarantined.
    """
    _one_at_a_time(org_id)
    return _claim_lost(org_id, claim, seconds) or _claim_failed(org_id, claim, seconds, most)


class _EndedRow(NamedTuple):
    id: UUID
    losses: int


def _claim_lost(org_id: UUID, claim: UUID, seconds: int) -> list[LeasedDelivery]:
    """Lease the deliveries of an expired lease: all the first time, then a part of them."""
    for lost in run(
        _EndedRow,
        """select id, losses from claims where org_id = :o and until < now()
           order by until, id for update skip locked""",
        o=org_id,
    ):
        ids = _end(org_id, lost.id)
        if len(ids) == 1 and lost.losses:
            _count_attempt(org_id, ids[0], "", "")
            continue
        size = math.ceil(len(ids) / _PARTS) if lost.losses else len(ids)
        _put_parts(org_id, ids[size:], size)
        if claimed := _claim(org_id, claim, seconds, ids[:size], losses=1):
            return claimed
    return []


def _claim_failed(org_id: UUID, claim: UUID, seconds: int, most: int) -> list[LeasedDelivery]:
    """Lease one delivery that failed alone; quarantine those that did so `most` times."""
    taken = _taken(org_id)
    execute(
        """update inbox set status = 'quarantined', lease = null, lease_until = null,
                  reason = case when reason = '' then 'killed_worker' else reason end
           where org_id = :o and status = 'pending' and attempts > 0 and attempts >= :most
             and (lease_until is null or lease_until < now())
             and id <> all(cast(:taken as uuid[]))""",
        o=org_id,
        most=most,
        taken=taken,
    )
    waiting = column(
        UUID,
        """select id from inbox
           where org_id = :o and status = 'pending' and attempts > 0
             and (lease_until is null or lease_until < now())
             and id <> all(cast(:taken as uuid[]))
           order by received_at, id limit 1""",
        o=org_id,
        taken=taken,
    )
    return _claim(org_id, claim, seconds, waiting, losses=1)


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
            order by i.received_at, i.id""",
        o=org_id,
        ids=ids,
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


def fail_lease(org_id: UUID, claim: UUID, reason: str, detail: str) -> None:
    """End a lease whose batch failed because of its data.

    A single delivery has used an attempt; several are divided, until the one that fails is alone.
    """
    ids = _end(org_id, claim)
    if len(ids) == 1:
        _count_attempt(org_id, ids[0], reason, detail)
    else:
        _put_parts(org_id, ids, math.ceil(len(ids) / _PARTS))


def _end(org_id: UUID, claim: UUID) -> list[UUID]:
    """End a lease; return its unprocessed deliveries, the oldest first."""
    return column(
        UUID,
        """with ended as (
             delete from claims where org_id = :o and id = :claim returning delivery_ids)
           select id from inbox
           where org_id = :o and id in (select unnest(delivery_ids) from ended)
             and status = 'pending'
           order by received_at, id""",
        o=org_id,
        claim=claim,
    )


def _put_parts(org_id: UUID, ids: list[UUID], size: int) -> None:
    """Leave deliveries to other workers, in parts of this size."""
    for start in range(0, len(ids), max(size, 1)):
        execute(
            """insert into claims (org_id, id, until, delivery_ids)
               values (:o, :id, now() - interval '1 second', cast(:ids as uuid[]))""",
            o=org_id,
            id=new_id(),
            ids=ids[start : start + size],
        )


def _count_attempt(org_id: UUID, delivery_id: UUID, reason: str, detail: str) -> None:
    execute(
        """update inbox set attempts = attempts + 1, reason = :reason, detail = :detail
           where org_id = :o and id = :id and status = 'pending'""",
        o=org_id,
        id=delivery_id,
        reason=reason,
        detail=detail[:500],
    )
