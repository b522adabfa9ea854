"""Look up the links and clicks that could have led to actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from advocacy.attribution.credit import Evidence, lookup_keys
from advocacy.attribution.touchpoints import TouchLookup
from advocacy.core.records import StoredClick
from advocacy.storage import clicks as clicks_storage
from advocacy.storage import links


def look_up(
    org_id: UUID, actions: Iterable[Evidence], clicks: Mapping[str, StoredClick] | None = None
) -> TouchLookup:
    """Return all evidence for these actions, with one query of each kind.

    `clicks` has the clicks by id where the caller has read them already.
    """
    keys = lookup_keys(actions)
    if clicks is None:
        clicks = clicks_storage.by_click_id(org_id, keys.click_ids) if keys.click_ids else {}
    return TouchLookup(
        links=links.links_by_code(org_id, keys.codes) if keys.codes else {},
        utm_links=links.links_with_utm(org_id, keys.utm_campaigns) if keys.utm_campaigns else [],
        clicks=clicks,
        clicks_of=clicks_storage.by_supporter(org_id, keys.supporter_ids)
        if keys.supporter_ids
        else {},
    )
