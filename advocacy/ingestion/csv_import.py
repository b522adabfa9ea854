"""Import rows of a tool's export as processed deliveries, in bulk.

Note: a row is stored encrypted in the inbox like a webhook's body, so that a rebuild includes it,
and is applied in the same transaction. No batch is ever half imported; after an interruption the
same file is imported again, and known rows are skipped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

from advocacy.core.crypto import fingerprint, organization_key, seal
from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionEvent, StatementType, Verified
from advocacy.core.ids import new_id
from advocacy.core.minimization import keyed_name
from advocacy.core.prefetch import Submit, run_inline
from advocacy.core.tabular.table import Row
from advocacy.ingestion import figures
from advocacy.ingestion.batch import Parsed
from advocacy.ingestion.facts import events_of, facts_of_events, unread_contacts
from advocacy.ingestion.pipeline import apply_batch
from advocacy.ingestion.reconcile import Fact
from advocacy.providers.csv_exports import ROW, row_id
from advocacy.storage import actions, cells, inbox, locks
from advocacy.storage import sources as sources_storage
from advocacy.storage.models import Source
from advocacy.storage.session import transaction
from advocacy.storage.sources import SourceRow
from config.settings import Settings

ROWS_AT_ONCE = 1_000


@dataclass(slots=True)
class ImportResult:
    """How many rows were new, known, refused, or empty (nothing that counts: a failed payment)."""

    new: int = 0
    known: int = 0
    empty: int = 0
    refused: int = 0

    @property
    def rows(self) -> int:
        """The number of rows of the file."""
        return self.new + self.known + self.empty + self.refused


Refuse = Callable[[Row, str], None]


def import_rows(
    settings: Settings,
    source: Source | SourceRow,
    rows: Iterable[Row],
    said: Mapping[str, str],
    refuse: Refuse,
    progress: Callable[[ImportResult], None] = lambda _: None,
    begin: Submit = run_inline,
) -> ImportResult:
    """Import rows into a source; `refuse` is called for each that cannot be read, with the reason.

    `said` has the settings of the file as a whole, `_zone` and `_kind`. Rows that were imported
    before, and gifts known from webhooks, count once. `begin` starts parsing rows while those
    before them are stored.
    """
    result = ImportResult()
    waiting = iter(rows)
    key = organization_key(settings.secret_key.encode(), source.org_id, "identity")

    def read() -> _ParsedRows:
        return _read(key, source, list(islice(waiting, ROWS_AT_ONCE)), said)

    reading = begin(read)
    while (parsed_rows := reading.result()).rows:
        reading = begin(read)
        for row, reason in parsed_rows.refused:
            refuse(row, reason)
        new = _store(settings.secret_key.encode(), source, parsed_rows)
        result.new += new
        result.known += parsed_rows.twice + len(parsed_rows.facts) - new
        result.empty += parsed_rows.empty
        result.refused += len(parsed_rows.refused)
        figures.fold_news(source.org_id, cells.MANY)
        progress(result)
    return result


@dataclass(slots=True)
class _ParsedRows:
    """Parsed rows: by row id, the delivery with its body and its facts."""

    rows: int
    at: datetime
    facts: dict[str, tuple[UUID, bytes, list[Fact]]] = field(default_factory=dict)
    refused: list[tuple[Row, str]] = field(default_factory=list)
    unread: dict[UUID, int] = field(default_factory=dict)
    twice: int = 0
    empty: int = 0


def _read(
    key: bytes, source: Source | SourceRow, batch: Sequence[Row], said: Mapping[str, str]
) -> _ParsedRows:
    parsed_rows = _ParsedRows(len(batch), datetime.now(UTC))
    for row in batch:
        body = _body(row, said)
        delivery_id = new_id()
        try:
            events = _events(source, row, body, parsed_rows.at)
            facts = facts_of_events(events, key, source, delivery_id)
        except Unreadable as error:
            parsed_rows.refused.append((row, str(error)))
            continue
        if not facts:
            parsed_rows.empty += 1
            continue
        name = row_id(row.values)
        parsed_rows.twice += name in parsed_rows.facts
        parsed_rows.facts[name] = (delivery_id, body, facts)
        if unread := unread_contacts(events, facts, source):
            parsed_rows.unread[delivery_id] = unread
    return parsed_rows


def _body(row: Row, said: Mapping[str, str]) -> bytes:
    values = {**row.values, **said}
    return json.dumps(values, ensure_ascii=False, sort_keys=True).encode(errors="replace")


def _events(source: Source | SourceRow, row: Row, body: bytes, at: datetime) -> list[ActionEvent]:
    """Return the statements in a row. Raises `Unreadable`."""
    if row.problem:
        reason, _, detail = row.problem.partition(": ")
        raise Unreadable(reason, detail)
    verified = Verified(body, at, content_type=ROW, setup=source.setup)
    return events_of(source.provider, verified)


def understood(
    source: Source | SourceRow, rows: Iterable[Row], said: Mapping[str, str]
) -> Iterator[tuple[Row, list[ActionEvent] | Unreadable]]:
    """Yield how rows are read, without storing anything."""
    for row in rows:
        try:
            yield row, _events(source, row, _body(row, said), datetime.now(UTC))
        except Unreadable as error:
            yield row, error


def _store(master: bytes, source: Source | SourceRow, parsed_rows: _ParsedRows) -> int:
    """Store parsed rows; return how many were new."""
    org_id = source.org_id
    with transaction():
        locks.lock_organization(org_id)
        made = actions.find_filled_fields(
            org_id,
            {fact.action_id for _, _, facts in parsed_rows.facts.values() for fact in facts},
        )
        fresh = {
            name: row for name, row in parsed_rows.facts.items() if not _adds_nothing(row[2], made)
        }
        rows = list(_sealed(master, org_id, fresh))
        inserted = inbox.put_rows(org_id, source.id, ROW, parsed_rows.at, rows)
        if unread := {each: n for each, n in parsed_rows.unread.items() if each in inserted}:
            inbox.put_unread_contacts(org_id, unread)
        parsed = Parsed()
        for delivery_id, _, facts in fresh.values():
            if delivery_id in inserted:
                parsed.facts[delivery_id] = facts
                parsed.source_of[delivery_id] = source.id
        sources = {each.id: each for each in sources_storage.list_sources(org_id)}
        apply_batch(master, org_id, parsed, sources)
        return len(inserted)


def _adds_nothing(facts: list[Fact], made: Mapping[UUID, frozenset[str]]) -> bool:
    """Return whether everything in a row is known already, so that its body need not be stored."""
    return all(fact.action_id in made and _is_known(fact, made[fact.action_id]) for fact in facts)


def _is_known(fact: Fact, filled: frozenset[str]) -> bool:
    words = {"code": fact.code, "click_id": fact.click_id, "recurs_as": fact.recurs_as}
    stated = fact.who.keys() | {name for name, word in words.items() if word}
    return fact.said is StatementType.CREATED and not fact.same_as and stated <= filled


def _sealed(
    master: bytes, org_id: UUID, parsed_rows: Mapping[str, tuple[UUID, bytes, list[Fact]]]
) -> Iterator[inbox.ImportedRow]:
    for name, (delivery_id, body, _) in parsed_rows.items():
        yield inbox.ImportedRow(
            delivery_id,
            keyed_name(master, org_id, name),
            seal(master, org_id, f"body:{delivery_id}", body),
            fingerprint(master, org_id, body),
        )
