"""Sources: configured webhook endpoints, with their keys and secrets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, tuple_

from advocacy.core.crypto import seal, unseal
from advocacy.core.ids import new_id, new_key
from advocacy.core.records import JsonObject
from advocacy.storage.campaigns import Cursor
from advocacy.storage.db import db
from advocacy.storage.errors import NotFound, Taken
from advocacy.storage.lookup_keys import find_owners, put_lookup_key, token_digest
from advocacy.storage.models import (
    Source,
    SourceSecret,
)
from advocacy.storage.session import execute, exists, run


@dataclass(frozen=True, slots=True)
class ReceivingSource:
    """A source as the webhook endpoint needs it."""

    org_id: UUID
    id: UUID
    provider: str
    region: str
    setup: JsonObject
    secrets: tuple[str, ...]
    test: bool = False


def put_source(
    org_id: UUID,
    provider: str,
    name: str,
    *,
    campaign_id: UUID | None = None,
    region: str = "US",
    setup: JsonObject | None = None,
) -> tuple[Source, str]:
    """Create a source; return it with its key, which is not stored. Raises `Taken`."""
    if db.session.scalar(select(Source).filter_by(org_id=org_id, name=name)):
        raise Taken(f"there is already a source {name}")
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
    put_lookup_key("source", token_digest(key), org_id, source.id)
    return source, key


def get_source(org_id: UUID, name: str) -> Source:
    """Return the source of this name. Raises `NotFound`."""
    found: Source | None = db.session.scalar(select(Source).filter_by(org_id=org_id, name=name))
    if found is None:
        raise NotFound(f"there is no source {name}; see `advocacy source list`")
    return found


def disable_source(org_id: UUID, name: str, now: datetime) -> Source:
    """Refuse further deliveries of a source. Raises `NotFound`.

    Earlier deliveries are still processed and stay counted.
    """
    source = get_source(org_id, name)
    source.disabled_at = source.disabled_at or now
    db.session.flush()
    return source


def enable_source(org_id: UUID, name: str) -> Source:
    """Accept deliveries of a source again. Raises `NotFound`."""
    source = get_source(org_id, name)
    source.disabled_at = None
    db.session.flush()
    return source


def find_source(org_id: UUID, source_id: UUID) -> Source | None:
    """Return the source with this id, unless it is archived."""
    found: Source | None = db.session.scalar(
        select(Source).filter_by(org_id=org_id, id=source_id, archived_at=None)
    )
    return found


def rename_source(org_id: UUID, source: Source, name: str) -> None:
    """Give a source another name. Raises `Taken`."""
    other = db.session.scalar(select(Source).filter_by(org_id=org_id, name=name))
    if other is not None and other.id != source.id:
        raise Taken(f"there is already a source {name}")
    source.name = name
    db.session.flush()


def remove_source(org_id: UUID, source: Source, now: datetime) -> bool:
    """Remove a source; archive it if it has deliveries. Return whether it was archived.

    An archived source accepts nothing and is not listed for staff. What it brought stays counted,
    and its name can be used again.
    """
    execute(
        "delete from addresses where org_id = :o and target_id = :s and kind = 'source'",
        o=org_id,
        s=source.id,
    )
    execute(
        "delete from refused_requests where org_id = :o and source_id = :s", o=org_id, s=source.id
    )
    archive = exists(
        "select 1 from inbox where org_id = :o and source_id = :s limit 1", o=org_id, s=source.id
    )
    if archive:
        source.disabled_at = source.disabled_at or now
        source.archived_at = now
        source.name = f"{source.name} ({now:%Y-%m-%d %H:%M:%S})"
    else:
        db.session.delete(source)
    db.session.flush()
    return archive


def replace_key(org_id: UUID, source: Source) -> str:
    """Give a source a new key and return it; the one before stops working."""
    execute(
        "delete from addresses where org_id = :o and target_id = :s and kind = 'source'",
        o=org_id,
        s=source.id,
    )
    key = new_key("src")
    put_lookup_key("source", token_digest(key), org_id, source.id)
    return key


class SourceRow(NamedTuple):
    """A source."""

    org_id: UUID
    id: UUID
    provider: str
    name: str
    campaign_id: UUID | None
    region: str
    setup: JsonObject
    disabled_at: datetime | None
    created_at: datetime
    archived_at: datetime | None = None


def list_sources(org_id: UUID) -> Sequence[SourceRow]:
    """Return all sources by name, also archived ones, as plain rows.

    They can be used after the transaction, and in other threads.
    """
    return run(
        SourceRow,
        """select org_id, id, provider, name, campaign_id, region, setup, disabled_at, created_at,
                  archived_at
           from sources where org_id = :o order by name""",
        o=org_id,
    )


def list_source_page(
    org_id: UUID, limit: int, *, archived: bool | None = False, before: Cursor | None = None
) -> list[Source]:
    """Return sources, newest first, after this cursor; `archived` is None for all."""
    query = select(Source).filter_by(org_id=org_id)
    if archived is not None:
        query = query.where(Source.archived_at.is_not(None) == archived)
    if before:
        query = query.where(tuple_(Source.created_at, Source.id) < before)
    query = query.order_by(Source.created_at.desc(), Source.id.desc()).limit(limit)
    return list(db.session.scalars(query))


def put_secret(
    master: bytes, org_id: UUID, source_id: UUID, secret: str, now: datetime, overlap: timedelta
) -> None:
    """Add a secret to a source; previous ones stay valid for `overlap`."""
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


def find_source_by_key(master: bytes, key: str) -> ReceivingSource | None:
    """Return the enabled source with this key, and all its valid secrets."""
    return find_sources_by_key(master, {key}).get(key)


class _SourceRow(NamedTuple):
    id: UUID
    provider: str
    region: str
    setup: JsonObject
    secret_id: UUID | None
    sealed: bytes | None


def find_sources_by_key(master: bytes, keys: Collection[str]) -> dict[str, ReceivingSource]:
    """Return what `find_source_by_key` would for each of these keys, without unknown keys.

    One query for each organization, for deliveries that arrive together.
    """
    words = {token_digest(key): key for key in keys}
    owners = find_owners({"source", "rehearsal"}, words)
    by_source: dict[tuple[UUID, UUID], list[_SourceRow]] = {}
    for org_id in sorted({owner.org_id for owner in owners}):
        own = {owner.target_id for owner in owners if owner.org_id == org_id}
        for row in _read_sources(org_id, own):
            by_source.setdefault((org_id, row.id), []).append(row)
    return {
        words[owner.word]: ReceivingSource(
            org_id=owner.org_id,
            id=owner.target_id,
            provider=found[0].provider,
            region=found[0].region,
            setup=found[0].setup,
            secrets=tuple(
                unseal(master, owner.org_id, f"secret:{row.secret_id}", row.sealed).decode()
                for row in found
                if row.sealed is not None
            ),
            test=owner.kind == "rehearsal",
        )
        for owner in owners
        if (found := by_source.get((owner.org_id, owner.target_id)))
    }


def _read_sources(org_id: UUID, source_ids: Collection[UUID]) -> list[_SourceRow]:
    """Return the enabled ones of these sources, a row for each valid secret, newest first."""
    return run(
        _SourceRow,
        """select s.id, s.provider, s.region, s.setup, c.id as secret_id, c.sealed
           from sources s
           left join source_secrets c on c.org_id = :o and c.source_id = s.id
             and (c.valid_until is null or c.valid_until > now())
           where s.org_id = :o and s.id = any(cast(:ids as uuid[])) and s.disabled_at is null
           order by c.created_at desc""",
        o=org_id,
        ids=list(source_ids),
    )


def put_test_key(org_id: UUID, source_id: UUID) -> str:
    """Add a key to a source that accepts only marked test actions."""
    key = new_key("rehearsal")
    put_lookup_key("rehearsal", token_digest(key), org_id, source_id)
    return key


def drop_test_key(org_id: UUID, key: str) -> None:
    """Remove the key of an integration test."""
    execute(
        "delete from addresses where org_id = :o and kind = 'rehearsal' and word = :word",
        o=org_id,
        word=token_digest(key),
    )
