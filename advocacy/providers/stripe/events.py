"""What each event of Stripe says about a gift.

Note: nothing is counted here. Every event is a statement about the payment intent, each under its
own statement id, and `ingestion.reconcile` makes one gift of them. Since basil neither an invoice
nor a payment intent names the other: `invoice_payment.paid` does, and the session of a subscription
names the invoice. `same_as` carries these joins. A refund is reported twice, by the refund (alone)
and by its charge (all refunds together); a statement id that begins with `refund:` keeps the two
from being added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from advocacy.core import tracking_parameters
from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionEvent, ActionKind, Person, StatementType
from advocacy.providers import optional, parsing
from advocacy.providers.stripe.values import (
    amount_of,
    dispute_took_nothing,
    first_of,
    id_of,
    instant_or,
    names_of_payment,
    paid_by,
    person_of,
    read_code,
    required_id,
)


@dataclass(frozen=True, slots=True)
class Notification:
    """What all statements of an event have in common."""

    kind: str
    at: datetime
    test: bool

    def say(
        self,
        said: StatementType,
        statement_id: str,
        names: Sequence[str],
        *,
        amount: tuple[int | None, str] = (None, ""),
        occurred_at: datetime | None = None,
        person: Person | None = None,
        carried: tuple[str, str] = ("", ""),
        utm: Mapping[str, str] | None = None,
        cumulative: bool = False,
        recurs_as: str = "",
        renewal: bool = False,
    ) -> ActionEvent:
        """Return a statement about the gift with these names, the first of them its own."""
        if said is StatementType.CREATED and amount[0] == 0:
            # A free trial, or paid from a balance: nothing was given, but codes are reported.
            said = StatementType.REFUND_REVERSED
        known = list(dict.fromkeys(name for name in names if name))
        if not known:
            raise Unreadable("missing", "id")
        return ActionEvent(
            kind=ActionKind.DONATION,
            external_id=known[0],
            same_as=tuple(known[1:]),
            occurred_at=occurred_at or self.at,
            said=said,
            statement_id=statement_id,
            stated_at=self.at,
            person=person or Person(),
            code=carried[0],
            click_id=carried[1],
            utm=utm or {},
            amount_minor=amount[0],
            currency=amount[1],
            cumulative=cumulative,
            recurs_as=recurs_as,
            renewal=renewal,
            test=self.test,
        )


def _session(notice: Notification, session: Mapping[str, object]) -> list[ActionEvent]:
    """Return the statements of a checkout session, the only event that knows the code.

    If paid, it is the gift. If not paid yet, or free, it still says which code leads to the payment
    or the subscription that will come.
    """
    if parsing.text(session.get("mode"), "mode") == "setup":
        return []
    subscription = id_of(session.get("subscription"))
    names = [
        id_of(session.get("payment_intent")),
        id_of(session.get("invoice")),
        first_of(subscription),
    ]
    amount = amount_of(session, "amount_total")
    paid = parsing.text(session.get("payment_status"), "payment_status") in {"", "paid"}
    details = parsing.mapping(session.get("customer_details"), "customer_details")
    metadata = optional.mapping(session.get("metadata"))
    return [
        notice.say(
            StatementType.CREATED if paid and amount[0] != 0 else StatementType.REFUND_REVERSED,
            "session",
            names if any(names) else [id_of(session.get("id"))],
            amount=amount if paid else (None, ""),
            person=person_of(
                session,
                details.get("email") or session.get("customer_email"),
                details.get("phone"),
            ),
            carried=read_code(session.get("client_reference_id"), metadata),
            utm=tracking_parameters.utm_of(metadata),
            recurs_as=subscription,
        )
    ]


def _payment_intent(notice: Notification, intent: Mapping[str, object]) -> list[ActionEvent]:
    metadata = optional.mapping(intent.get("metadata"))
    received = "amount_received" if intent.get("amount_received") else "amount"
    amount = amount_of(intent, received)
    return [
        notice.say(
            StatementType.REFUND_REVERSED
            if _of_an_unnamed_invoice(intent) or not amount[0]
            else StatementType.CREATED,
            "payment_intent",
            [id_of(intent.get("id")), id_of(intent.get("invoice"))],
            amount=amount,
            person=person_of(intent, intent.get("receipt_email"), None),
            carried=read_code(None, metadata),
            utm=tracking_parameters.utm_of(metadata),
        )
    ]


def _charge(notice: Notification, charge: Mapping[str, object]) -> list[ActionEvent]:
    """Return a charge that succeeded; one that is only authorized moves no money yet."""
    if charge.get("captured") is False or charge.get("paid") is False:
        return []
    captured = "amount_captured" if charge.get("amount_captured") else "amount"
    amount = amount_of(charge, captured)
    billing = parsing.mapping(charge.get("billing_details"), "billing_details")
    metadata = optional.mapping(charge.get("metadata"))
    return [
        notice.say(
            StatementType.REFUND_REVERSED
            if _of_an_unnamed_invoice(charge) or not amount[0]
            else StatementType.CREATED,
            "charge",
            [*names_of_payment(charge, charge.get("id")), id_of(charge.get("invoice"))],
            amount=amount,
            person=person_of(
                charge, billing.get("email") or charge.get("receipt_email"), billing.get("phone")
            ),
            carried=read_code(None, metadata),
            utm=tracking_parameters.utm_of(metadata),
        )
    ]


def _of_an_unnamed_invoice(payment: Mapping[str, object]) -> bool:
    """Return whether this is the payment of an invoice that it does not name (since basil).

    `invoice.paid` counts that money; counting it here as well would double it if
    `invoice_payment.paid`, the only event that joins them, is not sent.
    """
    return "invoice" not in payment and optional.text(payment.get("description"), 5000).startswith(
        "Subscription "
    )


def _charge_refunded(notice: Notification, charge: Mapping[str, object]) -> list[ActionEvent]:
    """Return all that was refunded of a charge so far, and each refund if they are listed."""
    listed = parsing.mapping(charge.get("refunds"), "refunds").get("data")
    said = [
        statement
        for refund in parsing.mappings(listed, "refunds")
        for statement in _refund(notice, {**refund, "payment_intent": charge.get("payment_intent")})
    ]
    amount = amount_of(charge, "amount_refunded")
    if amount[0] is None:
        raise Unreadable("missing", "amount_refunded")
    said.append(
        notice.say(
            StatementType.REFUNDED,
            f"refund:total:{amount[0]}",
            names_of_payment(charge, charge.get("id")),
            amount=amount,
            cumulative=True,
        )
    )
    return said


def _refund(notice: Notification, refund: Mapping[str, object]) -> list[ActionEvent]:
    """Return one refund; a failed or canceled one gives the money back to the gift."""
    undone = parsing.text(refund.get("status"), "status") in {"failed", "canceled"}
    undone = undone or notice.kind == "refund.failed"
    return [
        notice.say(
            StatementType.REFUND_REVERSED if undone else StatementType.REFUNDED,
            f"refund:{required_id(refund.get('id'))}",
            names_of_payment(refund, refund.get("charge")),
            amount=amount_of(refund, "amount"),
            occurred_at=instant_or(notice.at, refund.get("created")),
        )
    ]


def _dispute(notice: Notification, dispute: Mapping[str, object]) -> list[ActionEvent]:
    """Return a dispute: the money is gone until it is won; an inquiry (`warning_…`) takes none."""
    status = parsing.text(dispute.get("status"), "status")
    stands = dispute_took_nothing(status) or notice.kind == "charge.dispute.funds_reinstated"
    return [
        notice.say(
            StatementType.REFUND_REVERSED if stands else StatementType.REFUNDED,
            f"dispute:{required_id(dispute.get('id'))}",
            names_of_payment(dispute, dispute.get("charge")),
            amount=amount_of(dispute, "amount"),
            occurred_at=instant_or(notice.at, dispute.get("created")),
        )
    ]


def _invoice(notice: Notification, invoice: Mapping[str, object]) -> list[ActionEvent]:
    """Return a paid invoice: the first or a later payment of a subscription, or a single one."""
    parent = parsing.mapping(invoice.get("parent"), "parent")
    details = parsing.mapping(
        parent.get("subscription_details") or invoice.get("subscription_details"),
        "subscription_details",
    )
    subscription = id_of(invoice.get("subscription")) or id_of(details.get("subscription"))
    reason = parsing.text(invoice.get("billing_reason"), "billing_reason")
    first = reason in {"subscription_create", ""} and bool(subscription)
    payment = id_of(invoice.get("payment_intent"))
    payments = parsing.mapping(invoice.get("payments"), "payments").get("data")
    names = [
        payment,
        *(
            paid_by(parsing.mapping(each.get("payment"), "payment"))
            for each in parsing.mappings(payments, "payments")
        ),
        "" if payment else id_of(invoice.get("charge")),
        id_of(invoice.get("id")),
        first_of(subscription) if first else "",
    ]
    metadata = {
        **optional.mapping(details.get("metadata")),
        **optional.mapping(invoice.get("metadata")),
    }
    amount = amount_of(invoice, "amount_paid")
    transitions = parsing.mapping(invoice.get("status_transitions"), "status_transitions")
    return [
        notice.say(
            StatementType.REFUND_REVERSED if amount[0] == 0 else StatementType.CREATED,
            "invoice",
            names,
            amount=amount,
            occurred_at=instant_or(notice.at, transitions.get("paid_at")),
            person=person_of(invoice, invoice.get("customer_email"), invoice.get("customer_phone")),
            carried=read_code(None, metadata),
            utm=tracking_parameters.utm_of(metadata),
            recurs_as=subscription,
            renewal=bool(subscription) and not first,
        )
    ]


def _invoice_payment(notice: Notification, payment: Mapping[str, object]) -> list[ActionEvent]:
    """Return the only event since basil that names both a payment intent and its invoice."""
    return [
        notice.say(
            StatementType.CREATED,
            "invoice_payment",
            [
                paid_by(parsing.mapping(payment.get("payment"), "payment")),
                required_id(id_of(payment.get("invoice"))),
            ],
            amount=amount_of(payment, "amount_paid"),
        )
    ]


def _subscription_created(
    notice: Notification, subscription: Mapping[str, object]
) -> list[ActionEvent]:
    """Return the code of a subscription that was made without a checkout session."""
    metadata = optional.mapping(subscription.get("metadata"))
    carried = read_code(None, metadata)
    if not any(carried):
        return []
    name = required_id(id_of(subscription.get("id")))
    return [
        notice.say(
            StatementType.REFUND_REVERSED,
            "subscription",
            [first_of(name)],
            person=person_of(subscription, None, None),
            carried=carried,
            utm=tracking_parameters.utm_of(metadata),
            recurs_as=name,
        )
    ]


def _subscription_deleted(
    notice: Notification, subscription: Mapping[str, object]
) -> list[ActionEvent]:
    name = required_id(id_of(subscription.get("id")))
    ended = subscription.get("ended_at") or subscription.get("canceled_at")
    return [
        notice.say(
            StatementType.RECURRING_ENDED,
            "ended",
            [first_of(name)],
            occurred_at=instant_or(notice.at, ended),
            person=person_of(subscription, None, None),
            recurs_as=name,
        )
    ]


READERS: dict[str, Callable[[Notification, Mapping[str, object]], list[ActionEvent]]] = {
    "checkout.session.completed": _session,
    "checkout.session.async_payment_succeeded": _session,
    "checkout.session.async_payment_failed": _session,
    "payment_intent.succeeded": _payment_intent,
    "charge.succeeded": _charge,
    "charge.captured": _charge,
    "charge.refunded": _charge_refunded,
    "charge.refund.updated": _refund,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
    "invoice.paid": _invoice,
    "invoice.payment_succeeded": _invoice,
    "invoice_payment.paid": _invoice_payment,
    "customer.subscription.created": _subscription_created,
    "customer.subscription.deleted": _subscription_deleted,
}
