"""Which touches may have credit for an action at all: the window and the order.

What a stranger would get wrong: an age of exactly the window is still in, and clocks of two systems
differ, so a touch up to five minutes after the action counts as one at its instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from advocacy.events import TIERS, ActionKind, Tier, Touch

CLOCK_SKEW = timedelta(minutes=5)

WINDOWS: Mapping[ActionKind, timedelta] = {
    kind: timedelta(days=30 if kind is ActionKind.DONATION else 7) for kind in ActionKind
}
"""How long before an action a touch may lie, by kind of action."""


def strength(tier: Tier) -> int:
    """Return the rank of a tier; the strongest is 0."""
    return TIERS.index(tier)


def eligible(occurred_at: datetime, touches: Iterable[Touch], window: timedelta) -> list[Touch]:
    """Return the touches inside the window, each once, in the order of time.

    A click known both by its id and by the person counts once, by the stronger evidence. A touch
    told by code, UTM or referrer has no time of its own and stands at the action's. A click
    older than the window says no more than the code that came with it.
    """
    best: dict[object, Touch] = {}
    for touch in touches:
        if touch.at - occurred_at > CLOCK_SKEW or occurred_at - touch.at > window:
            continue
        at = min(touch.at, occurred_at)
        key: object = touch.click_id or (touch.tier, touch.link_id, touch.post_id, touch.platform)
        kept = best.get(key)
        if kept is None or strength(touch.tier) < strength(kept.tier):
            best[key] = replace(touch, at=at)
    return sorted(
        best.values(),
        key=lambda touch: (
            touch.at,
            -strength(touch.tier),
            touch.seen_at or touch.at,
            touch.click_id,
            str(touch.link_id),
        ),
    )
