"""Lookup keys: which organization's source, token, link or member a public key belongs to.

Note: on a cluster every node has this table, and the organization's other tables are on one. So the
owner of a key is read here first, and what the key opens in a second statement, which names the
organization: a join would ask every node, and fail for all while one of them is down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from advocacy.storage.db import db
from advocacy.storage.errors import Taken
from advocacy.storage.models import (
    Address,
)
from advocacy.storage.session import run


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


class KeyOwner(NamedTuple):
    """Whose a key is: the organization, and the row in its table of this kind."""

    kind: str
    word: str
    org_id: UUID
    target_id: UUID


def find_owner(kind: str, token: str) -> KeyOwner | None:
    """Return whose token this is, expired or not."""
    found = find_owners({kind}, {token_digest(token)})
    return found[0] if found else None


def find_owners(kinds: Collection[str], words: Collection[str]) -> list[KeyOwner]:
    """Return whose keys these are, without unknown ones."""
    return run(
        KeyOwner,
        """select kind, word, org_id, target_id from addresses
           where kind = any(cast(:kinds as text[])) and word = any(cast(:words as text[]))""",
        kinds=list(kinds),
        words=list(words),
    )


def find_owners_by_prefix(kind: str, beginning: str) -> list[KeyOwner]:
    """Return whose keys of this kind begin so."""
    return run(
        KeyOwner,
        """select kind, word, org_id, target_id from addresses
           where kind = :kind and word like :beginning""",
        kind=kind,
        beginning=f"{beginning}%",
    )
