"""Posts of campaigns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, tuple_

from advocacy.core.ids import new_id
from advocacy.storage import packing
from advocacy.storage.campaigns import Cursor
from advocacy.storage.db import db
from advocacy.storage.errors import NotFound
from advocacy.storage.models import (
    Post,
)
from advocacy.storage.session import column, run


def put_post(org_id: UUID, campaign_id: UUID, platform: str, **about: object) -> Post:
    """Make a post of a campaign; `about` has title, url, medium, author, published_at."""
    post = Post(org_id=org_id, id=new_id(), campaign_id=campaign_id, platform=platform, **about)
    db.session.add(post)
    db.session.flush()
    return post


def get_post(org_id: UUID, post_id: UUID) -> Post:
    """Return a post. Raises `NotFound`."""
    found = db.session.get(Post, (org_id, post_id))
    if found is None:
        raise NotFound(f"there is no post {post_id}; see `advocacy post list`")
    return found


def list_posts(org_id: UUID, campaign_id: UUID | None = None) -> Sequence[Post]:
    """Return the posts of a campaign, or all, the newest first."""
    query = select(Post).filter_by(org_id=org_id)
    if campaign_id:
        query = query.filter_by(campaign_id=campaign_id)
    return list(db.session.scalars(query.order_by(Post.published_at.desc(), Post.id.desc())))


def list_post_page(
    org_id: UUID,
    campaign_id: UUID,
    limit: int,
    *,
    archived: bool | None = False,
    before: Cursor | None = None,
) -> list[Post]:
    """Return posts of a campaign, newest first, after this cursor; `archived` is None for all."""
    query = select(Post).filter_by(org_id=org_id, campaign_id=campaign_id)
    if archived is not None:
        query = query.where(Post.archived_at.is_not(None) == archived)
    if before:
        query = query.where(tuple_(Post.created_at, Post.id) < before)
    query = query.order_by(Post.created_at.desc(), Post.id.desc()).limit(limit)
    return list(db.session.scalars(query))


def archive_post(post: Post, at: datetime | None) -> None:
    """Archive a post, unless it is archived already; restore it with None.

    Its links go on redirecting, and its figures stay.
    """
    post.archived_at = at and (post.archived_at or at)
    db.session.flush()


def update_post(
    post: Post,
    *,
    title: str | None = None,
    url: str | None = None,
    published_at: datetime | None = None,
) -> None:
    """Change a post; None changes nothing."""
    if title is not None:
        post.title = title
    if url is not None:
        post.url = url
    if published_at is not None:
        post.published_at = published_at
    db.session.flush()


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
    """Update the medium and author of a post; empty values change nothing."""
    post.medium = medium or post.medium
    post.author = author or post.author
    db.session.flush()


def media(org_id: UUID) -> list[str]:
    """Return the media of the organization's posts."""
    return _words("medium", org_id)


def authors(org_id: UUID) -> list[str]:
    """Return the known authors of the organization's posts."""
    return _words("author", org_id)


def _words(name: str, org_id: UUID) -> list[str]:
    return column(
        str,
        f"""select distinct {name} as word from posts
            where org_id = :o and {name} <> '' order by 1""",
        o=org_id,
    )


class _PlatformRow(NamedTuple):
    id: UUID
    platform: str


def read_platforms(org_id: UUID, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the platforms of these posts."""
    if not ids:
        return {}
    rows = run(
        _PlatformRow,
        "select id, platform from posts where org_id = :o and id = any(cast(:ids as uuid[]))",
        o=org_id,
        ids=packing.uuid_array(ids),
    )
    return {row.id: row.platform for row in rows}
