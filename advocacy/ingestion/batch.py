"""A batch: what its deliveries say, and what is found out about it while it is applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from advocacy.attribution.touchpoints import TouchLookup
from advocacy.ingestion.reconcile import Fact
from advocacy.storage.actions import Action


@dataclass(slots=True)
class Parsed:
    """What the bodies of a batch say: facts by delivery, and what could not be parsed.

    `unread` counts the actions of a delivery with a contact that could not be read.
    """

    facts: dict[UUID, list[Fact]] = field(default_factory=dict)
    failed: dict[UUID, tuple[str, str]] = field(default_factory=dict)
    source_of: dict[UUID, UUID] = field(default_factory=dict)
    unread: dict[UUID, int] = field(default_factory=dict)

    def part(self, delivery_ids: Iterable[UUID] | None = None) -> Parsed:
        """Return what these deliveries say, or all, as a copy: to apply it changes it."""
        if delivery_ids is None:
            return Parsed({**self.facts}, {**self.failed}, {**self.source_of}, {**self.unread})
        ids = set(delivery_ids)

        def of(some: Mapping[UUID, Any]) -> dict[UUID, Any]:
            return {each: value for each, value in some.items() if each in ids}

        return Parsed(of(self.facts), of(self.failed), of(self.source_of), of(self.unread))

    def halves(self) -> list[Parsed]:
        """Return two halves; nothing of a single delivery."""
        ids = list(self.source_of)
        middle = len(ids) // 2
        return [self.part(ids[:middle]), self.part(ids[middle:])] if middle else []


@dataclass(slots=True)
class Batch:
    """Actions of one organization that are applied together.

    `actions` are as they will be, `stored` their rows as they are, by id, for those that have one.
    `gone` are rows that were merged into another action. `aliases` are new names of actions, and
    `duplicates` names that a delivery calls duplicates. `lookup` is the evidence. Each stage of the
    pipeline adds to it.
    """

    org_id: UUID
    sources: Mapping[UUID, Any]
    zones: Mapping[UUID | None, str]
    actions: list[Action] = field(default_factory=list)
    stored: dict[UUID, Action] = field(default_factory=dict)
    gone: list[Action] = field(default_factory=list)
    aliases: dict[UUID, UUID] = field(default_factory=dict)
    duplicates: set[tuple[UUID, UUID]] = field(default_factory=set)
    lookup: TouchLookup = field(default_factory=TouchLookup)

    def was(self) -> list[Action]:
        """Return the rows that are replaced or removed."""
        stored = self.stored
        if not stored:
            return [*self.gone]
        return [*(stored[each.id] for each in self.actions if each.id in stored), *self.gone]

    def add_stored(self, rows: Mapping[UUID, Action]) -> None:
        """Take up actions that are stored, to be attributed again."""
        self.stored |= rows
        self.actions += [replace(row) for row in rows.values()]
