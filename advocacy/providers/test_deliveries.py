"""What the marked test deliveries of all providers share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from advocacy.core.events import Delivery
from advocacy.core.tracking_parameters import CLICK_ID_LENGTH as CLICK_ID_LENGTH
from advocacy.core.tracking_parameters import CODE_LENGTH as CODE_LENGTH
from advocacy.core.tracking_parameters import NO_SOURCE as NO_SOURCE
from advocacy.core.tracking_parameters import UTM_NAMES as UTM_NAMES
from advocacy.core.tracking_parameters import click_id_or_none as click_id_or_none
from advocacy.core.tracking_parameters import query_of as query_of
from advocacy.core.tracking_parameters import split_code as split_code
from advocacy.core.tracking_parameters import surest_code as surest_code
from advocacy.core.tracking_parameters import utm_of as utm_of

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


def write_json(value: Any) -> bytes:
    """Serialize a body as a tool would."""
    return json.dumps(value).encode()


def signed_delivery(
    body: bytes, proofs: Mapping[str, str], setup: Mapping[str, Any], url: str
) -> Delivery:
    """Return the delivery of a JSON body with the headers that authenticate it."""
    return Delivery(body, {"content-type": "application/json", **proofs}, url, setup)
