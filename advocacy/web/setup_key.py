"""The address with which the first owner of a new installation sets it up.

Note: the key is signed with SECRET_KEY and stored nowhere. It expires after an hour, and it works
once, since nobody can use it as soon as there is a member.
"""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeTimedSerializer

from advocacy.core.crypto import NO_ORGANIZATION, organization_key
from config.settings import Settings

VALID_SECONDS = 3600


def setup_url(settings: Settings) -> str:
    """Return a new address for setting up this installation."""
    return f"{settings.public_url}/setup?key={_serializer(settings).dumps('setup')}"


def is_setup_key(settings: Settings, key: str) -> bool:
    """Return whether this key was made in the last hour."""
    try:
        return bool(_serializer(settings).loads(key, max_age=VALID_SECONDS) == "setup")
    except BadSignature:
        return False


def _serializer(settings: Settings) -> URLSafeTimedSerializer:
    key = organization_key(settings.secret_key.encode(), NO_ORGANIZATION, "setup")
    return URLSafeTimedSerializer(key, salt="setup")
