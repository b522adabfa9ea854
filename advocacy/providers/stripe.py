"""Stripe: checkout, payments, invoices, refunds, disputes, subscriptions.

Facts: `Stripe-Signature: t=…,v1=…[,v1=…]`, HMAC-SHA256 over `t.body`, keyed with the secret as
written, `whsec_` included; amounts are whole minor units; several events report one payment; only
the checkout session knows our code (`client_reference_id`, metadata). Sources:
docs.stripe.com/webhooks, /api/events/types, /currencies; stripe-python `_webhook.py`; its changelog
of 2025-03-31 ("basil") for the shapes that moved.

Note: nothing is counted here. Every event is a statement about the payment intent, each under its
own statement id, and `ingestion.reconcile` makes one gift of them. Since basil neither an invoice
nor a payment intent names the other: `invoice_payment.paid` does, and the session of a subscription
names the invoice. `same_as` carries these joins. A refund is reported twice, by the refund (alone)
and by its charge (all refunds together); a statement id that begins with `refund:` keeps the two
from being added. Amounts of ISK and UGX come in hundredths that do not exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from advocacy.core import ids, money, tracking_parameters, urls
from advocacy.core.errors import Refused, Unreadable
from advocacy.core.events import (
    ActionEvent,
    ActionKind,
    Delivery,
    Person,
    StatementType,
    Trust,
    Verified,
)
from advocacy.providers import optional, parsing, signatures, test_deliveries

slug = "stripe"
title = "Stripe"
TRUST: Trust = "signed"
ANSWER = 200
CODE_PARAMETERS = "client_reference_id="

# docs.stripe.com/currencies: currencies for which Stripe uses no decimals, or three.
_NO_DECIMALS = frozenset(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    )
)
_THREE_DECIMALS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))

# Events that report no action of a supporter. Events outside these families are quarantined.
_NOT_ACTIONS = (
    "account.",
    "application_fee.",
    "balance.",
    "billing",
    "capability.",
    "cash_balance.",
    "charge.",
    "checkout.",
    "climate.",
    "coupon.",
    "credit_note.",
    "customer",
    "entitlements.",
    "file.",
    "financial_connections.",
    "identity.",
    "invoice",
    "issuing",
    "mandate.",
    "payment_",
    "payout.",
    "person.",
    "plan.",
    "price.",
    "product.",
    "promotion_code.",
    "quote.",
    "radar.",
    "refund.",
    "reporting.",
    "review.",
    "setup_intent.",
    "sigma.",
    "source.",
    "subscription_schedule.",
    "tax",
    "terminal.",
    "test_helpers.",
    "topup.",
    "transfer.",
    "treasury.",
)
_PENDING = re.compile(rb'"pending_webhooks"\s*:\s*\d+')
_DISPUTES_THAT_TOOK_NOTHING = frozenset({"won", "prevented", "charge_refunded"})


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified:
    """Verify a fresh `v1` signature by one of the secrets."""
    timestamp, given = "", []
    for part in delivery.headers.get("stripe-signature", "").split(","):
        scheme, _, value = part.strip().partition("=")
        if scheme == "t":
            timestamp = value
        elif scheme == "v1":
            given.append(signatures.from_hex(value))
    if not (timestamp and given):
        raise Refused("no_signature")
    signatures.check_fresh(timestamp, now)
    signatures.check_hmac(timestamp.encode() + b"." + delivery.body, given, secrets)
    return Verified(
        body=delivery.body,
        received_at=now,
        content_type=delivery.headers.get("content-type", ""),
        setup=delivery.setup,
        dedupe_body=_PENDING.sub(b"", delivery.body),
    )


def external_id(verified: Verified) -> str:
    """Return the event id, which is the same when the event is sent again.

    A digest of the body would not be: `pending_webhooks` changes between deliveries.
    """
    try:
        event = parsing.mapping(parsing.read_json(verified.body), "event")
        return parsing.text(event.get("id"), "id", 200) or ids.body_id(verified.body)
    except Unreadable:
        return ids.body_id(verified.body)


def parse(verified: Verified) -> list[ActionEvent]:
    """Return an event's statements about a gift; [] for events without any."""
    event = parsing.mapping(parsing.read_json(verified.body), "event")
    kind = parsing.text(event.get("type"), "type", 200)
    if parsing.text(event.get("object"), "object") == "v2.core.event":
        raise Unreadable("unknown_kind", "a thin event")
    reader = _READERS.get(kind)
    if reader is None:
        if kind.startswith(_NOT_ACTIONS):
            return []
        raise Unreadable("unknown_kind", kind)
    thing = parsing.mapping(parsing.mapping(event.get("data"), "data").get("object"), "object")
    notice = _Notification(
        kind=kind,
        at=parsing.from_unix(_whole(event.get("created"), "created"), "created"),
        test=event.get("livemode") is False or thing.get("livemode") is False,
    )
    return reader(notice, thing)


def destination(url: str, code: str, click_id: str) -> str:
    """Return the URL with code and click id in `client_reference_id=`.

    A payment link returns it. Stripe silently drops a value with anything but letters, digits,
    dashes and underscores.
    """
    return urls.with_query(url, client_reference_id=tracking_parameters.join_code(code, click_id))


def sample_delivery(
    landing: str,
    secret: str,
    message_id: str,
    now: datetime,
    setup: Mapping[str, object],
    url: str,
) -> Delivery:
    """Return the checkout, in test mode, of a supporter who arrived at `landing`."""
    name = test_deliveries.token_for(message_id)
    session = {
        "id": f"cs_test_{name}",
        "object": "checkout.session",
        "amount_total": 100,
        "client_reference_id": tracking_parameters.query_of(landing).get("client_reference_id"),
        "currency": "usd",
        "customer_details": {"email": test_deliveries.SAMPLE_EMAIL, "phone": None},
        "livemode": False,
        "metadata": {},
        "mode": "payment",
        "payment_intent": f"pi_{name}",
        "payment_status": "paid",
        "status": "complete",
        "subscription": None,
    }
    event = {
        "id": f"evt_{name}",
        "object": "event",
        "created": int(now.timestamp()),
        "data": {"object": session},
        "livemode": False,
        "pending_webhooks": 1,
        "type": "checkout.session.completed",
    }
    body, stamp = test_deliveries.write_json(event), signatures.stamp(now)
    digest = signatures.digest(secret, stamp.encode() + b"." + body).hex()
    return test_deliveries.signed_delivery(
        body, {"stripe-signature": f"t={stamp},v1={digest}"}, setup, url
    )


@dataclass(frozen=True, slots=True)
class _Notification:
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


def _session(notice: _Notification, session: Mapping[str, object]) -> list[ActionEvent]:
    """Return the statements of a checkout session, the only event that knows the code.

    If paid, it is the gift. If not paid yet, or free, it still says which code leads to the payment
    or the subscription that will come.
    """
    if parsing.text(session.get("mode"), "mode") == "setup":
        return []
    subscription = _id(session.get("subscription"))
    names = [
        _id(session.get("payment_intent")),
        _id(session.get("invoice")),
        _first_of(subscription),
    ]
    amount = _amount(session, "amount_total")
    paid = parsing.text(session.get("payment_status"), "payment_status") in {"", "paid"}
    details = parsing.mapping(session.get("customer_details"), "customer_details")
    metadata = optional.mapping(session.get("metadata"))
    return [
        notice.say(
            StatementType.CREATED if paid and amount[0] != 0 else StatementType.REFUND_REVERSED,
            "session",
            names if any(names) else [_id(session.get("id"))],
            amount=amount if paid else (None, ""),
            person=_person(
                session,
                details.get("email") or session.get("customer_email"),
                details.get("phone"),
            ),
            carried=read_code(session.get("client_reference_id"), metadata),
            utm=tracking_parameters.utm_of(metadata),
            recurs_as=subscription,
        )
    ]


def _payment_intent(notice: _Notification, intent: Mapping[str, object]) -> list[ActionEvent]:
    metadata = optional.mapping(intent.get("metadata"))
    received = "amount_received" if intent.get("amount_received") else "amount"
    amount = _amount(intent, received)
    return [
        notice.say(
            StatementType.REFUND_REVERSED
            if _of_an_unnamed_invoice(intent) or not amount[0]
            else StatementType.CREATED,
            "payment_intent",
            [_id(intent.get("id")), _id(intent.get("invoice"))],
            amount=amount,
            person=_person(intent, intent.get("receipt_email"), None),
            carried=read_code(None, metadata),
            utm=tracking_parameters.utm_of(metadata),
        )
    ]


def _charge(notice: _Notification, charge: Mapping[str, object]) -> list[ActionEvent]:
    """Return a charge that succeeded; one that is only authorized moves no money yet."""
    if charge.get("captured") is False or charge.get("paid") is False:
        return []
    captured = "amount_captured" if charge.get("amount_captured") else "amount"
    amount = _amount(charge, captured)
    billing = parsing.mapping(charge.get("billing_details"), "billing_details")
    metadata = optional.mapping(charge.get("metadata"))
    return [
        notice.say(
            StatementType.REFUND_REVERSED
            if _of_an_unnamed_invoice(charge) or not amount[0]
            else StatementType.CREATED,
            "charge",
            [*_names_of_payment(charge, charge.get("id")), _id(charge.get("invoice"))],
            amount=amount,
            person=_person(
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


def _charge_refunded(notice: _Notification, charge: Mapping[str, object]) -> list[ActionEvent]:
    """Return all that was refunded of a charge so far, and each refund if they are listed."""
    listed = parsing.mapping(charge.get("refunds"), "refunds").get("data")
    said = [
        statement
        for refund in parsing.mappings(listed, "refunds")
        for statement in _refund(notice, {**refund, "payment_intent": charge.get("payment_intent")})
    ]
    amount = _amount(charge, "amount_refunded")
    if amount[0] is None:
        raise Unreadable("missing", "amount_refunded")
    said.append(
        notice.say(
            StatementType.REFUNDED,
            f"refund:total:{amount[0]}",
            _names_of_payment(charge, charge.get("id")),
            amount=amount,
            cumulative=True,
        )
    )
    return said


def _refund(notice: _Notification, refund: Mapping[str, object]) -> list[ActionEvent]:
    """Return one refund; a failed or canceled one gives the money back to the gift."""
    undone = parsing.text(refund.get("status"), "status") in {"failed", "canceled"}
    undone = undone or notice.kind == "refund.failed"
    return [
        notice.say(
            StatementType.REFUND_REVERSED if undone else StatementType.REFUNDED,
            f"refund:{_required(refund.get('id'))}",
            _names_of_payment(refund, refund.get("charge")),
            amount=_amount(refund, "amount"),
            occurred_at=_moment(refund.get("created"), notice),
        )
    ]


def _dispute(notice: _Notification, dispute: Mapping[str, object]) -> list[ActionEvent]:
    """Return a dispute: the money is gone until it is won; an inquiry (`warning_…`) takes none."""
    status = parsing.text(dispute.get("status"), "status")
    stands = dispute_took_nothing(status) or notice.kind == "charge.dispute.funds_reinstated"
    return [
        notice.say(
            StatementType.REFUND_REVERSED if stands else StatementType.REFUNDED,
            f"dispute:{_required(dispute.get('id'))}",
            _names_of_payment(dispute, dispute.get("charge")),
            amount=_amount(dispute, "amount"),
            occurred_at=_moment(dispute.get("created"), notice),
        )
    ]


def dispute_took_nothing(status: str) -> bool:
    """Return whether the organization has the money of a dispute with this status."""
    return status in _DISPUTES_THAT_TOOK_NOTHING or status.startswith("warning_")


def _invoice(notice: _Notification, invoice: Mapping[str, object]) -> list[ActionEvent]:
    """Return a paid invoice: the first or a later payment of a subscription, or a single one."""
    parent = parsing.mapping(invoice.get("parent"), "parent")
    details = parsing.mapping(
        parent.get("subscription_details") or invoice.get("subscription_details"),
        "subscription_details",
    )
    subscription = _id(invoice.get("subscription")) or _id(details.get("subscription"))
    reason = parsing.text(invoice.get("billing_reason"), "billing_reason")
    first = reason in {"subscription_create", ""} and bool(subscription)
    payment = _id(invoice.get("payment_intent"))
    payments = parsing.mapping(invoice.get("payments"), "payments").get("data")
    names = [
        payment,
        *(
            _paid_by(parsing.mapping(each.get("payment"), "payment"))
            for each in parsing.mappings(payments, "payments")
        ),
        "" if payment else _id(invoice.get("charge")),
        _id(invoice.get("id")),
        _first_of(subscription) if first else "",
    ]
    metadata = {
        **optional.mapping(details.get("metadata")),
        **optional.mapping(invoice.get("metadata")),
    }
    amount = _amount(invoice, "amount_paid")
    transitions = parsing.mapping(invoice.get("status_transitions"), "status_transitions")
    return [
        notice.say(
            StatementType.REFUND_REVERSED if amount[0] == 0 else StatementType.CREATED,
            "invoice",
            names,
            amount=amount,
            occurred_at=_moment(transitions.get("paid_at"), notice),
            person=_person(invoice, invoice.get("customer_email"), invoice.get("customer_phone")),
            carried=read_code(None, metadata),
            utm=tracking_parameters.utm_of(metadata),
            recurs_as=subscription,
            renewal=bool(subscription) and not first,
        )
    ]


def _invoice_payment(notice: _Notification, payment: Mapping[str, object]) -> list[ActionEvent]:
    """Return the only event since basil that names both a payment intent and its invoice."""
    return [
        notice.say(
            StatementType.CREATED,
            "invoice_payment",
            [
                _paid_by(parsing.mapping(payment.get("payment"), "payment")),
                _required(_id(payment.get("invoice"))),
            ],
            amount=_amount(payment, "amount_paid"),
        )
    ]


def _subscription_created(
    notice: _Notification, subscription: Mapping[str, object]
) -> list[ActionEvent]:
    """Return the code of a subscription that was made without a checkout session."""
    metadata = optional.mapping(subscription.get("metadata"))
    carried = read_code(None, metadata)
    if not any(carried):
        return []
    name = _required(_id(subscription.get("id")))
    return [
        notice.say(
            StatementType.REFUND_REVERSED,
            "subscription",
            [_first_of(name)],
            person=_person(subscription, None, None),
            carried=carried,
            utm=tracking_parameters.utm_of(metadata),
            recurs_as=name,
        )
    ]


def _subscription_deleted(
    notice: _Notification, subscription: Mapping[str, object]
) -> list[ActionEvent]:
    name = _required(_id(subscription.get("id")))
    ended = subscription.get("ended_at") or subscription.get("canceled_at")
    return [
        notice.say(
            StatementType.RECURRING_ENDED,
            "ended",
            [_first_of(name)],
            occurred_at=_moment(ended, notice),
            person=_person(subscription, None, None),
            recurs_as=name,
        )
    ]


_READERS: dict[str, Callable[[_Notification, Mapping[str, object]], list[ActionEvent]]] = {
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


def _id(value: object) -> str:
    """Return an id, also if the whole object is in its place."""
    if isinstance(value, dict):
        value = value.get("id")
    return parsing.text(value, "id", 255)


def _required(value: object) -> str:
    written = _id(value)
    if not written:
        raise Unreadable("missing", "id")
    return written


def _first_of(subscription: str) -> str:
    """Return the name of the first gift of a subscription, known to both session and invoice."""
    return f"first:{subscription}" if subscription else ""


def _names_of_payment(thing: Mapping[str, object], charge: object) -> list[str]:
    """Return the names of a payment: its intent; only charges before payment intents have none."""
    return [_id(thing.get("payment_intent")) or _id(charge)]


def _paid_by(payment: Mapping[str, object]) -> str:
    return _id(payment.get("payment_intent")) or _id(payment.get("charge"))


def _person(thing: Mapping[str, object], email: object, phone: object) -> Person:
    return Person(
        email=parsing.contact(email, "email"),
        phone=parsing.contact(phone, "phone"),
        person_id=_id(thing.get("customer")),
    )


def read_code(reference: object, metadata: Mapping[str, object]) -> tuple[str, str]:
    """Return code and click id from the reference, or from metadata of the same names."""

    def words(name: str) -> str:
        return optional.text(metadata.get(name), 5000)

    code, click_id = tracking_parameters.surest_code(
        optional.text(reference),
        words("client_reference_id"),
        words("code"),
    )
    return code, click_id or tracking_parameters.click_id_or_none(words("click_id"))


def _whole(value: object, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unreadable("wrong_type", f"{what} is not a whole number")
    return value


def _moment(value: object, notice: _Notification) -> datetime:
    return notice.at if value is None else parsing.from_unix(_whole(value, "instant"), "instant")


def _amount(thing: Mapping[str, object], name: str) -> tuple[int | None, str]:
    """Return an amount in Stripe's smallest unit in that of ISO 4217, with its currency."""
    currency = parsing.currency_code(thing.get("currency"))
    if thing.get(name) is None:
        return None, currency
    amount = money.whole_minor(thing[name], name)
    if amount < 0 or not currency:
        raise Unreadable("bad_amount", name)
    sent = 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2
    shift = money.exponent(currency) - sent
    if shift >= 0:
        return amount * 10**shift, currency
    if amount % 10**-shift:
        raise Unreadable("bad_amount", name)
    return amount // 10**-shift, currency
