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
from advocacy.storage import inbox
from advocacy.storage import sources as sources_storage
from advocacy.storage.session import transaction, with_retries
from advocacy.storage.sources import ReceivingSource


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
) -> list[ReceiveOutcome | Refused]:
    """Verify and store deliveries in one transaction; return one outcome for each, in order.

    When this returns, the bodies are committed. A delivery that is not verified is a `Refused`, and
    nothing of it is stored.
    """

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
