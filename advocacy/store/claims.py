"""Which deliveries a worker is at, and until when it may be.

A claim is one row for a whole batch: to note it in each delivery would write every body once more.

What a stranger would get wrong: a claim is committed before any work, so a body that kills its
process is known to have been in it. When a claim runs out, what it held counts as tried once more;
what was tried before is claimed alone, so that a bad neighbour costs nobody else a try.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from advocacy.events import shape
from advocacy.ids import new_id
from advocacy.store import run, run_count


@shape()
class Claimed:
    """A delivery that this worker may work on until its claim ends."""

    id: UUID
    source_id: UUID
    external_id: str
    body: bytes | None
    message_id: str
    content_type: str
    received_at: datetime
    attempts: int
    facts: list[Any] | None
    test: bool


COLUMNS = (
    "i.id, i.source_id, i.external_id, i.body, i.message_id, i.content_type, i.received_at,"
    " i.attempts, i.facts, i.test"
)


class LostClaim(Exception):
    """The claim ran out and somebody else has the deliveries: what was done must not be kept."""


def new_claim() -> UUID:
    """Return the id of a claim to be made."""
    return new_id()


Reached = tuple[datetime, UUID]
"""When a delivery was received, and its id: how far somebody came in the order of claims."""

_FROM_THE_FIRST = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


def claim_batch(
    org_id: UUID, claim: UUID, seconds: int, limit: int, after: Reached | None = None
) -> list[Claimed]:
    """Claim deliveries that nobody has tried yet, the oldest first; with `after`, of those later.

    Where an index has not been cleaned yet, what was closed since is in the way of the first one.
    """
    _one_at_a_time(org_id)
    at, id = after or _FROM_THE_FIRST
    waiting = run(
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
    return _claim(org_id, claim, seconds, [id for (id,) in waiting])


def claim_retry(org_id: UUID, claim: UUID, seconds: int, most: int) -> list[Claimed]:
    """Claim one delivery that failed before, alone; what failed `most` times is given up."""
    _one_at_a_time(org_id)
    _end_those_over(org_id)
    taken = _taken(org_id)
    run(
        """update inbox set status = 'quarantined', lease = null, lease_until = null,
                  reason = case when reason = '' then 'killed_worker' else reason end
           where org_id = :o and status = 'pending' and attempts > 0 and attempts >= :most
             and (lease_until is null or lease_until < now())
             and id <> all(cast(:taken as uuid[]))""",
        o=org_id,
        most=most,
        taken=taken,
    )
    waiting = run(
        """select id from inbox
           where org_id = :o and status = 'pending' and attempts > 0
             and (lease_until is null or lease_until < now())
             and id <> all(cast(:taken as uuid[]))
           order by received_at, id limit 1""",
        o=org_id,
        taken=taken,
    )
    return _claim(org_id, claim, seconds, [id for (id,) in waiting])


def _one_at_a_time(org_id: UUID) -> None:
    """Let no other claim of this organization be made until this transaction ends."""
    run("select pg_advisory_xact_lock(:key, 2)", key=org_id.int % (2**31))


def _taken(org_id: UUID) -> list[UUID]:
    rows = run("select delivery_ids from claims where org_id = :o", o=org_id)
    return [id for (ids,) in rows for id in ids]


def _claim(org_id: UUID, claim: UUID, seconds: int, ids: list[UUID]) -> list[Claimed]:
    if not ids:
        return []
    run(
        """insert into claims (org_id, id, until, delivery_ids)
           values (:o, :claim, now() + make_interval(secs => :seconds), cast(:ids as uuid[]))""",
        o=org_id,
        claim=claim,
        seconds=seconds,
        ids=ids,
    )
    rows = run(
        f"""select {COLUMNS} from inbox i where i.org_id = :o and i.id = any(cast(:ids as uuid[]))
            order by i.received_at, i.id""",
        o=org_id,
        ids=ids,
    )
    return [Claimed(*row) for row in rows]


def _end_those_over(org_id: UUID) -> None:
    """End the claims whose time is over: whoever made them slept or died."""
    for (claim,) in run(
        "select id from claims where org_id = :o and until < now() for update skip locked",
        o=org_id,
    ):
        give_up(org_id, claim, "", "")


def hold_claim(org_id: UUID, claim: UUID) -> None:
    """Lock a claim until the transaction ends. Raises `LostClaim` where it has been ended."""
    held = run(
        "select id from claims where org_id = :o and id = :claim for update", o=org_id, claim=claim
    )
    if not held:
        raise LostClaim


def end_claim(org_id: UUID, claim: UUID) -> None:
    """End a claim all of whose deliveries are closed."""
    run("delete from claims where org_id = :o and id = :claim", o=org_id, claim=claim)


def give_up(org_id: UUID, claim: UUID, reason: str, detail: str) -> int:
    """End a claim; what it held and is not closed was tried once more, with what went wrong.

    Returns how many these were.
    """
    ended = run(
        "delete from claims where org_id = :o and id = :claim returning delivery_ids",
        o=org_id,
        claim=claim,
    )
    return sum(
        run_count(
            """update inbox set attempts = attempts + 1, reason = :reason, detail = :detail
               where org_id = :o and id = any(cast(:ids as uuid[])) and status = 'pending'""",
            o=org_id,
            ids=list(ids),
            reason=reason,
            detail=detail[:500],
        )
        for (ids,) in ended
    )
