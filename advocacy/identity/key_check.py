"""Whether `SECRET_KEY` is the one that the data in the database was sealed and hashed under.

With another key no body can be opened, no supporter is known again, and what is stored meanwhile is
lost when the key is corrected. So nothing starts with one.

Note: while PostgreSQL is away nobody can tell. Then processes start, so that links redirect, and
each asks again before it stores a delivery, shows a page or works.
"""

from __future__ import annotations

import hmac
from uuid import UUID

from sqlalchemy.exc import ProgrammingError

from advocacy.core.crypto import NO_ORGANIZATION, organization_key, unseal
from advocacy.core.errors import Unreadable
from advocacy.storage import secret_key
from advocacy.storage.session import transaction

_UNDEFINED_TABLE = "42P01"


class WrongKey(Exception):
    """The key is another one than the data was stored with."""

    def __init__(self) -> None:
        super().__init__(
            "SECRET_KEY is not the key that the data in this database was stored with; "
            "set the key of that time"
        )


class KeyCheck:
    """Compares the key until it is known to be right; then it costs nothing."""

    def __init__(self, master: bytes) -> None:
        self._master = master
        self._right = False

    def require(self) -> None:
        """Return if the key is right, or there are no tables yet.

        Raises `WrongKey`, or `SQLAlchemyError` where the database does not say.
        """
        if not self._right:
            self._right = _compare(self._master)


def _compare(master: bytes) -> bool:
    """Say whether the key is right; False where there are no tables yet. Raises `WrongKey`."""
    digest = organization_key(master, NO_ORGANIZATION, "secret key digest")
    try:
        with transaction():
            stored = secret_key.find_digest()
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") != _UNDEFINED_TABLE:
            raise
        return False
    if stored is None:
        with transaction():
            samples = secret_key.sealed_samples()
            if samples and not any(_opens(master, *sample) for sample in samples):
                raise WrongKey
            secret_key.put_digest(digest)
            # Another process may have been first, with another key.
            stored = secret_key.find_digest()
    if stored is None or not hmac.compare_digest(stored, digest):
        raise WrongKey
    return True


def _opens(master: bytes, org_id: UUID, name: str, sealed: bytes) -> bool:
    try:
        unseal(master, org_id, name, sealed)
    except Unreadable:
        return False
    return True
