"""Gifts and refunds of actions, each on its own day.

So "raised" means the same everywhere: gifts minus refunds of a range of days in the campaign's
time zone. Totals are maintained like that when actions are processed (`rollup.contributions`); this
reads the actions themselves, for what totals lack: recurring givers, hours, and conversion paths.

Note: a refund may be of a gift from before the range. So net money can be negative, and can include
people and paths without an action in the range.
"""

from __future__ import annotations

from advocacy.storage import time_zones


def movements_sql(columns: str, where: str = "") -> str:
    """Return SQL for the gifts and refunds of counted actions `a` on the days :first to :last.

    A row has `columns`, then at, on_day, actions (1; 0 for a refund), gross_minor and
    refunded_minor. `where` begins with "and". The organization is :o; :zone is the zone of actions
    without a campaign. `time_zones.of_organization` has the other parameters.
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
