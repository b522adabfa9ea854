"""What the marked test deliveries of all providers share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from advocacy.core.events import Delivery

# The supporter of every test delivery is invented: see RFC 2606 on example.org.
SAMPLE_EMAIL = "rehearsal@example.org"


def token_for(message_id: str) -> str:
    """Return 32 hex digits that are always the same for one message, and for no other."""
    return hashlib.sha256(message_id.encode()).hexdigest()[:32]


def number_for(message_id: str) -> int:
    """Return a number for a message, far above any that a tool reaches, exact in JSON."""
    return 2**52 + int(token_for(message_id)[:12], 16)


def write_instant(moment: datetime) -> str:
    """Write an instant as most tools do: ISO 8601 in UTC, in whole seconds."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def write_json(value: object) -> bytes:
    """Serialize a body as a tool would."""
    return json.dumps(value).encode()


def signed_delivery(
    body: bytes, proofs: Mapping[str, str], setup: Mapping[str, object], url: str
) -> Delivery:
    """Return the delivery of a JSON body with the headers that authenticate it."""
    return Delivery(body, {"content-type": "application/json", **proofs}, url, setup)
