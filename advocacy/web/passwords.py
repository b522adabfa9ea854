"""Hash, verify and check passwords: argon2id with the parameters that OWASP recommends.

Note: an unknown email address must take as long as a wrong password, or the response time of the
form reveals who has an account. So without an account a dummy hash is verified.
"""

from __future__ import annotations

import secrets
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 256
_DISTINCT_CHARACTERS = 5

# 19 MiB and two passes take about 10 ms, and many concurrent sign-ins fit into a small machine. A
# hash with other parameters is replaced at the next sign-in.
PASSES, KIBIBYTES = 2, 19 * 1024
_HASHER = PasswordHasher(time_cost=PASSES, memory_cost=KIBIBYTES, parallelism=1)


class WeakPassword(ValueError):
    """The password is easy to guess (or `too_long`): `too_short`, `too_plain` or `too_near`."""


def check_password(password: str, *personal: str) -> None:
    """Reject a password that is short, repetitive, or similar to the member's name or email.

    Raises `WeakPassword`. Digits and symbols are not required: such rules lead to worse passwords.
    """
    if len(password) < SHORTEST:
        raise WeakPassword("too_short")
    if len(password) > LONGEST:
        raise WeakPassword("too_long")
    folded = password.casefold()
    if len(set(folded)) < _DISTINCT_CHARACTERS:
        raise WeakPassword("too_plain")
    for known in personal:
        if len(known) > 3 and len(folded.replace(known.casefold(), "")) < SHORTEST // 2:
            raise WeakPassword("too_near")


def hash_password(password: str) -> str:
    """Return the hash to store: argon2id with its parameters and a new salt."""
    return _HASHER.hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """Return whether the password matches the stored hash; equally slow without one."""
    if len(password) > LONGEST:
        return False
    try:
        return _HASHER.verify(stored or _dummy_hash(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Return whether a hash was made with other parameters than the current ones."""
    return _HASHER.check_needs_rehash(stored)


@lru_cache(maxsize=1)
def _dummy_hash() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))
