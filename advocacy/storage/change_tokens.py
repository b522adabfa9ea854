"""Change tokens of campaigns: they differ whenever any figure of the campaign differs.

Note: A token is a hash of the rows of totals, not of their sums: credit that moves from one post
to another changes no sum. It reads the totals by span and by day, which are few rows however many
actions there are. People who are merged because of another campaign change no total here; that is
seen at the next change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from advocacy.storage.session import run, scalar

Watched = tuple[UUID, UUID]
"""An organization and a campaign of it."""


def read_change_tokens(watched: Sequence[Watched]) -> dict[Watched, str]:
    """Return the change tokens of these campaigns, with one statement for each organization."""
    by_org: dict[UUID, list[UUID]] = {}
    for org_id, campaign_id in watched:
        by_org.setdefault(org_id, []).append(campaign_id)
    return {
        (org_id, row.campaign_id): row.mark
        for org_id, campaign_ids in by_org.items()
        for row in _read(org_id, campaign_ids)
    }


class _MarkRow(NamedTuple):
    campaign_id: UUID
    mark: str


def _read(org_id: UUID, campaign_ids: Sequence[UUID]) -> list[_MarkRow]:
    return run(
        _MarkRow,
        """select w.c as campaign_id,
                  md5(concat_ws(':', t.n, t.mixed, d.n, d.mixed, k.n, k.clicks, p.n,
                                p.newest, r.newest, q.waits, q.bad)) as mark
           from unnest(cast(:campaigns as uuid[])) as w (c)
           cross join lateral (
             select count(*) as n, bit_xor(hash_record_extended(t, 0)) as mixed
             from span_totals t where t.org_id = :o and t.campaign_id = w.c) t
           cross join lateral (
             select count(*) as n, bit_xor(hash_record_extended(d, 0)) as mixed
             from day_totals d where d.org_id = :o and d.campaign_id = w.c) d
           cross join lateral (
             select count(*) as n, sum(clicks) as clicks
             from click_totals where org_id = :o and campaign_id = w.c) k
           cross join lateral (
             select count(*) as n, max(created_at) as newest
             from posts where org_id = :o and campaign_id = w.c) p
           cross join lateral (
             select max(at) as newest
             from restatements where org_id = :o and campaign_id = w.c) r
           cross join lateral (
             select exists (select 1 from waiting where org_id = :o) as waits,
                    (select count(*) from (
                       select 1 from quarantine where org_id = :o limit 1000
                     ) few) as bad) q""",
        o=org_id,
        campaigns=list(campaign_ids),
    )


def read_change_token(org_id: UUID, campaign_id: UUID | None) -> str:
    """Return the change token of all figures about people, their paths and their gifts.

    Besides the totals it is made of how many people there are and when they came, of what staff
    made, and of the last delivery, since some change no total: a recurring gift that ends, the
    district of a call. So it differs more often than the figures do.
    """
    return scalar(
        str,
        f"""select md5(concat_ws(':', t.n, t.mixed, d.n, d.mixed, g.n, g.mixed, w.n, w.mixed, k.n,
                                 k.mixed, p.n, p.mixed, s.n, r.n, r.newest, e.n, i.n, i.newest,
                                 q.waits, q.bad)) as mark
           from (select count(*) as n, bit_xor(hash_record_extended(x, 0)) as mixed
                 from span_totals x where org_id = :o {_within(campaign_id)}) t
           cross join (
             select count(*) as n, bit_xor(hash_record_extended(x, 0)) as mixed
             from day_totals x where org_id = :o {_within(campaign_id)}) d
           cross join (
             select count(*) as n, bit_xor(hash_record_extended(x, 0)) as mixed
             from presences x
             where org_id = :o and campaign_id = :scope and model = 'every' and grain = 'all'
               and day_span = 16) g
           cross join (
             select count(*) as n, bit_xor(hash_record_extended(x, 0)) as mixed
             from presence_news x
             where org_id = :o and scope_id = :scope and model = 'every' and grain = 'all') w
           cross join (
             select count(*) as n, bit_xor(hash_record_extended(x, 0)) as mixed
             from click_span_totals x where org_id = :o {_within(campaign_id)}) k
           cross join (
             select count(*) as n, bit_xor(hash_record_extended(x, 0)) as mixed
             from posts x where org_id = :o) p
           cross join (select count(*) as n from sources where org_id = :o) s
           cross join (
             select count(*) as n, max(at) as newest
             from restatements where org_id = :o {_within(campaign_id)}) r
           cross join (select count(*) as n from suppressed where org_id = :o) e
           cross join (
             select count(*) as n, max(id::text) as newest
             from (select id from inbox where org_id = :o order by id desc limit 1) newest) i
           cross join (
             select (select count(*) from (
                       select 1 from waiting where org_id = :o limit 1000
                     ) few) as waits,
                    (select count(*) from (
                       select 1 from quarantine where org_id = :o limit 1000
                     ) few) as bad) q""",
        o=org_id,
        c=campaign_id,
        scope=campaign_id or org_id,
    )


def _within(campaign_id: UUID | None) -> str:
    return "" if campaign_id is None else "and campaign_id = :c"
