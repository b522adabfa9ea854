"""Clicks on tracking links, and their owners.

Note: A click identifies no one by itself. It is of whoever's action carried its id back, and of
no one if actions of several people did. Nothing of that is stored with the click: it follows from
the actions that name it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from advocacy.core.buckets import DAYS
from advocacy.core.dates import day_in
from advocacy.core.records import Click, StoredClick
from advocacy.storage import packing, time_zones
from advocacy.storage.figures_versions import note_change
from advocacy.storage.posts import read_platforms
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


class _ClickRow(NamedTuple):
    supporter_id: UUID | None
    click_id: str
    link_id: UUID
    post_id: UUID
    campaign_id: UUID
    clicked_at: datetime
    seen_at: datetime
    human: bool


_COLUMNS = """t.click_id, t.link_id, t.post_id, t.campaign_id, t.clicked_at, t.seen_at, t.human"""


def by_click_id(org_id: UUID, click_ids: Collection[str]) -> dict[str, StoredClick]:
    """Return the clicks with these ids."""
    if not click_ids:
        return {}
    rows = run(
        _ClickRow,
        f"""select cast(null as uuid) as supporter_id, {_COLUMNS} from touches t
            where t.org_id = :o and t.click_id = any(cast(:ids as text[]))""",
        o=org_id,
        ids=packing.text_array(click_ids),
    )
    return {click.click_id: click for click in _with_platforms(org_id, rows)}


def by_supporter(org_id: UUID, supporters: Collection[UUID]) -> dict[UUID, list[StoredClick]]:
    """Return the clicks that these people own."""
    if not supporters:
        return {}
    rows = run(
        _ClickRow,
        # With a limit the subquery is asked for each click. As a join it may be made of all clicks.
        f"""select a.supporter_id, {_COLUMNS}
            from actions a join touches t on t.org_id = :o and t.click_id = a.click_id
            where a.org_id = :o and a.supporter_id = any(cast(:ids as uuid[]))
              and a.click_id <> '' and not a.test and t.human
              and (select true from actions b
                   where b.org_id = :o and b.click_id = a.click_id and b.click_id <> ''
                     and not b.test and b.supporter_id <> a.supporter_id limit 1) is null""",
        o=org_id,
        ids=packing.uuid_array(supporters),
    )
    found: dict[UUID, dict[str, StoredClick]] = {}
    for row, click in zip(rows, _with_platforms(org_id, rows), strict=True):
        if row.supporter_id:
            found.setdefault(row.supporter_id, {})[click.click_id] = click
    return {supporter: list(clicks.values()) for supporter, clicks in found.items()}


def _with_platforms(org_id: UUID, rows: Sequence[_ClickRow]) -> list[StoredClick]:
    # Many clicks are of few posts: their platforms are read once.
    post_ids = {row.post_id for row in rows}
    platforms = dict.fromkeys(post_ids, "") | read_platforms(org_id, post_ids)
    return [
        StoredClick(
            click_id,
            link_id,
            post_id,
            campaign_id,
            platforms.get(post_id, ""),
            clicked_at,
            seen_at,
            human,
        )
        for _, click_id, link_id, post_id, campaign_id, clicked_at, seen_at, human in rows
    ]


class ClickOwners(NamedTuple):
    """Who named a click in actions: how many addresses, how many people, and one of these."""

    click_id: str
    addresses: int
    people: int
    supporter_id: UUID | None


def find_owners(org_id: UUID, click_ids: Collection[str]) -> list[ClickOwners]:
    """Return who named these clicks, of those that were named; test actions name none."""
    if not click_ids:
        return []
    return run(
        ClickOwners,
        """select click_id, count(distinct email_digest)::int4 as addresses,
                  count(distinct supporter_id)::int4 as people,
                  cast(min(supporter_id::text) as uuid) as supporter_id
           from actions
           where org_id = :o and click_id = any(cast(:ids as text[])) and click_id <> ''
             and not test
           group by click_id""",
        o=org_id,
        ids=packing.text_array(click_ids),
    )


def clear_owners(org_id: UUID) -> None:
    """Remove the owners that an earlier version stored with clicks; nothing reads them."""
    execute(
        """update touches set supporter_id = null, shared = false
           where org_id = :o and (supporter_id is not null or shared)""",
        o=org_id,
    )
