"""The health of sources, and quarantined deliveries.

Note: the inbox has no index by source, so that storing a delivery stays cheap. Queries over all
deliveries are therefore limited to a few days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

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
    """Return each source with its deliveries, by name; test deliveries are left out."""
    rows = run(
        Health,
        """with of_a_day as (
             select source_id, max(received_at) as newest, count(*)::int8 as n
             from inbox
             where org_id = :o and received_at > now() - interval '1 day' and not test
             group by source_id),
           open as (
             select source_id, count(*) filter (where status = 'pending')::int8 as waiting,
                    count(*) filter (where status = 'quarantined')::int8 as quarantined
             from (select source_id, status from inbox
                   where org_id = :o and status = 'pending' and not test
                   union all
                   select source_id, status from inbox
                   where org_id = :o and status = 'quarantined' and not test) both_kinds
             group by source_id),
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
           where s.org_id = :o
           order by s.name""",
        o=org_id,
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
           where org_id = :o and not test and source_id = any(cast(:ids as uuid[]))
             and received_at > now() - make_interval(days => :days)
           group by source_id""",
        o=org_id,
        ids=source_ids,
        days=LOOK_BACK_DAYS,
    )
    return {row.source_id: row.newest for row in rows}


class QuarantineReason(NamedTuple):
    """How many deliveries are quarantined for a reason."""

    reason: str
    deliveries: int
    can_replay: int


def quarantine_reasons(org_id: UUID) -> list[QuarantineReason]:
    """Return (reason, deliveries, can_replay) of quarantined deliveries, the most first."""
    return run(
        QuarantineReason,
        """select reason, count(*)::int8 as deliveries,
                  count(*) filter (where body is not null and reason <> 'id_reuse')::int8
                    as can_replay
           from inbox where org_id = :o and status = 'quarantined'
           group by reason order by 2 desc, 1""",
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
        """select i.id, s.name as source, i.received_at, i.reason, i.detail, i.attempts, i.test,
                  i.body is not null and i.reason <> 'id_reuse' as can_replay
           from inbox i join sources s on s.org_id = i.org_id and s.id = i.source_id
           where i.org_id = :o and i.status = 'quarantined'
             and (cast(:reason as text) is null or i.reason = :reason)
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
