"""The plain sentences of a receipt: what was done, how we know, why a touch was passed over.

Pure. Here lives wording and nothing is judged; `attribution` judges and `explain` puts the two
together. Sentences name posts and platforms, never a person.

What a stranger would get wrong: nothing that a tool carried back is quoted. UTM values, referrers
and codes that are none of ours can hold an address or a name; only whether they fit is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from advocacy.attribution.evidence import (
    AFTER_ACTION,
    OUTSIDE_WINDOW,
    SAME_CLICK,
    SAME_SESSION,
    SESSION,
    WEAKER_EVIDENCE,
)
from advocacy.events import Said, Tier

OTHER_CAMPAIGN = "other_campaign"
"""A touch that `judge` leaves in and that belongs to another campaign than the credited one."""

NOUNS: Mapping[str, str] = {"submission": "form", "click": "link click", "other": "action"}

_PLATFORMS: Mapping[str, str] = {
    "x": "X",
    "tiktok": "TikTok",
    "youtube": "YouTube",
    "linkedin": "LinkedIn",
    "whatsapp": "WhatsApp",
}

_PLACED: Mapping[str, str] = {"email": "e-mail", "sms": "text message", "web": "web page"}

MODELS_SAY: Mapping[str, str] = {
    "last_touch": "all to the last touch of the strongest evidence",
    "last_social_touch": "the same, among touches through posts",
    "first_touch": "all to the first touch",
    "linear": "every touch the same",
    "position_based": "first 40\u00a0%, last 40\u00a0%, those between share 20\u00a0%",
    "time_decay": "half of what a touch a week later gets",
}

SAID: Mapping[str, str] = {
    Said.MADE: "it happened",
    Said.RETURNED: "money went back",
    Said.STANDS: "what went back was taken back",
    Said.ENDED: "the recurring gift stopped",
    Said.ELSEWHERE: "another action tells the same",
}

IN_PATH: Mapping[str, str] = {
    Tier.CLICK_ID: "This very click came back with the action.",
    Tier.CODE: "The code of its link came back; when it was clicked is not known.",
    Tier.UTM: "The UTM parameters that came back fit this post alone; when is not known.",
    Tier.REFERRER: "The page before the action was the platform's; no post is known.",
    Tier.IDENTITY: "A click that is known to be the same person's. This is inferred.",
}


def noun(kind: str) -> str:
    """Return what an action of this kind is called."""
    return NOUNS.get(kind, kind)


def platform_named(platform: str) -> str:
    """Return a platform's name as it writes itself."""
    return _PLATFORMS.get(platform, platform.capitalize())


def post_named(title: str, platform: str, channel: str = "social") -> str:
    """Name a post, or what else a link was put in, as in: the Instagram post “Call today”."""
    what = _PLACED.get(channel) or f"{platform_named(platform)} post".strip()
    return f"the {what} “{title}”" if title else f"the {what} without a title"


def span(time: timedelta) -> str:
    """Say how long something took, in one unit, rounded down."""
    minutes = int(time.total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return _some(minutes, "minute")
    hours = minutes // 60
    return _some(hours, "hour") if hours < 48 else _some(hours // 24, "day")


def _some(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def moment(at: datetime, timezone: str) -> str:
    """Write an instant as clocks in this time zone show it, to the minute."""
    return f"{at.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M}"


def share_shown(share: str, percent: float) -> str:
    """Write a share: as a fraction where it is a short one, and as a percentage."""
    percentage = f"{percent:.2f}".rstrip("0").rstrip(".") + " %"
    short = "/" in share and Fraction(share).denominator < 1000
    return f"{share} ({percentage})" if short else percentage


def passed_over(word: str, kind: str, before: timedelta, window: timedelta) -> str:
    """Say why a touch is not in the path; `before` is how long before the action it lies."""
    match word:
        case "":
            return ""
        case _ if word == AFTER_ACTION:
            return f"It came {span(-before)} after the {noun(kind)} and cannot have led to it."
        case _ if word == OUTSIDE_WINDOW:
            return (
                f"It came {span(before)} before the {noun(kind)}; no more than {window.days} days "
                "count."
            )
        case _ if word == SAME_CLICK:
            return "It is a click that is known by stronger evidence too, and counts once."
        case _ if word == WEAKER_EVIDENCE:
            return "It tells of the same visit as stronger evidence, and is not counted twice."
        case _ if word == SAME_SESSION:
            minutes = int(SESSION.total_seconds() // 60)
            return (
                f"Within {minutes} minutes there was another click on the same post; they are one."
            )
        case _ if word == OTHER_CAMPAIGN:
            return "It belongs to another campaign than the one that is credited."
    return f"It was passed over: {word.replace('_', ' ')}."


def summary(
    tier: str, credited: str, platform: str, kind: str, before: timedelta, anything: bool
) -> str:
    """Say in one sentence who is credited and how that is known.

    `credited` names the post, `anything` says whether there was any touch at all.
    """
    what = noun(kind)
    match tier:
        case Tier.CLICK_ID:
            later = "at once" if before < timedelta(minutes=1) else f"{span(before)} later"
            return f"Credited to {credited}: its click came back with the {what} {later}."
        case Tier.CODE:
            return f"Credited to {credited}: the code of its link came back with the {what}."
        case Tier.UTM:
            return (
                f"Credited to {credited}: the UTM parameters that came back with the {what} "
                "fit it alone."
            )
        case Tier.REFERRER:
            return (
                f"Credited to {platform_named(platform)} and to no post: "
                f"the page before the {what} was there."
            )
        case Tier.IDENTITY:
            return (
                f"Credited to {credited}: a click on it {span(before)} before the {what} "
                "is known to be the same person's."
            )
    if anything:
        return f"Credited to no post: no touch that is known lies in the time before the {what}."
    return f"Credited to no post: nothing that came with the {what} leads to one."


def not_counted(*, test: bool, made: bool, elsewhere: bool) -> str:
    """Say why an action is not counted."""
    if test:
        return "Not counted: it is marked as a test."
    if elsewhere:
        return "Not counted: another action tells the same, and is counted in its place."
    if not made:
        return "Not counted: only that money went back is known, not yet that it was given."
    return "Not counted."
