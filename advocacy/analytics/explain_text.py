"""Sentences of an action's receipt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction

from advocacy.attribution.eligibility import (
    AFTER_ACTION,
    OUTSIDE_WINDOW,
    SAME_CLICK,
    SAME_SESSION,
    SESSION,
    WEAKER_EVIDENCE,
)
from advocacy.core.events import StatementType, Tier
from advocacy.core.messages import Phrase, joined, say, say_many
from advocacy.core.vocabulary import _THE, OTHER_CAMPAIGN, platform_named

SAID: Mapping[str, Phrase] = {
    StatementType.CREATED: say("it happened"),
    StatementType.REFUNDED: say("money went back"),
    StatementType.REFUND_REVERSED: say("what went back was taken back"),
    StatementType.RECURRING_ENDED: say("the recurring gift stopped"),
    StatementType.DUPLICATE_OF: say("another action tells the same"),
}

IN_PATH: Mapping[str, Phrase] = {
    Tier.CLICK_ID: say("This very click came back with the action."),
    Tier.CODE: say("The code of its link came back; when it was clicked is not known."),
    Tier.UTM: say("The UTM parameters that came back fit this post alone; when is not known."),
    Tier.REFERRER: say("The page before the action was the platform's; no post is known."),
    Tier.IDENTITY: say("A click that is known to be the same person's. This is inferred."),
}


def span(time: timedelta) -> Phrase:
    """Say how long something took, in one unit, rounded down."""
    minutes = int(time.total_seconds() // 60)
    if minutes < 1:
        return say("less than a minute")
    if minutes < 120:
        return say_many("%(num)s minute", "%(num)s minutes", minutes)
    hours = minutes // 60
    if hours < 48:
        return say_many("%(num)s hour", "%(num)s hours", hours)
    return say_many("%(num)s day", "%(num)s days", hours // 24)


def share_shown(share: str, percent: float) -> str:
    """Write a share: as a fraction where it is a short one, and as a percentage."""
    percentage = f"{percent:.2f}".rstrip("0").rstrip(".") + " %"
    return f"{share} ({percentage})" if is_short(share) else percentage


def is_short(share: str) -> bool:
    """Say whether a share is a fraction that is read at a glance."""
    return "/" in share and Fraction(share).denominator < 1000


def passed_over(word: str, kind: str, before: timedelta, window: timedelta) -> Phrase:
    """Say why a touch is not in the path; `before` is how long before the action it lies."""
    what = _the(kind)
    match word:
        case "":
            return joined(())
        case _ if word == AFTER_ACTION:
            return say(
                "It came %(time)s after %(what)s and cannot have led to it.",
                time=span(-before),
                what=what,
            )
        case _ if word == OUTSIDE_WINDOW:
            return say(
                "It came %(time)s before %(what)s; no more than %(days)s days count.",
                time=span(before),
                what=what,
                days=window.days,
            )
        case _ if word == SAME_CLICK:
            return say("It is a click that is known by stronger evidence too, and counts once.")
        case _ if word == WEAKER_EVIDENCE:
            return say("It tells of the same visit as stronger evidence, and is not counted twice.")
        case _ if word == SAME_SESSION:
            return say(
                "Within %(minutes)s minutes there was another click on the same post; "
                "they are one.",
                minutes=int(SESSION.total_seconds() // 60),
            )
        case _ if word == OTHER_CAMPAIGN:
            return say("It belongs to another campaign than the one that is credited.")
    return say("It was passed over: %(why)s.", why=word.replace("_", " "))


def summary(
    tier: str, credited: str, platform: str, kind: str, before: timedelta, anything: bool
) -> Phrase:
    """Say in one sentence who is credited and how that is known.

    `credited` names the post, `anything` says whether there was any touch at all.
    """
    what = _the(kind)
    match tier:
        case Tier.CLICK_ID if before < timedelta(minutes=1):
            return say(
                "Credited to %(credited)s: its click came back with %(what)s at once.",
                credited=credited,
                what=what,
            )
        case Tier.CLICK_ID:
            return say(
                "Credited to %(credited)s: its click came back with %(what)s %(time)s later.",
                credited=credited,
                what=what,
                time=span(before),
            )
        case Tier.CODE:
            return say(
                "Credited to %(credited)s: the code of its link came back with %(what)s.",
                credited=credited,
                what=what,
            )
        case Tier.UTM:
            return say(
                "Credited to %(credited)s: the UTM parameters that came back with %(what)s "
                "fit it alone.",
                credited=credited,
                what=what,
            )
        case Tier.REFERRER:
            return say(
                "Credited to %(platform)s and to no post: the page before %(what)s was there.",
                platform=platform_named(platform),
                what=what,
            )
        case Tier.IDENTITY:
            return say(
                "Credited to %(credited)s: a click on it %(time)s before %(what)s is known to be "
                "the same person's.",
                credited=credited,
                what=what,
                time=span(before),
            )
    if anything:
        return say(
            "Credited to no post: no touch that is known lies in the time before %(what)s.",
            what=what,
        )
    return say("Credited to no post: nothing that came with %(what)s leads to one.", what=what)


def not_counted(*, test: bool, made: bool, elsewhere: bool) -> Phrase:
    """Say why an action is not counted."""
    if test:
        return say("Not counted: it is marked as a test.")
    if elsewhere:
        return say("Not counted: another action tells the same, and is counted in its place.")
    if not made:
        return say("Not counted: only that money went back is known, not yet that it was given.")
    return say("Not counted.")


def _the(kind: str) -> Phrase:
    return _THE.get(kind) or say("the %(kind)s", kind=kind)
