"""Totals by day, and the figures that a report reads.

Note: Actions and money add up over days and posts; numbers of people do not (see
`advocacy.core.distinct`). What is counted by day is also counted by spans of sixteen days, so that
a report over years reads few rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

from advocacy.core.buckets import DAYS, cut, span_of
from advocacy.storage.actions import Action
from advocacy.storage.campaigns import within
from advocacy.storage.session import execute, run, scalar

ALL_MODELS = "every"
"""The model of totals on which all models agree."""

UNIT = 1_000_000_000
"""So many units are one action."""

RENEWAL = "renewal"
"""The kind of totals of a recurring gift's later payments: donations, and shown apart."""

NO_ID = UUID(int=0)
"""Stands in a key of totals for "no post" and "no campaign"."""

OF_MODEL = "model || '' in ('every', :model)"
"""The condition for totals of a model.

Written so that no index is asked for it: keys have the model behind the post, and PostgreSQL 18
estimates looking up two models for each post as so expensive that it reads the whole table.
"""


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


def add_totals(org_id: UUID, deltas: Mapping[Key, Sums], stripe: int) -> None:
    """Add deltas, in the order of their keys, into this worker's stripe."""
    ordered = sorted((key, sums) for key, sums in deltas.items() if any(sums))
    if not ordered:
        return
    execute(
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
        slot=stripe,
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
    _add_span_totals(org_id, ordered, stripe)
    _add_day_totals(org_id, ordered, stripe)


def _add_span_totals(org_id: UUID, deltas: Sequence[tuple[Key, Sums]], stripe: int) -> None:
    """Add the same by span and without the source."""
    spans: dict[tuple[UUID, date, UUID, str, str, str, str, str], list[int]] = defaultdict(
        lambda: [0, 0, 0]
    )
    for key, sums in deltas:
        total = spans[
            key.campaign_id,
            span_of(key.day),
            key.post_id,
            key.model,
            key.kind,
            key.tier,
            key.platform,
            key.currency,
        ]
        for index, amount in enumerate(sums):
            total[index] += amount
    ordered = sorted((*key, *sums) for key, sums in spans.items() if any(sums))
    if not ordered:
        return
    names = (
        "campaigns",
        "starts",
        "posts",
        "models",
        "kinds",
        "tiers",
        "platforms",
        "currencies",
        "units",
        "gross",
        "refunded",
    )
    execute(
        """insert into span_totals (org_id, campaign_id, starts_on, post_id, model, kind, tier,
                                    platform, currency, slot, units, gross_minor, refunded_minor)
           select :o, v.campaign_id, v.starts_on, v.post_id, v.model, v.kind, v.tier, v.platform,
                  v.currency, :slot, v.units, v.gross_minor, v.refunded_minor
           from unnest(cast(:campaigns as uuid[]), cast(:starts as date[]), cast(:posts as uuid[]),
                       cast(:models as text[]), cast(:kinds as text[]), cast(:tiers as text[]),
                       cast(:platforms as text[]), cast(:currencies as text[]),
                       cast(:units as int8[]), cast(:gross as int8[]), cast(:refunded as int8[]))
                as v (campaign_id, starts_on, post_id, model, kind, tier, platform, currency,
                      units, gross_minor, refunded_minor)
           on conflict (org_id, campaign_id, starts_on, post_id, model, kind, tier, platform,
                        currency, slot)
           do update set units = span_totals.units + excluded.units,
                         gross_minor = span_totals.gross_minor + excluded.gross_minor,
                         refunded_minor = span_totals.refunded_minor + excluded.refunded_minor""",
        o=org_id,
        slot=stripe,
        **{name: [row[index] for row in ordered] for index, name in enumerate(names)},
    )


def _add_day_totals(org_id: UUID, deltas: Sequence[tuple[Key, Sums]], stripe: int) -> None:
    """Add the same by day and kind alone."""
    days: dict[tuple[UUID, date, str, str], int] = defaultdict(int)
    for key, sums in deltas:
        kind = "donation" if key.kind == RENEWAL else key.kind
        days[key.campaign_id, key.day, key.model, kind] += sums.units
    ordered = sorted((*key, units) for key, units in days.items() if units)
    if not ordered:
        return
    execute(
        """insert into day_totals (org_id, campaign_id, day, model, kind, slot, units)
           select :o, v.campaign_id, v.day, v.model, v.kind, :slot, v.units
           from unnest(cast(:campaigns as uuid[]), cast(:days as date[]), cast(:models as text[]),
                       cast(:kinds as text[]), cast(:units as int8[]))
                as v (campaign_id, day, model, kind, units)
           on conflict (org_id, campaign_id, day, model, kind, slot)
           do update set units = day_totals.units + excluded.units""",
        o=org_id,
        slot=stripe,
        **{
            name: [row[index] for row in ordered]
            for index, name in enumerate(("campaigns", "days", "models", "kinds", "units"))
        },
    )


def add_generations(
    org_id: UUID, was: Iterable[Action], now: Iterable[Action], stripe: int
) -> None:
    """Add what changes in the generations of links when actions that `was` are `now` so."""
    deltas: dict[tuple[UUID, date, UUID, UUID], int] = defaultdict(int)
    for sign, actions in ((-1, was), (1, now)):
        for each in actions:
            if each.counted and each.link_id:
                key = (
                    each.campaign_id or NO_ID,
                    each.occurred_on,
                    each.post_id or NO_ID,
                    each.link_id,
                )
                deltas[key] += sign
    ordered = sorted((*key, number) for key, number in deltas.items() if number)
    if not ordered:
        return
    execute(
        f"""insert into generation_totals (org_id, campaign_id, span, starts_on, post_id,
                                           generation, slot, actions)
            select :o, v.campaign_id, s.span,
                   date '0001-01-01' + (v.day - date '0001-01-01') / s.span * s.span, v.post_id,
                   least(l.generation, 2), :slot, sum(v.actions)
            from unnest(cast(:campaigns as uuid[]), cast(:days as date[]), cast(:posts as uuid[]),
                        cast(:links as uuid[]), cast(:actions as int8[]))
                 as v (campaign_id, day, post_id, link_id, actions)
            join links l on l.org_id = :o and l.id = v.link_id
            cross join (values (1), ({DAYS})) as s (span)
            group by 2, 3, 4, 5, 6 having sum(v.actions) <> 0 order by 2, 3, 4, 5, 6
            on conflict (org_id, campaign_id, span, starts_on, post_id, generation, slot)
            do update set actions = generation_totals.actions + excluded.actions""",
        o=org_id,
        slot=stripe,
        **{
            name: [row[index] for row in ordered]
            for index, name in enumerate(("campaigns", "days", "posts", "links", "actions"))
        },
    )


_KIND = f"case kind when '{RENEWAL}' then 'donation' else kind end kind, kind = '{RENEWAL}' renewal"


class TotalRow(NamedTuple):
    """Sums of a post, by platform, kind and currency or by tier; see `read_totals`."""

    post_id: UUID
    tier: str | None
    platform: str | None
    kind: str | None
    renewal: bool | None
    currency: str | None
    units: int
    gross_minor: int
    refunded_minor: int


def read_totals(
    org_id: UUID, campaign_id: UUID, first: date, last: date, model: str
) -> list[TotalRow]:
    """Return the sums by a model from `first` to `last`, twice, so that few rows come over.

    Once by post, platform, kind and currency, renewals apart; and, with `tier`, by post and tier
    alone. `units` are billionths of an action.
    """
    return run(
        TotalRow,
        f"""select post_id, tier, platform, kind, renewal, currency, sum(units)::int8 as units,
                  sum(gross_minor)::int8 as gross_minor,
                  sum(refunded_minor)::int8 as refunded_minor
           from (
             select post_id, {_KIND}, tier, platform, currency, units, gross_minor, refunded_minor
             from span_totals
             where org_id = :o and campaign_id = :c
               and starts_on between :spans_from and :spans_to and {OF_MODEL}
             union all
             select post_id, {_KIND}, tier, platform, currency, units, gross_minor, refunded_minor
             from totals
             where org_id = :o and campaign_id = :c
               and day between :head_from and :head_to and {OF_MODEL}
             union all
             select post_id, {_KIND}, tier, platform, currency, units, gross_minor, refunded_minor
             from totals
             where org_id = :o and campaign_id = :c
               and day between :tail_from and :tail_to and {OF_MODEL}
           ) as found
           group by grouping sets ((post_id, platform, kind, renewal, currency), (post_id, tier))
           having sum(units) <> 0 or sum(gross_minor) <> 0 or sum(refunded_minor) <> 0""",
        o=org_id,
        c=campaign_id,
        model=model,
        **_pieces(first, last),
    )


class CampaignTotal(NamedTuple):
    """Sums of a campaign by platform, kind and currency."""

    campaign_id: UUID
    platform: str
    kind: str
    renewal: bool
    currency: str
    units: int
    gross_minor: int
    refunded_minor: int


def read_campaigns(
    org_id: UUID, campaign_ids: Sequence[UUID], first: date, last: date, model: str
) -> list[CampaignTotal]:
    """Return the sums of these campaigns by a model, by campaign, platform, kind and currency.

    A day is one of the campaign's zone. `NO_ID` stands for actions of no campaign.
    """
    return run(
        CampaignTotal,
        f"""select campaign_id, platform, kind, renewal, currency, sum(units)::int8 as units,
                  sum(gross_minor)::int8 as gross_minor,
                  sum(refunded_minor)::int8 as refunded_minor
           from (
             select campaign_id, platform, {_KIND}, currency, units, gross_minor, refunded_minor
             from span_totals
             where org_id = :o and campaign_id = any(cast(:campaigns as uuid[]))
               and starts_on between :spans_from and :spans_to and {OF_MODEL}
             union all
             select campaign_id, platform, {_KIND}, currency, units, gross_minor, refunded_minor
             from totals
             where org_id = :o and campaign_id = any(cast(:campaigns as uuid[]))
               and day between :head_from and :head_to and {OF_MODEL}
             union all
             select campaign_id, platform, {_KIND}, currency, units, gross_minor, refunded_minor
             from totals
             where org_id = :o and campaign_id = any(cast(:campaigns as uuid[]))
               and day between :tail_from and :tail_to and {OF_MODEL}
           ) as found
           group by campaign_id, platform, kind, renewal, currency
           having sum(units) <> 0 or sum(gross_minor) <> 0 or sum(refunded_minor) <> 0
           order by campaign_id, platform, kind, renewal, currency""",
        o=org_id,
        campaigns=list(campaign_ids),
        model=model,
        **_pieces(first, last),
    )


def _pieces(first: date, last: date) -> dict[str, date]:
    """Return the whole spans and the single days of a range, as the statements here name them."""
    return {
        f"{piece}_{end}": day
        for piece, days in cut(first, last)._asdict().items()
        for end, day in zip(("from", "to"), days, strict=True)
    }


class DayUnits(NamedTuple):
    """Units of a kind on a day."""

    day: date
    kind: str
    units: int


def read_days(
    org_id: UUID, campaign_id: UUID, first: date, last: date, model: str
) -> list[DayUnits]:
    """Return (day, kind, units) from `first` to `last` by a model, in this order."""
    return run(
        DayUnits,
        f"""select day, kind, sum(units)::int8 as units from day_totals
           where org_id = :o and campaign_id = :c and day between :first and :last
             and {OF_MODEL}
           group by day, kind having sum(units) <> 0 order by day, kind""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
        model=model,
    )


class PostClicks(NamedTuple):
    """Clicks on a post, of people or of others."""

    post_id: UUID
    human: bool
    clicks: int


def read_clicks(org_id: UUID, campaign_id: UUID, first: date, last: date) -> list[PostClicks]:
    """Return the clicks from `first` to `last` by post, people and others apart."""
    return run(
        PostClicks,
        """select post_id, human, sum(clicks)::int8 as clicks
           from (
             select post_id, human, clicks from click_span_totals
             where org_id = :o and campaign_id = :c and starts_on between :spans_from and :spans_to
             union all
             select post_id, human, clicks from click_totals
             where org_id = :o and campaign_id = :c and day between :head_from and :head_to
             union all
             select post_id, human, clicks from click_totals
             where org_id = :o and campaign_id = :c and day between :tail_from and :tail_to
           ) as found
           group by post_id, human""",
        o=org_id,
        c=campaign_id,
        **_pieces(first, last),
    )


def correct_click_spans(org_id: UUID) -> None:
    """Make clicks by span again the sums of those by day, should they not be.

    An older version of the code, running beside this one, counts by day alone. One statement, so
    that it sees both tables at the same moment while clicks go on coming.
    """
    execute(
        f"""insert into click_span_totals (org_id, campaign_id, starts_on, post_id, human, slot,
                                           clicks)
            select :o, campaign_id, starts_on, post_id, human, 0, sum(clicks)
            from (
              select campaign_id, date '0001-01-01' + (day - date '0001-01-01') / {DAYS} * {DAYS}
                                  as starts_on, post_id, human, clicks
              from click_totals where org_id = :o
              union all
              select campaign_id, starts_on, post_id, human, -clicks
              from click_span_totals where org_id = :o) as difference
            group by 2, 3, 4, 5 having sum(clicks) <> 0 order by 2, 3, 4, 5
            on conflict (org_id, campaign_id, starts_on, post_id, human, slot)
            do update set clicks = click_span_totals.clicks + excluded.clicks""",
        o=org_id,
    )


class GenerationActions(NamedTuple):
    """Actions of a post through links of a generation."""

    post_id: UUID
    generation: int
    actions: int


def read_generations(
    org_id: UUID, campaign_id: UUID, first: date, last: date
) -> list[GenerationActions]:
    """Return (post_id, generation, actions) by last touch; generation 2 stands for 2 and beyond."""
    return run(
        GenerationActions,
        f"""select post_id, generation, sum(actions)::int8 as actions from generation_totals
            where org_id = :o and campaign_id = :c
              and (span = {DAYS} and starts_on between :spans_from and :spans_to
                   or span = 1 and starts_on between :head_from and :head_to
                   or span = 1 and starts_on between :tail_from and :tail_to)
            group by post_id, generation having sum(actions) <> 0""",
        o=org_id,
        c=campaign_id,
        **_pieces(first, last),
    )


class SourceCodes(NamedTuple):
    """How many actions of a source came with a code, lately and before."""

    source: str
    provider: str
    recent: int
    recent_with_code: int
    before: int
    before_with_code: int


def carried_codes(org_id: UUID, lately_days: int, before_days: int) -> list[SourceCodes]:
    """Return per source how many actions came with a code of ours lately, and before that.

    Rows are (source, provider, recent, recent_with_code, before, before_with_code). A code that is
    none of ours counts as none: it brings nothing back.
    """
    return run(
        SourceCodes,
        """with counted as (
             select t.source_id, t.day > cast(:today as date) - cast(:lately as int) as lately,
                    t.tier in ('click_id', 'code') as carried, sum(t.units) / 1000000000 as actions
             from totals t
             where t.org_id = :o and t.model in ('every', 'last_touch')
               and t.day > cast(:today as date) - cast(:lately as int) - cast(:before as int)
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
        today=datetime.now(UTC).date(),
    )


class _Span(NamedTuple):
    first: date | None
    last: date | None


def span(org_id: UUID, campaign_id: UUID) -> tuple[date | None, date | None]:
    """Return the first and the last day on which the campaign has actions or clicks."""
    row = run(
        _Span,
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


def span_of_actions(org_id: UUID, campaign_ids: Sequence[UUID]) -> tuple[date | None, date | None]:
    """Return the first and the last day on which one of these campaigns has actions."""
    row = run(
        _Span,
        """select min(d.first) as first, max(d.last) as last
           from unnest(cast(:campaigns as uuid[])) as c (id)
           cross join lateral (
             select min(day) as first, max(day) as last from day_totals
             where org_id = :o and campaign_id = c.id) as d""",
        o=org_id,
        campaigns=list(campaign_ids),
    )[0]
    return row.first, row.last


def count_actions(
    org_id: UUID, campaign_id: UUID | None, days: tuple[date, date] | None = None
) -> int:
    """Return how many actions a campaign or the organization has, on these days; from totals."""
    first, last = days or (date.min, date.max)
    return int(
        scalar(
            int,
            f"""select coalesce(sum(units) / 1000000000, 0) as actions from day_totals
                where org_id = :o {within(campaign_id)} and model in ('every', 'last_touch')
                  and day between :first and :last""",
            o=org_id,
            c=campaign_id,
            first=first,
            last=last,
        )
    )
