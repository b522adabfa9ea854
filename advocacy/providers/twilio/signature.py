"""Twilio's signature: over the public URL and the sorted fields of the form.

Note: Twilio may sort the query and escape more of it after signing, so that several forms of the
URL are tried.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import permutations
from urllib.parse import SplitResult

from advocacy.core.errors import Refused
from advocacy.providers import signatures

MOST_REORDERED = 4
LONGEST_REORDERED = 16_384
_ALGORITHMS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}


def signed_addresses(parts: SplitResult, body_length: int) -> list[bytes]:
    """Return the forms of a URL that Twilio may have signed, the requested one first.

    Twilio signs some characters as they are and requests the URL with them escaped, and it may sort
    the query in between. All forms have the same parameters with the same values. Sources:
    github.com/twilio/twilio-node/pull/621 and /1061, twilio-php/issues/790.
    """
    pairs = parts.query.split("&")
    names = {pair.partition("=")[0] for pair in pairs}
    orders: Iterable[Sequence[str]] = [pairs]
    # If a name is repeated, the order matters.
    if len(pairs) == len(names) <= MOST_REORDERED and body_length <= LONGEST_REORDERED:
        orders = permutations(pairs)
    queries = ["&".join(order) for order in orders]
    queries = [write(query) for write in _ESCAPINGS for query in queries]
    return [
        address
        for query in dict.fromkeys(queries)
        for address in _with_and_without_port(parts._replace(query=query))
    ]


def _unescaper(signs: str) -> Callable[[str], str]:
    escaped = re.compile("|".join(f"%{ord(sign):02X}" for sign in signs), re.IGNORECASE)
    return lambda query: escaped.sub(lambda found: chr(int(found[0][1:], 16)), query)


def _escape(query: str) -> str:
    return re.sub(r"['()*!~@:]", lambda found: f"%{ord(found[0]):02X}", query)


_ESCAPINGS: tuple[Callable[[str], str], ...] = (
    str,
    _unescaper("'()*!~"),
    _unescaper("'()*!~@:"),
    _escape,
)


def _with_and_without_port(parts: SplitResult) -> list[bytes]:
    """Return the URL with and without its default port: Twilio signs either."""
    standard = 443 if parts.scheme == "https" else 80
    if not parts.netloc:
        raise ValueError("no host")
    if parts.port is None:
        bare, full = parts.netloc, f"{parts.netloc}:{standard}"
    else:
        bare, full = parts.netloc.rpartition(":")[0], parts.netloc
    return [
        parts._replace(netloc=netloc).geturl().encode("utf-8", "surrogatepass")
        for netloc in (bare, full)
    ]


def signed_fields(fields: Sequence[tuple[str, str]]) -> bytes:
    """Return fields as they are signed: sorted by name, each value once, without separators."""
    return "".join(name + value for name, value in sorted(set(fields))).encode()


def algorithm_of(headers: Mapping[str, str]) -> str:
    """Return the algorithm that Twilio says it signed with; SHA-1 by default."""
    for part in headers.get("x-twilio-webhooks-signature-settings", "").split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            algorithm = _ALGORITHMS.get(value.strip().upper())
            if algorithm is None:
                raise Refused("unknown_algorithm")
            return algorithm
    return "sha1"


def check(
    addresses: Sequence[bytes], fields: bytes, given: bytes, secrets: Sequence[str], algorithm: str
) -> None:
    """Require a signature of one of these forms with one of the secrets. Raises `Refused`."""
    found = False
    for secret in filter(None, secrets):
        for address in addresses:
            # The first form is nearly always right; the time reveals nothing about the secret.
            found = found or signatures.same(
                given, hmac.digest(secret.encode(), address + fields, algorithm)
            )
    if not found:
        raise Refused("bad_signature")


def check_body_digest(written: str, body: bytes) -> None:
    """Require the digest: without it the signature would not cover a JSON body."""
    if not signatures.same(signatures.from_hex(written), hashlib.sha256(body).digest()):
        raise Refused("bad_signature")
