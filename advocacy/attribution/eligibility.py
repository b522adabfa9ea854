"""Decide which touches of an action may receive credit: window, order and duplicates.

`check_eligibility` returns each touch with the reason why it was rejected, or none. `rules.py`
shares the action out among the others; `touchpoints.py` collects the touches.

Note: a touch exactly as old as the window is inside it. Clocks of two systems differ, so a touch up
to five minutes after the action counts as simultaneous. Everything that an action carries back
(click id, code, UTM, referrer) is evidence of *one* visit: the strongest of it is the touch, the
rest is never a second one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from advocacy.core.events import TIERS, ActionKind, Tier, Touch, shape

CLOCK_SKEW = timedelta(minutes=5)

SESSION = timedelta(minutes=30)
"""Clicks of one person on one post within this time of each other are one touch."""

WINDOWS: Mapping[ActionKind, timedelta] = {
    kind: timedelta(days=30 if kind is ActionKind.DONATION else 7) for kind in ActionKind
}
"""How long before an action a touch may lie, by kind of action."""

AFTER_ACTION = "after_action"
OUTSIDE_WINDOW = "outside_window"
SAME_CLICK = "same_click"
WEAKER_EVIDENCE = "weaker_evidence"
SAME_SESSION = "same_session"


@shape()
class CheckedTouch:
    """A touch, and the reason why it is not in the path; empty if it is."""

    touch: Touch
    rejection_reason: str = ""


_STRENGTH = {tier: rank for rank, tier in enumerate(TIERS)}


def strength(tier: Tier) -> int:
    """Return the rank of a tier; the strongest is 0."""
    return _STRENGTH[tier]


def _order(touch: Touch) -> tuple[object, ...]:
    """Order touches by instant, then receipt, then all other fields, so that arrival never matters.

    At one instant the stronger evidence is later, and so nearer to the action.
    """
    return (
        touch.at,
        -strength(touch.tier),
        touch.seen_at or touch.at,
        touch.click_id,
        _number(touch.link_id),
        _number(touch.post_id),
        touch.platform,
        touch.channel,
        _number(touch.campaign_id),
    )


def _number(named: UUID | None) -> int:
    return -1 if named is None else named.int


def window_bounds(occurred_at: datetime, window: timedelta) -> tuple[datetime, datetime]:
    """Return the first and the last instant of a touch that can be in the path of an action."""
    return occurred_at - window, occurred_at + CLOCK_SKEW


def check_eligibility(
    occurred_at: datetime,
    touches: Iterable[Touch],
    window: timedelta,
    session: timedelta = SESSION,
) -> list[CheckedTouch]:
    """Check all touches of an action that occurred at this instant; return them in order of time.

    A touch that is later by no more than `CLOCK_SKEW` is moved to the action's instant. A `session`
    of zero merges only clicks of one instant; a negative one merges none.
    """
    clamped = [
        replace(touch, at=occurred_at)
        if occurred_at < touch.at <= occurred_at + CLOCK_SKEW
        else touch
        for touch in touches
    ]
    if len(clamped) > 1:
        clamped.sort(key=_order)
    verdicts = [
        AFTER_ACTION
        if touch.at > occurred_at
        else OUTSIDE_WINDOW
        if occurred_at - touch.at > window
        else ""
        for touch in clamped
    ]
    if len(clamped) > 1:
        _reject_same_click(clamped, verdicts)
        _reject_weaker(clamped, verdicts)
        _reject_same_session(clamped, verdicts, session)
    return [CheckedTouch(touch, word) for touch, word in zip(clamped, verdicts, strict=True)]


def _reject_same_click(touches: Sequence[Touch], verdicts: list[str]) -> None:
    """Keep each click once, by its strongest evidence; of equals the later one."""
    best: dict[object, int] = {}
    for index, touch in enumerate(touches):
        if verdicts[index]:
            continue
        key: object = touch.click_id or (touch.tier, touch.link_id, touch.post_id, touch.platform)
        kept = best.get(key)
        if kept is None:
            best[key] = index
        elif strength(touch.tier) <= strength(touches[kept].tier):
            verdicts[kept], best[key] = SAME_CLICK, index
        else:
            verdicts[index] = SAME_CLICK


def _reject_weaker(touches: Sequence[Touch], verdicts: list[str]) -> None:
    """Keep only the strongest evidence that the action carried: evidence is never averaged.

    Other clicks of the same person are touches of their own and stay.
    """
    carried = [
        index
        for index, touch in enumerate(touches)
        if not verdicts[index] and touch.tier is not Tier.IDENTITY
    ]
    strongest = min((strength(touches[index].tier) for index in carried), default=0)
    for index in carried:
        if strength(touches[index].tier) > strongest:
            verdicts[index] = WEAKER_EVIDENCE


def _reject_same_session(touches: Sequence[Touch], verdicts: list[str], session: timedelta) -> None:
    """Merge clicks on one post with nothing between them: a reload is not a new visit.

    The strongest evidence stays, and of equals the later, so that no rule that gives everything to
    one touch picks another post because of the merge.
    """
    kept = -1
    before: Touch | None = None
    for index, touch in enumerate(touches):
        if verdicts[index]:
            continue
        new = before is None or not _same_post(before, touch) or touch.at - before.at > session
        if new:
            kept = index
        elif strength(touch.tier) <= strength(touches[kept].tier):
            verdicts[kept], kept = SAME_SESSION, index
        else:
            verdicts[index] = SAME_SESSION
        before = touch


def _same_post(one: Touch, other: Touch) -> bool:
    return (one.post_id, one.platform, one.channel) == (
        other.post_id,
        other.platform,
        other.channel,
    )


def eligible(occurred_at: datetime, touches: Iterable[Touch], window: timedelta) -> list[Touch]:
    """Return the touches inside the window, each click once, in order of time.

    A click known both by its id and by the person counts once, by the stronger evidence. A touch
    known by code, UTM or referrer has no time of its own and gets the action's.
    """
    return [
        judged.touch
        for judged in check_eligibility(occurred_at, touches, window)
        if judged.rejection_reason in ("", WEAKER_EVIDENCE, SAME_SESSION)
    ]


def path_of(
    occurred_at: datetime,
    touches: Iterable[Touch],
    window: timedelta,
    session: timedelta = SESSION,
) -> list[Touch]:
    """Return the path that the rules share an action over, in order of time."""
    return [
        judged.touch
        for judged in check_eligibility(occurred_at, touches, window, session)
        if not judged.rejection_reason
    ]
