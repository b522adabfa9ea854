"""Read the engagement ladder: rungs, climbs, cohorts and gifts. Numbers only, never ids.

Note: these queries read every counted action of a campaign (or of the organization) up to the last
day. Totals do not help, since distinct people cannot be summed over days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from advocacy.core.dates import begin_of
from advocacy.storage import time_zones
from advocacy.storage.campaigns import within
from advocacy.storage.money_movements import movements_sql
from advocacy.storage.server import no_nested_loops
from advocacy.storage.session import run

RUNGS = ("clicked", "signed", "called", "gave", "gives_monthly")
"""The rungs from the lowest to the highest; a rung's number is its index."""

NEW = -1
"""The previous rung of people who were on none."""

# The action that reaches each rung. A fully refunded gift does not count.
_RUNG = """case kind when 'click' then 0 when 'call' then 2 when 'attendance' then 2
                     when 'donation' then case when gross_minor <= refunded_minor then null
                                               when recurs_as <> '' then 4 else 3 end
                     else 1 end"""


class RungCount(NamedTuple):
    """How many people are on a rung, from which previous rung, and through which post."""

    before: int | None
    rung: int
    post_id: UUID | None
    people: int
    still: int


class Cohort(NamedTuple):
    """How many of those who first acted in a month acted again so many months later."""

    month: date
    since: int
    people: int


class Gifts(NamedTuple):
    """Sums of gifts in a currency; see `read_gifts`."""

    currency: str
    gifts: int
    givers: int
    gross_minor: int
    net_minor: int
    recurring_net_minor: int
    people: int
    once_people: int
    monthly_people: int


class LadderFigures(NamedTuple):
    """How many people did what; see `read_ladder`."""

    rungs: list[RungCount]
    cohorts: list[Cohort]
    repeat: tuple[int, int]


class _LadderRow(NamedTuple):
    of: str
    a: int | None
    b: int | None
    post_id: UUID | None
    people: int
    more: int


def read_ladder(
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
        rows = run(
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


def read_gifts(
    org_id: UUID, campaign_id: UUID | None, first: date, last: date, timezone: str
) -> list[Gifts]:
    """Return sums of gifts in a range, by currency, the most used first.

    `gifts`, `givers` and `gross_minor` are of one-time gifts in the range. Net is after all refunds
    in the range, also of earlier gifts; `people` are all who contribute to it, `once_people` and
    `monthly_people` those with one-time and with recurring gifts. `timezone` is that of gifts
    without a campaign.
    """
    came = movements_sql(
        "a.supporter_id, a.currency, a.recurs_as <> '' as recurring",
        f"and a.kind = 'donation' {within(campaign_id, 'a.')}",
    )
    return run(
        Gifts,
        f"""select currency,
                   coalesce(sum(actions) filter (where not recurring), 0)::int8 as gifts,
                   count(distinct supporter_id) filter (where not recurring and actions = 1)::int8
                     as givers,
                   coalesce(sum(gross_minor) filter (where not recurring), 0)::int8 as gross_minor,
                   sum(gross_minor - refunded_minor)::int8 as net_minor,
                   coalesce(sum(gross_minor - refunded_minor)
                            filter (where recurring), 0)::int8 as recurring_net_minor,
                   count(distinct supporter_id)::int8 as people,
                   count(distinct supporter_id) filter (where not recurring)::int8 as once_people,
                   count(distinct supporter_id) filter (where recurring)::int8 as monthly_people
            from ({came}) as came
            group by currency order by sum(actions) desc, currency""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
        zone=timezone,
        **time_zones.of_organization(org_id),
    )
