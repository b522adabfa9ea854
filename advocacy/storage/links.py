"""Tracking links of posts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from advocacy.core.ids import new_code, new_id
from advocacy.core.link_codes import check_code
from advocacy.core.records import LinkByCode, LinkByUtm
from advocacy.core.tracking_parameters import fold_utm, folded_utm
from advocacy.storage import nodes
from advocacy.storage.campaigns import Cursor
from advocacy.storage.db import db
from advocacy.storage.errors import NotFound
from advocacy.storage.figures_versions import note_change
from advocacy.storage.lookup_keys import put_lookup_key
from advocacy.storage.models import (
    Link,
    Post,
)
from advocacy.storage.session import column, execute, run


def find_same_link(
    org_id: UUID, post_id: UUID, destination: str, provider: str, carries: dict[str, str]
) -> Link | None:
    """Return the post's oldest enabled link with this destination, provider and parameters."""
    rows = column(
        UUID,
        """select id from links
           where org_id = :o and post_id = :p and destination = :d and provider = :provider
             and carries = cast(:carries as jsonb) and generation = 0 and disabled_at is null
           order by created_at, id limit 1""",
        o=org_id,
        p=post_id,
        d=destination,
        provider=provider,
        carries=json.dumps(carries),
    )
    return db.session.get(Link, (org_id, rows[0])) if rows else None


def find_link(org_id: UUID, code: str) -> Link | None:
    """Return the organization's link with this code."""
    return db.session.scalar(select(Link).filter_by(org_id=org_id, code=code))


class ListedLink(NamedTuple):
    """A link in the list, with its post and campaign."""

    id: UUID
    code: str
    destination: str
    provider: str
    utm: dict[str, str]
    created_at: datetime
    disabled: bool
    archived: bool
    post_id: UUID
    platform: str
    title: str
    url: str
    campaign: str
    campaign_name: str


def list_page(
    org_id: UUID,
    campaign_id: UUID | None,
    limit: int,
    before: Cursor | None = None,
    *,
    post_id: UUID | None = None,
    code: str = "",
    archived: bool | None = False,
) -> list[ListedLink]:
    """Return links with their posts and campaigns, newest first, after this cursor.

    Only those of a campaign, of a post, or with a code, if one is given. A link is archived if it,
    its post or its campaign is; `archived` is None for all.
    """
    return run(
        ListedLink,
        """select l.id, l.code, l.destination, l.provider, l.utm, l.created_at,
                  l.disabled_at is not null as disabled,
                  coalesce(l.archived_at, p.archived_at, c.archived_at) is not null as archived,
                  p.id as post_id, p.platform, p.title,
                  p.url, c.slug as campaign, c.name as campaign_name
           from links l
           join posts p on p.org_id = l.org_id and p.id = l.post_id
           join campaigns c on c.org_id = l.org_id and c.id = l.campaign_id
           where l.org_id = :o and l.generation = 0
             and (cast(:c as uuid) is null or l.campaign_id = :c)
             and (cast(:p as uuid) is null or l.post_id = :p)
             and (:code = '' or l.code = :code)
             and (cast(:archived as boolean) is null
                  or (coalesce(l.archived_at, p.archived_at, c.archived_at) is not null)
                     = :archived)
             and (cast(:at as timestamptz) is null or (l.created_at, l.id) < (:at, :id))
           order by l.created_at desc, l.id desc limit :limit""",
        o=org_id,
        c=campaign_id,
        p=post_id,
        code=code,
        archived=archived,
        at=before[0] if before else None,
        id=before[1] if before else None,
        limit=limit,
    )


def put_link(
    org_id: UUID,
    post: Post,
    destination: str,
    provider: str,
    utm: dict[str, str],
    code: str = "",
    carries: dict[str, str] | None = None,
) -> Link:
    """Make a tracking link of a post, with a new code or this one.

    Raises `Taken`, and `BadCode` for a code that could not be recognized when it comes back.
    """
    link = Link(
        org_id=org_id,
        id=new_id(),
        post_id=post.id,
        campaign_id=post.campaign_id,
        code=check_code(code) if code else new_code(),
        destination=destination,
        provider=provider,
        utm=utm,
        carries=carries or {},
    )
    put_lookup_key("link", link.code, org_id, link.id)
    db.session.add(link)
    db.session.flush()
    return link


def list_links(org_id: UUID, campaign_id: UUID | None = None) -> Sequence[Link]:
    """Return the links of a campaign, or all, the newest first."""
    query = select(Link).filter_by(org_id=org_id)
    if campaign_id:
        query = query.filter_by(campaign_id=campaign_id)
    return list(db.session.scalars(query.order_by(Link.created_at.desc(), Link.id.desc())))


class LinksVersion(NamedTuple):
    """A version of all links: differs after a link was made, changed, disabled or removed.

    `organizations` has the id, name and fallback URL of each. `complete` is False while a node of
    the cluster is down: then the links of its organizations are not in it.
    """

    enabled: int
    every: int
    newest: datetime | None
    organizations: tuple[tuple[str, str, str], ...] = ()
    complete: bool = True


class LinkRow(NamedTuple):
    """A link as the redirect needs it; `row` is None if it is disabled.

    `row` is a line of JSON: [code, org id, id, provider, destination, utm, carries].
    """

    code: str
    org_id: str
    row: str | None


def links_for_redirect(since: datetime | None = None) -> list[LinkRow]:
    """Return every link of every organization, or those changed or disabled since then."""
    return _links_for_redirect(since, None)


def reachable_links_for_redirect(since: datetime | None = None) -> list[LinkRow]:
    """Return what `links_for_redirect` would, without organizations whose node is down."""
    return nodes.of_all(partial(_links_for_redirect, since)).rows


def _links_for_redirect(since: datetime | None, org_ids: list[UUID] | None) -> list[LinkRow]:
    among, given = _among(org_ids)
    return run(
        LinkRow,
        f"""select code, org_id::text, case when disabled_at is null then
                     json_build_array(code, org_id, id, provider, destination, utm, carries)::text
                   end as row
            from links
            where (cast(:since as timestamptz) is null or changed_at >= :since
                   or disabled_at >= :since) and {among}""",
        since=since,
        **given,
    )


def _among(org_ids: list[UUID] | None) -> tuple[str, dict[str, object]]:
    """Return the condition on these organizations, or on none, and its parameters."""
    if org_ids is None:
        return "true", {}
    return "org_id = any(cast(:ids as uuid[]))", {"ids": org_ids}


class _OrganizationRow(NamedTuple):
    id: str
    name: str
    fallback_url: str


class _LinkCounts(NamedTuple):
    enabled: int
    every: int
    newest: datetime | None


def links_version() -> LinksVersion:
    """Return the current version of all links."""
    organizations = run(
        _OrganizationRow, "select id::text, name, fallback_url from organizations order by id"
    )
    links = nodes.of_all(_count_links)
    return LinksVersion(
        sum(row.enabled for row in links.rows),
        sum(row.every for row in links.rows),
        max((row.newest for row in links.rows if row.newest), default=None),
        tuple((row.id, row.name, row.fallback_url) for row in organizations),
        links.complete,
    )


def _count_links(org_ids: list[UUID] | None) -> list[_LinkCounts]:
    among, given = _among(org_ids)
    return run(
        _LinkCounts,
        f"""select count(*) filter (where disabled_at is null) as enabled, count(*) as every,
                   greatest(max(changed_at), max(disabled_at)) as newest
            from links where {among}""",
        **given,
    )


def create_share_link(org_id: UUID, code: str) -> Link:
    """Make a link with which a supporter shares this one: same post, one generation further.

    Raises `NotFound`. Parents exist before their children, so chains have no loops. The parent is
    locked until the child is stored, so that moving it to another post also moves the child.
    """
    parent = get_link(org_id, code, held=True)
    link = Link(
        org_id=org_id,
        id=new_id(),
        post_id=parent.post_id,
        campaign_id=parent.campaign_id,
        code=new_code(),
        destination=parent.destination,
        provider=parent.provider,
        utm=parent.utm,
        carries=parent.carries,
        parent_id=parent.id,
        generation=parent.generation + 1,
    )
    put_lookup_key("link", link.code, org_id, link.id)
    db.session.add(link)
    db.session.flush()
    return link


def get_link(org_id: UUID, code: str, *, held: bool = False) -> Link:
    """Return the link with this code, locked if `held`. Raises `NotFound`."""
    query = select(Link).filter_by(org_id=org_id, code=code)
    if held:
        query = query.with_for_update(read=True).execution_options(populate_existing=True)
    link: Link | None = db.session.scalar(query)
    if link is None:
        raise NotFound(f"there is no link {code}; see `advocacy link list`")
    return link


def replace_post_of_links(org_id: UUID, link_id: UUID, post: Post) -> list[UUID]:
    """Move a link and all links shared from it to another post; return their ids."""
    before = column(
        UUID, "select campaign_id from links where org_id = :o and id = :id", o=org_id, id=link_id
    )
    note_change(org_id, {*before, post.campaign_id})
    moved: list[UUID] = []
    while True:
        rows = column(
            UUID,
            """with recursive chain as (
                 select id from links where org_id = :o and id = :id
                 union all
                 select l.id from chain c join links l on l.org_id = :o and l.parent_id = c.id)
               update links l set post_id = :post, campaign_id = :campaign, changed_at = now()
               from chain c where l.org_id = :o and l.id = c.id
               returning l.id""",
            o=org_id,
            id=link_id,
            post=post.id,
            campaign=post.campaign_id,
        )
        if len(rows) == len(moved):
            return rows
        # If this waited for a transaction that shared one of these, there is one more now.
        moved = rows


def disable_link(org_id: UUID, code: str, now: datetime) -> None:
    """Disable a link; its clicks and actions stay. Raises `NotFound`."""
    get_link(org_id, code).disabled_at = now
    db.session.flush()


def enable_link(org_id: UUID, code: str, now: datetime) -> None:
    """Enable a link again. Raises `NotFound`."""
    link = get_link(org_id, code)
    # Redirect processes poll for changed links, so they see it within a second.
    link.disabled_at, link.changed_at = None, now
    db.session.flush()


def archive_link(link: Link, at: datetime | None) -> None:
    """Archive a link, unless it is archived already; restore it with None. It keeps redirecting."""
    link.archived_at = at and (link.archived_at or at)
    db.session.flush()


def redirect_to(link: Link, destination: str, now: datetime) -> None:
    """Let a link, and all links shared from it, lead to another page with the same parameters."""
    execute(
        """with recursive chain as (
             select id from links where org_id = :o and id = :id
             union all
             select l.id from chain c join links l on l.org_id = :o and l.parent_id = c.id)
           update links l set destination = :destination, changed_at = :now
           from chain c where l.org_id = :o and l.id = c.id""",
        o=link.org_id,
        id=link.id,
        destination=destination,
        now=now,
    )
    db.session.refresh(link)


class _CodeRow(NamedTuple):
    id: UUID
    code: str


def codes_of(org_id: UUID, link_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the codes of these links."""
    rows = run(
        _CodeRow,
        "select id, code from links where org_id = :o and id = any(cast(:ids as uuid[]))",
        o=org_id,
        ids=list(link_ids),
    )
    return {row.id: row.code for row in rows}


class _GenerationRow(NamedTuple):
    id: UUID
    generation: int


def generations(org_id: UUID, link_ids: Iterable[UUID] | None = None) -> dict[UUID, int]:
    """Return how often these links, or all, were passed on."""
    if link_ids is not None and not (link_ids := list(link_ids)):
        return {}
    some = "" if link_ids is None else "and id = any(cast(:ids as uuid[]))"
    rows = run(
        _GenerationRow,
        f"select id, generation from links where org_id = :o {some}",
        o=org_id,
        ids=link_ids,
    )
    return dict(rows)


def links_by_code(org_id: UUID, codes: Iterable[str]) -> dict[str, LinkByCode]:
    """Return the organization's links with these codes: link_id, post_id, campaign_id, platform."""
    rows = run(
        LinkByCode,
        """select l.code, l.id as link_id, l.post_id, l.campaign_id, p.platform
           from links l join posts p on p.org_id = l.org_id and p.id = l.post_id
           where l.org_id = :o and l.code = any(cast(:codes as text[]))""",
        o=org_id,
        codes=list(codes),
    )
    return {row.code: row for row in rows}


def links_with_utm(org_id: UUID, campaigns: Iterable[str]) -> list[LinkByUtm]:
    """Return the links whose utm_campaign is one of these in any spelling, with folded UTM."""
    rows = run(
        LinkByUtm,
        """select l.utm, l.id as link_id, l.post_id, l.campaign_id, p.platform
           from links l join posts p on p.org_id = l.org_id and p.id = l.post_id
           where l.org_id = :o
             and lower(btrim(l.utm ->> 'campaign')) = any(cast(:campaigns as text[]))
           order by l.id""",
        o=org_id,
        campaigns=sorted({fold_utm(each) for each in campaigns}),
    )
    return [row._replace(utm=folded_utm(row.utm)) for row in rows]
