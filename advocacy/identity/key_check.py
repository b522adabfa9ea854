"""Check that `SECRET_KEY` is the key that the data was encrypted and hashed with.

With another key no body can be decrypted and no supporter recognized, and what is stored meanwhile
is lost when the key is corrected. So no process starts with a wrong key.

Note: while PostgreSQL is away the check is not possible. Processes start then, so that links
redirect, and check again before they store a delivery, show a page or work.
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
    """The key differs from the one that the data was stored with."""

    def __init__(self) -> None:
        super().__init__(
            "SECRET_KEY is not the key that the data in this database was stored with; "
            "set that key again"
        )


class KeyCheck:
    """Checks the key until it is known to be right; after that the check costs nothing."""

    def __init__(self, master: bytes) -> None:
        self._master = master
        self._right = False

    def require(self) -> None:
        """Return if the key is right, or if there are no tables yet.

        Raises `WrongKey`, or `SQLAlchemyError` if the database is away.
        """
        if not self._right:
            self._right = _compare(self._master)


def _compare(master: bytes) -> bool:
    """Return whether the key is right; False if there are no tables yet. Raises `WrongKey`."""
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
