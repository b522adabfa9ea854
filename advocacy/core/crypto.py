"""Encrypt bodies and secrets at rest, so that the database alone reveals none of them.

AES-256-GCM from `cryptography`, with a fresh nonce each time and the row's own name as associated
data, so that two encrypted values cannot be swapped. Pure except for random nonces.

Note: an unkeyed digest of a body would reveal it. Everything in a body may be known except whom it
names, and there are few phone numbers, so that anyone with the database could try them all.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from advocacy.core.errors import Unreadable
from advocacy.core.personal_data import reads_as_personal

_NONCE = 12
_VERSION = b"\x01"
_SEALED = "sealed:"


@lru_cache(maxsize=1024)
def _cipher(master: bytes, org_id: UUID) -> AESGCM:
    return AESGCM(organization_key(master, org_id, "seal"))


@lru_cache(maxsize=1024)
def _digest_key(master: bytes, org_id: UUID) -> bytes:
    return organization_key(master, org_id, "digest")


def fingerprint(master: bytes, org_id: UUID, plain: bytes) -> bytes:
    """Return a 32-byte keyed digest of a body; it reveals nothing without the key."""
    digest = hashlib.sha256(plain).digest()
    return hmac.digest(_digest_key(master, org_id), digest, "sha256")


def seal(master: bytes, org_id: UUID, name: str, plain: bytes) -> bytes:
    """Encrypt a value under the organization's key, bound to `name`."""
    nonce = os.urandom(_NONCE)
    cipher = _cipher(master, org_id)
    return _VERSION + nonce + cipher.encrypt(nonce, plain, name.encode())


def unseal(master: bytes, org_id: UUID, name: str, sealed: bytes) -> bytes:
    """Decrypt what `seal` encrypted. Raises `Unreadable("corrupt")` if it was changed or moved."""
    if sealed[:1] != _VERSION:
        raise Unreadable("corrupt", "unknown version")
    nonce, rest = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        return _cipher(master, org_id).decrypt(nonce, rest, name.encode())
    except (InvalidTag, ValueError):
        raise Unreadable("corrupt") from None


def seal_text(master: bytes, org_id: UUID, name: str, text: str) -> str:
    """Return a text as it is stored beside a body: encrypted if it may contain personal data."""
    if not reads_as_personal(text):
        return text
    sealed = seal(master, org_id, name, text.encode("utf-8", "surrogatepass"))
    return _SEALED + base64.b64encode(sealed).decode()


def open_text(master: bytes, org_id: UUID, name: str, stored: str) -> str:
    """Return the text given to `seal_text`. Raises `Unreadable("corrupt")` as `unseal` does."""
    if not stored.startswith(_SEALED):
        return stored
    try:
        sealed = base64.b64decode(stored.removeprefix(_SEALED), validate=True)
    except ValueError:
        raise Unreadable("corrupt") from None
    return unseal(master, org_id, name, sealed).decode("utf-8", "surrogatepass")


DIGEST_BYTES = 16


def organization_key(master: bytes, org_id: UUID, purpose: str) -> bytes:
    """Derive a 32-byte key for one organization and one purpose (HKDF-Expand, RFC 5869).

    One block of HMAC-SHA256 is enough for 32 bytes, and `master` is uniform already.
    """
    return hmac.digest(master, f"{purpose}:{org_id}".encode() + b"\x01", "sha256")


def digest(key: bytes, kind: str, value: str) -> str:
    """Return the keyed hash of a normalized value: 128 bits in hex, bound to its kind."""
    return hmac.digest(key, f"{kind}:v1:{value}".encode(), "sha256")[:DIGEST_BYTES].hex()


NO_ORGANIZATION = UUID(int=0)
"""Stands for the installation itself where a key is derived."""
