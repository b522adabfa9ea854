"""The rules that share an action out among the posts that led to it.

Each rule is a function from a path (touches in order of time, at least one) to weights of the same
length that sum to exactly one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from advocacy.attribution.evidence import eligible, strength
from advocacy.events import Credit, Tier, Touch

Rule = Callable[[Sequence[Touch], datetime], list[Fraction]]


def last_touch(path: Sequence[Touch], occurred_at: datetime) -> list[Fraction]:
    """Give all to the last touch of the strongest tier: what the tool itself carried back.

    A link that the action names beats a later click that is only known to be the same person's.
    """
    strongest = min(strength(touch.tier) for touch in path)
    last = max(index for index, touch in enumerate(path) if strength(touch.tier) == strongest)
    return [Fraction(int(index == last)) for index in range(len(path))]


RULES: Mapping[str, Rule] = {"last_touch": last_touch}


def attribute(
    occurred_at: datetime, touches: Iterable[Touch], rule: Rule, window: timedelta
) -> list[Credit]:
    """Share an action that occurred at this instant out among its touches.

    Returns credits whose shares sum to exactly one; without eligible touches that is one credit
    to nobody.
    """
    path = eligible(occurred_at, touches, window)
    if not path:
        return [Credit(None, Fraction(1), Tier.UNATTRIBUTED)]
    return [
        Credit(touch, share, touch.tier)
        for touch, share in zip(path, rule(path, occurred_at), strict=True)
        if share
    ]
