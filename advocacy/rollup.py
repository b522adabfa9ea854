"""③ What an action adds to the totals, and what a change of it adds or takes back.

Pure. Totals are never counted anew on the way: each batch adds the difference between what its
actions contributed before and what they contribute now, inside its own transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from advocacy.store.actions import Action
from advocacy.store.totals import NOBODY, Key, Sums

_zone = lru_cache(maxsize=256)(ZoneInfo)


def day_in(moment: datetime, timezone: str) -> date:
    """Return the calendar day of an instant in a zone."""
    return moment.astimezone(_zone(timezone)).date()


def contributions(action: Action, timezone: str) -> Iterable[tuple[Key, Sums]]:
    """Yield what an action adds: itself on its day, and each return on the day of the return."""
    if not action.counted:
        return
    key = Key(
        campaign_id=action.campaign_id or NOBODY,
        day=action.occurred_on,
        post_id=action.post_id or NOBODY,
        kind=action.kind,
        tier=action.tier,
        platform=action.platform,
        source_id=action.source_id,
        currency=action.currency,
    )
    yield key, Sums(1, action.gross_minor, 0)
    for each in action.returns or []:
        day = day_in(datetime.fromisoformat(each["at"]), timezone)
        yield key._replace(day=day), Sums(0, 0, each["amount_minor"])


def deltas(
    before: Iterable[Action], after: Iterable[Action], zones: Mapping[UUID | None, str]
) -> dict[Key, Sums]:
    """Return what has to be added to the totals when actions change so."""
    sums: dict[Key, list[int]] = defaultdict(lambda: [0, 0, 0])
    for sign, actions in ((-1, before), (1, after)):
        for action in actions:
            for key, added in contributions(action, zones.get(action.campaign_id, zones[None])):
                total = sums[key]
                for index, amount in enumerate(added):
                    total[index] += sign * amount
    return {key: Sums(*total) for key, total in sums.items() if any(total)}
