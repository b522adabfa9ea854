"""What was given and what went back, action by action, each on its own day.

So "raised" is the same everywhere: what was given in some days less what went back in them, by the
clocks of the campaign. Totals are booked like that when an action is worked off (see
`rollup.contributions`); here it is read from the actions themselves, for what totals do not have:
who gives recurringly, hours, and ways to actions.

Note: What is refunded on some days may be of a gift of other days. So the
money of a range has people and ways behind it who did nothing in it, and can be less than nothing.
"""

from __future__ import annotations

from advocacy.storage import time_zones


def movements_sql(columns: str, where: str = "") -> str:
    """Return the statement of what counted actions `a` booked on the days :first to :last.

    A row has `columns`, then at, on_day, actions (1; for what went back 0), gross_minor and
    refunded_minor. `where` begins with "and". The organization is :o; :zone is the zone of actions
    that are of no campaign. Values are `clocks.of_organization` besides.
    """
    return f"""select {columns}, a.occurred_at as at, a.occurred_on as on_day, 1 as actions,
                      a.gross_minor, 0::int8 as refunded_minor
               from actions a
               where a.org_id = :o and a.counted and a.occurred_on between :first and :last
                 {where}
               union all
               (with {time_zones.CLOCKS}
               select {columns}, r.at, r.on_day, 0, 0, r.amount_minor
               from actions a
               left join campaigns c on c.org_id = :o and c.id = a.campaign_id
               join clocks k on k.zone = coalesce(c.timezone, :zone)
               cross join lateral (
                 select at, {time_zones.day("at", time_zones.EACH)} as on_day,
                        amount_minor
                 from jsonb_to_recordset(a.returns) as r (at timestamptz, amount_minor int8)) as r
               where a.org_id = :o and a.counted and a.returns is not null
                 and r.on_day between :first and :last {where})"""
