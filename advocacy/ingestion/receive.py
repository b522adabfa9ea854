"""Receive webhooks: verify each delivery, store it in the inbox, then acknowledge it.

Deliveries that arrive together share one lookup of their sources and one transaction.

Note: nothing is parsed here beyond what verification needs. A verified body that cannot be parsed
is stored and acknowledged; the worker quarantines it.
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
from advocacy.storage import inbox, nodes
from advocacy.storage import sources as sources_storage
from advocacy.storage.session import transaction, with_retries
from advocacy.storage.sources import ReceivingSource

_AWAY_SECONDS = 2.0
"""How long deliveries are refused at once after a node did not answer."""


class ReceiveOutcome(NamedTuple):
    """The HTTP status that the provider expects, whether the delivery was new, and its source."""

    status: int
    result: inbox.PutOutcome
    source: str


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A request to a webhook URL; `key` is the source key in it. Header names are in lower case."""

    key: str
    body: bytes
    headers: Mapping[str, str]
    url: str


class KnownSources:
    """A short-lived cache of sources, so that not every group of requests looks them up.

    A source that is closed, or a secret that is removed, may be accepted for `seconds` longer. New
    sources and secrets work at once: a delivery that a cached source does not verify is checked
    against the stored one.
    """

    def __init__(self, master: bytes, seconds: float) -> None:
        self.master = master
        self._seconds = seconds
        self._known: dict[str, tuple[float, ReceivingSource]] = {}
        self._away: dict[str, tuple[float, Exception]] = {}

    def away(self, key: str) -> Exception | None:
        """Return why deliveries with this key cannot be stored just now, if that is known."""
        until, error = self._away.get(key, (0.0, None))
        return error if time.monotonic() < until else None

    def was_away(self, key: str) -> bool:
        """Return whether deliveries with this key could not be stored the last time."""
        return key in self._away

    def note_away(self, key: str, error: Exception) -> None:
        """Note that the node of a source's organization does not answer."""
        self._away[key] = (time.monotonic() + _AWAY_SECONDS, error)

    def note_reached(self, keys: Collection[str]) -> None:
        """Note that deliveries with these keys were handled."""
        for key in keys:
            self._away.pop(key, None)

    def remembered(self, keys: Collection[str]) -> dict[str, ReceivingSource]:
        """Return the cached sources of these keys."""
        oldest = time.monotonic() - self._seconds
        return {
            key: known[1] for key in keys if (known := self._known.get(key)) and known[0] > oldest
        }

    def look_up(self, keys: Collection[str]) -> dict[str, ReceivingSource]:
        """Return the current sources of these keys from the database, and cache them."""
        if not keys:
            return {}
        now, found = time.monotonic(), sources_storage.find_sources_by_key(self.master, keys)
        if self._seconds:
            # Rebuilt, so that no entry outlives its time.
            fresh = {key: kept for key, kept in self._known.items() if key not in keys}
            self._known = {
                key: kept for key, kept in fresh.items() if kept[0] > now - self._seconds
            } | {key: (now, source) for key, source in found.items()}
        return found


def receive_batch(
    sources: KnownSources, notifier: Notifier, requests: Sequence[WebhookRequest]
) -> list[ReceiveOutcome | Exception]:
    """Verify and store deliveries in one transaction; return one outcome for each, in order.

    When this returns, the bodies are committed. A delivery that is not verified is a `Refused`, and
    nothing of it is stored. While a node of the cluster is down, the deliveries to its
    organizations get that error, and those that arrive with them are stored without them.
    """
    outcomes: list[ReceiveOutcome | Exception | None] = [
        sources.away(request.key) for request in requests
    ]
    together: dict[str, list[int]] = {}
    for place, request in enumerate(requests):
        if outcomes[place] is None:
            together.setdefault(request.key if sources.was_away(request.key) else "", []).append(
                place
            )
    # Those that may keep the others waiting come last.
    for _, places in sorted(together.items()):
        found = _receive_reachable(sources, notifier, [requests[place] for place in places])
        for place, outcome in zip(places, found, strict=True):
            outcomes[place] = outcome
    return [outcome for outcome in outcomes if outcome is not None]


def _receive_reachable(
    sources: KnownSources, notifier: Notifier, requests: Sequence[WebhookRequest]
) -> Sequence[ReceiveOutcome | Exception]:
    """Store deliveries together; if a node is down, those of each source apart."""
    keys = sorted({request.key for request in requests})
    try:
        found = _receive_together(sources, notifier, requests)
    except Exception as error:
        if not nodes.is_node_down(error):
            raise
        if len(keys) == 1:
            sources.note_away(keys[0], error)
            return [error] * len(requests)
    else:
        sources.note_reached(keys)
        return found
    outcomes: dict[int, ReceiveOutcome | Exception] = {}
    for key in keys:
        places = [place for place, request in enumerate(requests) if request.key == key]
        apart = _receive_reachable(sources, notifier, [requests[place] for place in places])
        outcomes.update(zip(places, apart, strict=True))
    return [outcomes[place] for place in range(len(requests))]


def _receive_together(
    sources: KnownSources, notifier: Notifier, requests: Sequence[WebhookRequest]
) -> list[ReceiveOutcome | Refused]:
    """Verify and store deliveries in one transaction."""

    def keep(_again: bool) -> list[ReceiveOutcome | Refused]:
        with transaction():
            checked = _check_all(sources, requests)
            by_org: dict[UUID, list[inbox.NewDelivery]] = {}
            for one in checked:
                if isinstance(one, _Checked):
                    by_org.setdefault(one.org_id, []).append(one.arrived)
            # One lock order in all processes prevents deadlocks.
            puts = {
                delivery_id: put
                for org_id in sorted(by_org)
                for delivery_id, put in inbox.put_deliveries(org_id, by_org[org_id]).items()
            }
        for org_id, arrived in by_org.items():
            if any(puts[one.id] == "new" for one in arrived):
                notifier.announce(org_id)
        return [
            ReceiveOutcome(one.status, puts[one.arrived.id], str(one.arrived.source_id))
            if isinstance(one, _Checked)
            else one
            for one in checked
        ]

    return with_retries(keep)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A verified delivery, and the status that its provider expects."""

    org_id: UUID
    status: int
    arrived: inbox.NewDelivery


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
    master: bytes, source: ReceivingSource | None, request: WebhookRequest
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
        inbox.NewDelivery(
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
