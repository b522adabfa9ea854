"""① Deliveries request: vouched for by their providers, kept on disk, then answered.

Those that request at the same time share one look at their sources and one commit.

What a stranger would get wrong: nothing is read here but what verification needs. An unreadable
body that was vouched for is kept and answered like any other; it is the worker that quarantines it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from advocacy.core.crypto import fingerprint, seal, seal_text
from advocacy.core.errors import Refused
from advocacy.core.events import Delivery
from advocacy.core.ids import new_id
from advocacy.core.minimization import keyed_name, retained_media_type
from advocacy.ingestion.wakeup import Notifier
from advocacy.providers import BY_SLUG
from advocacy.storage import inbox
from advocacy.storage import sources as sources_storage
from advocacy.storage.session import transaction, with_retries
from advocacy.storage.sources import SourceAtDoor


class ReceiveOutcome(NamedTuple):
    """The HTTP status that the provider expects, and whether the delivery was new."""

    status: int
    result: inbox.Put


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A request at the door, with the key of its address. Header names are in lower case."""

    key: str
    body: bytes
    headers: Mapping[str, str]
    url: str


class KnownSources:
    """The sources that just knocked, so that a busy door does not look each up for every group.

    What is closed or loses a secret can be used for so many seconds more. What is new is known at
    once: a delivery that what is remembered does not vouch for is held to what is stored.
    """

    def __init__(self, master: bytes, seconds: float) -> None:
        self.master = master
        self._seconds = seconds
        self._known: dict[str, tuple[float, SourceAtDoor]] = {}

    def remembered(self, keys: Collection[str]) -> dict[str, SourceAtDoor]:
        """Return those of these keys' sources that are remembered, as they were a moment ago."""
        oldest = time.monotonic() - self._seconds
        return {
            key: known[1] for key in keys if (known := self._known.get(key)) and known[0] > oldest
        }

    def look_up(self, keys: Collection[str]) -> dict[str, SourceAtDoor]:
        """Return the sources of these keys as they are now."""
        if not keys:
            return {}
        now, found = time.monotonic(), sources_storage.find_sources_at_door(self.master, keys)
        if self._seconds:
            # Made anew, so that none is remembered for longer than it is used.
            fresh = {key: kept for key, kept in self._known.items() if key not in keys}
            self._known = {
                key: kept for key, kept in fresh.items() if kept[0] > now - self._seconds
            } | {key: (now, source) for key, source in found.items()}
        return found


def receive_batch(
    sources: KnownSources, notifier: Notifier, requests: Sequence[WebhookRequest]
) -> list[ReceiveOutcome | Refused]:
    """Keep deliveries in one transaction; returns for each what became of it, in their order.

    When this returns, the bodies are committed. Nothing is stored of what nobody vouches for.
    """

    def keep(_again: bool) -> list[ReceiveOutcome | Refused]:
        with transaction():
            checked = _check_all(sources, requests)
            by_org: dict[UUID, list[inbox.Arrived]] = {}
            for one in checked:
                if isinstance(one, _Checked):
                    by_org.setdefault(one.org_id, []).append(one.arrived)
            # In one order everywhere, so that two processes never wait for each other.
            puts = {
                delivery_id: put
                for org_id in sorted(by_org)
                for delivery_id, put in inbox.put_deliveries(org_id, by_org[org_id]).items()
            }
        for org_id, arrived in by_org.items():
            if any(puts[one.id] == "new" for one in arrived):
                notifier.announce(org_id)
        return [
            ReceiveOutcome(one.status, puts[one.arrived.id]) if isinstance(one, _Checked) else one
            for one in checked
        ]

    return with_retries(keep)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A delivery that was vouched for, and the status that its tool wants to hear."""

    org_id: UUID
    status: int
    arrived: inbox.Arrived


def _check_all(
    sources: KnownSources, requests: Sequence[WebhookRequest]
) -> list[_Checked | Refused]:
    keys = {request.key for request in requests}
    remembered = sources.remembered(keys)
    known = {**remembered, **sources.look_up(keys - remembered.keys())}
    checked = [_check(sources.master, known.get(request.key), request) for request in requests]
    doubtful = {
        request.key
        for request, one in zip(requests, checked, strict=True)
        if isinstance(one, Refused)
    }
    now = sources.look_up(doubtful & remembered.keys())
    return [
        _check(sources.master, now[request.key], request)
        if isinstance(one, Refused) and request.key in now
        else one
        for request, one in zip(requests, checked, strict=True)
    ]


def _check(
    master: bytes, source: SourceAtDoor | None, request: WebhookRequest
) -> _Checked | Refused:
    now = datetime.now(UTC)
    if source is None:
        return Refused("unknown_source")
    provider = BY_SLUG.get(source.provider)
    if provider is None or (provider.TRUST not in {"secret_path", "none"} and not source.secrets):
        return Refused("no_secret", str(source.id), source.provider)
    try:
        verified = provider.verify(
            Delivery(request.body, request.headers, request.url, source.setup), source.secrets, now
        )
    except Refused as error:
        return Refused(error.reason, str(source.id), source.provider)
    delivery_id = new_id()
    return _Checked(
        source.org_id,
        provider.ANSWER,
        inbox.Arrived(
            id=delivery_id,
            source_id=source.id,
            external_id=keyed_name(master, source.org_id, provider.external_id(verified)),
            verified=replace(
                verified,
                message_id=seal_text(
                    master, source.org_id, f"message:{delivery_id}", verified.message_id
                ),
                content_type=retained_media_type(verified.content_type),
            ),
            # The verified body may be less than what was sent: some bodies contain a secret.
            sealed=seal(master, source.org_id, f"body:{delivery_id}", verified.body),
            digest=fingerprint(master, source.org_id, verified.dedupe_body or verified.body),
            test=source.test,
        ),
    )
