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
from advocacy.core.vocabulary import OTHER_CAMPAIGN, WITH_ARTICLE, platform_named

STATEMENTS: Mapping[str, Phrase] = {
    StatementType.CREATED: say("action reported"),
    StatementType.REFUNDED: say("refunded"),
    StatementType.REFUND_REVERSED: say("refund reversed"),
    StatementType.RECURRING_ENDED: say("the recurring gift stopped"),
    StatementType.DUPLICATE_OF: say("it duplicates another action"),
}

IN_PATH: Mapping[str, Phrase] = {
    Tier.CLICK_ID: say("The id of this click was returned with the action."),
    Tier.CODE: say("The code of its link was returned; the time of the click is not known."),
    Tier.UTM: say(
        "The returned UTM parameters match only this post; the time of the click is not known."
    ),
    Tier.REFERRER: say("The page visited before the action was on the platform; no post is known."),
    Tier.IDENTITY: say("A click known to be by the same person. This is inferred."),
}


def duration(time: timedelta) -> Phrase:
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


def rejection(reason: str, kind: str, before: timedelta, window: timedelta) -> Phrase:
    """Say why a touch is not in the path; it lies `before` the action by so much."""
    what = _the(kind)
    match reason:
        case "":
            return joined(())
        case _ if reason == AFTER_ACTION:
            return say(
                "It happened %(time)s after %(what)s and cannot have led to it.",
                time=duration(-before),
                what=what,
            )
        case _ if reason == OUTSIDE_WINDOW:
            return say(
                "It happened %(time)s before %(what)s; only touches within %(days)s days count.",
                time=duration(before),
                what=what,
                days=window.days,
            )
        case _ if reason == SAME_CLICK:
            return say("This click is also known from stronger evidence and counts once.")
        case _ if reason == WEAKER_EVIDENCE:
            return say("It refers to the same visit as stronger evidence and is not counted twice.")
        case _ if reason == SAME_SESSION:
            return say(
                "Another click on the same post within %(minutes)s minutes; they count as one.",
                minutes=int(SESSION.total_seconds() // 60),
            )
        case _ if reason == OTHER_CAMPAIGN:
            return say("It belongs to a different campaign from the one credited.")
    return say("Ignored: %(why)s.", why=reason.replace("_", " "))


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
                "Credited to %(credited)s: its click id was returned with %(what)s immediately.",
                credited=credited,
                what=what,
            )
        case Tier.CLICK_ID:
            return say(
                "Credited to %(credited)s: its click id was returned with %(what)s %(time)s later.",
                credited=credited,
                what=what,
                time=duration(before),
            )
        case Tier.CODE:
            return say(
                "Credited to %(credited)s: the code of its link was returned with %(what)s.",
                credited=credited,
                what=what,
            )
        case Tier.UTM:
            return say(
                "Credited to %(credited)s: the UTM parameters returned with %(what)s "
                "match only this post.",
                credited=credited,
                what=what,
            )
        case Tier.REFERRER:
            return say(
                "Credited to %(platform)s and no particular post: the page visited "
                "before %(what)s was there.",
                platform=platform_named(platform),
                what=what,
            )
        case Tier.IDENTITY:
            return say(
                "Credited to %(credited)s: it was clicked %(time)s before %(what)s, "
                "and the click is known to be by the same person.",
                credited=credited,
                what=what,
                time=duration(before),
            )
    if anything:
        return say(
            "Unattributed: no known touch lies within the time before %(what)s.",
            what=what,
        )
    return say("Unattributed: nothing received with %(what)s leads to a post.", what=what)


def not_counted(*, test: bool, reported: bool, duplicate: bool) -> Phrase:
    """Say why an action is not counted."""
    if test:
        return say("Not counted: it is marked as a test.")
    if duplicate:
        return say("Not counted: it duplicates another action, which is counted instead.")
    if not reported:
        return say("Not counted: a refund is known, but not yet the gift it belongs to.")
    return say("Not counted.")


def _the(kind: str) -> Phrase:
    return WITH_ARTICLE.get(kind) or say("the %(kind)s", kind=kind)
