"""Current activity of posts compared with their past, and detected surges.

Note: the current window is read from the clicks by their index on time, so the cost depends on the
last minutes only. The past is read from totals by day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from advocacy.core.ids import new_id
from advocacy.core.records import Running, Surge
from advocacy.storage import campaigns, time_zones, totals
from advocacy.storage.session import column, execute, run


def clicks_now(org_id: UUID, since: datetime, until: datetime, days: int) -> list[Running]:
    """Return the posts that people clicked on since then, with their past of so many full days."""
    return _running(
        """select post_id, campaign_id, count(*) as counted from touches
           where org_id = :o and clicked_at > :since and clicked_at <= :until and human
           group by post_id, campaign_id""",
        """select d.campaign_id, d.post_id, sum(d.clicks)::float8 as n
           from click_totals d join today t on t.campaign_id = d.campaign_id
           where d.org_id = :o and d.human and d.day < t.day and d.day >= t.day - :days
           group by d.campaign_id, d.post_id""",
        org_id,
        since,
        until,
        days,
    )


def actions_now(org_id: UUID, since: datetime, until: datetime, days: int) -> list[Running]:
    """Return the posts with actions since then by last touch, with their past."""
    # A day more at both ends, whatever the campaign's zone.
    units = totals.read_units_by_post(
        org_id,
        [each for each in campaigns.zones(org_id) if each],
        since.date() - timedelta(days=days + 1),
        until.date() + timedelta(days=1),
    )
    return _running(
        f"""select a.post_id, a.campaign_id, count(*) as counted
           from campaigns c join clocks k on k.zone = c.timezone
           join actions a on a.org_id = c.org_id and a.campaign_id = c.id and a.counted
             and a.occurred_on >= {time_zones.day("cast(:since as timestamptz)", time_zones.EACH)}
             and a.occurred_at > :since and a.occurred_at <= :until
           where c.org_id = :o and a.post_id is not null
           group by a.post_id, a.campaign_id""",
        """select d.campaign_id, d.post_id, sum(d.units)::float8 / 1000000000 as n
           from unnest(cast(:past_campaigns as uuid[]), cast(:past_days as date[]),
                       cast(:past_posts as uuid[]), cast(:past_units as int8[]))
                as d (campaign_id, day, post_id, units)
           join today t on t.campaign_id = d.campaign_id
           where d.day < t.day and d.day >= t.day - :days
           group by d.campaign_id, d.post_id""",
        org_id,
        since,
        until,
        days,
        past_campaigns=[campaign for campaign, _, _ in units],
        past_days=[day for _, day, _ in units],
        past_posts=[post for _, _, post in units],
        past_units=list(units.values()),
    )


class _RunningRow(NamedTuple):
    post_id: UUID
    campaign_id: UUID
    counted: int
    own_per_day: float
    campaign_per_day: float


def _running(
    window: str,
    past: str,
    org_id: UUID,
    since: datetime,
    until: datetime,
    days: int,
    **more: object,
) -> list[Running]:
    rows = run(
        _RunningRow,
        f"""with {time_zones.CLOCKS},
            now as materialized ({window}),
            today as (
              select c.id as campaign_id,
                     {time_zones.day("cast(:until as timestamptz)", time_zones.EACH)} as day
              from campaigns c join clocks k on k.zone = c.timezone
              where c.org_id = :o and c.id in (select campaign_id from now)),
            past as ({past}),
            posts_of as (
              select p.campaign_id, count(*) as n from posts p
              where p.org_id = :o and p.campaign_id in (select campaign_id from now)
              group by p.campaign_id),
            of_campaign as (select campaign_id, sum(n) as n from past group by campaign_id)
            select n.post_id, n.campaign_id, n.counted,
                   coalesce(own.n, 0) / :days as own_per_day,
                   coalesce(of_campaign.n / nullif(posts_of.n, 0), 0) / :days as campaign_per_day
            from now n
            left join past own on own.campaign_id = n.campaign_id and own.post_id = n.post_id
            left join of_campaign on of_campaign.campaign_id = n.campaign_id
            left join posts_of on posts_of.campaign_id = n.campaign_id""",
        o=org_id,
        since=since,
        until=until,
        days=days,
        **more,
        **time_zones.of_organization(org_id),
    )
    return [
        Running(
            row.post_id,
            row.campaign_id,
            int(row.counted),
            float(row.own_per_day),
            float(row.campaign_per_day),
        )
        for row in rows
    ]


def put_surges(
    org_id: UUID,
    what: str,
    found: Sequence[Surge],
    minutes: int,
    now: datetime,
    quiet: timedelta,
) -> int:
    """Store surges, except of posts that had one within `quiet`; return how many.

    `what` is clicks or actions; a surge of either suppresses both. Serialized by organization.
    """
    execute("select pg_advisory_xact_lock(:key)", key=(org_id.int ^ 0x5) % (2**63))
    rows = column(
        UUID,
        """insert into surges (org_id, id, campaign_id, post_id, what, counted, usual, minutes,
                               noticed_at)
           select :o, v.id, v.campaign_id, v.post_id, :what, v.counted, v.usual, :minutes, :now
           from unnest(cast(:ids as uuid[]), cast(:campaigns as uuid[]), cast(:posts as uuid[]),
                       cast(:counted as int8[]), cast(:usual as float8[]))
                as v (id, campaign_id, post_id, counted, usual)
           where not exists (
             select 1 from surges s
             where s.org_id = :o and s.post_id = v.post_id and s.noticed_at > :quiet_since)
           returning id""",
        o=org_id,
        what=what,
        minutes=minutes,
        now=now,
        quiet_since=now - quiet,
        ids=[new_id() for _ in found],
        campaigns=[each.campaign_id for each in found],
        posts=[each.post_id for each in found],
        counted=[each.counted for each in found],
        usual=[each.usual for each in found],
    )
    return len(rows)


class ListedSurge(NamedTuple):
    """A surge with its post and campaign."""

    id: UUID
    what: str
    counted: int
    usual: float
    minutes: int
    noticed_at: datetime
    campaign_id: UUID
    title: str
    platform: str
    url: str
    slug: str
    name: str
    timezone: str


def list_surges(org_id: UUID, since: datetime) -> list[ListedSurge]:
    """Return the surges detected since then with their posts and campaigns, the newest first."""
    return run(
        ListedSurge,
        """select s.id, s.what, s.counted, s.usual, s.minutes, s.noticed_at, s.campaign_id,
                  p.title, p.platform, p.url, c.slug, c.name, c.timezone
           from surges s
           join posts p on p.org_id = s.org_id and p.id = s.post_id
           join campaigns c on c.org_id = s.org_id and c.id = s.campaign_id
           where s.org_id = :o and s.noticed_at > :since
           order by s.noticed_at desc, s.id desc""",
        o=org_id,
        since=since,
    )
