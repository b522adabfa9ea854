"""Apply a parsed batch: reconcile actions, resolve people, attribute, store, count.

Runs inside the caller's transaction, which holds the organization's lock.

Note: an action is attributed again whenever its evidence changes, even long after it was counted,
for example when a click turns out to be the supporter's or the first payment arrives after its
renewals. The result is the same in every order of arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from advocacy.identity import known, resolution
from advocacy.identity.resolution import People
from advocacy.ingestion.attribute_batch import attribute
from advocacy.ingestion.batch import Batch, Parsed
from advocacy.ingestion.erased_people import remove_erased_people
from advocacy.ingestion.evidence import add_affected, load_evidence
from advocacy.ingestion.reconcile_batch import reconcile_facts
from advocacy.ingestion.restatements import note_restatements
from advocacy.ingestion.store_batch import count, store
from advocacy.storage import actions, campaigns, server
from advocacy.storage import sources as sources_storage


def apply_batch(
    master: bytes,
    org_id: UUID,
    parsed: Parsed,
    sources: Mapping[UUID, Any],
    *,
    rebuilding: bool = False,
) -> None:
    """Reconcile, resolve, attribute, store and count a parsed batch in the current transaction.

    Changes to completed days are recorded as restatements, and distinct people are counted. With
    `rebuilding` neither is done: the caller counts distinct people once, at the end.
    """
    server.prefer_index_scans()
    batch = Batch(org_id, sources, campaigns.zones(org_id))
    remove_erased_people(master, org_id, parsed)
    reconcile_facts(master, batch, parsed)
    _apply(batch, rebuilding=rebuilding)


def restate_actions(org_id: UUID, ids: Iterable[UUID]) -> None:
    """Attribute these actions again from the current evidence."""
    server.prefer_index_scans()
    sources = {source.id: source for source in sources_storage.list_sources(org_id)}
    batch = Batch(org_id, sources, campaigns.zones(org_id))
    batch.add_stored(actions.find_actions(org_id, ids))
    _apply(batch)


def _apply(batch: Batch, *, rebuilding: bool = False) -> None:
    people = resolve_people(batch)
    add_affected(batch, people)
    load_evidence(batch, people)
    attribute(batch)
    store(batch, people)
    if not rebuilding:
        note_restatements(batch)
        count(batch)


def resolve_people(batch: Batch) -> People:
    """Decide whose the actions are: load what is known of what they name, then decide."""
    asked = resolution.ask(batch.actions, batch.stored, batch.gone)
    people = resolution.decide_directly(asked, known.states_of(batch.org_id, asked.named()))
    if people.left or asked.let_go:
        component = known.component_of(batch.org_id, asked, people)
        resolution.decide_component(asked, people, component)
    resolution.assign(people, batch.actions)
    return people
