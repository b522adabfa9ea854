"""Create and check credentials and signatures: HTTP Basic, HMAC, Standard Webhooks.

Pure: secrets and clock are arguments. Comparisons take constant time, and all secrets are tried, so
that the time does not reveal which one matches.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from advocacy.core.errors import Refused, Unreadable

TOLERANCE_SECONDS = 300
MOST_SIGNATURES = 10


def same(left: bytes, right: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(left, right)


def check_basic(headers: Mapping[str, str], secrets: Sequence[str]) -> None:
    """Check HTTP Basic credentials against secrets of the form `user:password`.

    The user ends at the first colon (RFC 7617); a password may contain more. Raises `Refused`.
    """
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise Refused("no_credentials")
    try:
        given = base64.b64decode(encoded.strip().encode(), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("bad_credentials") from None
    if not _any_same(given, [_bytes(secret) for secret in secrets]):
        raise Refused("bad_credentials")


def check_header(headers: Mapping[str, str], name: str, secrets: Sequence[str]) -> None:
    """Check a header that contains a secret as it is. Raises `Refused`."""
    given = headers.get(name, "")
    if not given:
        raise Refused("no_credentials")
    if not _any_same(_bytes(given), [_bytes(secret) for secret in secrets]):
        raise Refused("bad_credentials")


def check_hmac(
    signed: bytes,
    given: Sequence[bytes],
    secrets: Sequence[str],
    algorithm: str = "sha256",
) -> None:
    """Check that one of these digests is the HMAC of the signed bytes. Raises `Refused`.

    The key is the secret as written, in UTF-8.
    """
    found = False
    for secret in filter(None, secrets):
        expected = digest(secret, signed, algorithm)
        for one in given[:MOST_SIGNATURES]:
            found |= same(one, expected)
    if not found:
        raise Refused("bad_signature")


def digest(secret: str, signed: bytes, algorithm: str = "sha256") -> bytes:
    """Return the HMAC of the signed bytes, keyed with the secret as written."""
    return hmac.digest(_bytes(secret), signed, algorithm)


def basic(secret: str) -> dict[str, str]:
    """Return the header of HTTP Basic credentials of the form `user:password`."""
    return {"authorization": "Basic " + base64.b64encode(_bytes(secret)).decode()}


def stamp(now: datetime) -> str:
    """Return the unix seconds that are signed, as `check_fresh` reads them."""
    return str(int(now.timestamp()))


def check_fresh(timestamp: str, now: datetime) -> None:
    """Check that unix seconds are within five minutes of now, before or after. Raises `Refused`."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Refused("bad_timestamp")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise Refused("stale_timestamp")


def from_hex(written: str) -> bytes:
    """Return the bytes of a hex digest; for anything else, bytes that match nothing."""
    try:
        return bytes.fromhex(written)
    except ValueError:
        return b""


def from_base64(written: str) -> bytes:
    """Return the bytes of a base64 digest; for anything else, bytes that match nothing."""
    try:
        return base64.b64decode(_bytes(written), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _bytes(written: str) -> bytes:
    # A header may be invalid text; it must not raise, only not match.
    return written.encode("utf-8", "surrogatepass")


def _any_same(given: bytes, expected: Sequence[bytes]) -> bool:
    found = False
    for one in expected:
        # An empty secret is a configuration mistake and never authenticates.
        found |= same(given, one) and bool(one)
    return found


def check_standard(
    body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime
) -> str:
    """Check a Standard Webhooks 1.0 signature (symmetric, `v1`) and return the message id.

    Signed is `id.timestamp.body`, within five minutes both ways; the header may list several
    signatures, one match is enough. Svix's older header names are accepted. Source:
    github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
    """

    def header(name: str) -> str:
        return headers.get(f"webhook-{name}", "") or headers.get(f"svix-{name}", "")

    message_id, timestamp, signatures = header("id"), header("timestamp"), header("signature")
    if not (message_id and timestamp and signatures):
        raise Refused("no_signature")
    if "." in message_id or len(message_id) > 256 or not message_id.isprintable():
        raise Refused("bad_message_id")
    check_fresh(timestamp, now)
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    expected = [hmac.digest(key, signed, "sha256") for key in map(_key_or_none, secrets) if key]
    found = False
    for entry in signatures.split(" ")[:MOST_SIGNATURES]:
        version, _, encoded = entry.partition(",")
        if version == "v1":
            found |= _any_same(from_base64(encoded), expected)
    if not found:
        raise Refused("bad_signature")
    return message_id


def standard(body: bytes, message_id: str, secret: str, now: datetime) -> dict[str, str]:
    """Return the headers of a Standard Webhooks signature. See `check_standard`.

    Raises `Unreadable("bad_secret")` if the secret is not base64.
    """
    key = _key_or_none(secret)
    if key is None:
        raise Unreadable("bad_secret", "the secret is not of the form whsec_ and base64")
    signed = b".".join((message_id.encode(), stamp(now).encode(), body))
    signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp(now),
        "webhook-signature": f"v1,{signature}",
    }


def standard_key(secret: str) -> bytes:
    """Return the key bytes of a `whsec_` secret; padding may be missing."""
    encoded = secret.removeprefix("whsec_")
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4))


def _key_or_none(secret: str) -> bytes | None:
    try:
        return standard_key(secret) or None
    except ValueError:
        return None
