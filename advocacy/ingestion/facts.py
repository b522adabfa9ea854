"""What stored deliveries say: facts parsed from their bodies, or stored ones once a body is gone.

Note: no facts are stored while the body is there. Parsing it again gives them as the current
adapter reads them, as a rebuild does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

import structlog

from advocacy.core.contacts import is_unreadable
from advocacy.core.crypto import open_text, organization_key, unseal
from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionEvent, Verified
from advocacy.core.personal_data import scrub
from advocacy.identity.hashing import digests
from advocacy.ingestion.minimization import fact_of
from advocacy.ingestion.reconcile import Fact
from advocacy.providers import BY_SLUG
from advocacy.providers.csv_exports import ROW, read_row
from advocacy.providers.parsing import mapping, read_json
from advocacy.storage import inbox, outages
from advocacy.storage import sources as sources_storage
from advocacy.storage.leases import LeasedDelivery
from advocacy.storage.models import Source
from advocacy.storage.sources import SourceRow

log = structlog.get_logger()

_BODIES_AT_ONCE = 500


class Statements(NamedTuple):
    """The facts of a delivery, and for how many actions a contact could not be read."""

    facts: list[Fact]
    unread: int


class Failure(NamedTuple):
    """Why a delivery cannot be read; the detail names nobody."""

    reason: str
    detail: str


def events_of(provider: str, verified: Verified) -> list[ActionEvent]:
    """Parse a delivery with its provider adapter, or as a row of an export."""
    if verified.content_type != ROW:
        return BY_SLUG[provider].parse(verified)
    cells = mapping(read_json(verified.body), "row")
    row = {name: str(value or "") for name, value in cells.items()}
    return read_row(provider, row, verified)


def facts_of_events(
    events: Iterable[ActionEvent], key: bytes, source: Source | SourceRow, delivery_id: UUID
) -> list[Fact]:
    """Turn a delivery's statements into facts: personal data is hashed or left out."""
    source_id, region, name = source.id, source.region, str(source.id)
    return [
        fact_of(
            event,
            key,
            source_id=source_id,
            delivery_id=delivery_id,
            who=digests(event.person, key, region, name),
        )
        for event in events
    ]


def unread_contacts(
    events: Iterable[ActionEvent], facts: Iterable[Fact], source: Source | SourceRow
) -> int:
    """Return for how many actions a contact was given that could not be read."""
    return sum(
        is_unreadable(event.person.email, event.person.phone, source.region)
        for event, fact in zip(events, facts, strict=True)
        if "email" not in fact.who and "phone" not in fact.who
    )


def read_statements(
    master: bytes, org_id: UUID, key: bytes, row: LeasedDelivery, source: SourceRow
) -> Statements | Failure:
    """Decrypt and parse a body; where it is gone, return the stored facts.

    `key` is the organization's key for identities. Raises errors of the infrastructure.
    """
    try:
        return _read(master, org_id, key, row, source)
    except Unreadable as error:
        return Failure(error.reason, scrub(error.detail[:500]))
    except Exception as error:
        if outages.name_of(error):
            raise
        # An adapter that crashes is a bug of ours: keep the body, log it, continue.
        log.exception("room_failed", provider=source.provider)
        return Failure("room_failed", type(error).__name__)


def _read(
    master: bytes, org_id: UUID, key: bytes, row: LeasedDelivery, source: SourceRow
) -> Statements:
    if row.body is None:
        return Statements([Fact.from_json(written) for written in row.facts or []], 0)
    body = unseal(master, org_id, f"body:{row.id}", row.body)
    message_id = row.message_id and open_text(master, org_id, f"message:{row.id}", row.message_id)
    verified = Verified(body, row.received_at, message_id, row.content_type, source.setup)
    events = events_of(source.provider, verified)
    if row.test:
        events = [replace(event, test=True) for event in events]
    facts = facts_of_events(events, key, source, row.id)
    return Statements(facts, unread_contacts(events, facts, source))


def facts_of(master: bytes, org_id: UUID, delivery_ids: Iterable[UUID]) -> list[Fact]:
    """Return all facts of these deliveries."""
    found = facts_by_delivery(master, org_id, inbox.read_deliveries(org_id, delivery_ids))
    return [fact for facts in found.values() for fact in facts]


def facts_by_delivery(
    master: bytes, org_id: UUID, rows: Iterable[LeasedDelivery]
) -> dict[UUID, list[Fact]]:
    """Return the facts of each of these deliveries; without those that can no longer be read."""
    key = organization_key(master, org_id, "identity")
    sources = {each.id: each for each in sources_storage.list_sources(org_id)}
    found = {}
    for row in rows:
        read = read_statements(master, org_id, key, row, sources[row.source_id])
        if isinstance(read, Statements):
            found[row.id] = read.facts
        else:
            log.warning("no_longer_readable", reason=read.reason)
    return found


def deliveries_naming(master: bytes, org_id: UUID, hashes: Iterable[str]) -> set[UUID]:
    """Return the processed deliveries whose facts name one of these; parses every stored body."""
    asked = frozenset(hashes)
    found = inbox.deliveries_naming(org_id, asked)
    after: UUID | None = None
    while rows := inbox.read_done(org_id, after, _BODIES_AT_ONCE, with_body=True):
        facts = facts_by_delivery(master, org_id, rows)
        found |= {
            delivery_id
            for delivery_id, stated in facts.items()
            if any(not asked.isdisjoint(fact.who.values()) for fact in stated)
        }
        after = rows[-1].id
    return found
