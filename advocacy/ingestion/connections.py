"""Connect a tool: create its source and secret, rotate the secret, check settings.

The command line and the pages do the same by these functions. Call them inside a transaction.
"""

from __future__ import annotations

import base64
import secrets as random_secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from advocacy.core.ids import new_key
from advocacy.core.messages import Phrase, say
from advocacy.providers import BY_SLUG, generic, optional
from advocacy.providers.signatures import standard_key
from advocacy.storage import sources
from advocacy.storage.models import Source

OVERLAP = timedelta(hours=24)
"""How long the secret before stays valid by default when a new one is set."""

_LONGEST_NAME = 100


class BadConnection(ValueError):
    """Settings that are not acceptable; `args[0]` is a phrase for the person who gave them."""

    def __init__(self, words: Phrase) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True, slots=True)
class Connected:
    """A new source. Its key and its secret are not shown again."""

    source: Source
    key: str
    secret: str


def connect(
    master: bytes,
    org_id: UUID,
    provider: str,
    name: str,
    *,
    campaign_id: UUID | None = None,
    region: str = "US",
    setup: Mapping[str, object] | None = None,
    secret: str = "",
) -> Connected:
    """Create a source, with a generated secret where the tool takes one from us.

    Raises `BadConnection`, or `errors.Taken` if the name is in use.
    """
    checked = dict(setup or {})
    check_setup(provider, checked)
    given = check_secret(provider, secret) if secret else new_secret(provider)
    source, key = sources.put_source(
        org_id, provider, check_name(name), campaign_id=campaign_id, region=region, setup=checked
    )
    if given:
        sources.put_secret(master, org_id, source.id, given, datetime.now(UTC), timedelta(0))
    return Connected(source, key, given)


def rotate_secret(
    master: bytes, source: Source, secret: str = "", overlap: timedelta = OVERLAP
) -> str:
    """Give a source a new secret and return it; the one before stays valid for `overlap`.

    Raises `BadConnection`.
    """
    secret = secret or new_secret(source.provider)
    if not secret and needs_given_secret(source):
        title = BY_SLUG[source.provider].title
        raise BadConnection(say("enter the secret that %(tool)s shows", tool=title))
    if not secret:
        raise BadConnection(say("this tool has no secret other than its address"))
    secret = check_secret(source.provider, secret)
    sources.put_secret(master, source.org_id, source.id, secret, datetime.now(UTC), overlap)
    return secret


def check_name(name: str) -> str:
    """Return the name of a source without superfluous spaces. Raises `BadConnection`."""
    name = " ".join(name.replace("\0", "").split())
    if not name or len(name) > _LONGEST_NAME:
        raise BadConnection(say("enter a name of at most %(most)s characters", most=_LONGEST_NAME))
    return name


def check_setup(provider: str, setup: Mapping[str, object]) -> None:
    """Check the settings of a source: a mapping where it takes one. Raises `BadConnection`."""
    if provider == generic.slug and (mistakes := generic.check_mapping(setup.get("mapping"))):
        raise BadConnection(say("the mapping has errors: %(errors)s", errors="; ".join(mistakes)))


def is_secret_given(provider: str) -> bool:
    """Return whether the tool generates the secret, so that none can be generated here."""
    return BY_SLUG[provider].TRUST not in {"secret_path", "none"} and not new_secret(provider)


def needs_given_secret(source: Source | sources.SourceRow) -> bool:
    """Return whether a source, by its settings, needs a secret that its tool shows."""
    auth = optional.mapping(optional.mapping(source.setup.get("mapping")).get("auth"))
    by_mapping = auth.get("method", "secret_path") != "secret_path"
    return is_secret_given(source.provider) or (source.provider == generic.slug and by_mapping)


def new_secret(provider: str) -> str:
    """Return a new secret in the provider's format; empty if none is generated here."""
    if BY_SLUG[provider].TRUST == "basic_auth":
        return f"advocacy:{new_key('pw')}"
    if provider == "standard":
        return "whsec_" + base64.b64encode(random_secrets.token_bytes(32)).decode()
    return ""


def check_secret(provider: str, secret: str) -> str:
    """Return a secret whose format is as the tool uses it. Raises `BadConnection`."""
    if BY_SLUG[provider].TRUST == "basic_auth" and ":" not in secret:
        raise BadConnection(say("write the secret as user:password"))
    if provider == "standard":
        try:
            length = len(standard_key(secret))
        except ValueError:
            length = 0
        if not 24 <= length <= 64:
            raise BadConnection(say("write the secret as whsec_ and the base64 of 24 to 64 bytes"))
    return secret
