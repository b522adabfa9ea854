"""The inbox: verified deliveries, from the commit before the 2xx to done.

Note: A delivery is pending until it is closed, also while a worker processes it; the leases are
in `claims`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from advocacy.core.events import Verified, shape
from advocacy.core.records import JsonObject
from advocacy.storage.leases import COLUMNS, LeasedDelivery, LeaseLost
from advocacy.storage.server import no_nested_loops
from advocacy.storage.session import column, execute, exists, run

PutOutcome = Literal["new", "known", "conflict"]

ID_REUSE = "id_reuse"
"""Why a delivery is quarantined whose external id was used before, for another body."""

_FACTS_AT_ONCE = 100_000


@shape()
class NewDelivery:
    """A verified delivery, encrypted under its own id, on its way into the inbox."""

    id: UUID
    source_id: UUID
    external_id: str
    verified: Verified
    sealed: bytes
    digest: bytes
    test: bool = False


def put_deliveries(org_id: UUID, arrived: Sequence[NewDelivery]) -> dict[UUID, PutOutcome]:
    """Store deliveries, each once; returns for each id what became of it.

    That is "known" for the same delivery again, and "conflict" where its external id was used for
    another body: then the first stands and the second is stored, quarantined as `id_reuse`.
    """
    puts: dict[UUID, PutOutcome] = dict.fromkeys((one.id for one in arrived), "known")
    new = _insert_new(org_id, arrived)
    again = [one for one in arrived if one.id not in new]
    puts.update(dict.fromkeys(new, "new"))
    if again:
        same = column(
            UUID,
            """select v.id from unnest(cast(:ids as uuid[]), cast(:sources as uuid[]),
                                       cast(:names as text[]), cast(:digests as bytea[]))
                 as v (id, source_id, external_id, digest)
               join inbox i on i.org_id = :o and i.source_id = v.source_id
                 and i.external_id = v.external_id and i.body_digest = v.digest""",
            o=org_id,
            ids=[one.id for one in again],
            sources=[one.source_id for one in again],
            names=[one.external_id for one in again],
            digests=[one.digest for one in again],
        )
        known = set(same)
        others = [
            replace(one, external_id=f"{one.external_id}#{one.digest.hex()[:24]}")
            for one in again
            if one.id not in known
        ]
        if others:
            _insert_new(org_id, others, "quarantined", ID_REUSE)
            puts.update(dict.fromkeys((one.id for one in others), "conflict"))
    return puts


def _insert_new(
    org_id: UUID, arrived: Sequence[NewDelivery], status: str = "pending", reason: str = ""
) -> set[UUID]:
    """Insert the deliveries whose external id is not there yet; the first of equal ones wins."""
    # In the order of the key, so that two groups with the same ids do not lock each other out.
    rows = column(
        UUID,
        """insert into inbox (org_id, id, source_id, external_id, body, body_digest, message_id,
                              content_type, received_at, status, reason, test)
           select :o, v.id, v.source_id, v.external_id, v.body, v.digest, v.message_id,
                  v.content_type, v.received_at, :status, :reason, v.test
           from unnest(cast(:ids as uuid[]), cast(:sources as uuid[]), cast(:names as text[]),
                       cast(:bodies as bytea[]), cast(:digests as bytea[]),
                       cast(:messages as text[]), cast(:types as text[]),
                       cast(:ats as timestamptz[]), cast(:tests as bool[])) with ordinality
                as v (id, source_id, external_id, body, digest, message_id, content_type,
                      received_at, test, place)
           order by v.source_id, v.external_id, v.place
           on conflict (org_id, source_id, external_id) do nothing returning id""",
        o=org_id,
        status=status,
        reason=reason,
        ids=[one.id for one in arrived],
        sources=[one.source_id for one in arrived],
        names=[one.external_id for one in arrived],
        bodies=[one.sealed for one in arrived],
        digests=[one.digest for one in arrived],
        messages=[one.verified.message_id for one in arrived],
        types=[one.verified.content_type[:200] for one in arrived],
        ats=[one.verified.received_at for one in arrived],
        tests=[one.test for one in arrived],
    )
    return set(rows)


def put_done(
    org_id: UUID,
    facts: Mapping[UUID, str],
    failed: Mapping[UUID, tuple[str, str]],
) -> None:
    """Close pending deliveries: done with their facts (JSON), or quarantined (reason, detail).

    Raises `LostClaim` where somebody else has closed one of them.
    """
    ids = [*facts, *failed]
    # Both sides by their ids, then by hashing: of an inbox that was never analyzed the planner
    # expects one row that waits, and went through the whole batch for each of its rows.
    with no_nested_loops():
        closed = execute(
            """update inbox i
               set status = v.status, reason = v.reason, detail = v.detail,
                   facts = v.facts::jsonb, done_at = now(), lease = null, lease_until = null
               from unnest(cast(:ids as uuid[]), cast(:statuses as text[]),
                           cast(:reasons as text[]), cast(:details as text[]),
                           cast(:facts as text[]))
                    as v (id, status, reason, detail, facts)
               where i.org_id = :org_id and i.id = any(cast(:ids as uuid[])) and i.id = v.id
                 and i.status = 'pending'""",
            org_id=org_id,
            ids=ids,
            statuses=["done"] * len(facts) + ["quarantined"] * len(failed),
            reasons=[""] * len(facts) + [reason for reason, _ in failed.values()],
            details=[""] * len(facts) + [detail[:500] for _, detail in failed.values()],
            facts=[*facts.values()] + [None] * len(failed),
        )
    if closed != len(ids):
        raise LeaseLost(f"{len(ids) - closed} of {len(ids)} deliveries were closed by another")


def put_unread_contacts(org_id: UUID, unread: Mapping[UUID, int]) -> None:
    """Store for how many actions a delivery gives a contact that cannot be read."""
    execute(
        """update inbox i set unread_contacts = v.unread
           from unnest(cast(:ids as uuid[]), cast(:unread as int2[])) as v (id, unread)
           where i.org_id = :o and i.id = any(cast(:ids as uuid[])) and i.id = v.id
             and i.unread_contacts <> v.unread""",
        o=org_id,
        ids=list(unread),
        unread=list(unread.values()),
    )


def facts_of(org_id: UUID, delivery_ids: Iterable[UUID]) -> list[JsonObject]:
    """Return all facts of these deliveries."""
    rows = column(
        list[JsonObject],
        """select facts from inbox
           where org_id = :o and id = any(cast(:ids as uuid[])) and facts is not null""",
        o=org_id,
        ids=list(delivery_ids),
    )
    return [fact for facts in rows for fact in facts]


def organizations_with_work() -> list[UUID]:
    """Return the organizations that have something claimable, the longest waiting first."""
    found = [
        (rows[0], org_id)
        for org_id in column(UUID, "select id from organizations")
        if (
            rows := column(
                datetime,
                # What is claimed is the oldest: behind as much of it there is what is not.
                """select received_at from inbox
                   where org_id = :o and status = 'pending'
                     and (lease_until is null or lease_until < now())
                   order by received_at limit 1
                   offset (select coalesce(sum(cardinality(delivery_ids)), 0) from claims
                           where org_id = :o and until >= now())""",
                o=org_id,
            )
        )
    ]
    return [org_id for _, org_id in sorted(found)]


def has_more_pending(org_id: UUID, number: int) -> bool:
    """Say whether more deliveries than this wait to be tried. Reads no more of them than that."""
    return exists(
        """select 1 from inbox where org_id = :o and status = 'pending' and attempts = 0
               limit 1 offset :number""",
        o=org_id,
        number=number,
    )


class TestDelivery(NamedTuple):
    """What became of a test delivery."""

    id: UUID
    status: str
    reason: str


def newest_test(org_id: UUID, source_id: UUID) -> TestDelivery | None:
    """Return id, status and reason of the newest test delivery of this source."""
    rows = run(
        TestDelivery,
        """select id, status, reason from inbox
           where org_id = :o and source_id = :s and test order by received_at desc limit 1""",
        o=org_id,
        s=source_id,
    )
    return rows[0] if rows else None


class _StatusCount(NamedTuple):
    status: str
    number: int


def counts(org_id: UUID) -> dict[str, int]:
    """Return how many deliveries stand in each status; the three sum to all ever accepted."""
    rows = run(
        _StatusCount,
        "select status, count(*) as number from inbox where org_id = :o group by status",
        o=org_id,
    )
    return {"pending": 0, "done": 0, "quarantined": 0} | {status: n for status, n in rows}  # noqa: C416


def oldest_pending_seconds() -> float:
    """Return the age of the oldest delivery that waits, over all organizations; 0 if none does."""
    # One short look for each: a database that is spread out cannot take the first of each at once.
    return max(
        (
            float(age)
            for org_id in column(UUID, "select id from organizations")
            for age in column(
                float,
                """select extract(epoch from now() - received_at) as age from inbox
                   where org_id = :o and status = 'pending' order by received_at limit 1""",
                o=org_id,
            )
        ),
        default=0.0,
    )


class _PendingRow(NamedTuple):
    deliveries: int
    age: float


class _QuarantinedRow(NamedTuple):
    reason: str
    deliveries: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What of an organization's deliveries is not done; `quarantined` is by reason."""

    pending: int
    oldest_seconds: float
    quarantined: dict[str, int]


def read_backlog(org_id: UUID) -> Backlog:
    """Return how many deliveries are pending, and since when, and how many are in quarantine."""
    (pending,) = run(
        _PendingRow,
        """select count(*)::int8 as deliveries,
                  coalesce(extract(epoch from now() - min(received_at)), 0)::float8 as age
           from inbox where org_id = :o and status = 'pending'""",
        o=org_id,
    )
    quarantined = run(
        _QuarantinedRow,
        """select reason, count(*)::int8 as deliveries
           from inbox where org_id = :o and status = 'quarantined' group by reason""",
        o=org_id,
    )
    by_reason = {row.reason: row.deliveries for row in quarantined}
    return Backlog(pending.deliveries, max(0.0, pending.age), by_reason)


class QuarantinedRow(NamedTuple):
    """A quarantined delivery."""

    id: UUID
    source: str
    received_at: datetime
    reason: str
    detail: str
    attempts: int


def list_quarantined(org_id: UUID, limit: int = 100) -> list[QuarantinedRow]:
    """Return quarantined deliveries, newest first: id, source, received_at, reason, detail."""
    return run(
        QuarantinedRow,
        """select i.id, s.name as source, i.received_at, i.reason, i.detail, i.attempts
           from inbox i join sources s on s.org_id = i.org_id and s.id = i.source_id
           where i.org_id = :o and i.status = 'quarantined'
           order by i.received_at desc, i.id desc limit :limit""",
        o=org_id,
        limit=limit,
    )


def requeue(org_id: UUID, *, reason: str | None = None, ids: Sequence[UUID] | None = None) -> int:
    """Set quarantined deliveries to be tried again; returns how many. `id_reuse` stays flagged."""
    return execute(
        """update inbox set status = 'pending', attempts = 0, reason = '', detail = '',
                  lease = null, lease_until = null
           where org_id = :o and status = 'quarantined' and reason <> 'id_reuse'
             and body is not null
             and (cast(:reason as text) is null or reason = :reason)
             and (cast(:ids as uuid[]) is null or id = any(cast(:ids as uuid[])))""",
        o=org_id,
        reason=reason,
        ids=list(ids) if ids is not None else None,
    )


class ReusedRow(NamedTuple):
    """A delivery flagged as `id_reuse`, with its encrypted body."""

    id: UUID
    source_id: UUID
    external_id: str
    body: bytes
    message_id: str
    content_type: str
    received_at: datetime


def lock_reused(org_id: UUID, ids: Sequence[UUID] | None = None) -> list[ReusedRow]:
    """Return what is flagged as `id_reuse` and has its body, of these ids or all, locked.

    Rows are (id, source_id, external_id, body, message_id, content_type, received_at); the external
    id has `#` and a digest behind the one that was used before.
    """
    return run(
        ReusedRow,
        """select id, source_id, external_id, body, message_id, content_type, received_at
           from inbox
           where org_id = :o and status = 'quarantined' and reason = 'id_reuse'
             and body is not null
             and (cast(:ids as uuid[]) is null or id = any(cast(:ids as uuid[])))
           order by id for update""",
        o=org_id,
        ids=list(ids) if ids is not None else None,
    )


def requeue_as(org_id: UUID, delivery_id: UUID, source_id: UUID, external_id: str) -> int:
    """Set a delivery to be tried again under another external id, unless that was used as well.

    Returns how many, which is one or none.
    """
    return execute(
        """update inbox set external_id = :name, status = 'pending', attempts = 0, reason = '',
                  detail = '', lease = null, lease_until = null
           where org_id = :o and id = :id and not exists (
               select 1 from inbox where org_id = :o and source_id = :s and external_id = :name)""",
        o=org_id,
        id=delivery_id,
        s=source_id,
        name=external_id,
    )


@shape()
class ImportedRow:
    """A row of an export on its way into the inbox."""

    id: UUID
    external_id: str
    sealed: bytes
    digest: bytes
    facts: str


def put_rows(
    org_id: UUID, source_id: UUID, content_type: str, at: datetime, rows: Sequence[ImportedRow]
) -> set[UUID]:
    """Store rows of an export as done deliveries, each once; returns the ids that were new."""
    inserted = column(
        UUID,
        """insert into inbox (org_id, id, source_id, external_id, body, body_digest, content_type,
                              received_at, status, done_at, facts)
           select :o, v.id, :source, v.external_id, v.body, v.digest, :content_type, :at, 'done',
                  now(), v.facts::jsonb
           from unnest(cast(:ids as uuid[]), cast(:names as text[]), cast(:bodies as bytea[]),
                       cast(:digests as bytea[]), cast(:facts as text[]))
                as v (id, external_id, body, digest, facts)
           order by v.external_id
           on conflict (org_id, source_id, external_id) do nothing returning id""",
        o=org_id,
        source=source_id,
        content_type=content_type,
        at=at,
        ids=[row.id for row in rows],
        names=[row.external_id for row in rows],
        bodies=[row.sealed for row in rows],
        digests=[row.digest for row in rows],
        facts=[row.facts for row in rows],
    )
    return set(inserted)


def read_done(
    org_id: UUID, after: tuple[datetime, UUID] | None, limit: int
) -> list[LeasedDelivery]:
    """Return done deliveries in the order of arrival, behind this place, for a rebuild."""
    return run(
        LeasedDelivery,
        f"""select {COLUMNS} from inbox i
            where i.org_id = :o and i.status = 'done'
              and (cast(:at as timestamptz) is null or (i.received_at, i.id) > (:at, :id))
            order by i.received_at, i.id limit :limit""",
        o=org_id,
        at=after[0] if after else None,
        id=after[1] if after else None,
        limit=limit,
    )


def put_facts(org_id: UUID, facts: Mapping[UUID, str]) -> None:
    """Replace the facts (JSON) of done deliveries where they differ."""
    execute(
        """update inbox i set facts = v.facts::jsonb
           from unnest(cast(:ids as uuid[]), cast(:facts as text[])) as v (id, facts)
           where i.org_id = :o and i.id = v.id and i.facts is distinct from v.facts::jsonb""",
        o=org_id,
        ids=list(facts),
        facts=list(facts.values()),
    )


def put_failed(org_id: UUID, failed: Mapping[UUID, tuple[str, str]]) -> None:
    """Quarantine deliveries that can no longer be read."""
    for delivery_id, (reason, detail) in failed.items():
        execute(
            """update inbox set status = 'quarantined', reason = :reason, detail = :detail
               where org_id = :o and id = :id""",
            o=org_id,
            id=delivery_id,
            reason=reason,
            detail=detail[:500],
        )


class BodyRow(NamedTuple):
    """A delivery with its encrypted body."""

    id: UUID
    status: str
    body: bytes
    message_id: str


def stored_bodies(org_id: UUID, after: UUID, limit: int) -> list[BodyRow]:
    """Return (id, status, body, message_id) of deliveries with a body, by id behind this one."""
    return run(
        BodyRow,
        """select id, status, body, message_id from inbox
           where org_id = :o and id > :after and body is not null
           order by id limit :limit""",
        o=org_id,
        after=after,
        limit=limit,
    )


def drop_bodies(org_id: UUID, delivery_ids: Sequence[UUID]) -> None:
    """Remove the bodies of these deliveries; their facts stay.

    With a body goes its message id, which of a call is its whole trail.
    """
    execute(
        """update inbox set body = null, message_id = ''
           where org_id = :o and id = any(cast(:ids as uuid[]))""",
        o=org_id,
        ids=list(delivery_ids),
    )


def drop_old_bodies(org_id: UUID, done_before: datetime, quarantined_before: datetime) -> int:
    """Remove the bodies of deliveries that were done or quarantined before these instants.

    Facts and reasons stay. What is flagged as `id_reuse` can never be replayed, so its body goes
    as early as one that was done. With a body goes its message id, as in `drop_bodies`.
    """
    return execute(
        """update inbox set body = null, message_id = ''
           where org_id = :o and body is not null
             and (status = 'done' and done_at < :done
                  or status = 'quarantined' and reason = 'id_reuse' and received_at < :done
                  or status = 'quarantined'
                     and coalesce(done_at, received_at) < :quarantined)""",
        o=org_id,
        done=done_before,
        quarantined=quarantined_before,
    )


class _PlaceRow(NamedTuple):
    received_at: datetime
    id: UUID


def deliveries_naming(org_id: UUID, hashes: Iterable[str]) -> set[UUID]:
    """Return the deliveries whose facts name one of these.

    Reads all facts, so many at a time: no index has them, and no statement may take so long.
    """
    asked, found = sorted(hashes), set[UUID]()
    at: datetime | None = None
    last: UUID | None = None
    while True:
        # The last of these that are behind that place.
        ends = run(
            _PlaceRow,
            """select received_at, id from inbox
               where org_id = :o
                 and (cast(:at as timestamptz) is null or (received_at, id) > (:at, :last))
               order by received_at, id offset :many limit 1""",
            o=org_id,
            at=at,
            last=last,
            many=_FACTS_AT_ONCE - 1,
        )
        rows = column(
            UUID,
            """select i.id from inbox i
               where i.org_id = :o
                 and (cast(:at as timestamptz) is null or (i.received_at, i.id) > (:at, :last))
                 and (cast(:end as timestamptz) is null or (i.received_at, i.id) <= (:end, :ends))
                 and exists (
                   select 1 from jsonb_array_elements(i.facts) f, jsonb_each_text(f -> 'who') w
                   where w.value = any(cast(:hashes as text[])))""",
            o=org_id,
            at=at,
            last=last,
            end=ends[0].received_at if ends else None,
            ends=ends[0].id if ends else None,
            hashes=asked,
        )
        found |= set(rows)
        if not ends:
            return found
        at, last = ends[0]


class FactsRow(NamedTuple):
    """The facts of a delivery."""

    id: UUID
    source_id: UUID
    facts: list[JsonObject]


def read_facts(org_id: UUID, delivery_ids: Iterable[UUID]) -> list[FactsRow]:
    """Return (id, source_id, facts) of these deliveries, in the order of their ids."""
    return run(
        FactsRow,
        """select id, source_id, facts from inbox
           where org_id = :o and id = any(cast(:ids as uuid[])) and facts is not null
           order by id for update""",
        o=org_id,
        ids=list(delivery_ids),
    )


def put_redacted(org_id: UUID, facts: Mapping[UUID, str]) -> None:
    """Replace the facts (JSON) of these deliveries, and remove the bodies, which have more.

    With a body goes its message id, as in `drop_bodies`, and the bodies that came under
    the same id and stand flagged as `id_reuse`.
    """
    execute(
        """update inbox i set body = null, message_id = '', facts = v.facts::jsonb
           from unnest(cast(:ids as uuid[]), cast(:facts as text[])) as v (id, facts)
           where i.org_id = :o and i.id = v.id""",
        o=org_id,
        ids=list(facts),
        facts=list(facts.values()),
    )
    execute(
        """update inbox i set body = null
           from inbox told
           where told.org_id = :o and told.id = any(cast(:ids as uuid[]))
             and i.org_id = :o and i.status = 'quarantined' and i.reason = 'id_reuse'
             and i.source_id = told.source_id
             and told.external_id = left(i.external_id, -25)
             and right(i.external_id, 25) = '#' || left(encode(i.body_digest, 'hex'), 24)""",
        o=org_id,
        ids=list(facts),
    )
