"""How a delivery authenticates itself, by the `auth` of its mapping."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime

from advocacy.core.errors import Refused
from advocacy.core.events import Delivery
from advocacy.providers import signatures

_METHODS = ("hmac", "basic", "bearer", "header", "secret_path")
_ALGORITHMS = ("sha256", "sha1", "sha512")
_DECODERS = {"hex": signatures.from_hex, "base64": signatures.from_base64}
_AUTH_KEYS = frozenset(
    (
        "method",
        "header",
        "algorithm",
        "encoding",
        "prefix",
        "timestamp_header",
        "timestamp_before",
        "joined_by",
    )
)


def mistakes(auth: object) -> list[str]:
    """Return what is wrong with the `auth` of a mapping; [] if it is valid or missing."""
    if auth is None:
        return []
    if not isinstance(auth, dict):
        return ["auth is not an object"]
    found = [f"unknown key auth.{key}" for key in auth if key not in _AUTH_KEYS]
    if wrong := [key for key, value in auth.items() if not isinstance(value, str)]:
        return [*found, *(f"auth.{key} is not a string" for key in wrong)]
    method = auth.get("method")
    if method not in _METHODS:
        found.append("auth.method is not one of " + ", ".join(_METHODS))
    if method in {"hmac", "header"} and not auth.get("header"):
        found.append("auth.header is missing")
    if auth.get("algorithm", "sha256") not in _ALGORITHMS:
        found.append("auth.algorithm is not one of " + ", ".join(_ALGORITHMS))
    if auth.get("encoding", "hex") not in _DECODERS:
        found.append("auth.encoding is neither 'hex' nor 'base64'")
    return found


def settings_of(auth: object) -> dict[str, str]:
    """Return the settings of a valid `auth`; none if it is missing."""
    return {str(key): str(value) for key, value in auth.items()} if isinstance(auth, dict) else {}


def check(
    auth: Mapping[str, str],
    delivery: Delivery,
    secrets: Sequence[str],
    now: datetime,
) -> None:
    """Verify a delivery by any method but `secret_path`. Raises `Refused`."""
    method = auth["method"]
    if method == "basic":
        return signatures.check_basic(delivery.headers, secrets)
    if method == "bearer":
        scheme, _, token = delivery.headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else ""
        return signatures.check_header({"token": given}, "token", secrets)
    header = auth["header"].lower()
    if method == "header":
        return signatures.check_header(delivery.headers, header, secrets)
    written = delivery.headers.get(header, "").strip()
    timestamp = ""
    if separator := auth.get("timestamp_before"):
        timestamp, _, written = written.partition(separator)
    elif auth.get("timestamp_header"):
        timestamp = delivery.headers.get(auth["timestamp_header"].lower(), "")
    prefix = auth.get("prefix", "")
    if not written or not written.startswith(prefix):
        raise Refused("no_signature")
    signed = delivery.body
    if auth.get("timestamp_before") or auth.get("timestamp_header"):
        signatures.check_fresh(timestamp, now)
        signed = f"{timestamp}{auth.get('joined_by', '.')}".encode() + delivery.body
    decode = _DECODERS[auth.get("encoding", "hex")]
    given_digest = decode(written.removeprefix(prefix).strip())
    signatures.check_hmac(signed, [given_digest], secrets, auth.get("algorithm", "sha256"))
    return None


def proofs(auth: Mapping[str, str], body: bytes, secret: str, now: datetime) -> dict[str, str]:
    """Return the headers that `check` expects."""
    method, header = auth.get("method"), auth.get("header", "").lower()
    if method == "basic":
        return signatures.basic(secret)
    if method == "bearer":
        return {"authorization": f"Bearer {secret}"}
    if method == "header":
        return {header: secret}
    if method != "hmac":
        return {}
    stamp, separator = signatures.stamp(now), auth.get("timestamp_before", "")
    stamped = bool(separator or auth.get("timestamp_header"))
    signed = f"{stamp}{auth.get('joined_by', '.')}".encode() + body if stamped else body
    digest = signatures.digest(secret, signed, auth.get("algorithm", "sha256"))
    in_base64 = auth.get("encoding") == "base64"
    written = base64.b64encode(digest).decode() if in_base64 else digest.hex()
    written = auth.get("prefix", "") + written
    if separator:
        return {header: f"{stamp}{separator}{written}"}
    if stamped:
        return {auth["timestamp_header"].lower(): stamp, header: written}
    return {header: written}
