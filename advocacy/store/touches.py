"""Clicks on tracking links, as the click log brought them, and whose they turned out to be.

What a stranger would get wrong: a click joins nobody by itself. It becomes somebody's when an
action carries its id back, and nobody's again when a second person's action carries it too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from advocacy.clicklog import Click
from advocacy.store import run, run_count

SLOTS = 8


def put_clicks(org_id: UUID, clicks: Sequence[Click], slot: int) -> int:
    """Keep clicks, each once, and count them by post and day; returns how many were new.

    Clicks on links that do not exist (any more) are passed over.
    """
    rows = run(
        """with given as (
             select * from unnest(cast(:ids as text[]), cast(:links as uuid[]),
                                  cast(:ats as timestamptz[]), cast(:humans as bool[]),
                                  cast(:whys as text[]), cast(:hosts as text[]))
                    as v (click_id, link_id, clicked_at, human, why, host)),
           kept as (
             insert into touches (org_id, click_id, link_id, post_id, campaign_id, clicked_at,
                                  human, not_human_why, referrer_host)
             select :o, g.click_id, l.id, l.post_id, l.campaign_id, g.clicked_at, g.human, g.why,
                    g.host
             from given g join links l on l.org_id = :o and l.id = g.link_id
             order by g.click_id
             on conflict (org_id, click_id) do nothing
             returning post_id, campaign_id, clicked_at, human)
           insert into click_totals (org_id, campaign_id, day, post_id, human, slot, clicks)
           select :o, k.campaign_id, (k.clicked_at at time zone c.timezone)::date, k.post_id,
                  k.human, :slot, count(*)
           from kept k join campaigns c on c.org_id = :o and c.id = k.campaign_id
           group by 2, 3, 4, 5 order by 2, 3, 4, 5
           on conflict (org_id, campaign_id, day, post_id, human, slot)
           do update set clicks = click_totals.clicks + excluded.clicks
           returning clicks""",
        o=org_id,
        slot=slot,
        ids=[click.click_id for click in clicks],
        links=[click.link_id for click in clicks],
        ats=[click.at for click in clicks],
        humans=[not click.not_human_why for click in clicks],
        whys=[click.not_human_why for click in clicks],
        hosts=[click.referrer_host for click in clicks],
    )
    return len(rows)


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


def put_owners(org_id: UUID, owners: Mapping[str, set[UUID]]) -> list[tuple[UUID, datetime]]:
    """Say who acted through which click. Returns (supporter, clicked_at) whose evidence changed.

    The first person owns the click; a second one makes it shared, which changes the first one's
    evidence as well.
    """
    pairs = sorted(
        (click_id, supporter) for click_id, people in owners.items() for supporter in people
    )
    if not pairs:
        return []
    rows = run(
        """with given as (
             select click_id, (array_agg(supporter_id order by supporter_id))[1] as first,
                    array_agg(supporter_id) as people
             from unnest(cast(:clicks as text[]), cast(:people as uuid[]))
                  as v (click_id, supporter_id) group by click_id),
           before as (
             select t.click_id, t.supporter_id, t.shared, t.clicked_at, g.first, g.people
             from touches t join given g on g.click_id = t.click_id
             where t.org_id = :o order by t.click_id for update of t)
           update touches t
           set supporter_id = coalesce(b.supporter_id, b.first),
               shared = b.shared or b.people <> array[coalesce(b.supporter_id, b.first)]
           from before b
           where t.org_id = :o and t.click_id = b.click_id
             and (b.supporter_id is null
                  or not b.shared and b.people <> array[b.supporter_id])
           returning coalesce(b.supporter_id, b.first), t.clicked_at, t.shared,
                     b.supporter_id is null""",
        o=org_id,
        clicks=[click_id for click_id, _ in pairs],
        people=[supporter for _, supporter in pairs],
    )
    return [(owner, clicked_at) for owner, clicked_at, shared, new in rows if shared != new]


def forget_owners(org_id: UUID) -> None:
    """Take back who owns which click, for a rebuild."""
    run(
        """update touches set supporter_id = null, shared = false
           where org_id = :o and supporter_id is not null""",
        o=org_id,
    )


def erase_owner(org_id: UUID, supporter_id: UUID) -> int:
    """Cut the clicks of one person loose from her."""
    return run_count(
        """update touches set supporter_id = null, shared = true
           where org_id = :o and supporter_id = :s""",
        o=org_id,
        s=supporter_id,
    )
