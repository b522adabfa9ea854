"""The log of a source: its last requests, accepted and refused, without bodies.

Note: accepted requests are read from the inbox. A refused one leaves a row in `refused_requests`:
when and why, and nothing of what was sent. The newest `KEPT` of a source are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from advocacy.core.ids import first_id_since, new_id
from advocacy.storage.session import execute, exists, run

KEPT = 200
"""How many refused requests of a source are kept, and how many requests the log shows."""
LOOK_BACK_DAYS = 30
"""How many days back accepted requests are searched for: the inbox has no index by source."""


def put_refused(org_id: UUID, refused: Sequence[tuple[UUID, str, datetime]]) -> None:
    """Store refused requests (source, reason, instant), and drop the oldest beyond `KEPT`."""
    execute(
        """insert into refused_requests (org_id, id, source_id, reason, at)
           select :o, v.id, v.source_id, v.reason, v.at
           from unnest(cast(:ids as uuid[]), cast(:sources as uuid[]), cast(:reasons as text[]),
                       cast(:ats as timestamptz[])) as v (id, source_id, reason, at)""",
        o=org_id,
        ids=[new_id() for _ in refused],
        sources=[source_id for source_id, _, _ in refused],
        reasons=[reason for _, reason, _ in refused],
        ats=[at for _, _, at in refused],
    )
    for source_id in sorted({source_id for source_id, _, _ in refused}):
        execute(
            """delete from refused_requests
               where org_id = :o and source_id = :s and id <= (
                 select id from refused_requests where org_id = :o and source_id = :s
                 order by id desc limit 1 offset :kept)""",
            o=org_id,
            s=source_id,
            kept=KEPT,
        )


class LoggedRequest(NamedTuple):
    """A request to the address of a source.

    `outcome` is `stored`, `waiting`, `quarantined` or `refused`. `reason` is why, in the last two.
    """

    id: UUID
    at: datetime
    outcome: str
    reason: str
    detail: str
    test: bool
    can_replay: bool


def read_log(org_id: UUID, source_id: UUID, outcome: str = "") -> list[LoggedRequest]:
    """Return the last requests to a source, newest first; with `outcome`, only those."""
    accepted = "" if outcome == "refused" else _ACCEPTED
    if outcome == "quarantined":
        accepted = _QUARANTINED
    parts = [accepted, "" if outcome not in {"", "refused"} else _REFUSED]
    union = " union all ".join(f"({part})" for part in parts if part)
    return run(
        LoggedRequest,
        f"""select id, at, outcome, reason, detail, test, can_replay from ({union}) log
            where cast(:outcome as text) = '' or outcome = :outcome
            order by at desc, id desc limit :kept""",
        o=org_id,
        s=source_id,
        outcome=outcome,
        since=first_id_since(datetime.now(UTC) - timedelta(days=LOOK_BACK_DAYS)),
        kept=KEPT,
    )


_COLUMNS = """i.id, i.received_at as at,
    case when q.id is not null then 'quarantined' when w.id is not null then 'waiting'
         else 'stored' end as outcome,
    coalesce(q.reason, '') as reason, coalesce(q.detail, '') as detail, i.test,
    q.id is not null and i.body is not null and q.reason <> 'id_reuse' as can_replay"""
_ACCEPTED = f"""select {_COLUMNS}
    from (select id, received_at, test, body from inbox
          where org_id = :o and source_id = :s and id > :since
          order by id desc limit :kept) i
    left join waiting w on w.org_id = :o and w.id = i.id
    left join quarantine q on q.org_id = :o and q.id = i.id"""
# All of them, also those that are behind the last accepted ones.
_QUARANTINED = f"""select {_COLUMNS}
    from quarantine q
    join inbox i on i.org_id = :o and i.id = q.id and i.source_id = :s
    left join waiting w on w.org_id = :o and w.id = i.id
    where q.org_id = :o"""
_REFUSED = """select id, at, 'refused' as outcome, reason, '' as detail, false as test,
    false as can_replay
    from refused_requests where org_id = :o and source_id = :s"""


class Arrivals(NamedTuple):
    """Whether a source ever received something: a real delivery, a test."""

    real: bool
    test: bool


def read_arrivals(org_id: UUID, source_id: UUID) -> Arrivals:
    """Return whether a source received a real delivery, and a test one."""
    return Arrivals(
        *(
            exists(
                f"""select 1 from inbox where org_id = :o and source_id = :s and {which}
                    limit 1""",
                o=org_id,
                s=source_id,
            )
            for which in ("not test", "test")
        )
    )
