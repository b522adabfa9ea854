"""History brought in: rows of a tool's export become deliveries that are done, in bulk.

What a stranger would get wrong: a row is kept in the inbox like a webhook's body, sealed, so that a
rebuild has it too. It is settled in the same transaction in which it is kept; there is no half of a
batch, and to begin again after a stop is to pass over what is known.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

from advocacy.core.crypto import fingerprint, organization_key, seal
from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionEvent, StatementType, Verified
from advocacy.core.ids import new_id
from advocacy.core.minimization import keyed_name
from advocacy.core.prefetch import Submit, run_inline
from advocacy.core.tabular.table import Row
from advocacy.ingestion import drain
from advocacy.ingestion.drain import events_of, facts_of, unread_contacts
from advocacy.ingestion.pipeline import Parsed, apply_batch
from advocacy.ingestion.reconcile import Fact, write_facts
from advocacy.providers.csv_exports import ROW, row_id
from advocacy.storage import actions, distinct_deltas, inbox, locks
from advocacy.storage import sources as sources_storage
from advocacy.storage.session import transaction, with_retries
from config.settings import Settings

ROWS_AT_ONCE = 1_000


@dataclass(slots=True)
class ImportResult:
    """What became of the rows. `empty` rows told of nothing that counts (a failed payment)."""

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
    source: Any,
    rows: Iterable[Row],
    said: Mapping[str, str],
    refuse: Refuse,
    progress: Callable[[ImportResult], None] = lambda _: None,
    begin: Submit = run_inline,
) -> ImportResult:
    """Bring rows into a source; `refuse` is told of each that cannot be read, with the reason.

    `said` is what staff say of the whole file: `_zone` and `_kind`, where it does not say. The same
    rows again, or gifts that came by webhook already, are known and count once. `begin` begins to
    read rows while those before them are kept.
    """
    brought = ImportResult()
    waiting = iter(rows)
    key = organization_key(settings.secret_key.encode(), source.org_id, "identity")

    def read() -> _ParsedRows:
        return _read(key, source, list(islice(waiting, ROWS_AT_ONCE)), said)

    reading = begin(read)
    while (told := reading.result()).rows:
        reading = begin(read)
        for row, reason in told.refused:
            refuse(row, reason)
        new = _store(settings.secret_key.encode(), source, told)
        brought.new += new
        brought.known += told.twice + len(told.facts) - new
        brought.empty += told.empty
        brought.refused += len(told.refused)
        drain.compact_distinct_deltas(source.org_id, distinct_deltas.MANY)
        progress(brought)
    return brought


@dataclass(slots=True)
class _ParsedRows:
    """What some rows say: by a row's name the delivery, its body and its facts."""

    rows: int
    at: datetime
    facts: dict[str, tuple[UUID, bytes, list[Fact]]] = field(default_factory=dict)
    refused: list[tuple[Row, str]] = field(default_factory=list)
    unread: dict[UUID, int] = field(default_factory=dict)
    twice: int = 0
    empty: int = 0


def _read(key: bytes, source: Any, batch: Sequence[Row], said: Mapping[str, str]) -> _ParsedRows:
    told = _ParsedRows(len(batch), datetime.now(UTC))
    for row in batch:
        body = _body(row, said)
        delivery_id = new_id()
        try:
            events = _events(source, row, body, told.at)
            facts = facts_of(events, key, source, delivery_id)
        except Unreadable as error:
            told.refused.append((row, str(error)))
            continue
        if not facts:
            told.empty += 1
            continue
        name = row_id(row.values)
        told.twice += name in told.facts
        told.facts[name] = (delivery_id, body, facts)
        if unread := unread_contacts(events, source):
            told.unread[delivery_id] = unread
    return told


def _body(row: Row, said: Mapping[str, str]) -> bytes:
    values = {**row.values, **said}
    return json.dumps(values, ensure_ascii=False, sort_keys=True).encode(errors="replace")


def _events(source: Any, row: Row, body: bytes, at: datetime) -> list[ActionEvent]:
    """Read the actions of a row. Raises `Unreadable`."""
    if row.problem:
        reason, _, detail = row.problem.partition(": ")
        raise Unreadable(reason, detail)
    verified = Verified(body, at, content_type=ROW, setup=source.setup)
    return events_of(source.provider, verified)


def understood(
    source: Any, rows: Iterable[Row], said: Mapping[str, str]
) -> Iterator[tuple[Row, list[ActionEvent] | Unreadable]]:
    """Yield what rows are read as, and keep nothing."""
    for row in rows:
        try:
            yield row, _events(source, row, _body(row, said), datetime.now(UTC))
        except Unreadable as error:
            yield row, error


def _store(master: bytes, source: Any, told: _ParsedRows) -> int:
    """Keep what rows say; returns how many of them were new."""
    org_id = source.org_id

    def keep(again: bool) -> int:
        with transaction():
            locks.lock_organization(org_id, alone=again)
            made = actions.find_made(
                org_id, {fact.action_id for _, _, facts in told.facts.values() for fact in facts}
            )
            fresh = {
                name: row for name, row in told.facts.items() if not _adds_nothing(row[2], made)
            }
            rows = list(_sealed(master, org_id, fresh))
            inserted = inbox.put_rows(org_id, source.id, ROW, told.at, rows)
            if unread := {each: n for each, n in told.unread.items() if each in inserted}:
                inbox.put_unread(org_id, unread)
            parsed = Parsed(written={row.id: row.facts for row in rows if row.id in inserted})
            for delivery_id, _, facts in fresh.values():
                if delivery_id in inserted:
                    parsed.facts[delivery_id] = facts
                    parsed.source_of[delivery_id] = source.id
            sources = {each.id: each for each in sources_storage.list_sources(org_id)}
            apply_batch(master, org_id, parsed, sources)
            # What told of somebody who was erased is not as it was written any more.
            if erased := parsed.facts.keys() - parsed.written.keys():
                inbox.put_facts(org_id, {each: parsed.to_keep(each) for each in erased})
            return len(inserted)

    return with_retries(keep)


def _adds_nothing(facts: list[Fact], made: Mapping[UUID, frozenset[str]]) -> bool:
    """Say whether all that a row tells is known, so that its body need not be kept as well.

    What went back is never: as much may have gone back in another way, and be won back later.
    """
    return all(fact.action_id in made and _is_known(fact, made[fact.action_id]) for fact in facts)


def _is_known(fact: Fact, filled: frozenset[str]) -> bool:
    words = {"code": fact.code, "click_id": fact.click_id, "recurs_as": fact.recurs_as}
    told = fact.who.keys() | {name for name, word in words.items() if word}
    return fact.said is StatementType.CREATED and not fact.same_as and told <= filled


def _sealed(
    master: bytes, org_id: UUID, told: Mapping[str, tuple[UUID, bytes, list[Fact]]]
) -> Iterator[inbox.Row]:
    for name, (delivery_id, body, facts) in told.items():
        yield inbox.Row(
            delivery_id,
            keyed_name(master, org_id, name),
            seal(master, org_id, f"body:{delivery_id}", body),
            fingerprint(master, org_id, body),
            write_facts(facts),
        )
