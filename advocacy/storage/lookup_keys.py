"""Lookup keys: which organization's source, token, link or member a public key belongs to."""

from __future__ import annotations

import hashlib
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from advocacy.storage.db import db
from advocacy.storage.errors import Taken
from advocacy.storage.models import (
    Address,
)


def token_digest(word: str) -> str:
    """Return the digest of a key or token; 32 random bytes need no slow hash."""
    return hashlib.sha256(word.encode()).hexdigest()


def put_lookup_key(kind: str, word: str, org_id: UUID, target_id: UUID) -> None:
    """Store the owner of a key. Raises `Taken`."""
    inserted = db.session.execute(
        insert(Address)
        .values(kind=kind, word=word, org_id=org_id, target_id=target_id)
        .on_conflict_do_nothing()
        .returning(Address.word)
    ).first()
    if inserted is None:
        raise Taken(f"the {kind} word {word} is in use; choose another")
