"""Say of each tier of evidence what was received with an action and whether it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from advocacy.analytics import explain_text
from advocacy.analytics.receipt import ReceiptEvidence
from advocacy.attribution.credit import Evidence, Payment, window_of
from advocacy.attribution.rules import WeightedTouch
from advocacy.attribution.touchpoints import TouchLookup, collect_touchpoints
from advocacy.core import vocabulary
from advocacy.core.events import Tier, Touch
from advocacy.core.messages import Phrase, joined, say, say_many
from advocacy.core.platforms import platform_of_host
from advocacy.storage.explain import PostRow


class ActionWithEvidence(Evidence, Payment, Protocol):
    """An action or a payment, with the evidence that it carries."""


def evidence_by_tier(
    action: ActionWithEvidence,
    lookup: TouchLookup,
    touches: Sequence[WeightedTouch],
    posts: Mapping[UUID, PostRow],
) -> tuple[ReceiptEvidence, ...]:
    """Return the evidence of each tier, strongest first."""
    by_tier: dict[Tier, WeightedTouch] = {
        line.touch.tier: line for line in touches if line.touch.tier != Tier.IDENTITY
    }
    names = {tier: name_of_touch(posts, line.touch) for tier, line in by_tier.items()}

    def evidence(tier: Tier, received: bool, text: str) -> ReceiptEvidence:
        line = by_tier.get(tier)
        if line and line.rejection_reason:
            text = joined([text, rejection_text(line, action)])
        return ReceiptEvidence(
            tier=tier,
            received=received,
            found=line is not None,
            used=line is not None and not line.rejection_reason,
            text=text,
        )

    return (
        evidence(Tier.CLICK_ID, bool(action.click_id), _click_text(action, lookup, names)),
        evidence(Tier.CODE, bool(action.code), _code_text(action, names)),
        evidence(Tier.UTM, bool(action.utm), _utm_text(action, lookup, names)),
        evidence(Tier.REFERRER, bool(action.referrer), _referrer_text(action)),
        _identity(action, lookup, touches),
    )


def name_of_touch(posts: Mapping[UUID, PostRow], touch: Touch) -> str:
    """Return what a touch is called in a sentence."""
    post = posts.get(touch.post_id) if touch.post_id else None
    if post is None:
        return vocabulary.platform_named(touch.platform) or say("a link")
    return vocabulary.post_named(post.title, post.platform, touch.channel)


def rejection_text(line: WeightedTouch, action: ActionWithEvidence) -> Phrase:
    """Say why a touch is not counted; empty if it is."""
    return explain_text.rejection(
        line.rejection_reason,
        action.kind,
        action.occurred_at - line.touch.at,
        window_of(action),
    )


def _identity(
    action: ActionWithEvidence, lookup: TouchLookup, touches: Sequence[WeightedTouch]
) -> ReceiptEvidence:
    clicks = 0
    if action.supporter_id is not None:
        clicks = len(
            {click.click_id for click in lookup.clicks_of.get(action.supporter_id, ())}
            - {action.click_id}
        )
    own = [line for line in touches if line.touch.tier == Tier.IDENTITY]
    return ReceiptEvidence(
        tier=Tier.IDENTITY,
        received=action.supporter_id is not None,
        found=clicks > 0,
        used=any(not line.rejection_reason for line in own),
        text=_identity_text(action, clicks),
    )


def _click_text(
    action: ActionWithEvidence, lookup: TouchLookup, names: Mapping[Tier, str]
) -> Phrase:
    if not action.click_id:
        return say("No click id was returned.")
    click = lookup.clicks.get(action.click_id)
    if click is None:
        return say(
            "A click id was returned, but no click with this id is stored: it has not "
            "arrived yet, or its link was deleted."
        )
    returned = say("A click id was returned: a click on %(post)s.", post=names[Tier.CLICK_ID])
    if action.click_id not in lookup.shared_clicks:
        return returned
    return joined([returned, say("Several people acted through it, so it does not link them.")])


def _code_text(action: ActionWithEvidence, names: Mapping[Tier, str]) -> Phrase:
    if not action.code:
        return say("No tracking code was returned.")
    if Tier.CODE not in names:
        return say("A code was returned that does not belong to any link of this organization.")
    return say("The code of a link was returned: %(post)s.", post=names[Tier.CODE])


def _utm_text(action: ActionWithEvidence, lookup: TouchLookup, names: Mapping[Tier, str]) -> Phrase:
    if not action.utm:
        return say("No UTM parameters were returned.")
    if Tier.UTM in names:
        return say(
            "UTM parameters were returned that match the links of one post: %(post)s.",
            post=names[Tier.UTM],
        )
    if not action.utm.get("campaign"):
        return say("UTM parameters were returned without a campaign; they match no link.")
    # Each link is looked up alone, so that what matches is decided in `collect_touchpoints`.
    matching = {
        link.post_id
        for link in lookup.utm_links
        if collect_touchpoints(action.occurred_at, TouchLookup(utm_links=[link]), utm=action.utm)
    }
    if matching:
        return say(
            "UTM parameters were returned that match links of %(posts)s posts, so none "
            "is credited.",
            posts=len(matching),
        )
    return say("UTM parameters were returned that match no link.")


def _referrer_text(action: ActionWithEvidence) -> Phrase:
    if not action.referrer:
        return say("No referrer was returned.")
    if platform := platform_of_host(action.referrer):
        return say(
            "The page visited before was on %(platform)s.",
            platform=vocabulary.platform_named(platform),
        )
    return say("A referrer was returned; it does not belong to a known platform.")


def _identity_text(action: ActionWithEvidence, clicks: int) -> Phrase:
    if action.supporter_id is None:
        return say("The tool did not identify the person, so no other click can be linked to them.")
    if not clicks:
        return say("No other click is known to be by the same person.")
    return say_many(
        "%(num)s other click is known to be by the same person.",
        "%(num)s other clicks are known to be by the same person.",
        clicks,
    )
