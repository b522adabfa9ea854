"""bodies are known again by keyed digests

A plain digest says whom a body names to whoever knows the rest of it and tries all phone numbers.
Those that are there are keyed. What an old process keeps while this runs has a plain one still:
told again, it is flagged as `id_reuse`, and counts once all the same. Stop them first.
"""

import hashlib
import hmac
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from flask import current_app

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_AT_ONCE = 10_000


def upgrade() -> None:
    tables = op.get_bind()
    master = current_app.extensions["settings"].secret_key.encode()
    for (org_id,) in tables.execute(sa.text("select id from organizations")).all():
        key = hmac.digest(master, f"digest:{org_id}".encode() + b"\x01", "sha256")
        after = UUID(int=0)
        while rows := tables.execute(
            sa.text(
                """select id, external_id, body_digest, reason from inbox
                   where org_id = :o and id > :after order by id limit :limit"""
            ),
            {"o": org_id, "after": after, "limit": _AT_ONCE},
        ).all():
            digests = [hmac.digest(key, row.body_digest, "sha256") for row in rows]
            tables.execute(
                sa.text(
                    """update inbox i set body_digest = v.digest, external_id = v.name
                       from unnest(cast(:ids as uuid[]), cast(:digests as bytea[]),
                                   cast(:names as text[])) as v (id, digest, name)
                       where i.org_id = :o and i.id = v.id"""
                ),
                {
                    "o": org_id,
                    "ids": [row.id for row in rows],
                    "digests": digests,
                    "names": [
                        _name(key, row, digest) for row, digest in zip(rows, digests, strict=True)
                    ],
                },
            )
            after = rows[-1].id


def _name(key: bytes, row: sa.Row, digest: bytes) -> str:
    """Return a delivery's name without a plain digest, also where one tells two bodies apart."""
    name, told_apart = row.external_id, f"#{row.body_digest.hex()[:24]}"
    flagged = row.reason == "id_reuse" and name.endswith(told_apart)
    if flagged:
        name = name.removesuffix(told_apart)
    if name.startswith("sha256:"):
        plain = hashlib.sha256(name.encode()).digest()
        name = f"body:{hmac.digest(key, plain, 'sha256').hex()}"
    return f"{name}#{digest.hex()[:24]}" if flagged else name


def downgrade() -> None:
    pass
