"""API tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from advocacy.core.ids import new_id, new_key
from advocacy.storage.db import db
from advocacy.storage.errors import NotFound
from advocacy.storage.lookup_keys import find_owner, put_lookup_key, token_digest
from advocacy.storage.models import (
    Token,
)


def put_token(org_id: UUID, name: str, scope: str, expires_at: datetime) -> tuple[Token, str]:
    """Create an API token; return it with its text, which is not stored."""
    token = Token(org_id=org_id, id=new_id(), name=name, scope=scope, expires_at=expires_at)
    db.session.add(token)
    db.session.flush()
    text = new_key("aat")
    put_lookup_key("token", token_digest(text), org_id, token.id)
    return token, text


def find_token(text: str) -> Token | None:
    """Return the token with this text, if it is valid."""
    owner = find_owner("token", text)
    if owner is None:
        return None
    found: Token | None = db.session.scalar(
        select(Token)
        .filter_by(org_id=owner.org_id, id=owner.target_id, revoked_at=None)
        .where(Token.expires_at > func.now())
    )
    return found


def list_tokens(org_id: UUID) -> Sequence[Token]:
    """Return all tokens, the newest first."""
    return list(
        db.session.scalars(select(Token).filter_by(org_id=org_id).order_by(Token.created_at.desc()))
    )


def revoke_token(org_id: UUID, name: str, now: datetime) -> None:
    """Revoke all tokens of this name. Raises `NotFound`."""
    found = list(
        db.session.scalars(select(Token).filter_by(org_id=org_id, name=name, revoked_at=None))
    )
    if not found:
        raise NotFound(f"there is no valid token {name}; see `advocacy token list`")
    for token in found:
        token.revoked_at = now
    db.session.flush()


def revoke_token_by_id(org_id: UUID, token_id: UUID, now: datetime) -> Token:
    """Revoke a token. Raises `NotFound`."""
    found = db.session.get(Token, (org_id, token_id))
    if found is None:
        raise NotFound(f"there is no token {token_id}; see `advocacy token list`")
    found.revoked_at = found.revoked_at or now
    db.session.flush()
    return found
