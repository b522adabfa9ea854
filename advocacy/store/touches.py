"""Clicks on tracking links, as the click log brought them, and whose they turned out to be.

What a stranger would get wrong: a click joins nobody by itself. It becomes somebody's when an
action carries its id back, and nobody's again when a second person's action carries it too. Who is
one person is worked out elsewhere (`joining`); here it is only written down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from advocacy.clicklog import Click
from advocacy.spans import DAYS
from advocacy.store import run, run_count

SLOTS = 8


def put_clicks(org_id: UUID, clicks: Sequence[Click], slot: int) -> int:
    """Keep clicks, each once, and count them by post and day; returns how many were new.

    Clicks on links that do not exist (any more) are passed over.
    """
    new = [row.click_id for row in _insert_new(org_id, clicks)]
    if new:
        _count(org_id, new, slot)
    return len(new)


def _insert_new(org_id: UUID, clicks: Sequence[Click]) -> list[Any]:
    return run(
        """insert into touches (org_id, click_id, link_id, post_id, campaign_id, clicked_at, human,
                                not_human_why, referrer_host)
           select :o, g.click_id, l.id, l.post_id, l.campaign_id, g.clicked_at, g.human, g.why,
                  g.host
           from unnest(cast(:ids as text[]), cast(:links as uuid[]), cast(:ats as timestamptz[]),
                       cast(:humans as bool[]), cast(:whys as text[]), cast(:hosts as text[]))
                  as g (click_id, link_id, clicked_at, human, why, host)
           join links l on l.org_id = :o and l.id = g.link_id
           order by g.click_id for share of l
           on conflict (org_id, click_id) do nothing
           returning click_id""",
        o=org_id,
        ids=[click.click_id for click in clicks],
        links=[click.link_id for click in clicks],
        ats=[click.at for click in clicks],
        humans=[not click.not_human_why for click in clicks],
        whys=[click.not_human_why for click in clicks],
        hosts=[click.referrer_host for click in clicks],
    )


def _count(org_id: UUID, click_ids: Sequence[str], slot: int) -> None:
    """Add these clicks to the totals by day and by span, in the order of their keys."""
    rows = run(
        """select t.campaign_id, (t.clicked_at at time zone c.timezone)::date as day, t.post_id,
                  t.human, count(*)::int8 as clicks
           from touches t join campaigns c on c.org_id = :o and c.id = t.campaign_id
           where t.org_id = :o and t.click_id = any(cast(:ids as text[]))
           group by 1, 2, 3, 4 order by 1, 2, 3, 4""",
        o=org_id,
        ids=list(click_ids),
    )
    counted = {
        "campaigns": [row.campaign_id for row in rows],
        "days": [row.day for row in rows],
        "posts": [row.post_id for row in rows],
        "humans": [row.human for row in rows],
        "clicks": [row.clicks for row in rows],
    }
    values = """unnest(cast(:campaigns as uuid[]), cast(:days as date[]), cast(:posts as uuid[]),
                       cast(:humans as bool[]), cast(:clicks as int8[]))
                  as v (campaign_id, day, post_id, human, clicks)"""
    run(
        f"""insert into click_span_totals (org_id, campaign_id, starts_on, post_id, human, slot,
                                           clicks)
            select :o, v.campaign_id,
                   date '0001-01-01' + (v.day - date '0001-01-01') / :span * :span as starts_on,
                   v.post_id, v.human, :slot, sum(v.clicks)
            from {values} group by 2, 3, 4, 5 order by 2, 3, 4, 5
            on conflict (org_id, campaign_id, starts_on, post_id, human, slot)
            do update set clicks = click_span_totals.clicks + excluded.clicks""",
        o=org_id,
        span=DAYS,
        slot=slot,
        **counted,
    )
    run(
        f"""insert into click_totals (org_id, campaign_id, day, post_id, human, slot, clicks)
            select :o, v.campaign_id, v.day, v.post_id, v.human, :slot, v.clicks
            from {values} order by 2, 3, 4, 5
            on conflict (org_id, campaign_id, day, post_id, human, slot)
            do update set clicks = click_totals.clicks + excluded.clicks""",
        o=org_id,
        slot=slot,
        **counted,
    )


def replace_post_of_clicks(
    org_id: UUID, link_ids: Sequence[UUID], post_id: UUID, campaign_id: UUID
) -> int:
    """Let the clicks on these links be of another post, and count them there; returns how many."""
    counted = """insert into click_totals (org_id, campaign_id, day, post_id, human, slot, clicks)
                 select :o, t.campaign_id, (t.clicked_at at time zone c.timezone)::date, t.post_id,
                        t.human, 0, {sign}count(*)
                 from touches t join campaigns c on c.org_id = :o and c.id = t.campaign_id
                 where t.org_id = :o and t.link_id = any(cast(:links as uuid[]))
                 group by 2, 3, 4, 5 order by 2, 3, 4, 5
                 on conflict (org_id, campaign_id, day, post_id, human, slot)
                 do update set clicks = click_totals.clicks + excluded.clicks"""
    links = list(link_ids)
    run(counted.format(sign="-"), o=org_id, links=links)
    moved = run_count(
        """update touches set post_id = :post, campaign_id = :campaign
           where org_id = :o and link_id = any(cast(:links as uuid[]))""",
        o=org_id,
        links=links,
        post=post_id,
        campaign=campaign_id,
    )
    run(counted.format(sign=""), o=org_id, links=links)
    return moved


_COLUMNS = """t.click_id, t.link_id, t.post_id, t.campaign_id, p.platform, t.clicked_at,
              t.seen_at, t.human, t.supporter_id, t.shared"""


def by_click_id(org_id: UUID, click_ids: Sequence[str]) -> dict[str, Any]:
    """Return the clicks with these ids."""
    rows = run(
        f"""select {_COLUMNS} from touches t
            join posts p on p.org_id = t.org_id and p.id = t.post_id
            where t.org_id = :o and t.click_id = any(cast(:ids as text[]))""",
        o=org_id,
        ids=list(click_ids),
    )
    return {row.click_id: row for row in rows}


def by_supporter(org_id: UUID, supporters: Sequence[UUID]) -> dict[UUID, list[Any]]:
    """Return the clicks that are known to be these people's, and only theirs."""
    found: dict[UUID, list[Any]] = {}
    for row in run(
        f"""select {_COLUMNS} from touches t
            join posts p on p.org_id = t.org_id and p.id = t.post_id
            where t.org_id = :o and t.supporter_id = any(cast(:ids as uuid[]))
              and not t.shared and t.human""",
        o=org_id,
        ids=list(supporters),
    ):
        found.setdefault(row.supporter_id, []).append(row)
    return found


class Owner(NamedTuple):
    """Whose a click is. `shared` says that it is several people's, and so nobody's."""

    supporter_id: UUID | None
    shared: bool


def put_owners(org_id: UUID, owners: Mapping[str, Owner]) -> list[tuple[UUID, datetime]]:
    """Say whose these clicks are. Returns (supporter, clicked_at) whose evidence changed.

    It changes for whoever has the click now, and for whoever had it.
    """
    if not owners:
        return []
    ordered = sorted(owners)
    rows = run(
        """with given as (
             select * from unnest(cast(:clicks as text[]), cast(:people as uuid[]),
                                  cast(:shared as bool[])) as v (click_id, supporter_id, shared)),
           before as (
             select t.click_id, t.supporter_id as had, g.supporter_id, g.shared
             from touches t join given g on g.click_id = t.click_id
             where t.org_id = :o and (t.supporter_id, t.shared)
                                     is distinct from (g.supporter_id, g.shared)
             order by t.click_id for update of t)
           update touches t set supporter_id = b.supporter_id, shared = b.shared
           from before b
           where t.org_id = :o and t.click_id = b.click_id
           returning b.had, b.supporter_id, t.clicked_at""",
        o=org_id,
        clicks=ordered,
        people=[owners[click_id].supporter_id for click_id in ordered],
        shared=[owners[click_id].shared for click_id in ordered],
    )
    return [
        (supporter, clicked_at)
        for had, has, clicked_at in rows
        for supporter in (had, has)
        if supporter
    ]


def forget_owners(org_id: UUID) -> None:
    """Take back who owns which click, for a rebuild."""
    run(
        """update touches set supporter_id = null, shared = false
           where org_id = :o and (supporter_id is not null or shared)""",
        o=org_id,
    )
