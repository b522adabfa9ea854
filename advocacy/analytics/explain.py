"""The receipt of one action: what was done, how we know which post led to it, and what that weighs.

`explain` shows the chain from the clicks to the credit in words and data; `find_actions` is the way
to the ids. Both read; neither changes anything.

Note: a receipt is made from the evidence, not from the credit that was
kept, so that it proves the credit instead of repeating it. Where the two differ, something arrived
that the next drain will take in, and `current` is false. A renewal shows the evidence of the
payment that it inherits from. Nothing in a receipt names a person: no address, hash or id.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import count
from typing import Any
from uuid import UUID

from advocacy.analytics import explain_text
from advocacy.analytics.activation import MODELS
from advocacy.attribution import (
    RULES,
    assign_weights,
    check_eligibility,
    split_minor,
    split_returns,
)
from advocacy.attribution.credit import (
    credit_action,
    first_payment,
    split_by_campaign,
    touches_of,
    window_of,
)
from advocacy.attribution.eligibility import AFTER_ACTION, OUTSIDE_WINDOW
from advocacy.attribution.touchpoints import TouchLookup, collect_touchpoints
from advocacy.core import vocabulary
from advocacy.core.events import Credit, StatementType, Tier, Touch
from advocacy.core.messages import Phrase, joined, say, say_many
from advocacy.core.platforms import platform_of_host
from advocacy.ingestion.evidence import look_up
from advocacy.storage import action_aliases, actions, campaigns, errors
from advocacy.storage import explain as explain_storage
from advocacy.storage.actions import Action
from config.settings import Settings

MOST = 200


class BadCursor(ValueError):
    """The cursor was not made here."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A touch on the receipt: why it was passed over, if it was, and its share by model."""

    touch: Touch
    rejection_reason: str
    shares: Mapping[str, Fraction]


def explain(settings: Settings, org_id: UUID, action_id: UUID) -> dict[str, Any]:
    """Return the receipt of an action. Raises `NotFound`, also for another organization's.

    An action that went by another id before it was found to be the same as a second one is found by
    either. Amounts are whole minor units; shares are exact fractions that sum to one by each model,
    or to zero where no touch is in the path.
    """
    action = _get(org_id, action_id)
    carrier = _carrier(org_id, action)
    known = look_up(org_id, [carrier])
    lines, credit = _lines(carrier, known)
    place = explain_storage.find_context(org_id, action.source_id, action.campaign_id)
    told = explain_storage.deliveries(org_id, action.id, action.delivery_ids)
    seen = [line.touch.post_id for line in lines]
    posts = explain_storage.posts(org_id, {each for each in [*seen, action.post_id] if each})
    counted_why = "" if action.counted else _not_counted(action, told)
    inherits = _inherits(action, carrier)
    return {
        "action": {
            "id": action.id,
            "kind": action.kind,
            "at": action.occurred_at,
            "day": action.occurred_on,
            "timezone": place.timezone,
            "campaign": {"slug": place.slug, "name": place.name} if place.slug else None,
            "source": {"name": place.source, "provider": place.provider},
            "renewal": action.renewal,
            "ended_at": action.ended_at,
            "page": f"{settings.public_url}/actions/{action.id}",
        },
        "summary": counted_why or _summary(action, carrier, credit, lines, posts, place.timezone),
        "counted": action.counted,
        "not_counted_why": counted_why,
        "current": _is_kept(action, credit, lines),
        "deliveries": [
            {
                "id": row.id,
                "source": {"name": row.source, "provider": row.provider},
                "received_at": row.received_at,
                "counted_at": row.done_at,
                "said": list(row.said),
            }
            for row in told
        ],
        "money": _money(action),
        "credit": {
            "tier": credit.tier,
            "platform": credit.touch.platform if credit.touch else "",
            "post": _post(posts, credit.touch),
        },
        "inherits": inherits,
        "evidence": _evidence(carrier, known, lines, posts),
        "touches": _touches(action, carrier, lines, posts),
        "restated": _restated(action, carrier, told, lines),
    }


def find_actions(
    org_id: UUID,
    slug: str,
    *,
    post_id: UUID | None = None,
    kind: str = "",
    day: date | None = None,
    counted: bool = True,
    limit: int = 50,
    cursor: str = "",
) -> dict[str, Any]:
    """Return the newest actions of a campaign, without anything of a person.

    `post_id` means credited by last touch; `day` is one in the campaign's time zone; without
    `counted` they are those that count in no report. `next` is the cursor of those before, or None.
    Raises `NotFound` and `BadCursor`.
    """
    campaign = campaigns.get_campaign(org_id, slug)
    limit = max(1, min(limit, MOST))
    rows = explain_storage.newest(
        org_id,
        campaign.id,
        post_id=post_id,
        kind=kind,
        day=day,
        counted=counted,
        before=_read_cursor(cursor) if cursor else None,
        limit=limit + 1,
    )
    shown = rows[:limit]
    return {
        "campaign": {
            "slug": campaign.slug,
            "name": campaign.name,
            "timezone": campaign.timezone,
        },
        "actions": [
            {
                "id": row.id,
                "kind": row.kind,
                "at": row.occurred_at,
                "day": row.occurred_on,
                "counted": row.counted,
                "test": row.test,
                "renewal": row.renewal,
                "tier": row.tier,
                "platform": row.platform,
                "post": {
                    "id": row.post_id,
                    "platform": row.platform,
                    "title": row.title or "",
                    "url": row.url or "",
                }
                if row.post_id
                else None,
                "money": _money(row),
            }
            for row in shown
        ],
        "next": _cursor(shown[-1]) if len(rows) > limit else None,
    }


def _cursor(row: Any) -> str:
    place = f"{row.occurred_on}|{row.occurred_at.astimezone(UTC).isoformat()}|{row.id}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[date, datetime, UUID]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        day, at, action_id = base64.urlsafe_b64decode(padded).decode("ascii").split("|")
        return date.fromisoformat(day), datetime.fromisoformat(at), UUID(action_id)
    except (binascii.Error, ValueError):
        raise BadCursor("is not one that was given here") from None


def _get(org_id: UUID, action_id: UUID) -> Action:
    """Return the action, by whatever id it went. Raises `NotFound`."""
    found = actions.find_action(org_id, action_id)
    if found is None and (
        renamed := action_aliases.find_aliases(org_id, [action_id]).get(action_id)
    ):
        found = actions.find_action(org_id, renamed)
    if found is None:
        raise errors.NotFound(
            f"there is no action {action_id}; see `advocacy explain --newest CAMPAIGN`"
        )
    return found


def _carrier(org_id: UUID, action: Action) -> Any:
    """Return the payment whose evidence decides this action's credit; usually the action itself."""
    if not action.recurs_as:
        return action
    payments = explain_storage.first_payments(org_id, action.source_id, action.recurs_as)
    lookup = look_up(org_id, payments)
    first = first_payment(
        payments, lambda each: credit_action(each, touches_of(each, lookup))[0].touch
    )
    return action if first.id == action.id else first


def _lines(carrier: Any, lookup: TouchLookup) -> tuple[list[_Line], Credit]:
    """Return every touch in order of time with its share by model, and the credit."""
    touches = touches_of(carrier, lookup)
    credit, _ = credit_action(carrier, touches)
    own, others = split_by_campaign(touches, credit)
    at, window = carrier.occurred_at, window_of(carrier)
    lines = [
        _Line(each.touch, each.rejection_reason, each.shares)
        for each in assign_weights(at, own, window)
    ]
    for checked in check_eligibility(at, others, window):
        out = checked.rejection_reason in {AFTER_ACTION, OUTSIDE_WINDOW}
        reason = checked.rejection_reason if out else vocabulary.OTHER_CAMPAIGN
        lines.append(_Line(checked.touch, reason, dict.fromkeys(RULES, Fraction(0))))
    return sorted(lines, key=lambda line: line.touch.at), credit


def _is_kept(action: Action, credit: Credit, lines: Sequence[_Line]) -> bool:
    """Say whether what was kept, and so counted, is what the evidence says now."""
    touch = credit.touch
    of_touch = (touch.post_id, touch.link_id, touch.platform) if touch else (None, None, "")
    if (action.tier, action.post_id, action.link_id, action.platform) != (credit.tier, *of_touch):
        return False
    path = [line for line in lines if not line.rejection_reason]
    if len(path) < 2:
        return not action.path
    proved = [
        (
            str(line.touch.post_id) if line.touch.post_id else None,
            str(line.touch.tier),
            {model: str(share) for model, share in line.shares.items() if share},
        )
        for line in path
    ]
    kept = [(each["post_id"], each["tier"], each["shares"]) for each in action.path or []]
    return proved == kept


def _not_counted(action: Action, told: Sequence[Any]) -> str:
    said = {word for row in told for word in row.said}
    return explain_text.not_counted(
        test=action.test,
        made=StatementType.CREATED in said,
        elsewhere=StatementType.DUPLICATE_OF in said,
    )


def _summary(
    action: Action,
    carrier: Any,
    credit: Credit,
    lines: Sequence[_Line],
    posts: Mapping[UUID, Any],
    timezone: str,
) -> str:
    touch = credit.touch
    told = explain_text.summary(
        credit.tier,
        _named(posts, touch) if touch else "",
        touch.platform if touch else "",
        carrier.kind,
        carrier.occurred_at - touch.at if touch else timedelta(0),
        bool(lines),
    )
    if carrier is action:
        return told
    day = vocabulary.moment(carrier.occurred_at, timezone)[:10]
    renewed = say("A renewal, credited to the source of the payment of %(day)s.", day=day)
    return joined([renewed, told])


def _inherits(action: Action, carrier: Any) -> dict[str, Any] | None:
    if carrier is action:
        return None
    says = say(
        "A renewal is credited to the source of its first payment; the evidence and "
        "touches here are those of that payment."
    )
    if carrier.renewal:
        says = say(
            "A renewal is credited to the source of the earliest known payment; the "
            "evidence and touches here are those of that payment."
        )
    return {"action_id": carrier.id, "at": carrier.occurred_at, "says": says}


def _money(row: Any) -> dict[str, Any] | None:
    """Return what was given and what went back; None where no money is in it."""
    if not row.currency:
        return None
    found: dict[str, Any] = {
        "currency": row.currency,
        "gross_minor": row.gross_minor,
        "refunded_minor": row.refunded_minor,
        "net_minor": row.gross_minor - row.refunded_minor,
    }
    if isinstance(row, Action):
        found["returns"] = [
            {"at": datetime.fromisoformat(each["at"]), "amount_minor": each["amount_minor"]}
            for each in row.returns or []
        ]
    return found


def _post(posts: Mapping[UUID, Any], touch: Touch | None) -> dict[str, Any] | None:
    post = posts.get(touch.post_id) if touch and touch.post_id else None
    return post and {
        "id": post.id,
        "platform": post.platform,
        "title": post.title,
        "url": post.url,
        "campaign": post.campaign,
    }


def _named(posts: Mapping[UUID, Any], touch: Touch) -> str:
    post = posts.get(touch.post_id) if touch.post_id else None
    if post is None:
        return vocabulary.platform_named(touch.platform) or say("a link")
    return vocabulary.post_named(post.title, post.platform, touch.channel)


def _touches(
    action: Action, carrier: Any, lines: Sequence[_Line], posts: Mapping[UUID, Any]
) -> list[dict[str, Any]]:
    shares = iter(_shares(action, [line for line in lines if not line.rejection_reason]))
    numbers = count(1)
    return [
        {
            "number": None if line.rejection_reason else next(numbers),
            "post": _post(posts, line.touch),
            "platform": line.touch.platform,
            "channel": line.touch.channel,
            "tier": line.touch.tier,
            "at": line.touch.at,
            # What came back without a click stands at the action's instant.
            "timed": bool(line.touch.click_id),
            "passed_over": line.rejection_reason,
            "says": _why(line, carrier) or explain_text.IN_PATH[line.touch.tier],
            "shares": {} if line.rejection_reason else next(shares),
        }
        for line in lines
    ]


def _why(line: _Line, carrier: Any) -> str:
    return explain_text.passed_over(
        line.rejection_reason, carrier.kind, carrier.occurred_at - line.touch.at, window_of(carrier)
    )


def _shares(action: Action, path: Sequence[_Line]) -> list[dict[str, dict[str, Any]]]:
    """Return what each touch of a path gets by each model, of the action and of its money."""
    found: list[dict[str, dict[str, Any]]] = [{} for _ in path]
    returns = [each["amount_minor"] for each in action.returns or []]
    for model in MODELS if path else ():
        shares = [line.shares[model] for line in path]
        gross = split_minor(action.gross_minor, shares)
        back = split_returns(action.gross_minor, shares, returns)
        for index, share in enumerate(shares):
            refunded = sum(row[index] for row in back)
            found[index][model] = {
                "share": str(share),
                "percent": round(float(share * 100), 4),
                "gross_minor": gross[index],
                "refunded_minor": refunded,
                "net_minor": gross[index] - refunded,
            }
    return found


def _evidence(
    carrier: Any, known: TouchLookup, lines: Sequence[_Line], posts: Mapping[UUID, Any]
) -> list[dict[str, Any]]:
    """Say of each tier, strongest first, what was carried, what was found, what of it counts."""
    of_tier: dict[Tier, _Line] = {
        line.touch.tier: line for line in lines if line.touch.tier != Tier.IDENTITY
    }

    def told(tier: Tier, carried: bool, says: str) -> dict[str, Any]:
        line = of_tier.get(tier)
        if line and line.rejection_reason:
            says = joined([says, _why(line, carrier)])
        return {
            "tier": tier,
            "carried": carried,
            "found": line is not None,
            "used": line is not None and not line.rejection_reason,
            "says": says,
        }

    named = {tier: _named(posts, line.touch) for tier, line in of_tier.items()}
    hers = len(
        {click.click_id for click in known.clicks_of.get(carrier.supporter_id, ())}
        - {carrier.click_id}
    )
    identity = [line for line in lines if line.touch.tier == Tier.IDENTITY]
    return [
        told(Tier.CLICK_ID, bool(carrier.click_id), _of_click(carrier, known, named)),
        told(Tier.CODE, bool(carrier.code), _of_code(carrier, named)),
        told(Tier.UTM, bool(carrier.utm), _of_utm(carrier, known, named)),
        told(Tier.REFERRER, bool(carrier.referrer), _of_referrer(carrier)),
        {
            "tier": Tier.IDENTITY,
            "carried": carrier.supporter_id is not None,
            "found": hers > 0,
            "used": any(not line.rejection_reason for line in identity),
            "says": _of_identity(carrier, hers),
        },
    ]


def _of_click(carrier: Any, known: TouchLookup, named: Mapping[Tier, str]) -> Phrase:
    if not carrier.click_id:
        return say("No click id was returned.")
    click = known.clicks.get(carrier.click_id)
    if click is None:
        return say(
            "A click id was returned, but no click with this id is stored: it has not "
            "arrived yet, or its link was deleted."
        )
    came = say("A click id was returned: a click on %(post)s.", post=named[Tier.CLICK_ID])
    if not click.shared:
        return came
    return joined([came, say("Several people acted through it, so it does not link them.")])


def _of_code(carrier: Any, named: Mapping[Tier, str]) -> Phrase:
    if not carrier.code:
        return say("No tracking code was returned.")
    if Tier.CODE not in named:
        return say("A code was returned that does not belong to any link of this organization.")
    return say("The code of a link was returned: %(post)s.", post=named[Tier.CODE])


def _of_utm(carrier: Any, known: TouchLookup, named: Mapping[Tier, str]) -> Phrase:
    if not carrier.utm:
        return say("No UTM parameters were returned.")
    if Tier.UTM in named:
        return say(
            "UTM parameters were returned that match the links of one post: %(post)s.",
            post=named[Tier.UTM],
        )
    if not carrier.utm.get("campaign"):
        return say("UTM parameters were returned without a campaign; they match no link.")
    # Asked link by link, so that what fits is decided in one place.
    fitting = {
        link.post_id
        for link in known.utm_links
        if collect_touchpoints(carrier.occurred_at, TouchLookup(utm_links=[link]), utm=carrier.utm)
    }
    if fitting:
        return say(
            "UTM parameters were returned that match links of %(posts)s posts, so none "
            "is credited.",
            posts=len(fitting),
        )
    return say("UTM parameters were returned that match no link.")


def _of_referrer(carrier: Any) -> Phrase:
    if not carrier.referrer:
        return say("No referrer was returned.")
    if platform := platform_of_host(carrier.referrer):
        return say(
            "The page visited before was on %(platform)s.",
            platform=vocabulary.platform_named(platform),
        )
    return say("A referrer was returned; it does not belong to a known platform.")


def _of_identity(carrier: Any, hers: int) -> Phrase:
    if carrier.supporter_id is None:
        return say("The tool did not identify the person, so no other click can be linked to them.")
    if not hers:
        return say("No other click is known to be by the same person.")
    return say_many(
        "%(num)s other click is known to be by the same person.",
        "%(num)s other clicks are known to be by the same person.",
        hers,
    )


def _restated(
    action: Action, carrier: Any, told: Sequence[Any], lines: Sequence[_Line]
) -> list[dict[str, Any]]:
    """Return what arrived after the action was counted first, and so changed it, in order."""
    counted = min((row.done_at for row in told if row.done_at), default=None)
    if counted is None:
        return []
    # Clicks speak for the payment that carried them, which may have been counted before this one.
    late = [
        {
            "at": line.touch.seen_at,
            "why": "late_click",
            "says": say("A click was loaded after the action had been counted."),
        }
        for line in lines
        if carrier is action
        and not line.rejection_reason
        and line.touch.seen_at
        and line.touch.seen_at > counted
    ]
    later = [
        {
            "at": row.done_at,
            "why": "told_again",
            "says": say(
                "A later delivery said: %(said)s.",
                said=joined((explain_text.SAID.get(word, word) for word in row.said), ", "),
            ),
        }
        for row in told
        if row.done_at and row.done_at > counted and row.said
    ]
    return sorted([*late, *later], key=lambda each: (each["at"], each["why"]))
