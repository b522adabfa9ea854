"""Requests of the API that were carried out, by the key that the client sent with them.

Note: a key is claimed in the transaction that carries the request out. So a second request with
the same key waits for the first, and finds its response or, if it failed, nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from advocacy.core.crypto import seal, unseal
from advocacy.storage.session import execute, run

KEPT_FOR = timedelta(hours=24)
"""How long a key and its response are stored."""


class StoredResponse(NamedTuple):
    """The response to an earlier request with a key; `digest` is that of the request."""

    digest: str
    status: int
    location: str
    body: bytes


class _Row(NamedTuple):
    digest: str
    status: int
    location: str
    sealed: bytes


def claim(
    master: bytes, org_id: UUID, key: str, digest: str, now: datetime
) -> StoredResponse | None:
    """Claim a key for a request; return the stored response if the key was used before."""
    execute(
        "delete from idempotency_keys where org_id = :o and key = :key and created_at <= :before",
        o=org_id,
        key=key,
        before=now - KEPT_FOR,
    )
    if execute(
        """insert into idempotency_keys (org_id, key, digest, created_at)
           values (:o, :key, :digest, :now) on conflict do nothing""",
        o=org_id,
        key=key,
        digest=digest,
        now=now,
    ):
        return None
    (row,) = run(
        _Row,
        """select digest, status, location, sealed from idempotency_keys
           where org_id = :o and key = :key""",
        o=org_id,
        key=key,
    )
    body = unseal(master, org_id, _name(key), row.sealed)
    return StoredResponse(row.digest, row.status, row.location, body)


def put_response(
    master: bytes, org_id: UUID, key: str, status: int, location: str, body: bytes
) -> None:
    """Store the response to the request that claimed a key."""
    execute(
        """update idempotency_keys set status = :status, location = :location, sealed = :sealed
           where org_id = :o and key = :key""",
        o=org_id,
        key=key,
        status=status,
        location=location,
        # It may contain the secret of a new source.
        sealed=seal(master, org_id, _name(key), body),
    )


def delete_old_keys(org_id: UUID, now: datetime) -> int:
    """Delete keys whose time is over; return how many."""
    return execute(
        "delete from idempotency_keys where org_id = :o and created_at <= :before",
        o=org_id,
        before=now - KEPT_FOR,
    )


def _name(key: str) -> str:
    return f"idempotency:{key}"
