"""Proofs of who sent a body: HTTP Basic, HMAC, Standard Webhooks.

Pure: the secrets and the clock are arguments. All comparisons take constant time, and all secrets
are tried, so that the time says nothing of which one fits.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from advocacy.events import Refused

TOLERANCE_SECONDS = 300
MOST_SIGNATURES = 10


def same(left: bytes, right: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(left, right)


def check_basic(headers: Mapping[str, str], secrets: Sequence[str]) -> None:
    """Check HTTP Basic credentials against secrets of the form `user:password`.

    The user ends at the first colon (RFC 7617); a password may hold more. Raises `Refused`.
    """
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise Refused("no_credentials")
    try:
        given = base64.b64decode(encoded.strip().encode(), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("bad_credentials") from None
    if not _any_same(given, [secret.encode() for secret in secrets]):
        raise Refused("bad_credentials")


def _any_same(given: bytes, expected: Sequence[bytes]) -> bool:
    found = False
    for one in expected:
        found |= same(given, one)
    return found


def check_standard(
    body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime
) -> str:
    """Check a Standard Webhooks 1.0 signature (symmetric, `v1`) and return the message id.

    Signed is `id.timestamp.body`; the window is five minutes both ways; the header may list several
    signatures and one that fits is enough. Svix's older header names are taken too.
    Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
    """

    def header(name: str) -> str:
        return headers.get(f"webhook-{name}", "") or headers.get(f"svix-{name}", "")

    message_id, timestamp, signatures = header("id"), header("timestamp"), header("signature")
    if not (message_id and timestamp and signatures):
        raise Refused("no_signature")
    if "." in message_id or len(message_id) > 256 or not message_id.isprintable():
        raise Refused("bad_message_id")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Refused("bad_timestamp")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise Refused("stale_timestamp")

    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    expected = [hmac.digest(standard_key(secret), signed, "sha256") for secret in secrets]
    found = False
    for entry in signatures.split(" ")[:MOST_SIGNATURES]:
        version, _, encoded = entry.partition(",")
        if version != "v1":
            continue
        try:
            given = base64.b64decode(encoded.encode(), validate=True)
        except (binascii.Error, ValueError):
            continue
        found |= _any_same(given, expected)
    if not found:
        raise Refused("bad_signature")
    return message_id


def standard_key(secret: str) -> bytes:
    """Return the key bytes of a `whsec_` secret; padding may be missing."""
    encoded = secret.removeprefix("whsec_")
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4))
