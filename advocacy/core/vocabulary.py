"""The words of receipts and reports: kinds of action, platforms, models, evidence.

Pure. Only wording; `attribution` decides and `analytics.explain` puts the two together.

Note: every text is a `Phrase`: English, and translated by the pages. Nothing that a tool carried
back is quoted: UTM values, referrers and unknown codes can contain an address or a name. Texts name
posts and platforms, never a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from advocacy.core.dates import zone
from advocacy.core.events import Tier
from advocacy.core.messages import Phrase, say

OTHER_CAMPAIGN = "other_campaign"
"""The reason for an eligible touch that belongs to another campaign than the credited one."""

NOUNS: Mapping[str, Phrase] = {
    "signature": say("signature"),
    "call": say("call"),
    "letter": say("letter"),
    "donation": say("donation"),
    "submission": say("form"),
    "attendance": say("attendance"),
    "click": say("link click"),
    "other": say("action"),
}

WITH_ARTICLE: Mapping[str, Phrase] = {
    "signature": say("the signature"),
    "call": say("the call"),
    "letter": say("the letter"),
    "donation": say("the donation"),
    "submission": say("the form"),
    "attendance": say("the attendance"),
    "click": say("the link click"),
    "other": say("the action"),
}

_PLATFORMS: Mapping[str, str] = {
    "x": "X",
    "tiktok": "TikTok",
    "youtube": "YouTube",
    "linkedin": "LinkedIn",
    "whatsapp": "WhatsApp",
    "truthsocial": "Truth Social",
    "vk": "VK",
}

_MODELS: Mapping[str, Phrase] = {
    "last_touch": say("last touch"),
    "last_social_touch": say("last social touch"),
    "first_touch": say("first touch"),
    "linear": say("linear"),
    "position_based": say("position based"),
    "time_decay": say("time decay"),
}

MODELS_SAY: Mapping[str, Phrase] = {
    "last_touch": say("all credit to the last touch with the strongest evidence"),
    "last_social_touch": say("the same, but only among touches from posts"),
    "first_touch": say("all credit to the first touch"),
    "linear": say("equal credit to every touch"),
    "position_based": say("first 40\u00a0%, last 40\u00a0%, those between share 20\u00a0%"),
    "time_decay": say("half the credit of a touch one week later"),
}

_TIERS: Mapping[str, Phrase] = {
    Tier.CLICK_ID: say("click id"),
    Tier.CODE: say("code"),
    Tier.UTM: say("utm"),
    Tier.REFERRER: say("referrer"),
    Tier.IDENTITY: say("identity"),
    Tier.UNATTRIBUTED: say("unattributed"),
}

TIERS_MEAN: Mapping[str, Phrase] = {
    Tier.CLICK_ID: say("the click id was returned with the action"),
    Tier.CODE: say("the link's code was returned, without the click id"),
    Tier.UTM: say("only the campaign's UTM parameters were returned"),
    Tier.REFERRER: say("only the referring site is known"),
    Tier.IDENTITY: say("the person acted before through one of our links"),
    Tier.UNATTRIBUTED: say("no evidence of the source"),
}
"""How sure a credit is, in words."""


def noun(kind: str) -> str:
    """Return the word for an action of this kind."""
    return NOUNS.get(kind, kind)


def platform_named(platform: str) -> str:
    """Return a platform's name as it writes itself."""
    return _PLATFORMS.get(platform, platform.capitalize())


def model_named(model: str) -> str:
    """Return the name of a model."""
    return _MODELS.get(model) or model.replace("_", " ")


def tier_named(tier: str) -> str:
    """Return the name of a kind of evidence."""
    return _TIERS.get(tier) or tier.replace("_", " ")


def post_named(title: str, platform: str, channel: str = "social") -> Phrase:
    """Return the name of a post or another place of a link: the Instagram post “Call today”."""
    match channel, bool(title):
        case "email", True:
            return say("the email “%(title)s”", title=title)
        case "email", False:
            return say("the email without a title")
        case "sms", True:
            return say("the text message “%(title)s”", title=title)
        case "sms", False:
            return say("the text message without a title")
        case "web", True:
            return say("the web page “%(title)s”", title=title)
        case "web", False:
            return say("the web page without a title")
    if not platform:
        return (
            say("the post “%(title)s”", title=title) if title else say("the post without a title")
        )
    named = platform_named(platform)
    if title:
        return say("the %(platform)s post “%(title)s”", platform=named, title=title)
    return say("the %(platform)s post without a title", platform=named)


def moment(at: datetime, timezone: str) -> str:
    """Return an instant as clocks in this time zone show it, to the minute."""
    return f"{at.astimezone(zone(timezone)):%Y-%m-%d %H:%M}"
