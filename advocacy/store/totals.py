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

EVERY = "every"
"""The model of totals on which all models agree."""

UNIT = 1_000_000_000
"""So many units are one action."""

NOBODY = UUID(int=0)
"""Stands in a key of totals for "no post" and "no campaign"."""


class Key(NamedTuple):
    """What a total is of. Equal keys add up."""

    campaign_id: UUID
    day: date
    post_id: UUID
    model: str
    kind: str
    tier: str
    platform: str
    source_id: UUID
    currency: str


class Sums(NamedTuple):
    """How much of it: billionths of an action, and money in minor units of the key's currency."""

    units: int
    gross_minor: int
    refunded_minor: int


def add_totals(org_id: UUID, deltas: Mapping[Key, Sums], slot: int) -> None:
    """Add deltas, in the order of their keys, into this worker's slot."""
    ordered = sorted((key, sums) for key, sums in deltas.items() if any(sums))
    if not ordered:
        return
    run(
        """insert into totals (org_id, campaign_id, day, post_id, model, kind, tier, platform,
                               source_id, currency, slot, units, gross_minor, refunded_minor)
           select :o, v.campaign_id, v.day, v.post_id, v.model, v.kind, v.tier, v.platform,
                  v.source_id, v.currency, :slot, v.units, v.gross_minor, v.refunded_minor
           from unnest(cast(:campaigns as uuid[]), cast(:days as date[]), cast(:posts as uuid[]),
                       cast(:models as text[]), cast(:kinds as text[]), cast(:tiers as text[]),
                       cast(:platforms as text[]), cast(:sources as uuid[]),
                       cast(:currencies as text[]), cast(:units as int8[]),
                       cast(:gross as int8[]), cast(:refunded as int8[]))
                as v (campaign_id, day, post_id, model, kind, tier, platform, source_id, currency,
                      units, gross_minor, refunded_minor)
           on conflict (org_id, campaign_id, day, post_id, model, kind, tier, platform, source_id,
                        currency, slot)
           do update set units = totals.units + excluded.units,
                         gross_minor = totals.gross_minor + excluded.gross_minor,
                         refunded_minor = totals.refunded_minor + excluded.refunded_minor""",
        o=org_id,
        slot=slot,
        campaigns=[key.campaign_id for key, _ in ordered],
        days=[key.day for key, _ in ordered],
        posts=[key.post_id for key, _ in ordered],
        models=[key.model for key, _ in ordered],
        kinds=[key.kind for key, _ in ordered],
        tiers=[key.tier for key, _ in ordered],
        platforms=[key.platform for key, _ in ordered],
        sources=[key.source_id for key, _ in ordered],
        currencies=[key.currency for key, _ in ordered],
        units=[sums.units for _, sums in ordered],
        gross=[sums.gross_minor for _, sums in ordered],
        refunded=[sums.refunded_minor for _, sums in ordered],
    )


def read_totals(org_id: UUID, campaign_id: UUID, first: date, last: date, model: str) -> list[Any]:
    """Return the sums by a model from `first` to `last`.

    Rows are by day, post, kind, tier, platform and currency; `units` are billionths of an action.
    """
    return run(
        """select day, post_id, kind, tier, platform, currency, sum(units)::int8 as units,
                  sum(gross_minor)::int8 as gross_minor,
                  sum(refunded_minor)::int8 as refunded_minor
           from totals
           where org_id = :o and campaign_id = :c and day between :first and :last
             and model in ('every', :model)
           group by day, post_id, kind, tier, platform, currency
           having sum(units) <> 0 or sum(gross_minor) <> 0 or sum(refunded_minor) <> 0
           order by day, post_id, kind, tier, platform, currency""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
        model=model,
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
    org_id: UUID, campaign_id: UUID, first: date, last: date, timezone: str, model: str
) -> list[Any]:
    """Return distinct supporters at each grain that a report shows.

    Rows are (post_id, platform, kind, supporters, new, grain): a supporter is new where her first
    action of all in the organization lies in the range, else returning. `grain` says which of the
    three is grouped by: 'all', 'post', 'platform' or 'kind'. A supporter is a post's where the
    model gives it any share of one of her actions.
    """
    return run(
        """with within as (
             select a.supporter_id, a.post_id, a.platform, a.kind, a.path,
                    s.first_acted_at >= (cast(:first as timestamp) at time zone :zone) as new
             from actions a
             join supporters s on s.org_id = a.org_id and s.id = a.supporter_id
             where a.org_id = :o and a.campaign_id = :c and a.counted
               and a.occurred_on between :first and :last),
           acted as (
             select supporter_id, post_id, platform, kind, new from within where path is null
             union
             select w.supporter_id, cast(t ->> 'post_id' as uuid), t ->> 'platform', w.kind, w.new
             from within w, jsonb_array_elements(w.path) t
             where w.path is not null and t -> 'shares' ? :model)
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
        model=model,
    )


def read_generations(org_id: UUID, campaign_id: UUID, first: date, last: date) -> list[Any]:
    """Return (post_id, generation, actions) by last touch; generation 2 stands for 2 and beyond."""
    return run(
        """select a.post_id, least(l.generation, 2) as generation, count(*)::int8 as actions
           from actions a join links l on l.org_id = a.org_id and l.id = a.link_id
           where a.org_id = :o and a.campaign_id = :c and a.counted
             and a.occurred_on between :first and :last
           group by 1, 2""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
    )


def carried_codes(org_id: UUID, lately_days: int, before_days: int) -> list[Any]:
    """Return per source how many actions came with a code of ours lately, and before that.

    Rows are (source, provider, recent, recent_with_code, before, before_with_code). A code that is
    none of ours counts as none: it brings nothing back.
    """
    return run(
        """with counted as (
             select t.source_id, t.day > current_date - cast(:lately as int) as lately,
                    t.tier in ('click_id', 'code') as carried, sum(t.units) / 1000000000 as actions
             from totals t
             where t.org_id = :o and t.model in ('every', 'last_touch')
               and t.day > current_date - cast(:lately as int) - cast(:before as int)
             group by 1, 2, 3)
           select s.name as source, s.provider,
                  coalesce(sum(actions) filter (where lately), 0)::int8 as recent,
                  coalesce(sum(actions) filter (where lately and carried), 0)::int8
                    as recent_with_code,
                  coalesce(sum(actions) filter (where not lately), 0)::int8 as before,
                  coalesce(sum(actions) filter (where not lately and carried), 0)::int8
                    as before_with_code
           from counted c join sources s on s.org_id = :o and s.id = c.source_id
           where s.disabled_at is null
           group by s.name, s.provider order by s.name""",
        o=org_id,
        lately=lately_days,
        before=before_days,
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
