"""Keep the figures: what a batch changes, and all of them from scratch.

    a batch ─▶ `record_changes` ─▶ news ─▶ `fold_news` ─▶ cells
    all actions ─▶ `refill` ─────────────────────────────▶ cells

Note: `refill` makes from all actions what `record_changes` would have added up to; `differences`
compares the two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from advocacy.core.cells import Cell, Changes
from advocacy.ingestion.rollup import Contributions
from advocacy.storage import (
    actions,
    campaigns,
    cells,
    figures_versions,
    links,
    locks,
    organizations,
    person_numbers,
    totals,
)
from advocacy.storage.actions import Action
from advocacy.storage.session import transaction

Zones = Mapping[UUID | None, str]

_FOLD_SECONDS = 2.0
_FOLD_AT_ONCE = 50_000
_OLD = timedelta(minutes=10)


def record_changes(
    org_id: UUID, was: Iterable[Action], now: Iterable[Action], zones: Zones
) -> None:
    """Write down what changes in all figures when actions that `was` are `now` so.

    To be called after the rows of `actions` and `supporters` were written, in their transaction.
    `zones` is as `campaigns.zones` returns it.
    """
    before = {each.id: each for each in was if each.counted}
    after = {each.id: each for each in now if each.counted}
    for action_id in before.keys() & after.keys():
        if before[action_id] == after[action_id]:
            del before[action_id], after[action_id]
    if not before and not after:
        return
    seq = cells.next_news(org_id)
    changed = [*before.values(), *after.values()]
    numbers: dict[UUID, int] = {}
    adding = Contributions(zones, _generations(org_id, changed), numbers)
    _add_new_zones(org_id, zones, adding)
    people = person_numbers.settle_numbers(
        org_id, {each.supporter_id for each in changed if each.supporter_id}
    )
    numbers |= {each.id: each.number for each in people}
    for sign, some in ((-1, before), (1, after)):
        for action in some.values():
            adding.add(action, sign)
    for person in people:
        if person.before != person.now:
            for sign, at in ((-1, person.before), (1, person.now)):
                if at:
                    adding.add_first(at, person.number, sign)
    cells.append_news(org_id, seq, adding.changes)


def _generations(org_id: UUID, some: Iterable[Action]) -> dict[UUID, int]:
    return links.generations(org_id, {each.link_id for each in some if each.link_id})


def _add_new_zones(org_id: UUID, zones: Zones, adding: Contributions) -> None:
    """Add who first acted until now by the clocks of zones that were not in use before."""
    new = sorted({*zones.values()} - person_numbers.known_zones(org_id))
    if not new:
        return
    for rows in person_numbers.read_firsts(org_id):
        for row in rows:
            adding.add_first(row.first_at, row.number, zones=new)
    person_numbers.add_zones(org_id, new)


def fold_news(org_id: UUID, above: int = cells.FEW) -> bool:
    """Fold news until at most `above` changes of people are left, or for some seconds.

    So that it can stand between two batches; does nothing while another process does it. News are
    folded too where they are old. Returns whether few enough are left.
    """
    began = time.monotonic()
    while time.monotonic() - began < _FOLD_SECONDS:
        with transaction():
            pairs, since = cells.pending_news(org_id)
            old = since is not None and datetime.now(UTC) - since > _OLD
            if since is None or (pairs <= above and not (old and above == cells.FEW) and above):
                return True
            if not locks.try_lock(org_id, cells.LOCK):
                return False
            cells.fold(org_id, _FOLD_AT_ONCE)
    return False


def refill(org_id: UUID, progress: Callable[[int], None] = lambda _: None) -> None:
    """Make all cells from all actions, in the current transaction.

    `progress` is called with the number of actions that have been read. Nobody may store actions of
    the organization meanwhile.
    """
    cells.lock_cells(org_id)
    cells.next_news(org_id)
    cells.drop_cells(org_id)
    person_numbers.number_everybody(org_id)
    _count(org_id, progress, lambda changes: cells.add_to_days(org_id, changes))
    person_numbers.add_zones(org_id, sorted({*campaigns.zones(org_id).values()}))


def refill_outdated(org_id: UUID, progress: Callable[[int], None] = lambda _: None) -> bool:
    """Make all cells from the actions of an organization whose figures an older version made.

    So that its figures are there at once; the rebuild after the upgrade makes them once more, with
    what processes of the older version still wrote. Returns whether it was done.
    """
    with transaction():
        if not organizations.is_outdated(org_id):
            return False
        locks.lock_organization(org_id)
        refill(org_id, progress)
        figures_versions.note_change(org_id, campaigns.zones(org_id))
    return True


def differences(org_id: UUID) -> list[tuple[str, date]]:
    """Return the scopes and days whose cells are not what a recount from the actions gives.

    For checks; it reads all actions, and keeps all cells in memory.
    """
    counted: Changes = {}
    _count(org_id, lambda _: None, lambda changes: cells.merge_changes(counted, changes))
    stored = cells.stored_changes(org_id)
    counted = {of: cell for of, cell in counted.items() if cell.tidy()}
    return sorted(
        of
        for of in {*counted, *stored}
        if not _same(counted.get(of, Cell()), stored.get(of, Cell()))
    )


def are_right(org_id: UUID) -> bool:
    """Return whether figures are those of the actions: all of them, or their number where many."""
    counted = actions.count_counted(org_id)
    if counted <= _FEW_ACTIONS:
        return not differences(org_id)
    return counted == totals.count_actions(org_id, None)


_FEW_ACTIONS = 50_000


def _same(one: Cell, other: Cell) -> bool:
    return one.sums == other.sums and one.people == other.people


_KEPT = 400
"""So many cells are collected in memory before they are written."""


def _count(org_id: UUID, progress: Callable[[int], None], write: Callable[[Changes], None]) -> None:
    """Count all actions in the order of their days, and hand over cells when there are many."""
    zones = campaigns.zones(org_id)
    numbers = person_numbers.numbers_of(org_id)
    adding = Contributions(zones, links.generations(org_id), numbers)
    done = 0
    for rows in actions.read_counted(org_id):
        for action in rows:
            adding.add(action)
        done += len(rows)
        progress(done)
        if len(adding.changes) > _KEPT:
            write(adding.changes)
            adding.changes = {}
    write(adding.changes)
    adding.changes = {}
    for firsts in person_numbers.read_firsts(org_id):
        for row in firsts:
            adding.add_first(row.first_at, row.number)
    write(adding.changes)
