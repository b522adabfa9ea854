"""Generate ids: UUIDv7, link codes, click ids, keys."""

from __future__ import annotations

import hashlib
import secrets
import time
from datetime import datetime
from uuid import UUID, SafeUUID

from advocacy.core.tracking_parameters import CLICK_ID_LENGTH, CODE_LENGTH

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
# Maps any byte to a letter; 32 divides 256, so all letters are equally likely.
_LETTERS = (_ALPHABET * 8).encode()


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562): 48 bits of milliseconds, then random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def first_id_since(at: datetime) -> UUID:
    """Return the smallest UUIDv7 made at this instant or later."""
    return UUID(int=max(0, int(at.timestamp() * 1000)) << 80)


def new_code() -> str:
    """Return a link code of 60 random bits, so that no one finds a campaign by trying codes."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LENGTH))


def new_click_id() -> str:
    """Return a click id of 130 random bits, which says nothing about the click or the person."""
    return secrets.token_bytes(CLICK_ID_LENGTH).translate(_LETTERS).decode()


def new_key(prefix: str) -> str:
    """Return a secret key with a prefix by which secret scanners recognize it."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def stable_id(named: bytes) -> UUID:
    """Return the id for these 16 bytes: a UUIDv8 (RFC 9562), equal for equal bytes."""
    value = int.from_bytes(named[:16]) & _NEITHER | _VERSION_8
    # Its own constructor looks for six ways to write one: three times as slow.
    made = object.__new__(UUID)
    object.__setattr__(made, "int", value)
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made


_NEITHER = ~(0xF << 76 | 0x3 << 62)
_VERSION_8 = 0x8 << 76 | 0x2 << 62


BODY_ID = "sha256:"
"""The prefix of a delivery id that is a digest of its body; see `minimization.keyed_name`."""


def body_id(body: bytes) -> str:
    """Return a delivery id derived from the body, for tools that give deliveries no id."""
    return BODY_ID + hashlib.sha256(body).hexdigest()
