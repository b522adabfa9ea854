"""What staff make: organizations, campaigns, posts, links, sources with their secrets, tokens.

What a stranger would get wrong: the keys of sources and the tokens of the API are kept as digests
only, in `addresses`, which says for each public word whose it is; they are shown once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from advocacy.core.crypto import seal, unseal
from advocacy.core.ids import new_code, new_id, new_key
from advocacy.core.link_codes import check_code
from advocacy.core.tracking_parameters import fold_utm, folded_utm
from advocacy.storage.db import db
from advocacy.storage.models import (
    Address,
    Campaign,
    Link,
    Organization,
    Post,
    Source,
    SourceSecret,
    Token,
)
from advocacy.storage.session import run

NO_ORGANIZATION = UUID(int=0)
"""Stands for the installation itself where a key is derived."""


class Taken(Exception):
    """The name is in use; the message says which."""


class NotFound(Exception):
    """There is no such thing; the message says what to do."""


def word_digest(word: str) -> str:
    """Return the digest of a key or token; 32 random bytes need no slow hash."""
    return hashlib.sha256(word.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SourceAtDoor:
    """What the door needs of a source."""

    org_id: UUID
    id: UUID
    provider: str
    region: str
    setup: dict[str, Any]
    secrets: tuple[str, ...]
    test: bool = False


def put_organization(slug: str, name: str, timezone: str = "UTC") -> Organization:
    """Make an organization. Raises `Taken`."""
    if db.session.scalar(select(Organization).filter_by(slug=slug)):
        raise Taken(f"there is an organization {slug} already")
    organization = Organization(id=new_id(), slug=slug, name=name, timezone=timezone)
    db.session.add(organization)
    db.session.flush()
    return organization


def set_fallback_url(organization: Organization, url: str) -> None:
    """Set where supporters can go whose link leads nowhere; empty for no such address."""
    organization.fallback_url = url
    db.session.flush()


def get_organization(slug: str | None) -> Organization:
    """Return the organization; without a slug, the only one there is. Raises `NotFound`."""
    if slug:
        found: Organization | None = db.session.scalar(select(Organization).filter_by(slug=slug))
        if found is None:
            raise NotFound(f"there is no organization {slug}; see `advocacy org list`")
        return found
    every = list_organizations()
    if not every:
        raise NotFound("there is no organization yet; make one with `advocacy org create`")
    if len(every) > 1:
        raise NotFound("there are several organizations; say which with --org")
    return every[0]


def list_organizations() -> Sequence[Organization]:
    """Return all organizations by slug."""
    return list(db.session.scalars(select(Organization).order_by(Organization.slug)))


def find_organization(org_id: UUID) -> Organization | None:
    """Return the organization with this id."""
    return db.session.get(Organization, org_id)


def put_campaign(org_id: UUID, slug: str, name: str, timezone: str) -> Campaign:
    """Make a campaign. Raises `Taken`."""
    if db.session.scalar(select(Campaign).filter_by(org_id=org_id, slug=slug)):
        raise Taken(f"there is a campaign {slug} already")
    campaign = Campaign(org_id=org_id, id=new_id(), slug=slug, name=name, timezone=timezone)
    db.session.add(campaign)
    db.session.flush()
    return campaign


def find_campaign(org_id: UUID, slug: str) -> Campaign | None:
    """Return the organization's campaign of this slug."""
    return db.session.scalar(select(Campaign).filter_by(org_id=org_id, slug=slug))


def get_campaign(org_id: UUID, slug: str) -> Campaign:
    """Return the organization's campaign of this slug. Raises `NotFound`."""
    found = find_campaign(org_id, slug)
    if found is None:
        raise NotFound(f"there is no campaign {slug}; see `advocacy campaign list`")
    return found


def list_campaigns(org_id: UUID) -> Sequence[Campaign]:
    """Return all campaigns, the newest first."""
    return list(
        db.session.scalars(
            select(Campaign).filter_by(org_id=org_id).order_by(Campaign.created_at.desc())
        )
    )


def put_post(org_id: UUID, campaign_id: UUID, platform: str, **about: Any) -> Post:
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


def put_link(
    org_id: UUID,
    post: Post,
    destination: str,
    provider: str,
    utm: dict[str, str],
    code: str = "",
    carries: dict[str, str] | None = None,
) -> Link:
    """Make a tracking link of a post, with a fresh code or this one.

    Raises `Taken`, and `BadCode` for a code that would not be known again when it comes back.
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
    _put_address("link", link.code, org_id, link.id)
    db.session.add(link)
    db.session.flush()
    return link


def list_links(org_id: UUID, campaign_id: UUID | None = None) -> Sequence[Link]:
    """Return the links of a campaign, or all, the newest first."""
    query = select(Link).filter_by(org_id=org_id)
    if campaign_id:
        query = query.filter_by(campaign_id=campaign_id)
    return list(db.session.scalars(query.order_by(Link.created_at.desc(), Link.id.desc())))


class LinksMark(NamedTuple):
    """Another one whenever a link was made, changed, disabled or removed.

    `organizations` has for each its id, its name and its fallback address.
    """

    enabled: int
    every: int
    newest: datetime | None
    organizations: tuple[tuple[str, str, str], ...] = ()


class LinkRow(NamedTuple):
    """What the redirect needs of a link; `row` is None where it is disabled.

    `row` is a line of JSON: [code, org id, id, provider, destination, utm, carries].
    """

    code: str
    org_id: str
    row: str | None


def links_for_redirect(since: datetime | None = None) -> list[LinkRow]:
    """Return every link of every organization, or those that were changed or disabled since."""
    rows = run(
        """select code, org_id::text, case when disabled_at is null then
                    json_build_array(code, org_id, id, provider, destination, utm, carries)::text
                  end as row
           from links
           where cast(:since as timestamptz) is null or changed_at >= :since
             or disabled_at >= :since""",
        since=since,
    )
    return [LinkRow(*row) for row in rows]


def links_mark() -> LinksMark:
    """Return the mark of all links as they are now."""
    organizations = run("select id::text, name, fallback_url from organizations order by id")
    links = run(
        """select count(*) filter (where disabled_at is null) as enabled, count(*) as every,
                  greatest(max(changed_at), max(disabled_at)) as newest
           from links"""
    )[0]
    return LinksMark(
        links.enabled,
        links.every,
        links.newest,
        tuple((row.id, row.name, row.fallback_url) for row in organizations),
    )


def put_share(org_id: UUID, code: str) -> Link:
    """Make a link that passes this one on: same post, same page, one generation further.

    Raises `NotFound`. A parent is there before its child, so that chains have no loops. It is held
    until the child is: whoever moves it finds the child, or has moved the parent before.
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
    _put_address("link", link.code, org_id, link.id)
    db.session.add(link)
    db.session.flush()
    return link


def get_link(org_id: UUID, code: str, *, held: bool = False) -> Link:
    """Return the link with this code, `held` as it is. Raises `NotFound`."""
    query = select(Link).filter_by(org_id=org_id, code=code)
    if held:
        query = query.with_for_update(read=True).execution_options(populate_existing=True)
    link: Link | None = db.session.scalar(query)
    if link is None:
        raise NotFound(f"there is no link {code}; see `advocacy link list`")
    return link


def replace_post_of_links(org_id: UUID, link_id: UUID, post: Post) -> list[UUID]:
    """Let a link and all that was passed on from it be of another post; returns their ids."""
    moved: list[Any] = []
    while True:
        rows = run(
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
            return [row.id for row in rows]
        # Where this waited for somebody who passed one of these on, there is one more now.
        moved = rows


def disable_link(org_id: UUID, code: str, now: datetime) -> None:
    """Let a link lead nowhere from now on; its clicks and actions stay. Raises `NotFound`."""
    get_link(org_id, code).disabled_at = now
    db.session.flush()


def enable_link(org_id: UUID, code: str, now: datetime) -> None:
    """Let a link lead to its destination again. Raises `NotFound`."""
    link = get_link(org_id, code)
    # Redirect processes look at what was changed, so that they see it within a second.
    link.disabled_at, link.changed_at = None, now
    db.session.flush()


def codes_of(org_id: UUID, link_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the codes of these links."""
    rows = run(
        "select id, code from links where org_id = :o and id = any(cast(:ids as uuid[]))",
        o=org_id,
        ids=list(link_ids),
    )
    return {row.id: row.code for row in rows}


def links_by_code(org_id: UUID, codes: Sequence[str]) -> dict[str, Any]:
    """Return the organization's links with these codes: link_id, post_id, campaign_id, platform."""
    rows = run(
        """select l.code, l.id as link_id, l.post_id, l.campaign_id, p.platform
           from links l join posts p on p.org_id = l.org_id and p.id = l.post_id
           where l.org_id = :o and l.code = any(cast(:codes as text[]))""",
        o=org_id,
        codes=list(codes),
    )
    return {row.code: row for row in rows}


def links_with_utm(org_id: UUID, campaigns: Iterable[str]) -> list[Any]:
    """Return the links whose utm_campaign is one of these, however written, with folded UTM."""
    rows = run(
        """select l.utm, l.id as link_id, l.post_id, l.campaign_id, p.platform
           from links l join posts p on p.org_id = l.org_id and p.id = l.post_id
           where l.org_id = :o
             and lower(btrim(l.utm ->> 'campaign')) = any(cast(:campaigns as text[]))
           order by l.id""",
        o=org_id,
        campaigns=sorted({fold_utm(each) for each in campaigns}),
    )
    return [row._replace(utm=folded_utm(row.utm)) for row in rows]


def zones(org_id: UUID) -> dict[UUID | None, str]:
    """Return the time zone of every campaign; under None, the organization's own."""
    found: dict[UUID | None, str] = {
        None: run("select timezone from organizations where id = :o", o=org_id)[0][0]
    }
    found.update(
        (row.id, row.timezone)
        for row in run("select id, timezone from campaigns where org_id = :o", o=org_id)
    )
    return found


def put_source(
    org_id: UUID,
    provider: str,
    name: str,
    *,
    campaign_id: UUID | None = None,
    region: str = "US",
    setup: dict[str, Any] | None = None,
) -> tuple[Source, str]:
    """Make a source; returns it with its key, which is kept nowhere. Raises `Taken`."""
    if db.session.scalar(select(Source).filter_by(org_id=org_id, name=name)):
        raise Taken(f"there is a source {name} already")
    source = Source(
        org_id=org_id,
        id=new_id(),
        provider=provider,
        name=name,
        campaign_id=campaign_id,
        region=region,
        setup=setup or {},
    )
    db.session.add(source)
    db.session.flush()
    key = new_key("src")
    _put_address("source", word_digest(key), org_id, source.id)
    return source, key


def get_source(org_id: UUID, name: str) -> Source:
    """Return the source of this name. Raises `NotFound`."""
    found: Source | None = db.session.scalar(select(Source).filter_by(org_id=org_id, name=name))
    if found is None:
        raise NotFound(f"there is no source {name}; see `advocacy source list`")
    return found


def disable_source(org_id: UUID, name: str, now: datetime) -> Source:
    """Refuse what comes to a source's address from now on. Raises `NotFound`.

    What came before is worked through and stays counted.
    """
    source = get_source(org_id, name)
    source.disabled_at = source.disabled_at or now
    db.session.flush()
    return source


def enable_source(org_id: UUID, name: str) -> Source:
    """Take deliveries of a source again. Raises `NotFound`."""
    source = get_source(org_id, name)
    source.disabled_at = None
    db.session.flush()
    return source


def list_sources(org_id: UUID) -> Sequence[Any]:
    """Return all sources by name, as plain rows.

    So they outlive the transaction in which they were read, and may go to another thread.
    """
    return run(
        """select org_id, id, provider, name, campaign_id, region, setup, disabled_at, created_at
           from sources where org_id = :o order by name""",
        o=org_id,
    )


def put_secret(
    master: bytes, org_id: UUID, source_id: UUID, secret: str, now: datetime, overlap: timedelta
) -> None:
    """Add a secret to a source; those before it stay valid for `overlap`, then end."""
    for old in db.session.scalars(
        select(SourceSecret).filter_by(org_id=org_id, source_id=source_id, valid_until=None)
    ):
        old.valid_until = now + overlap
    secret_id = new_id()
    db.session.add(
        SourceSecret(
            org_id=org_id,
            id=secret_id,
            source_id=source_id,
            sealed=seal(master, org_id, f"secret:{secret_id}", secret.encode()),
        )
    )
    db.session.flush()


def find_source_at_door(master: bytes, key: str) -> SourceAtDoor | None:
    """Return the enabled source that this key opens, with all its secrets that are valid now."""
    return find_sources_at_door(master, {key}).get(key)


def find_sources_at_door(master: bytes, keys: Collection[str]) -> dict[str, SourceAtDoor]:
    """Return what `find_source_at_door` would for each of these keys, without those that open none.

    All in one query, for deliveries that knock together.
    """
    words = {word_digest(key): key for key in keys}
    rows = run(
        """select a.word, s.org_id, s.id, s.provider, s.region, s.setup, c.id as secret_id,
                  c.sealed, a.kind = 'rehearsal' as test
           from addresses a
           join sources s on s.org_id = a.org_id and s.id = a.target_id
           left join source_secrets c on c.org_id = s.org_id and c.source_id = s.id
             and (c.valid_until is null or c.valid_until > now())
           where a.kind in ('source', 'rehearsal') and a.word = any(cast(:words as text[]))
             and s.disabled_at is null
           order by c.created_at desc""",
        words=list(words),
    )
    by_key: dict[str, list[Any]] = {}
    for row in rows:
        by_key.setdefault(words[row.word], []).append(row)
    return {
        key: SourceAtDoor(
            org_id=found[0].org_id,
            id=found[0].id,
            provider=found[0].provider,
            region=found[0].region,
            setup=found[0].setup,
            secrets=tuple(
                unseal(master, row.org_id, f"secret:{row.secret_id}", row.sealed).decode()
                for row in found
                if row.sealed is not None
            ),
            test=found[0].test,
        )
        for key, found in by_key.items()
    }


def put_rehearsal_key(org_id: UUID, source_id: UUID) -> str:
    """Make a further key of a source, through which only marked test actions come."""
    key = new_key("rehearsal")
    _put_address("rehearsal", word_digest(key), org_id, source_id)
    return key


def drop_rehearsal_key(org_id: UUID, key: str) -> None:
    """Remove the key of a rehearsal."""
    run(
        "delete from addresses where org_id = :o and kind = 'rehearsal' and word = :word",
        o=org_id,
        word=word_digest(key),
    )


def put_token(org_id: UUID, name: str, scope: str, expires_at: datetime) -> tuple[Token, str]:
    """Make an API token; returns it with its text, which is kept nowhere."""
    token = Token(org_id=org_id, id=new_id(), name=name, scope=scope, expires_at=expires_at)
    db.session.add(token)
    db.session.flush()
    word = new_key("aat")
    _put_address("token", word_digest(word), org_id, token.id)
    return token, word


def find_token(word: str) -> Token | None:
    """Return the token with this text, if it may be used now."""
    rows = run(
        """select t.org_id, t.id from addresses a
           join tokens t on t.org_id = a.org_id and t.id = a.target_id
           where a.kind = 'token' and a.word = :word
             and t.revoked_at is null and t.expires_at > now()""",
        word=word_digest(word),
    )
    return db.session.get(Token, tuple(rows[0])) if rows else None


def list_tokens(org_id: UUID) -> Sequence[Token]:
    """Return all tokens, the newest first."""
    return list(
        db.session.scalars(select(Token).filter_by(org_id=org_id).order_by(Token.created_at.desc()))
    )


def revoke_token(org_id: UUID, name: str, now: datetime) -> None:
    """End every token of this name at once. Raises `NotFound`."""
    found = list(
        db.session.scalars(select(Token).filter_by(org_id=org_id, name=name, revoked_at=None))
    )
    if not found:
        raise NotFound(f"there is no valid token {name}; see `advocacy token list`")
    for token in found:
        token.revoked_at = now
    db.session.flush()


def _put_address(kind: str, word: str, org_id: UUID, target_id: UUID) -> None:
    inserted = db.session.execute(
        insert(Address)
        .values(kind=kind, word=word, org_id=org_id, target_id=target_id)
        .on_conflict_do_nothing()
        .returning(Address.word)
    ).first()
    if inserted is None:
        raise Taken(f"the {kind} word {word} is in use; choose another")
