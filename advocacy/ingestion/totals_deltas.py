"""Compute what actions add to the totals.

Pure. Totals are not counted from scratch: each batch adds the difference between what its actions
contributed before and what they contribute now, in its own transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from advocacy.attribution import RULES
from advocacy.core.dates import day_in
from advocacy.ingestion.rollup import shared_out
from advocacy.storage.actions import Action
from advocacy.storage.totals import ALL_MODELS, NO_ID, RENEWAL, UNIT, Key, Sums


def contributions(action: Action, timezone: str) -> Iterable[tuple[Key, Sums]]:
    """Yield what an action adds: itself on its day, and each return on the day of the return.

    With at most one touch it adds the same under every model. Otherwise each model shares it among
    the posts on its path; money in whole minor units, returns by their cumulative sum.
    """
    if not action.counted:
        return
    days = [day_in(datetime.fromisoformat(each["at"]), timezone) for each in action.returns or []]
    returns = [each["amount_minor"] for each in action.returns or []]
    key = Key(
        campaign_id=action.campaign_id or NO_ID,
        day=action.occurred_on,
        post_id=action.post_id or NO_ID,
        model=ALL_MODELS,
        kind=RENEWAL if action.renewal and action.kind == "donation" else action.kind,
        tier=action.tier,
        platform=action.platform,
        source_id=action.source_id,
        currency=action.currency,
    )
    if not action.path:
        yield key, Sums(UNIT, action.gross_minor, 0)
        for day, amount in zip(days, returns, strict=True):
            yield key._replace(day=day), Sums(0, 0, amount)
        return
    for model in RULES:
        for touch, units, gross, back in shared_out(action, model):
            of_touch = key._replace(
                post_id=UUID(touch["post_id"]) if touch["post_id"] else NO_ID,
                model=model,
                tier=touch["tier"],
                platform=touch["platform"],
            )
            yield of_touch, Sums(units, gross, 0)
            for day, amount in zip(days, back, strict=True):
                yield of_touch._replace(day=day), Sums(0, 0, amount)


def deltas(
    before: Iterable[Action], after: Iterable[Action], zones: Mapping[UUID | None, str]
) -> dict[Key, Sums]:
    """Return what to add to the totals when actions change from `before` to `after`."""
    sums: dict[Key, list[int]] = defaultdict(lambda: [0, 0, 0])
    for sign, actions in ((-1, before), (1, after)):
        for action in actions:
            for key, added in contributions(action, zones.get(action.campaign_id, zones[None])):
                total = sums[key]
                for index, amount in enumerate(added):
                    total[index] += sign * amount
    return {key: Sums(*total) for key, total in sums.items() if any(total)}
