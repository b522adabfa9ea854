"""How far supporters have come: rungs, climbs, cohorts, and gifts. Reads only; numbers, never ids.

What a stranger would get wrong: these count people over all of a campaign's actions (or all of the
organization's), so they read every counted action up to the last day. Nothing here can be had from
totals, since people do not add up over days.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from advocacy.store import run

RUNGS = ("clicked", "signed", "called", "gave", "gives_monthly")
"""From the lowest to the highest; a rung's number is its place."""

NEW = -1
"""Where somebody came from who was on no rung before."""

# What reached which rung. A gift that all went back was none.
_RUNG = """case kind when 'click' then 0 when 'call' then 2 when 'attendance' then 2
                     when 'donation' then case when gross_minor <= refunded_minor then null
                                               when recurs_as <> '' then 4 else 3 end
                     else 1 end"""


def _within(campaign_id: UUID | None) -> str:
    """Say whose actions: one campaign's, or all of the organization's."""
    return "" if campaign_id is None else "and campaign_id = :c"


def read_ladder(org_id: UUID, campaign_id: UUID | None, first: date, last: date) -> list[Any]:
    """Return (before, rung, post_id, people, still) by the last day.

    People are grouped by the highest rung that they reached, the one they were on before `first`
    (null: on none), and, for those who climbed in the range, the post that has the action by which
    they reached it. `still` counts those of the highest rung whose recurring gift has not ended.
    """
    return run(
        f"""with acts as (
             select supporter_id, {_RUNG} as rung, occurred_on, occurred_at, id, post_id,
                    recurs_as <> '' and (ended_at is null or ended_at::date > :last) as runs
             from actions
             where org_id = :o {_within(campaign_id)} and counted and occurred_on <= :last
               and supporter_id is not null),
           people as (
             select supporter_id, max(rung) as rung, bool_or(runs) as still,
                    max(rung) filter (where occurred_on < :first) as before
             from acts group by supporter_id),
           climbed as (
             select distinct on (a.supporter_id) a.supporter_id, a.post_id
             from people p join acts a on a.supporter_id = p.supporter_id and a.rung = p.rung
             where p.rung > coalesce(p.before, -1)
             order by a.supporter_id, a.occurred_at, a.id)
           select p.before, p.rung, c.post_id, count(*)::int8 as people,
                  count(*) filter (where p.rung = 4 and p.still)::int8 as still
           from people p left join climbed c on c.supporter_id = p.supporter_id
           where p.rung is not null
           group by 1, 2, 3 order by 1, 2, 3""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
    )


def read_cohorts(org_id: UUID, campaign_id: UUID | None, last: date, months: int) -> list[Any]:
    """Return (month, since, people): who first acted in a month, and acted again so much later.

    Of the last `months` months up to `last`. `since` 0 is the whole cohort. Renewals, which nobody
    does anything for, are no coming back.
    """
    # Months as numbers: dates would go through time zones and numeric, for a million rows.
    return run(
        f"""with acts as (
             select supporter_id,
                    (date_part('year', occurred_on) * 12 + date_part('month', occurred_on)
                     - 1)::int4 as month
             from actions
             where org_id = :o {_within(campaign_id)} and counted and not renewal
               and occurred_on <= :last and supporter_id is not null
             group by 1, 2),
           placed as (
             select month, min(month) over (partition by supporter_id) as began from acts)
           select make_date(began / 12, began % 12 + 1, 1) as month, month - began as since,
                  count(*)::int8 as people
           from placed
           where began > :newest - :months
           group by began, month order by began, month""",
        o=org_id,
        c=campaign_id,
        last=last,
        newest=last.year * 12 + last.month - 1,
        months=months,
    )


def read_repeat(
    org_id: UUID, campaign_id: UUID | None, first: date, last: date, days: int
) -> tuple[int, int]:
    """Return (people, again): whose first `days` ended in the range, and who acted again in them.

    Again is on another day than the first; renewals are left out.
    """
    row = run(
        f"""with acts as (
             select supporter_id, occurred_on, min(occurred_on) over (partition by supporter_id)
                      as began
             from actions
             where org_id = :o {_within(campaign_id)} and counted and not renewal
               and occurred_on <= :last and supporter_id is not null)
           select count(distinct supporter_id)::int8 as people,
                  count(distinct supporter_id) filter (
                    where occurred_on > began and occurred_on <= began + cast(:days as int)
                  )::int8 as again
           from acts
           where began + cast(:days as int) between :first and :last""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
        days=days,
    )[0]
    return row.people, row.again


def read_gifts(org_id: UUID, campaign_id: UUID | None, first: date, last: date) -> list[Any]:
    """Return sums of gifts in a range, by currency, the most used first.

    `gifts`, `givers` and `gross_minor` are of one-time gifts; `people` gave at all,
    `monthly_people` recurringly. What went back of a gift counts on the day of the gift.
    """
    return run(
        f"""select currency,
                   count(*) filter (where recurs_as = '')::int8 as gifts,
                   count(distinct supporter_id) filter (where recurs_as = '')::int8 as givers,
                   coalesce(sum(gross_minor) filter (where recurs_as = ''), 0)::int8 as gross_minor,
                   sum(gross_minor - refunded_minor)::int8 as net_minor,
                   coalesce(sum(gross_minor - refunded_minor)
                            filter (where recurs_as <> ''), 0)::int8 as recurring_net_minor,
                   count(distinct supporter_id)::int8 as people,
                   count(distinct supporter_id) filter (where recurs_as <> '')::int8
                     as monthly_people
            from actions
            where org_id = :o {_within(campaign_id)} and counted and kind = 'donation'
              and occurred_on between :first and :last
            group by currency order by count(*) desc, currency""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
    )
