"""The receipt of one action: what was done, which post led to it, and the evidence for that.

Note: a receipt is made from the evidence, not from the stored credit, so that it proves the credit
instead of repeating it. Where the two differ, something arrived that the next processing run will
take in, and `current` is false. A renewal shows the evidence of the payment that it inherits from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import count
from uuid import UUID

from advocacy.analytics import explain_text
from advocacy.analytics.activation import MODELS
from advocacy.analytics.explain_evidence import (
    ActionWithEvidence,
    evidence_by_tier,
    name_of_touch,
    rejection_text,
)
from advocacy.analytics.receipt import (
    ActionMoney,
    CampaignName,
    CreditedPost,
    Receipt,
    ReceiptAction,
    ReceiptChange,
    ReceiptCredit,
    ReceiptDelivery,
    ReceiptInheritance,
    ReceiptShare,
    ReceiptTouch,
    Refund,
    SourceName,
)
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
from advocacy.attribution.rules import WeightedTouch
from advocacy.attribution.touchpoints import TouchLookup
from advocacy.core import vocabulary
from advocacy.core.events import Credit, StatementType, Touch
from advocacy.core.messages import joined, say
from advocacy.ingestion.evidence import look_up
from advocacy.ingestion.facts import facts_of
from advocacy.storage import action_aliases, actions, errors
from advocacy.storage import explain as explain_storage
from advocacy.storage.actions import Action
from advocacy.storage.explain import PostRow
from config.settings import Settings


def explain(settings: Settings, org_id: UUID, action_id: UUID) -> Receipt:
    """Return the receipt of an action. Raises `NotFound`, also for another organization's.

    An action that was found to be the same as an earlier one is found by either id. Shares are
    exact fractions that sum to one by each model, or to zero where no touch is in the path.
    """
    action = _get(org_id, action_id)
    payment = _credited_payment(org_id, action)
    lookup = look_up(org_id, [payment])
    lines, credit = _weighted_touches(payment, lookup)
    context = explain_storage.find_context(org_id, action.source_id, action.campaign_id)
    deliveries = _deliveries(settings.secret_key.encode(), org_id, action)
    post_ids = [line.touch.post_id for line in lines]
    posts = explain_storage.posts(org_id, {each for each in [*post_ids, action.post_id] if each})
    reason = "" if action.counted else _not_counted_reason(action, deliveries)
    return Receipt(
        action=ReceiptAction(
            id=action.id,
            kind=action.kind,
            at=action.occurred_at,
            day=action.occurred_on,
            timezone=context.timezone,
            campaign=CampaignName(context.slug, context.name or "") if context.slug else None,
            source=SourceName(context.source, context.provider),
            renewal=action.renewal,
            ended_at=action.ended_at,
            page=f"{settings.public_url}/actions/{action.id}",
        ),
        summary=reason or _summary(action, payment, credit, lines, posts, context.timezone),
        counted=action.counted,
        not_counted_reason=reason,
        current=_is_current(action, credit, lines),
        deliveries=deliveries,
        money=_money(action),
        credit=ReceiptCredit(
            tier=credit.tier,
            platform=credit.touch.platform if credit.touch else "",
            post=_post(posts, credit.touch),
        ),
        inherits=_inherits(action, payment),
        evidence=evidence_by_tier(payment, lookup, lines, posts),
        touches=_touches(action, payment, lines, posts),
        restated=_changes(action, payment, deliveries, lines),
    )


def _get(org_id: UUID, action_id: UUID) -> Action:
    """Return the action, by its present or a former id. Raises `NotFound`."""
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


def _credited_payment(org_id: UUID, action: Action) -> ActionWithEvidence:
    """Return the payment whose evidence decides this action's credit; usually the action itself."""
    if not action.recurs_as:
        return action
    payments = explain_storage.first_payments(org_id, action.source_id, action.recurs_as)
    lookup = look_up(org_id, payments)
    first = first_payment(
        payments, lambda each: credit_action(each, touches_of(each, lookup))[0].touch
    )
    return action if first.id == action.id else first


def _weighted_touches(
    payment: ActionWithEvidence, lookup: TouchLookup
) -> tuple[list[WeightedTouch], Credit]:
    """Return every touch in order of time with its share by model, and the credit."""
    touches = touches_of(payment, lookup)
    credit, _ = credit_action(payment, touches)
    own, others = split_by_campaign(touches, credit)
    at, window = payment.occurred_at, window_of(payment)
    lines = assign_weights(at, own, window)
    for checked in check_eligibility(at, others, window):
        out = checked.rejection_reason in {AFTER_ACTION, OUTSIDE_WINDOW}
        reason = checked.rejection_reason if out else vocabulary.OTHER_CAMPAIGN
        lines.append(WeightedTouch(checked.touch, reason, dict.fromkeys(RULES, Fraction(0))))
    return sorted(lines, key=lambda line: line.touch.at), credit


def _is_current(action: Action, credit: Credit, lines: Sequence[WeightedTouch]) -> bool:
    """Say whether the stored credit, which reports count, is what the evidence says now."""
    touch = credit.touch
    credited = (touch.post_id, touch.link_id, touch.platform) if touch else (None, None, "")
    if (action.tier, action.post_id, action.link_id, action.platform) != (credit.tier, *credited):
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
    stored = [(each["post_id"], each["tier"], each["shares"]) for each in action.path or []]
    return proved == stored


def _deliveries(master: bytes, org_id: UUID, action: Action) -> tuple[ReceiptDelivery, ...]:
    """Return the deliveries of an action, each with the types of its statements about it.

    Note: of their facts only the types leave this function, never the hashes beside them.
    """
    names = {action.id} | action_aliases.aliases_of(org_id, action.id)
    said: dict[UUID, set[str]] = {}
    for fact in facts_of(master, org_id, action.delivery_ids):
        if fact.action_id in names:
            said.setdefault(fact.delivery_id, set()).add(fact.said)
    return tuple(
        ReceiptDelivery(
            id=row.id,
            source=SourceName(row.source, row.provider),
            received_at=row.received_at,
            statements=tuple(sorted(said.get(row.id, ()))),
        )
        for row in explain_storage.deliveries(org_id, action.delivery_ids)
    )


def _not_counted_reason(action: Action, deliveries: Sequence[ReceiptDelivery]) -> str:
    statements = {statement for each in deliveries for statement in each.statements}
    return explain_text.not_counted(
        test=action.test,
        reported=StatementType.CREATED in statements,
        duplicate=StatementType.DUPLICATE_OF in statements,
    )


def _summary(
    action: Action,
    payment: ActionWithEvidence,
    credit: Credit,
    lines: Sequence[WeightedTouch],
    posts: Mapping[UUID, PostRow],
    timezone: str,
) -> str:
    touch = credit.touch
    summary = explain_text.summary(
        credit.tier,
        name_of_touch(posts, touch) if touch else "",
        touch.platform if touch else "",
        payment.kind,
        payment.occurred_at - touch.at if touch else timedelta(0),
        bool(lines),
    )
    if payment is action:
        return summary
    day = vocabulary.moment(payment.occurred_at, timezone)[:10]
    renewed = say("A renewal, credited to the source of the payment of %(day)s.", day=day)
    return joined([renewed, summary])


def _inherits(action: Action, payment: ActionWithEvidence) -> ReceiptInheritance | None:
    if payment is action:
        return None
    text = say(
        "A renewal is credited to the source of its first payment; the evidence and "
        "touches here are those of that payment."
    )
    if payment.renewal:
        text = say(
            "A renewal is credited to the source of the earliest known payment; the "
            "evidence and touches here are those of that payment."
        )
    return ReceiptInheritance(payment.id, payment.occurred_at, text)


def _money(action: Action) -> ActionMoney | None:
    if not action.currency:
        return None
    return ActionMoney(
        currency=action.currency,
        gross_minor=action.gross_minor,
        refunded_minor=action.refunded_minor,
        returns=tuple(
            Refund(datetime.fromisoformat(each["at"]), each["amount_minor"])
            for each in action.returns or []
        ),
    )


def _post(posts: Mapping[UUID, PostRow], touch: Touch | None) -> CreditedPost | None:
    post = posts.get(touch.post_id) if touch and touch.post_id else None
    if post is None:
        return None
    return CreditedPost(post.id, post.platform, post.title, post.url, post.campaign)


def _touches(
    action: Action,
    payment: ActionWithEvidence,
    lines: Sequence[WeightedTouch],
    posts: Mapping[UUID, PostRow],
) -> tuple[ReceiptTouch, ...]:
    shares = iter(_shares(action, [line for line in lines if not line.rejection_reason]))
    numbers = count(1)
    return tuple(
        ReceiptTouch(
            number=None if line.rejection_reason else next(numbers),
            post=_post(posts, line.touch),
            platform=line.touch.platform,
            channel=line.touch.channel,
            tier=line.touch.tier,
            at=line.touch.at,
            # Evidence that is not a click has the instant of the action.
            timed=bool(line.touch.click_id),
            rejection_reason=line.rejection_reason,
            text=rejection_text(line, payment) or explain_text.IN_PATH[line.touch.tier],
            shares={} if line.rejection_reason else next(shares),
        )
        for line in lines
    )


def _shares(action: Action, path: Sequence[WeightedTouch]) -> list[dict[str, ReceiptShare]]:
    """Return what each touch of a path gets by each model, of the action and of its money."""
    found: list[dict[str, ReceiptShare]] = [{} for _ in path]
    returns = [each["amount_minor"] for each in action.returns or []]
    for model in MODELS if path else ():
        shares = [line.shares[model] for line in path]
        gross = split_minor(action.gross_minor, shares)
        refunds = split_returns(action.gross_minor, shares, returns)
        for index, share in enumerate(shares):
            found[index][model] = ReceiptShare(
                share=str(share),
                percent=round(float(share * 100), 4),
                gross_minor=gross[index],
                refunded_minor=sum(row[index] for row in refunds),
            )
    return found


def _changes(
    action: Action,
    payment: ActionWithEvidence,
    deliveries: Sequence[ReceiptDelivery],
    lines: Sequence[WeightedTouch],
) -> tuple[ReceiptChange, ...]:
    """Return what arrived after the action was first received, and so changed it, in order."""
    first = min((row.received_at for row in deliveries), default=None)
    if first is None:
        return ()
    # Clicks belong to the payment that carried them, which may have come before this one.
    late_clicks = [
        ReceiptChange(
            at=line.touch.seen_at,
            reason="late_click",
            text=say("A click was loaded after the action had been received."),
        )
        for line in lines
        if payment is action
        and not line.rejection_reason
        and line.touch.seen_at
        and line.touch.seen_at > first
    ]
    later_deliveries = [
        ReceiptChange(
            at=row.received_at,
            reason="told_again",
            text=say(
                "A later delivery said: %(said)s.",
                said=joined(
                    (explain_text.STATEMENTS.get(each, each) for each in row.statements), ", "
                ),
            ),
        )
        for row in deliveries
        if row.received_at > first and row.statements
    ]
    return tuple(sorted([*late_clicks, *later_deliveries], key=lambda each: (each.at, each.reason)))
