"""Look up the links and clicks that could have led to actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict
from uuid import UUID

from advocacy.attribution import WINDOWS
from advocacy.attribution.credit import Evidence, LookupKeys, lookup_keys
from advocacy.attribution.touchpoints import TouchLookup
from advocacy.core.records import LinkByCode, LinkByUtm, StoredClick
from advocacy.identity.resolution import People
from advocacy.ingestion.batch import Batch
from advocacy.storage import actions, links
from advocacy.storage import clicks as clicks_storage

_LONGEST_WINDOW_DAYS = max(window.days for window in WINDOWS.values())


def look_up(org_id: UUID, some: Iterable[Evidence]) -> TouchLookup:
    """Return all evidence for stored actions, with one query of each kind."""
    keys = lookup_keys(some)
    return TouchLookup(
        **_links(org_id, keys),
        clicks=clicks_storage.by_click_id(org_id, keys.click_ids),
        clicks_of=clicks_storage.by_supporter(org_id, keys.supporter_ids),
        shared_clicks=frozenset(
            each.click_id
            for each in clicks_storage.find_owners(org_id, keys.click_ids)
            if each.people > 1
        ),
    )


def add_affected(batch: Batch, people: People) -> None:
    """Add the stored actions whose evidence or person this batch changes.

    Those are the ones that change hands, those near a click that changed hands or was found, and
    all payments of their recurring gifts.
    """
    org_id, owners, former = batch.org_id, people.owners(), people.former_owners()
    own = {each.id for some in (batch.actions, batch.gone) for each in some}
    clicks = clicks_storage.by_click_id(
        org_id, owners.keys() | {each.click_id for each in batch.actions if each.click_id}
    )
    changed = [
        (supporter, click.clicked_at)
        for click_id, click in clicks.items()
        if (had := former.get(click_id)) != (has := owners.get(click_id))
        for supporter in (had, has)
        if supporter
    ]
    for action in batch.actions:
        if not action.click_id:
            continue
        action.click_found = action.click_id in clicks
        row = batch.stored.get(action.id)
        owner = owners.get(action.click_id)
        if owner and row and action.click_found and not row.click_found:
            # The click was loaded since: it is evidence for all that its owner did.
            changed.append((owner, clicks[action.click_id].clicked_at))
    concerned = set(people.moved) - own
    if changed:
        concerned |= set(actions.ids_near(org_id, changed, _LONGEST_WINDOW_DAYS)) - own
    affected = actions.find_actions(org_id, concerned) if concerned else {}
    some = [*batch.actions, *batch.was(), *affected.values()]
    if mandates := {(each.source_id, each.recurs_as) for each in some if each.recurs_as}:
        others = set(actions.ids_of_mandates(org_id, mandates)) - own - affected.keys()
        affected |= actions.find_actions(org_id, others) if others else {}
    first = len(batch.actions)
    batch.add_stored(affected)
    # A click that one of these waits for may be there now; it goes on waiting all the same.
    named = {each.click_id for each in affected.values() if each.click_id} - clicks.keys()
    batch.lookup.clicks = clicks | clicks_storage.by_click_id(org_id, named)
    for action in batch.actions[first:]:
        action.supporter_id = people.moved.get(action.id, action.supporter_id)


def load_evidence(batch: Batch, people: People) -> None:
    """Load the links and clicks that could have led to the actions of the batch."""
    keys = lookup_keys(batch.actions)
    clicks_of = clicks_storage.by_supporter(batch.org_id, keys.supporter_ids)
    batch.lookup = TouchLookup(
        **_links(batch.org_id, keys),
        clicks=batch.lookup.clicks,
        clicks_of=_with_owners(clicks_of, people.owners(), batch.lookup.clicks),
    )


class _LinkEvidence(TypedDict):
    links: Mapping[str, LinkByCode]
    utm_links: Sequence[LinkByUtm]


def _links(org_id: UUID, keys: LookupKeys) -> _LinkEvidence:
    return {
        "links": links.links_by_code(org_id, keys.codes) if keys.codes else {},
        "utm_links": links.links_with_utm(org_id, keys.utm_campaigns) if keys.utm_campaigns else [],
    }


def _with_owners(
    clicks_of: Mapping[UUID, Sequence[StoredClick]],
    owners: Mapping[str, UUID | None],
    clicks: Mapping[str, StoredClick],
) -> dict[UUID, list[StoredClick]]:
    """Return the clicks of each supporter, where these clicks are of these owners now."""
    found = {
        supporter: [each for each in some if each.click_id not in owners]
        for supporter, some in clicks_of.items()
    }
    for click_id, owner in owners.items():
        if owner and (click := clicks.get(click_id)) and click.human:
            found.setdefault(owner, []).append(click)
    return found
