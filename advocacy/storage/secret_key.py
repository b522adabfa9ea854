"""The digest of the key with which the data is encrypted and hashed, and samples of such data.

It is one row for the whole installation, with the nil UUID as organization.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from advocacy.core.crypto import NO_ORGANIZATION
from advocacy.storage.session import column, execute, run

_SAMPLES = 3


def find_digest() -> bytes | None:
    """Return the digest, or None if no process has used this database yet."""
    rows = column(
        bytes, "select digest from secret_key_digests where org_id = :o", o=NO_ORGANIZATION
    )
    return bytes(rows[0]) if rows else None


def put_digest(digest: bytes) -> None:
    """Store the digest, unless there is one."""
    execute(
        """insert into secret_key_digests (org_id, digest) values (:o, :digest)
           on conflict (org_id) do nothing""",
        o=NO_ORGANIZATION,
        digest=digest,
    )


class _Sealed(NamedTuple):
    id: UUID
    sealed: bytes


def sealed_samples() -> list[tuple[UUID, str, bytes]]:
    """Return samples of encrypted data, the oldest of each organization: (org_id, name, sealed)."""
    found: list[tuple[UUID, str, bytes]] = []
    for org_id in column(UUID, "select id from organizations"):
        secrets = run(
            _Sealed,
            """select id, sealed from source_secrets where org_id = :o
               order by created_at limit :limit""",
            o=org_id,
            limit=_SAMPLES,
        )
        bodies = run(
            _Sealed,
            """select id, body as sealed from inbox where org_id = :o and body is not null
               order by received_at limit :limit""",
            o=org_id,
            limit=_SAMPLES,
        )
        found += [(org_id, f"secret:{row.id}", bytes(row.sealed)) for row in secrets]
        found += [(org_id, f"body:{row.id}", bytes(row.sealed)) for row in bodies]
    return found
