"""① A delivery knocks: vouched for by its provider, kept on disk, then answered.

What a stranger would get wrong: nothing is read here but what verification needs. An unreadable
body that was vouched for is kept and answered like any other; it is the worker that quarantines it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

from advocacy.events import Delivery, Refused
from advocacy.ids import new_id
from advocacy.nudge import Nudge
from advocacy.providers import BY_SLUG
from advocacy.sealing import seal
from advocacy.store import campaigns, inbox, transaction


def receive(
    master: bytes, nudge: Nudge, key: str, *, body: bytes, headers: Mapping[str, str], url: str
) -> tuple[int, inbox.Put]:
    """Keep a delivery and return the status that the tool wants to hear, and what became of it.

    When this returns, the body is committed. Raises `Refused` where nobody vouches for it; then
    nothing is stored.
    """
    now = datetime.now(UTC)
    source = campaigns.find_source_at_door(master, key)
    if source is None:
        raise Refused("unknown_source")
    room = BY_SLUG.get(source.provider)
    if room is None or (room.TRUST not in {"secret_path", "none"} and not source.secrets):
        raise Refused("no_secret")
    verified = room.verify(Delivery(body, headers, url, source.setup), source.secrets, now)
    external_id = room.external_id(verified)
    delivery_id = new_id()
    # What the room vouches for, which may be less than what was sent: some bodies hold a secret.
    sealed = seal(master, source.org_id, f"body:{delivery_id}", verified.body)
    with transaction():
        put = inbox.put_delivery(
            source.org_id,
            source.id,
            delivery_id,
            external_id,
            verified,
            sealed,
            hashlib.sha256(verified.body).digest(),
            source.test,
        )
    if put == "new":
        nudge.announce(source.org_id)
    return room.ANSWER, put
