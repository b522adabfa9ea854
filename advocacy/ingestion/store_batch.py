"""Store the actions of a batch, the people behind them, and what they change of the figures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from advocacy.identity.resolution import People
from advocacy.ingestion import figures
from advocacy.ingestion.batch import Batch
from advocacy.storage import (
    action_aliases,
    actions,
    duplicates,
    figures_versions,
    names,
    supporters,
)
from advocacy.storage.actions import Action


def store(batch: Batch, people: People) -> None:
    """Store actions, and names and first actions of their people."""
    org_id, stored = batch.org_id, batch.stored
    changed = (
        [each for each in batch.actions if stored.get(each.id) != each] if stored else batch.actions
    )
    replaced = {each.id for each in changed if each.id in stored}
    actions.put_actions(org_id, changed, replaced.union(each.id for each in batch.gone))
    rows = (*changed, *(stored[each] for each in replaced), *batch.gone)
    figures_versions.note_change(org_id, {each.campaign_id for each in rows})
    action_aliases.put_aliases(org_id, batch.aliases)
    duplicates.put_duplicates(org_id, batch.duplicates)
    names.drop_names(org_id, people.dropped_names())
    names.put_names(org_id, people.changed_names(), people.kept)
    _store_supporters(batch)


def _store_supporters(batch: Batch) -> None:
    """Store when supporters first acted, and remove those who have no action any more."""
    new, unsettled = [], {each.supporter_id for each in batch.gone if each.supporter_id}
    for action in batch.actions:
        row = batch.stored.get(action.id)
        if row is None:
            new.append(action)
        elif _who_when(row) != _who_when(action):
            new.append(action)
            unsettled |= {each for each in (row.supporter_id, action.supporter_id) if each}
    supporters.put_supporters(batch.org_id, _first_acts(new))
    supporters.refresh_first_acted(batch.org_id, unsettled)
    supporters.drop_idle_supporters(batch.org_id, unsettled)


def _first_acts(some: Iterable[Action]) -> dict[UUID, datetime]:
    firsts: dict[UUID, datetime] = {}
    for action in some:
        if action.supporter_id and action.counted:
            first = firsts.get(action.supporter_id, action.occurred_at)
            firsts[action.supporter_id] = min(first, action.occurred_at)
    return firsts


def _who_when(action: Action) -> tuple[object, ...]:
    return action.supporter_id, action.occurred_at, action.counted


def count(batch: Batch) -> None:
    """Note what the batch changes of all figures."""
    figures.record_changes(batch.org_id, batch.was(), batch.actions, batch.zones)
