"""How a password is kept and tried: argon2id, with what OWASP asks for today.

Pure but for the chance in a salt: nothing is stored or looked up here.

Note: to say that nobody has this e-mail address must take as long as to
say that the password is wrong, or the form tells who works here. So there is a password of nobody.
"""

from __future__ import annotations

import secrets
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 256
_DIFFERENT_LETTERS = 5

# 19 MiB and two passes: a hundredth of a second's work for us, and many sign-ins at once still fit
# into a small machine. A hash made with other parameters is made anew at the next sign-in.
PASSES, KIBIBYTES = 2, 19 * 1024
_HASHER = PasswordHasher(time_cost=PASSES, memory_cost=KIBIBYTES, parallelism=1)


class WeakPassword(ValueError):
    """The password would be guessed: `too_short`, `too_long`, `too_plain` or `too_near`."""


def check_password(password: str, *about: str) -> None:
    """Refuse a password that is short, plain, or made of what is known of its owner.

    Raises `WeakPassword`. There are no rules about digits and signs: they make worse passwords.
    """
    if len(password) < SHORTEST:
        raise WeakPassword("too_short")
    if len(password) > LONGEST:
        raise WeakPassword("too_long")
    folded = password.casefold()
    if len(set(folded)) < _DIFFERENT_LETTERS:
        raise WeakPassword("too_plain")
    for known in about:
        if len(known) > 3 and len(folded.replace(known.casefold(), "")) < SHORTEST // 2:
            raise WeakPassword("too_near")


def hash_password(password: str) -> str:
    """Return what is kept of a password: argon2id with its parameters and a fresh salt."""
    return _HASHER.hash(password)


def is_password(kept: str | None, tried: str) -> bool:
    """Say whether this is the password; takes as long where none is kept."""
    if len(tried) > LONGEST:
        return False
    try:
        return _HASHER.verify(kept or _nobodys(), tried) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Say whether a hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(kept)


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))
