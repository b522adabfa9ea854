"""Totals by day, and the figures that a report reads.

What a stranger would get wrong: numbers of actions and money add up over days and posts; numbers of
people do not. People are counted anew at the grain that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from advocacy.store import run

NOBODY = UUID(int=0)
"""Stands in a key of totals for "no post" and "no campaign"."""


class Key(NamedTuple):
    """What a total is of. Equal keys add up."""

    campaign_id: UUID
    day: date
    post_id: UUID
    kind: str
    tier: str
    platform: str
    source_id: UUID
    currency: str


class Sums(NamedTuple):
    """How much of it: a number of actions, and money in minor units of the key's currency."""

    actions: int
    gross_minor: int
    refunded_minor: int


def add_totals(org_id: UUID, deltas: Mapping[Key, Sums], slot: int) -> None:
    """Add deltas, in the order of their keys, into this worker's slot."""
    ordered = sorted((key, sums) for key, sums in deltas.items() if any(sums))
    if not ordered:
        return
    run(
        """insert into totals (org_id, campaign_id, day, post_id, kind, tier, platform, source_id,
                               currency, slot, actions, gross_minor, refunded_minor)
           select :o, v.campaign_id, v.day, v.post_id, v.kind, v.tier, v.platform, v.source_id,
                  v.currency, :slot, v.actions, v.gross_minor, v.refunded_minor
           from unnest(cast(:campaigns as uuid[]), cast(:days as date[]), cast(:posts as uuid[]),
                       cast(:kinds as text[]), cast(:tiers as text[]), cast(:platforms as text[]),
                       cast(:sources as uuid[]), cast(:currencies as text[]),
                       cast(:actions as int8[]), cast(:gross as int8[]),
                       cast(:refunded as int8[]))
                as v (campaign_id, day, post_id, kind, tier, platform, source_id, currency,
                      actions, gross_minor, refunded_minor)
           on conflict (org_id, campaign_id, day, post_id, kind, tier, platform, source_id,
                        currency, slot)
           do update set actions = totals.actions + excluded.actions,
                         gross_minor = totals.gross_minor + excluded.gross_minor,
                         refunded_minor = totals.refunded_minor + excluded.refunded_minor""",
        o=org_id,
        slot=slot,
        campaigns=[key.campaign_id for key, _ in ordered],
        days=[key.day for key, _ in ordered],
        posts=[key.post_id for key, _ in ordered],
        kinds=[key.kind for key, _ in ordered],
        tiers=[key.tier for key, _ in ordered],
        platforms=[key.platform for key, _ in ordered],
        sources=[key.source_id for key, _ in ordered],
        currencies=[key.currency for key, _ in ordered],
        actions=[sums.actions for _, sums in ordered],
        gross=[sums.gross_minor for _, sums in ordered],
        refunded=[sums.refunded_minor for _, sums in ordered],
    )


def read_totals(org_id: UUID, campaign_id: UUID, first: date, last: date) -> list[Any]:
    """Return the sums from `first` to `last` by day, post, kind, tier, platform and currency."""
    return run(
        """select day, post_id, kind, tier, platform, currency, sum(actions)::int8 as actions,
                  sum(gross_minor)::int8 as gross_minor,
                  sum(refunded_minor)::int8 as refunded_minor
           from totals
           where org_id = :o and campaign_id = :c and day between :first and :last
           group by day, post_id, kind, tier, platform, currency
           having sum(actions) <> 0 or sum(gross_minor) <> 0 or sum(refunded_minor) <> 0
           order by day, post_id, kind, tier, platform, currency""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
    )


def read_clicks(org_id: UUID, campaign_id: UUID, first: date, last: date) -> list[Any]:
    """Return the clicks from `first` to `last` by post, people and others apart."""
    return run(
        """select post_id, human, sum(clicks)::int8 as clicks from click_totals
           where org_id = :o and campaign_id = :c and day between :first and :last
           group by post_id, human""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
    )


def read_people(
    org_id: UUID, campaign_id: UUID, first: date, last: date, timezone: str
) -> list[Any]:
    """Return distinct supporters at each grain that a report shows.

    Rows are (post_id, platform, kind, supporters, new, grain): a supporter is new where her first
    action of all in the organization lies in the range, else returning. `grain` says which of the
    three is grouped by: 'all', 'post', 'platform' or 'kind'.
    """
    return run(
        """with acted as (
             select distinct a.supporter_id, a.post_id, a.platform, a.kind,
                    s.first_acted_at >= (cast(:first as timestamp) at time zone :zone) as new
             from actions a
             join supporters s on s.org_id = a.org_id and s.id = a.supporter_id
             where a.org_id = :o and a.campaign_id = :c and a.counted
               and a.occurred_on between :first and :last)
           select case when grouping(post_id) = 0 then 'post'
                       when grouping(platform) = 0 then 'platform'
                       when grouping(kind) = 0 then 'kind' else 'all' end as grain,
                  post_id, platform, kind, count(distinct supporter_id) as supporters,
                  count(distinct supporter_id) filter (where new) as new
           from acted
           group by grouping sets ((), (post_id), (platform), (kind))""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
        zone=timezone,
    )


def span(org_id: UUID, campaign_id: UUID) -> tuple[date | None, date | None]:
    """Return the first and the last day on which the campaign has actions or clicks."""
    row = run(
        """select min(day) as first, max(day) as last from (
             select min(day) as day from totals where org_id = :o and campaign_id = :c
             union all select max(day) from totals where org_id = :o and campaign_id = :c
             union all select min(day) from click_totals where org_id = :o and campaign_id = :c
             union all select max(day) from click_totals where org_id = :o and campaign_id = :c
           ) days""",
        o=org_id,
        c=campaign_id,
    )[0]
    return row.first, row.last
