"""Figures counted from the raw actions, in SQL: what those from cells are compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from advocacy.core.cells import NO_ID, UNIT
from advocacy.core.dates import begin_of
from advocacy.storage import time_zones
from advocacy.storage.campaigns import within
from advocacy.storage.engagement_ladder import Cohort, LadderFigures, RungCount
from advocacy.storage.server import no_nested_loops
from advocacy.storage.session import execute
from advocacy.storage.session import run as run_as
from tests.support.sql import run

ALL_MODELS = "every"


def count_people(org_id: UUID, scope: UUID, zone: str, first: date, last: date, model: str) -> Any:
    """Count distinct people from the actions themselves."""
    rows = run(
        """with first_ever as (
             select supporter_id, min(occurred_at) as at from actions
             where org_id = :o and counted group by supporter_id),
           within as (
             select a.*, f.at >= (cast(:first as timestamp) at time zone :zone) as new
             from actions a join first_ever f on f.supporter_id = a.supporter_id
             where a.org_id = :o and a.counted
               and case when :c = :o
                        then (a.occurred_at at time zone :zone)::date between :first and :last
                        else a.campaign_id = :c and a.occurred_on between :first and :last end),
           credited as (
             select supporter_id, new, post_id, platform from within where path is null
             union
             select w.supporter_id, w.new, cast(t ->> 'post_id' as uuid), t ->> 'platform'
             from within w, jsonb_array_elements(w.path) t
             where w.path is not null and t -> 'shares' ? :model),
           acted as (
             select supporter_id, new, g.grain, g.value from within
             cross join lateral (values ('all', ''), ('kind', kind), ('source', source_id::text))
                                as g (grain, value)
             union
             select c.supporter_id, c.new, g.grain, g.value from credited c
             left join posts p on p.org_id = :o and p.id = c.post_id
             cross join lateral (values ('post', coalesce(c.post_id::text, '')),
                                        ('platform', c.platform),
                                        ('medium', coalesce(p.medium, '')),
                                        ('author', coalesce(p.author, ''))) as g (grain, value))
           select grain, value, count(distinct supporter_id) as supporters,
                  count(distinct supporter_id) filter (where new) as new
           from acted where :c <> :o or grain in ('all', 'kind', 'platform')
           group by grain, value order by grain, value""",
        o=org_id,
        c=scope,
        zone=zone,
        first=first,
        last=last,
        model=model,
    )
    return [tuple(row) for row in rows]


# Totals: one row for each day and key.

_KEY = """campaign_id, day, post_id, model, kind, tier, platform, source_id, currency"""

_ZONED = """
    select a.*, case when a.renewal and a.kind = 'donation' then 'renewal' else a.kind end as sort,
           coalesce(a.campaign_id, :no_id) as campaign,
           k.zone
    from actions a join organizations o on o.id = :o
    left join campaigns c on c.org_id = :o and c.id = a.campaign_id
    join clocks k on k.zone = coalesce(c.timezone, o.timezone)
    where a.org_id = :o and a.counted"""


def count_totals(org_id: UUID) -> None:
    """Make a table of the organization's actions: what all models agree on, and what is shared."""
    execute("drop table if exists pg_temp.counted_totals")
    execute(
        """create temporary table counted_totals (
             campaign_id uuid, day date, post_id uuid, model text, kind text, tier text,
             platform text, source_id uuid, currency text, units int8, gross_minor int8,
             refunded_minor int8)"""
    )
    _count_alike(org_id)
    _count_shared(org_id)


def _returned_on(returned: str, zone: str) -> str:
    """Return SQL for the day of a return, by the clock of this zone."""
    return time_zones.day(f"({returned} ->> 'at')::timestamptz", time_zones.Clock(zone))


def _count_alike(org_id: UUID) -> None:
    execute(
        f"""with {time_zones.CLOCKS}, acted as ({_ZONED} and a.path is null)
            insert into counted_totals ({_KEY}, units, gross_minor, refunded_minor)
            select {_KEY}, sum(units), sum(gross), sum(refunded)
            from (
              select campaign as campaign_id, occurred_on as day,
                     coalesce(post_id, :no_id) as post_id, '{ALL_MODELS}' as model, sort as kind,
                     tier,
                     platform, source_id, currency, {UNIT} as units, gross_minor as gross,
                     0 as refunded
              from acted
              union all
              select campaign, {_returned_on("r", "acted.zone")},
                     coalesce(post_id, :no_id), '{ALL_MODELS}', sort, tier, platform, source_id,
                     currency, 0, 0, (r ->> 'amount_minor')::int8
              from acted, jsonb_array_elements(returns) r) added
            group by {_KEY}""",
        o=org_id,
        no_id=NO_ID,
        **time_zones.of_organization(org_id),
    )


def _split(amount: str, share: str, among: str) -> str:
    """Return SQL for (whole part, remainder) of an amount that is split; see `_parts`."""
    quota = f"({amount}) * {share}_up"
    return (
        f"div({quota}, {share}_down) as {among}_whole,"
        f" div(mod({quota}, {share}_down) * 1e30, {share}_down) as {among}_rest"
    )


def _parts(amount: str, among: str) -> str:
    """Return SQL for the part of an amount: the units left over go to the largest remainders."""
    return (
        f"{among}_whole + (row_number() over (partition by id, model, back"
        f" order by {among}_rest desc, nth desc)"
        f" <= {amount} - sum({among}_whole) over (partition by id, model, back))::int as {among}"
    )


def _count_shared(org_id: UUID) -> None:
    # `back` is 0 for the action itself and n for its n-th return. Of returns, the cumulative sum is
    # split, in proportion to what each touch was credited.
    execute(
        f"""with {time_zones.CLOCKS}, acted as ({_ZONED} and a.path is not null),
            touched as (
              select a.id, 0 as back, m.model, nth, a.campaign as campaign_id,
                     occurred_on as day, zone, returns,
                     coalesce((t ->> 'post_id')::uuid, :no_id) as post_id, sort as kind,
                     t ->> 'tier' as tier, t ->> 'platform' as platform, source_id, currency,
                     gross_minor::numeric as gross_minor,
                     split_part(share, '/', 1)::numeric as share_up,
                     coalesce(nullif(split_part(share, '/', 2), ''), '1')::numeric as share_down
              from acted a, jsonb_array_elements(a.path) with ordinality p (t, nth),
                   jsonb_each_text(t -> 'shares') m (model, share)),
            quotas as (
              select *, {_split(str(UNIT), "share", "units")},
                     {_split("gross_minor", "share", "gross")}
              from touched),
            credited as (
              select *, {_parts(str(UNIT), "units")}, {_parts("gross_minor", "gross")} from quotas),
            returned as (
              select c.id, nth, model, r.n as back, campaign_id,
                     {_returned_on("r.v", "c.zone")} as day, post_id, kind,
                     tier, platform, source_id, currency, gross as part_up,
                     gross_minor as part_down,
                     sum((r.v ->> 'amount_minor')::numeric)
                       over (partition by c.id, model, nth order by r.n) as gone_minor
              from credited c, jsonb_array_elements(c.returns) with ordinality r (v, n)
              where gross_minor > 0),
            gone_quotas as (select *, {_split("gone_minor", "part", "gone")} from returned),
            gone as (select *, {_parts("gone_minor", "gone")} from gone_quotas),
            added as (
              select {_KEY}, units, gross, 0 as refunded from credited
              union all
              select {_KEY}, 0, 0,
                     gone - coalesce(lag(gone) over (partition by id, model, nth order by back), 0)
              from gone)
            insert into counted_totals ({_KEY}, units, gross_minor, refunded_minor)
            select {_KEY}, sum(units), sum(gross), sum(refunded) from added
            group by {_KEY}
            having sum(units) <> 0 or sum(gross) <> 0 or sum(refunded) <> 0""",
        o=org_id,
        no_id=NO_ID,
        **time_zones.of_organization(org_id),
    )


# The action that reaches each rung. A fully refunded gift does not count.
_RUNG = """case kind when 'click' then 0 when 'call' then 2 when 'attendance' then 2
                     when 'donation' then case when gross_minor <= refunded_minor then null
                                               when recurs_as <> '' then 4 else 3 end
                     else 1 end"""


class _LadderRow(NamedTuple):
    of: str
    a: int | None
    b: int | None
    post_id: UUID | None
    people: int
    more: int


def count_ladder(
    org_id: UUID,
    campaign_id: UUID | None,
    first: date,
    last: date,
    timezone: str,
    repeat_days: int,
    months: int,
) -> LadderFigures:
    """Return rungs, cohorts and repeats as of the last day, from one scan of the actions.

    *Rungs* are (before, rung, post_id, people, still): by the highest rung reached,
    the rung before `first` (null for none), and, for those who climbed in the range, the post of
    the action by which they reached it. `still` counts those of the highest rung
    whose recurring gift has not ended by the clocks of `timezone`.

    *Cohorts* are (month, since, people) of the last `months` months: people who first acted in
    a month, and acted again so many months later; 0 is the whole cohort.

    *Repeat* is (people, again): those whose first `repeat_days` ended in the range, and those
    of them who acted on another day in that time. Automatic renewals are not counted.
    """
    newest = last.year * 12 + last.month - 1
    # Months as integers: date functions are slow for a million rows.
    statement = f"""
            with people as materialized (
              select supporter_id, max(rung) as rung, bool_or(runs) as still,
                     max(rung) filter (where occurred_on < :first) as before,
                     min(day) as began,
                     bit_or(1 << month) filter (where month between 0 and :months - 1) as seen
              from (
                select supporter_id, occurred_on, {_RUNG} as rung,
                       recurs_as <> '' and (ended_at is null or ended_at >= :over) as runs,
                       case when not renewal then occurred_on end as day,
                       case when not renewal and occurred_on >= :oldest_day then
                         (date_part('year', occurred_on) * 12 + date_part('month', occurred_on)
                          - 1)::int4 - :oldest end as month
                from actions
                where org_id = :o {within(campaign_id)} and counted and occurred_on <= :last
                  and supporter_id is not null) acts
              group by supporter_id),
            climbed as (
              select distinct on (a.supporter_id) a.supporter_id, a.post_id
              from (
                select supporter_id, occurred_at, id, post_id, {_RUNG} as rung
                from actions
                where org_id = :o {within(campaign_id)} and counted
                  and occurred_on between :first and :last and supporter_id is not null) a
              join people p on p.supporter_id = a.supporter_id and p.rung = a.rung
              where p.rung > coalesce(p.before, -1)
              order by a.supporter_id, a.occurred_at, a.id)
            select 'rungs' as of, p.before as a, p.rung as b, c.post_id, count(*)::int8 as people,
                   count(*) filter (where p.rung = 4 and p.still)::int8 as more
            from people p left join climbed c on c.supporter_id = p.supporter_id
            where p.rung is not null
            group by p.before, p.rung, c.post_id
            union all
            select 'cohorts', (date_part('year', began) * 12 + date_part('month', began) - 1)::int4
                   - :oldest, seen, null, count(*)::int8, 0
            from people where began >= :oldest_day
            group by 2, 3
            union all
            select 'repeat', null, null, null, count(*)::int8, (
                select count(distinct p.supporter_id) from people p
                join actions a on a.supporter_id = p.supporter_id
                  and a.occurred_on > p.began and a.occurred_on <= p.began + cast(:days as int)
                where p.began between :began_first and :began_last
                  and a.org_id = :o {within(campaign_id, "a.")} and a.counted and not a.renewal
                  and a.occurred_on between :began_first and :last)::int8
            from people where began between :began_first and :began_last
            order by 1, 2, 3, 4"""
    with no_nested_loops():
        rows = run_as(
            _LadderRow,
            statement,
            o=org_id,
            c=campaign_id,
            first=first,
            last=last,
            over=begin_of(last + timedelta(1) if last < date.max else last, timezone),
            days=repeat_days,
            began_first=_earlier(first, repeat_days),
            began_last=_earlier(last, repeat_days),
            months=months,
            oldest=newest - months + 1,
            oldest_day=_first_of(newest - months + 1),
        )
    (repeat,) = (row for row in rows if row.of == "repeat")
    return LadderFigures(
        [
            RungCount(row.a, row.b, row.post_id, row.people, row.more)
            for row in rows
            if row.of == "rungs" and row.b is not None
        ],
        _cohorts([row for row in rows if row.of == "cohorts"], newest - months + 1, months),
        (repeat.people, repeat.more),
    )


def _cohorts(rows: Sequence[_LadderRow], oldest: int, months: int) -> list[Cohort]:
    """Return cohorts from (first month `a`, months with an action as the bits of `b`)."""
    found: Counter[tuple[int, int]] = Counter()
    for row in rows:
        if row.a is None or row.b is None:
            continue
        for month in range(row.a, months):
            if row.b >> month & 1:
                found[row.a, month - row.a] += row.people
    return [
        Cohort(_first_of(oldest + began), since, people)
        for (began, since), people in sorted(found.items())
    ]


def _first_of(month: int) -> date:
    """Return the first day of a month, counted from the year 0."""
    return date(month // 12, month % 12 + 1, 1) if month >= 12 else date.min


def _earlier(day: date, days: int) -> date:
    return date.fromordinal(max(day.toordinal() - days, 1))


def totals(
    by: str, first: date, last: date, model: str, campaign_ids: Sequence[UUID], where: str = "true"
) -> list[tuple[Any, ...]]:
    """Return sums by these columns, after `count_totals`; renewals are donations, marked so."""
    columns = by.replace(
        "kind", "case kind when 'renewal' then 'donation' else kind end, kind = 'renewal'"
    )
    rows = run(
        f"""select {columns}, sum(units)::int8, sum(gross_minor)::int8, sum(refunded_minor)::int8
            from counted_totals
            where day between :first and :last and model in ('every', :model)
              and campaign_id = any(:campaigns) and {where}
            group by {columns}
            having sum(units) <> 0 or sum(gross_minor) <> 0 or sum(refunded_minor) <> 0""",
        first=first,
        last=last,
        model=model,
        campaigns=list(campaign_ids),
    )
    return [tuple(row) for row in rows]


def first_days(
    org_id: UUID, campaign_id: UUID | None, zone: str, first: date, last: date, where: str = "true"
) -> list[tuple[Any, ...]]:
    """Return (day, people) by the day of their first action in a range, by this clock."""
    rows = run(
        f"""select day, count(*) from (
              select min((occurred_at at time zone :zone)::date) as day from actions
              where org_id = :o and counted and supporter_id is not null and {where}
                and (cast(:c as uuid) is null or campaign_id = :c)
                and (occurred_at at time zone :zone)::date between :first and :last
              group by supporter_id) began
            group by day order by day""",
        o=org_id,
        c=campaign_id,
        zone=zone,
        first=first,
        last=last,
    )
    return [tuple(row) for row in rows]
