"""The health of sources, and quarantined deliveries.

Note: the inbox has no index by source or time, so that storing a delivery stays cheap. Ids are made
on receipt, so a range of ids is a range of time. Queries over all deliveries are limited to a few
days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from advocacy.core.ids import first_id_since
from advocacy.storage.session import run

LOOK_BACK_DAYS = 30
"""How many days back the last delivery of a source is searched for."""
UNREAD_DAYS = 7
"""How many days back unreadable contacts are counted."""


@dataclass(frozen=True, slots=True)
class Health:
    """A source with its deliveries; `newest` is None without any in `LOOK_BACK_DAYS`.

    `unread` is the number of actions of `UNREAD_DAYS` with an unreadable email address or phone
    number and no readable one: they count as actions, but their supporters are unknown.
    """

    id: UUID
    name: str
    provider: str
    campaign: str | None
    campaign_name: str | None
    disabled: bool
    newest: datetime | None
    of_a_day: int
    waiting: int
    quarantined: int
    unread: int


def read_health(org_id: UUID) -> list[Health]:
    """Return each source that is not archived, by name, with its deliveries but for tests."""
    rows = run(
        Health,
        """with of_a_day as (
             select source_id, max(received_at) as newest, count(*)::int8 as n
             from inbox
             where org_id = :o and id > :since and received_at > now() - interval '1 day'
               and not test
             group by source_id),
           open as (
             select i.source_id, count(w.id)::int8 as waiting, count(q.id)::int8 as quarantined
             from (select id from waiting where org_id = :o
                   union all
                   select id from quarantine where org_id = :o) either
             join inbox i on i.org_id = :o and i.id = either.id and not i.test
             left join waiting w on w.org_id = :o and w.id = i.id
             left join quarantine q on q.org_id = :o and q.id = i.id
             group by i.source_id),
           unread as (
             select source_id, sum(unread_contacts)::int8 as n
             from inbox
             where org_id = :o and unread_contacts > 0 and not test
               and received_at > now() - make_interval(days => :unread_days)
             group by source_id)
           select s.id, s.name, s.provider, c.slug as campaign, c.name as campaign_name,
                  s.disabled_at is not null as disabled, d.newest,
                  coalesce(d.n, 0) as of_a_day, coalesce(p.waiting, 0) as waiting,
                  coalesce(p.quarantined, 0) as quarantined, coalesce(u.n, 0) as unread
           from sources s
           left join campaigns c on c.org_id = s.org_id and c.id = s.campaign_id
           left join of_a_day d on d.source_id = s.id
           left join open p on p.source_id = s.id
           left join unread u on u.source_id = s.id
           where s.org_id = :o and s.archived_at is null
           order by s.name""",
        o=org_id,
        since=_first_id(days=1),
        unread_days=UNREAD_DAYS,
    )
    found = rows
    silent = [each.id for each in found if each.newest is None]
    earlier = _newest_of(org_id, silent) if silent else {}
    return [replace(each, newest=each.newest or earlier.get(each.id)) for each in found]


class _NewestRow(NamedTuple):
    source_id: UUID
    newest: datetime


def _newest_of(org_id: UUID, source_ids: list[UUID]) -> dict[UUID, datetime]:
    rows = run(
        _NewestRow,
        """select source_id, max(received_at) as newest from inbox
           where org_id = :o and not test and source_id = any(cast(:ids as uuid[])) and id > :since
             and received_at > now() - make_interval(days => :days)
           group by source_id""",
        o=org_id,
        ids=source_ids,
        since=_first_id(days=LOOK_BACK_DAYS),
        days=LOOK_BACK_DAYS,
    )
    return {row.source_id: row.newest for row in rows}


def _first_id(days: int) -> UUID:
    """Return an id before those of deliveries received in these days: ids are made on receipt."""
    return first_id_since(datetime.now(UTC) - timedelta(days=days, minutes=5))


class QuarantineReason(NamedTuple):
    """How many deliveries are quarantined for a reason."""

    reason: str
    deliveries: int
    can_replay: int


def quarantine_reasons(org_id: UUID) -> list[QuarantineReason]:
    """Return (reason, deliveries, can_replay) of quarantined deliveries, the most first."""
    return run(
        QuarantineReason,
        """select q.reason, count(*)::int8 as deliveries,
                  count(*) filter (where i.body is not null and q.reason <> 'id_reuse')::int8
                    as can_replay
           from quarantine q join inbox i on i.org_id = :o and i.id = q.id
           where q.org_id = :o
           group by q.reason order by 2 desc, 1""",
        o=org_id,
    )


class QuarantinedDelivery(NamedTuple):
    """A quarantined delivery, without its body."""

    id: UUID
    source: str
    received_at: datetime
    reason: str
    detail: str
    attempts: int
    test: bool
    can_replay: bool


def quarantine_page(
    org_id: UUID,
    limit: int,
    *,
    reason: str | None = None,
    source_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
) -> list[QuarantinedDelivery]:
    """Return quarantined deliveries after this cursor, newest first, without their bodies.

    Rows are (id, source, received_at, reason, detail, attempts, test, can_replay).
    """
    return run(
        QuarantinedDelivery,
        """select i.id, s.name as source, i.received_at, q.reason, q.detail, q.attempts, i.test,
                  i.body is not null and q.reason <> 'id_reuse' as can_replay
           from quarantine q
           join inbox i on i.org_id = :o and i.id = q.id
           join sources s on s.org_id = :o and s.id = i.source_id
           where q.org_id = :o
             and (cast(:reason as text) is null or q.reason = :reason)
             and (cast(:source as uuid) is null or i.source_id = :source)
             and (cast(:at as timestamptz) is null or (i.received_at, i.id) < (:at, :id))
           order by i.received_at desc, i.id desc limit :limit""",
        o=org_id,
        reason=reason,
        source=source_id,
        at=before[0] if before else None,
        id=before[1] if before else None,
        limit=limit,
    )
