"""Bodies and secrets at rest: sealed so that the database alone opens none of them.

AES-256-GCM from `cryptography`, a fresh nonce for each, and the row's own name as associated data,
so that two sealed values cannot change places. Pure but for the chance in a nonce.

What a stranger would get wrong: a plain digest of a body would open it. All of a body may be known
but whom it names, and there are few phone numbers: whoever has the database could try them all.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from advocacy.events import Unreadable
from advocacy.identity import organization_key
from advocacy.providers.base import BODY_ID

_NONCE = 12
_VERSION = b"\x01"


@lru_cache(maxsize=1024)
def _cipher(master: bytes, org_id: UUID) -> AESGCM:
    return AESGCM(organization_key(master, org_id, "seal"))


@lru_cache(maxsize=1024)
def _digest_key(master: bytes, org_id: UUID) -> bytes:
    return organization_key(master, org_id, "digest")


def fingerprint(master: bytes, org_id: UUID, plain: bytes) -> bytes:
    """Return 32 bytes by which a body is known again, and which say nothing without the key."""
    digest = hashlib.sha256(plain).digest()
    return hmac.digest(_digest_key(master, org_id), digest, "sha256")


def keyed_name(master: bytes, org_id: UUID, name: str) -> str:
    """Return a delivery's name as it is kept: where it is a digest of its body, a keyed one."""
    if not name.startswith(BODY_ID):
        return name
    return f"body:{fingerprint(master, org_id, name.encode()).hex()}"


def seal(master: bytes, org_id: UUID, name: str, plain: bytes) -> bytes:
    """Seal a value under the organization's key, bound to `name`."""
    nonce = os.urandom(_NONCE)
    cipher = _cipher(master, org_id)
    return _VERSION + nonce + cipher.encrypt(nonce, plain, name.encode())


def unseal(master: bytes, org_id: UUID, name: str, sealed: bytes) -> bytes:
    """Open what `seal` closed. Raises `Unreadable("corrupt")` where it was changed or moved."""
    if sealed[:1] != _VERSION:
        raise Unreadable("corrupt", "unknown version")
    nonce, rest = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        return _cipher(master, org_id).decrypt(nonce, rest, name.encode())
    except (InvalidTag, ValueError):
        raise Unreadable("corrupt") from None
