"""Clicks and actions by weekday and hour of the clock, for the heat map of a campaign.

Note: totals have days and no hours, so every action or click of the range is read (actions by
`actions_report_idx`, clicks by `touches_org_id_clicked_at_idx`).
"""

from __future__ import annotations

from typing import NamedTuple

from advocacy.storage import time_zones
from advocacy.storage.breakdowns import TOUCHES_OF_MODEL, conditions, values_of
from advocacy.storage.distinct_counts import ActionFilter
from advocacy.storage.session import run


class WeekHourRow(NamedTuple):
    """What happened at an hour of the clock (0 to 23) of a weekday (0 is Monday)."""

    weekday: int
    hour: int
    number: int


def read_actions_by_week_hour(asked: ActionFilter) -> list[WeekHourRow]:
    """Return the actions of a campaign by weekday and hour in its zone, without renewals.

    Nobody acts for a renewal: the payment service chooses its hour. An action of several posts or
    platforms is counted once if one of those asked for has a share of it.
    """
    at_place = asked.posts is not None or asked.platforms is not None
    places = f"""and exists (select from (select 1) as one {TOUCHES_OF_MODEL}
                             where true{conditions(asked, "t.post_id", "t.platform", "a.")})"""
    elsewhere = asked._replace(posts=None, platforms=None)
    return run(
        WeekHourRow,
        f"""select {_slot("a.occurred_at")}, count(*)::int8 as number
            from actions a
            where a.org_id = :o and a.counted and not a.renewal
              {conditions(elsewhere, "", "", "a.")}
              and a.occurred_on between :first and :last {places if at_place else ""}
            group by 1, 2""",
        **values_of(asked),
        **time_zones.of_zone(asked.zone),
        first=asked.first,
        last=asked.last,
    )


def read_clicks_by_week_hour(asked: ActionFilter) -> list[WeekHourRow]:
    """Return the clicks of people on a campaign's posts by weekday and hour in its zone.

    A click has no kind and no source, and its platform is that of its post.
    """
    clicks = asked._replace(platforms=None, kinds=None, sources=None)
    return run(
        WeekHourRow,
        f"""select {_slot("t.clicked_at")}, count(*)::int8 as number
            from touches t
            where t.org_id = :o and t.human{conditions(clicks, "t.post_id", "", "t.")}
              and t.clicked_at >= :since and t.clicked_at < :until
              and {time_zones.day("t.clicked_at", time_zones.OWN)} between :first and :last
            group by 1, 2""",
        **values_of(clicks),
        **time_zones.of_zone(asked.zone),
        **time_zones.around(asked.first, asked.last),
        first=asked.first,
        last=asked.last,
    )


def _slot(at: str) -> str:
    local = time_zones.local(at, time_zones.OWN)
    return f"""extract(isodow from {local})::int4 - 1 as weekday,
                   extract(hour from {local})::int4 as hour"""
