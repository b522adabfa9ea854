"""The inbox: verified deliveries, from the commit before the 2xx to done.

A delivery is pending while it has a row in `waiting`, also while a worker processes it (the leases
are in `claims`), and quarantined while it has one in `quarantine`. Any other is done.

Note: a row of `inbox` is written once. To close a delivery its row of `waiting` is deleted: to note
it in the delivery would write the page with its body once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from advocacy.core.events import Verified, shape
from advocacy.storage import nodes
from advocacy.storage.leases import COLUMNS, LeasedDelivery, LeaseLost
from advocacy.storage.session import column, execute, exists, run, scalar

PutOutcome = Literal["new", "known", "conflict"]

ID_REUSE = "id_reuse"
"""Why a delivery is quarantined whose external id was used before, for another body."""

_FACTS_AT_ONCE = 100_000
_AT_ONCE = 5_000


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
    put_waiting(org_id, sorted(new))
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
            reused = _insert_new(org_id, others)
            _put_in_quarantine(org_id, dict.fromkeys(sorted(reused), (ID_REUSE, "")))
            puts.update(dict.fromkeys((one.id for one in others), "conflict"))
    return puts


def _insert_new(org_id: UUID, arrived: Sequence[NewDelivery]) -> set[UUID]:
    """Insert the deliveries whose external id is not there yet; the first of equal ones wins."""
    # In the order of the key, so that two groups with the same ids do not lock each other out.
    rows = column(
        UUID,
        """insert into inbox (org_id, id, source_id, external_id, body, body_digest, message_id,
                              content_type, received_at, status, test)
           select :o, v.id, v.source_id, v.external_id, v.body, v.digest, v.message_id,
                  v.content_type, v.received_at, 'done', v.test
           from unnest(cast(:ids as uuid[]), cast(:sources as uuid[]), cast(:names as text[]),
                       cast(:bodies as bytea[]), cast(:digests as bytea[]),
                       cast(:messages as text[]), cast(:types as text[]),
                       cast(:ats as timestamptz[]), cast(:tests as bool[])) with ordinality
                as v (id, source_id, external_id, body, digest, message_id, content_type,
                      received_at, test, place)
           order by v.source_id, v.external_id, v.place
           on conflict (org_id, source_id, external_id) do nothing returning id""",
        o=org_id,
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


def put_waiting(org_id: UUID, delivery_ids: Sequence[UUID]) -> None:
    """Let these deliveries wait for a worker."""
    if delivery_ids:
        execute(
            """insert into waiting (org_id, id)
               select :o, unnest(cast(:ids as uuid[])) on conflict do nothing""",
            o=org_id,
            ids=list(delivery_ids),
        )


def _put_in_quarantine(org_id: UUID, failed: Mapping[UUID, tuple[str, str]]) -> None:
    """Put deliveries into quarantine, each with a reason and a detail, and how often it failed."""
    if failed:
        execute(
            """insert into quarantine (org_id, id, reason, detail, attempts)
               select :o, v.id, v.reason, v.detail, coalesce(w.attempts, 0)
               from unnest(cast(:ids as uuid[]), cast(:reasons as text[]), cast(:details as text[]))
                    as v (id, reason, detail)
               left join waiting w on w.org_id = :o and w.id = v.id
               on conflict do nothing""",
            o=org_id,
            ids=list(failed),
            reasons=[reason for reason, _ in failed.values()],
            details=[detail[:500] for _, detail in failed.values()],
        )


def close(
    org_id: UUID, done: Iterable[UUID], failed: Mapping[UUID, tuple[str, str]] | None = None
) -> None:
    """Close pending deliveries: as done, or quarantined (reason, detail).

    Raises `LeaseLost` where somebody else has closed one of them.
    """
    _put_in_quarantine(org_id, failed or {})
    ids = [*done, *(failed or {})]
    closed = execute(
        "delete from waiting where org_id = :o and id = any(cast(:ids as uuid[]))",
        o=org_id,
        ids=ids,
    )
    if closed != len(ids):
        raise LeaseLost(f"{len(ids) - closed} of {len(ids)} deliveries were closed by another")


class _OlderRow(NamedTuple):
    id: UUID
    attempts: int
    reason: str
    detail: str
    since: datetime


def adopt_older(org_id: UUID) -> None:
    """Move what the version before has stored as pending or quarantined to the tables of this one.

    It may store more for as long as it runs beside this one. What it is working on is adopted as
    well: it notices when it closes it, and keeps nothing.
    """
    for status, into in (("pending", "waiting"), ("quarantined", "quarantine")):
        while rows := _take_older(org_id, status):
            texts = {"reason": "text[]", "detail": "text[]"} if into == "quarantine" else {}
            kinds = {"id": "uuid[]", "attempts": "int2[]", "since": "timestamptz[]", **texts}
            names = ", ".join(kinds)
            given = ", ".join(f"cast(:{name} as {kind})" for name, kind in kinds.items())
            execute(
                f"""insert into {into} (org_id, {names})
                    select :o, {names} from unnest({given}) as v ({names})
                    on conflict do nothing""",
                o=org_id,
                **{name: [getattr(row, name) for row in rows] for name in kinds},
            )


def _take_older(org_id: UUID, status: str) -> list[_OlderRow]:
    return run(
        _OlderRow,
        """update inbox set status = 'done'
           where org_id = :o and status = :status and id in (
             select id from inbox where org_id = :o and status = :status
             order by received_at, id limit :many)
           returning id, attempts, reason, detail, coalesce(done_at, received_at) as since""",
        o=org_id,
        status=status,
        many=_AT_ONCE,
    )


def put_unread_contacts(org_id: UUID, unread: Mapping[UUID, int]) -> None:
    """Store for how many actions a delivery gives a contact that cannot be read."""
    if not unread:
        return
    execute(
        """update inbox i set unread_contacts = v.unread
           from unnest(cast(:ids as uuid[]), cast(:unread as int2[])) as v (id, unread)
           where i.org_id = :o and i.id = any(cast(:ids as uuid[])) and i.id = v.id
             and i.unread_contacts <> v.unread""",
        o=org_id,
        ids=list(unread),
        unread=list(unread.values()),
    )


def read_deliveries(org_id: UUID, delivery_ids: Iterable[UUID]) -> list[LeasedDelivery]:
    """Return these deliveries by their ids."""
    return run(
        LeasedDelivery,
        f"""select {COLUMNS} from inbox i
            where i.org_id = :o and i.id = any(cast(:ids as uuid[])) order by i.id""",
        o=org_id,
        ids=list(delivery_ids),
    )


def organizations_with_work() -> list[UUID]:
    """Return the organizations with pending deliveries, the longest waiting first.

    Also those of whom a worker may be processing all of it.
    """
    return column(
        UUID,
        """select org_id
           from (select org_id, since from waiting
                 union all
                 select org_id, received_at from inbox where status = 'pending'
                 union all
                 select org_id, received_at from inbox where status = 'quarantined') work
           group by org_id order by min(since), org_id""",
    )


def has_work(org_id: UUID) -> bool:
    """Say whether an organization has pending deliveries, as `organizations_with_work`."""
    return exists(
        """select 1 where exists (select 1 from waiting where org_id = :o)
             or exists (select 1 from inbox where org_id = :o and status = 'pending')
             or exists (select 1 from inbox where org_id = :o and status = 'quarantined')""",
        o=org_id,
    )


def has_more_pending(org_id: UUID, number: int) -> bool:
    """Say whether more deliveries than this wait to be tried. Reads no more of them than that."""
    return exists(
        "select 1 from waiting where org_id = :o and attempts = 0 limit 1 offset :number",
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
        """select i.id, case when w.id is not null then 'pending'
                             when q.id is not null then 'quarantined' else 'done' end as status,
                  coalesce(q.reason, '') as reason
           from inbox i
           left join waiting w on w.org_id = :o and w.id = i.id
           left join quarantine q on q.org_id = :o and q.id = i.id
           where i.org_id = :o and i.source_id = :s and i.test
           order by i.received_at desc limit 1""",
        o=org_id,
        s=source_id,
    )
    return rows[0] if rows else None


class Open(NamedTuple):
    """How many deliveries are pending, and how many quarantined."""

    pending: int
    quarantined: int


def count_open(org_id: UUID) -> Open:
    """Return how many deliveries are not done."""
    (row,) = run(
        Open,
        """select (select count(*) from waiting where org_id = :o) as pending,
                  (select count(*) from quarantine where org_id = :o) as quarantined""",
        o=org_id,
    )
    return row


def counts(org_id: UUID) -> dict[str, int]:
    """Return how many deliveries stand in each status; the three sum to all ever accepted."""
    every = scalar(int, "select count(*) from inbox where org_id = :o", o=org_id)
    pending, quarantined = count_open(org_id)
    return {"pending": pending, "done": every - pending - quarantined, "quarantined": quarantined}


def oldest_pending_seconds() -> float:
    """Return the age of the oldest delivery that waits, over all organizations; 0 if none does."""
    found = nodes.of_all(_oldest_pending_seconds)
    return max(0.0, *found.rows)


def _oldest_pending_seconds(org_ids: list[UUID] | None) -> list[float]:
    among = "" if org_ids is None else "where org_id = any(cast(:ids as uuid[]))"
    return column(
        float,
        f"""select coalesce(extract(epoch from now() - min(since)), 0)::float8
            from waiting {among}""",
        **({} if org_ids is None else {"ids": org_ids}),
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
                  coalesce(extract(epoch from now() - min(since)), 0)::float8 as age
           from waiting where org_id = :o""",
        o=org_id,
    )
    quarantined = run(
        _QuarantinedRow,
        """select reason, count(*)::int8 as deliveries
           from quarantine where org_id = :o group by reason""",
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
        """select i.id, s.name as source, i.received_at, q.reason, q.detail, q.attempts
           from quarantine q
           join inbox i on i.org_id = :o and i.id = q.id
           join sources s on s.org_id = :o and s.id = i.source_id
           where q.org_id = :o
           order by i.received_at desc, i.id desc limit :limit""",
        o=org_id,
        limit=limit,
    )


def requeue(org_id: UUID, *, reason: str | None = None, ids: Sequence[UUID] | None = None) -> int:
    """Set quarantined deliveries to be tried again; returns how many. `id_reuse` stays flagged."""
    adopt_older(org_id)
    again = column(
        UUID,
        """delete from quarantine q using inbox i
           where q.org_id = :o and i.org_id = :o and i.id = q.id and i.body is not null
             and q.reason <> 'id_reuse'
             and (cast(:reason as text) is null or q.reason = :reason)
             and (cast(:ids as uuid[]) is null or q.id = any(cast(:ids as uuid[])))
           returning q.id""",
        o=org_id,
        reason=reason,
        ids=list(ids) if ids is not None else None,
    )
    put_waiting(org_id, again)
    return len(again)


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
        """select i.id, i.source_id, i.external_id, i.body, i.message_id, i.content_type,
                  i.received_at
           from quarantine q join inbox i on i.org_id = :o and i.id = q.id
           where q.org_id = :o and q.reason = 'id_reuse' and i.body is not null
             and (cast(:ids as uuid[]) is null or q.id = any(cast(:ids as uuid[])))
           order by i.id for update""",
        o=org_id,
        ids=list(ids) if ids is not None else None,
    )


def requeue_as(org_id: UUID, delivery_id: UUID, source_id: UUID, external_id: str) -> int:
    """Set a delivery to be tried again under another external id, unless that was used as well.

    Returns how many, which is one or none.
    """
    renamed = execute(
        """update inbox set external_id = :name
           where org_id = :o and id = :id and not exists (
               select 1 from inbox where org_id = :o and source_id = :s and external_id = :name)""",
        o=org_id,
        id=delivery_id,
        s=source_id,
        name=external_id,
    )
    if renamed:
        execute("delete from quarantine where org_id = :o and id = :id", o=org_id, id=delivery_id)
        put_waiting(org_id, [delivery_id])
    return renamed


@shape()
class ImportedRow:
    """A row of an export on its way into the inbox."""

    id: UUID
    external_id: str
    sealed: bytes
    digest: bytes


def put_rows(
    org_id: UUID, source_id: UUID, content_type: str, at: datetime, rows: Sequence[ImportedRow]
) -> set[UUID]:
    """Store rows of an export as done deliveries, each once; returns the ids that were new."""
    inserted = column(
        UUID,
        """insert into inbox (org_id, id, source_id, external_id, body, body_digest, content_type,
                              received_at, status)
           select :o, v.id, :source, v.external_id, v.body, v.digest, :content_type, :at, 'done'
           from unnest(cast(:ids as uuid[]), cast(:names as text[]), cast(:bodies as bytea[]),
                       cast(:digests as bytea[]))
                as v (id, external_id, body, digest)
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
    )
    return set(inserted)


_DONE = """i.status = 'done'
              and not exists (select 1 from waiting w where w.org_id = :o and w.id = i.id)
              and not exists (select 1 from quarantine q where q.org_id = :o and q.id = i.id)"""


def read_done(
    org_id: UUID, after: UUID | None, limit: int, *, with_body: bool = False
) -> list[LeasedDelivery]:
    """Return done deliveries by their ids, behind this one; `with_body` only those with a body."""
    return run(
        LeasedDelivery,
        f"""select {COLUMNS} from inbox i
            where i.org_id = :o and i.id > :after and {_DONE}
              and (not :with_body or i.body is not null)
            order by i.id limit :limit""",
        o=org_id,
        after=after or UUID(int=0),
        with_body=with_body,
        limit=limit,
    )


def expired_ids(org_id: UUID, after: UUID, received_before: datetime, limit: int) -> list[UUID]:
    """Return done deliveries with a body that were received earlier, by id behind this one."""
    return column(
        UUID,
        f"""select i.id from inbox i
            where i.org_id = :o and i.id > :after and {_DONE}
              and i.body is not null and i.received_at < :before
            order by i.id limit :limit""",
        o=org_id,
        after=after,
        before=received_before,
        limit=limit,
    )


def put_facts(org_id: UUID, facts: Mapping[UUID, str]) -> None:
    """Replace the facts (JSON) of deliveries without a body where they differ."""
    if not facts:
        return
    execute(
        """update inbox i set facts = v.facts::jsonb
           from unnest(cast(:ids as uuid[]), cast(:facts as text[])) as v (id, facts)
           where i.org_id = :o and i.id = v.id and i.facts is distinct from v.facts::jsonb""",
        o=org_id,
        ids=list(facts),
        facts=list(facts.values()),
    )


def put_failed(org_id: UUID, failed: Mapping[UUID, tuple[str, str]]) -> None:
    """Quarantine done deliveries that can no longer be read."""
    _put_in_quarantine(org_id, failed)


class BodyRow(NamedTuple):
    """A delivery with its encrypted body."""

    id: UUID
    waits: bool
    quarantined: bool
    body: bytes
    message_id: str


def stored_bodies(org_id: UUID, after: UUID, limit: int) -> list[BodyRow]:
    """Return deliveries with a body, and whether they are done, by id behind this one."""
    return run(
        BodyRow,
        """select i.id, w.id is not null as waits, q.id is not null as quarantined, i.body,
                  i.message_id
           from inbox i
           left join waiting w on w.org_id = :o and w.id = i.id
           left join quarantine q on q.org_id = :o and q.id = i.id
           where i.org_id = :o and i.id > :after and i.body is not null
           order by i.id limit :limit""",
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


def put_facts_for_bodies(org_id: UUID, facts: Mapping[UUID, str]) -> None:
    """Replace bodies by their facts (JSON). With a body goes its message id."""
    execute(
        """update inbox i set body = null, message_id = '', facts = v.facts::jsonb
           from unnest(cast(:ids as uuid[]), cast(:facts as text[])) as v (id, facts)
           where i.org_id = :o and i.id = any(cast(:ids as uuid[])) and i.id = v.id""",
        o=org_id,
        ids=list(facts),
        facts=list(facts.values()),
    )


def drop_quarantined_bodies(org_id: UUID, reused_before: datetime, before: datetime) -> int:
    """Remove the bodies of what was quarantined before this instant; reasons stay.

    What is flagged as `id_reuse` can never be replayed, so its body goes as early as one that is
    done, by when it was received. With a body goes its message id, as in `drop_bodies`.
    """
    return execute(
        """update inbox i set body = null, message_id = ''
           from quarantine q
           where q.org_id = :o and i.org_id = :o and i.id = q.id and i.body is not null
             and (q.since < :before or q.reason = 'id_reuse' and i.received_at < :reused)""",
        o=org_id,
        reused=reused_before,
        before=before,
    )


def deliveries_naming(org_id: UUID, hashes: Iterable[str]) -> set[UUID]:
    """Return the deliveries without a body whose facts name one of these.

    Reads all facts, so many at a time: no index has them, and no statement may take so long.
    """
    asked, found = sorted(hashes), set[UUID]()
    last = UUID(int=0)
    while True:
        # The last of these that are behind that one.
        ends = column(
            UUID,
            """select id from inbox where org_id = :o and id > :last
               order by id offset :many limit 1""",
            o=org_id,
            last=last,
            many=_FACTS_AT_ONCE - 1,
        )
        rows = column(
            UUID,
            """select i.id from inbox i
               where i.org_id = :o and i.id > :last and i.body is null
                 and (cast(:end as uuid) is null or i.id <= :end)
                 and exists (
                   select 1 from jsonb_array_elements(i.facts) f, jsonb_each_text(f -> 'who') w
                   where w.value = any(cast(:hashes as text[])))""",
            o=org_id,
            last=last,
            end=ends[0] if ends else None,
            hashes=asked,
        )
        found |= set(rows)
        if not ends:
            return found
        last = ends[0]


def put_redacted(org_id: UUID, facts: Mapping[UUID, str]) -> None:
    """Replace the facts (JSON) of these deliveries, and remove the bodies, which have more.

    With a body goes its message id, as in `drop_bodies`, and the bodies that came under
    the same id and stand flagged as `id_reuse`.
    """
    put_facts_for_bodies(org_id, facts)
    execute(
        """update inbox i set body = null
           from inbox told, quarantine q
           where told.org_id = :o and told.id = any(cast(:ids as uuid[]))
             and q.org_id = :o and q.reason = 'id_reuse'
             and i.org_id = :o and i.id = q.id
             and i.source_id = told.source_id
             and told.external_id = left(i.external_id, -25)
             and right(i.external_id, 25) = '#' || left(encode(i.body_digest, 'hex'), 24)""",
        o=org_id,
        ids=list(facts),
    )
