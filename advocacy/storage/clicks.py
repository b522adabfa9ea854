"""Clicks on tracking links, and their owners.

Note: a click alone identifies no one. It gets an owner when an action returns its id, and loses it
when another person's action returns the same id. Who is one person is decided in
`advocacy.identity.resolution`; here it is only stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from advocacy.core.buckets import DAYS
from advocacy.core.dates import day_in
from advocacy.core.records import Click, StoredClick
from advocacy.storage import time_zones
from advocacy.storage.figures_versions import note_change
from advocacy.storage.session import column, execute, run

STRIPES = 8


def put_clicks(org_id: UUID, clicks: Sequence[Click], stripe: int) -> int:
    """Store clicks, each once, and count them by post and day; return how many were new.

    Clicks on links that do not exist (any more) are skipped.
    """
    inserted = _insert_new(org_id, clicks)
    if inserted:
        # A click that is passed twice counts once.
        given = {click.click_id: click for click in clicks}
        _count(org_id, [given[click_id] for click_id in inserted], stripe)
    return len(inserted)


def _insert_new(org_id: UUID, clicks: Sequence[Click]) -> set[str]:
    rows = column(
        str,
        """insert into touches (org_id, click_id, link_id, post_id, campaign_id, clicked_at, human,
                                not_human_why, referrer_host)
           select :o, g.click_id, l.id, l.post_id, l.campaign_id, g.clicked_at, g.why = '', g.why,
                  g.host
           from unnest(cast(:ids as text[]), cast(:links as uuid[]), cast(:ats as timestamptz[]),
                       cast(:whys as text[]), cast(:hosts as text[]))
                  as g (click_id, link_id, clicked_at, why, host)
           join links l on l.org_id = :o and l.id = g.link_id
           order by g.click_id for share of l
           on conflict (org_id, click_id) do nothing
           returning click_id""",
        o=org_id,
        ids=[click.click_id for click in clicks],
        # Converted to text here: the driver would inspect each of them.
        links=f"{{{','.join([str(click.link_id) for click in clicks])}}}",
        ats=f"{{{','.join([click.at.isoformat() for click in clicks])}}}",
        whys=[click.not_human_why for click in clicks],
        hosts=[click.referrer_host for click in clicks],
    )
    return set(rows)


class _CountedLink(NamedTuple):
    id: UUID
    post_id: UUID
    campaign_id: UUID
    timezone: str


def _count(org_id: UUID, clicks: Iterable[Click], stripe: int) -> None:
    """Add clicks to the totals by day and by span, in the order of their keys."""
    # Grouped by minute first: time zones have whole minutes, and there are few of them.
    found = Counter(
        (click.link_id, not click.not_human_why, click.at.replace(second=0, microsecond=0))
        for click in clicks
    )
    links = {
        row.id: row
        for row in run(
            _CountedLink,
            """select l.id, l.post_id, l.campaign_id, c.timezone
               from links l join campaigns c on c.org_id = :o and c.id = l.campaign_id
               where l.org_id = :o and l.id = any(cast(:ids as uuid[]))""",
            o=org_id,
            ids=sorted({link_id for link_id, *_ in found}),
        )
    }
    note_change(org_id, {link.campaign_id for link in links.values()})
    by_day: Counter[tuple[UUID, date, UUID, bool]] = Counter()
    for (link_id, human, minute), number in found.items():
        link = links[link_id]
        day = day_in(minute, link.timezone)
        by_day[link.campaign_id, day, link.post_id, human] += number
    counted = {
        "campaigns": [campaign_id for campaign_id, *_ in by_day],
        "days": [day for _, day, *_ in by_day],
        "posts": [post_id for *_, post_id, _ in by_day],
        "humans": [human for *_, human in by_day],
        "clicks": list(by_day.values()),
    }
    values = """unnest(cast(:campaigns as uuid[]), cast(:days as date[]), cast(:posts as uuid[]),
                       cast(:humans as bool[]), cast(:clicks as int8[]))
                  as v (campaign_id, day, post_id, human, clicks)"""
    execute(
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
        slot=stripe,
        **counted,
    )
    execute(
        f"""insert into click_totals (org_id, campaign_id, day, post_id, human, slot, clicks)
            select :o, v.campaign_id, v.day, v.post_id, v.human, :slot, v.clicks
            from {values} order by 2, 3, 4, 5
            on conflict (org_id, campaign_id, day, post_id, human, slot)
            do update set clicks = click_totals.clicks + excluded.clicks""",
        o=org_id,
        slot=stripe,
        **counted,
    )


def replace_post_of_clicks(
    org_id: UUID, link_ids: Sequence[UUID], post_id: UUID, campaign_id: UUID
) -> int:
    """Move the clicks on these links to another post, in the totals too; return how many."""
    counted = f"""with {time_zones.CLOCKS}
                 insert into click_totals
                   (org_id, campaign_id, day, post_id, human, slot, clicks)
                 select :o, t.campaign_id, {time_zones.day("t.clicked_at", time_zones.EACH)},
                        t.post_id, t.human, 0, {{sign}}count(*)
                 from touches t join campaigns c on c.org_id = :o and c.id = t.campaign_id
                 join clocks k on k.zone = c.timezone
                 where t.org_id = :o and t.link_id = any(cast(:links as uuid[]))
                 group by 2, 3, 4, 5 order by 2, 3, 4, 5
                 on conflict (org_id, campaign_id, day, post_id, human, slot)
                 do update set clicks = click_totals.clicks + excluded.clicks"""
    links = list(link_ids)
    zones = time_zones.of_organization(org_id)
    execute(counted.format(sign="-"), o=org_id, links=links, **zones)
    moved = execute(
        """update touches set post_id = :post, campaign_id = :campaign
           where org_id = :o and link_id = any(cast(:links as uuid[]))""",
        o=org_id,
        links=links,
        post=post_id,
        campaign=campaign_id,
    )
    execute(counted.format(sign=""), o=org_id, links=links, **zones)
    return moved


# A subquery and not a join: if the planner assumes that an organization has one
# post, as before a new one's are analyzed, it would go through all of these clicks for each post.
_COLUMNS = """t.click_id, t.link_id, t.post_id, t.campaign_id,
              (select p.platform from posts p where p.org_id = :o and p.id = t.post_id) as platform,
              t.clicked_at, t.seen_at, t.human, t.supporter_id, t.shared"""


def by_click_id(org_id: UUID, click_ids: Sequence[str]) -> dict[str, StoredClick]:
    """Return the clicks with these ids."""
    rows = run(
        StoredClick,
        f"""select {_COLUMNS} from touches t
            where t.org_id = :o and t.click_id = any(cast(:ids as text[]))""",
        o=org_id,
        ids=list(click_ids),
    )
    return {row.click_id: row for row in rows}


def by_supporter(org_id: UUID, supporters: Sequence[UUID]) -> dict[UUID, list[StoredClick]]:
    """Return the clicks that these people own."""
    found: dict[UUID, list[StoredClick]] = {}
    for row in run(
        StoredClick,
        f"""select {_COLUMNS} from touches t
            where t.org_id = :o and t.supporter_id = any(cast(:ids as uuid[]))
              and not t.shared and t.human""",
        o=org_id,
        ids=list(supporters),
    ):
        if row.supporter_id:
            found.setdefault(row.supporter_id, []).append(row)
    return found


class Owner(NamedTuple):
    """The owner of a click. A `shared` one belongs to several people, so it has no owner."""

    supporter_id: UUID | None
    shared: bool


class _OwnerChange(NamedTuple):
    had: UUID | None
    supporter_id: UUID | None
    clicked_at: datetime


def put_owners(org_id: UUID, owners: Mapping[str, Owner]) -> list[tuple[UUID, datetime]]:
    """Store the owners of clicks. Return the (supporter, clicked_at) whose evidence changed.

    It changes for the new owner and for the previous one.
    """
    if not owners:
        return []
    ordered = sorted(owners)
    rows = run(
        _OwnerChange,
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


def clear_owners(org_id: UUID) -> None:
    """Remove the owners of all clicks, for a rebuild."""
    execute(
        """update touches set supporter_id = null, shared = false
           where org_id = :o and (supporter_id is not null or shared)""",
        o=org_id,
    )
