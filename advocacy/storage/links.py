"""Tracking links as their page needs them: found again where they are there, listed by page.

What a stranger would get wrong: links that supporters pass on are links too. They are many and not
staff's own, so they are left out here; what they bring is their post's.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from advocacy.storage.db import db
from advocacy.storage.models import Link, Post
from advocacy.storage.session import run


def lock_campaign(org_id: UUID, campaign_id: UUID) -> None:
    """Let nobody else look for links of this campaign and make them, until this is committed."""
    run(
        "select 1 from campaigns where org_id = :o and id = :c for no key update",
        o=org_id,
        c=campaign_id,
    )


def find_post(
    org_id: UUID, campaign_id: UUID, *, url: str, platform: str, title: str
) -> Post | None:
    """Return the campaign's oldest post at this address; without one, of this title."""
    asked = {"org_id": org_id, "campaign_id": campaign_id, "url": url}
    if not url:
        asked |= {"platform": platform, "title": title}
    query = select(Post).filter_by(**asked).order_by(Post.created_at, Post.id).limit(1)
    return db.session.scalar(query)


def describe_post(post: Post, *, medium: str, author: str) -> None:
    """Keep what a post is and who made it; what is empty changes nothing."""
    post.medium = medium or post.medium
    post.author = author or post.author
    db.session.flush()


def find_same_link(
    org_id: UUID, post_id: UUID, destination: str, provider: str, carries: dict[str, str]
) -> Link | None:
    """Return the post's oldest link that leads there in this way and still does."""
    rows = run(
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
    return db.session.get(Link, (org_id, rows[0].id)) if rows else None


def find_link(org_id: UUID, code: str) -> Link | None:
    """Return the organization's link with this code."""
    return db.session.scalar(select(Link).filter_by(org_id=org_id, code=code))


def media(org_id: UUID) -> list[str]:
    """Return the words that posts of the organization have for their medium."""
    return _told("medium", org_id)


def authors(org_id: UUID) -> list[str]:
    """Return who made posts of the organization, as far as that was said."""
    return _told("author", org_id)


def _told(column: str, org_id: UUID) -> list[str]:
    rows = run(
        f"""select distinct {column} as word from posts
            where org_id = :o and {column} <> '' order by 1""",
        o=org_id,
    )
    return [row.word for row in rows]


def list_page(
    org_id: UUID,
    campaign_id: UUID | None,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
) -> list[Any]:
    """Return links with their posts and campaigns, newest first, behind this place."""
    return run(
        """select l.id, l.code, l.destination, l.provider, l.utm, l.created_at,
                  l.disabled_at is not null as disabled, p.id as post_id, p.platform, p.title,
                  p.url, c.slug as campaign, c.name as campaign_name
           from links l
           join posts p on p.org_id = l.org_id and p.id = l.post_id
           join campaigns c on c.org_id = l.org_id and c.id = l.campaign_id
           where l.org_id = :o and l.generation = 0
             and (cast(:c as uuid) is null or l.campaign_id = :c)
             and (cast(:at as timestamptz) is null or (l.created_at, l.id) < (:at, :id))
           order by l.created_at desc, l.id desc limit :limit""",
        o=org_id,
        c=campaign_id,
        at=before[0] if before else None,
        id=before[1] if before else None,
        limit=limit,
    )
