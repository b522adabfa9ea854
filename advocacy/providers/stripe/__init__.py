"""Stripe: checkout, payments, invoices, refunds, disputes, subscriptions.

Facts: `Stripe-Signature: t=…,v1=…[,v1=…]`, HMAC-SHA256 over `t.body`, keyed with the secret as
written, `whsec_` included; amounts are whole minor units; several events report one payment; only
the checkout session knows our code (`client_reference_id`, metadata). Sources:
docs.stripe.com/webhooks, /api/events/types, /currencies; stripe-python `_webhook.py`; its changelog
of 2025-03-31 ("basil") for the shapes that moved.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from advocacy.core import ids, tracking_parameters, urls
from advocacy.core.errors import Refused, Unreadable
from advocacy.core.events import ActionEvent, Delivery, Trust, Verified
from advocacy.core.messages import say
from advocacy.providers import parsing, signatures, test_deliveries
from advocacy.providers.stripe.events import READERS, Notification
from advocacy.providers.stripe.values import dispute_took_nothing as dispute_took_nothing
from advocacy.providers.stripe.values import read_code as read_code
from advocacy.providers.stripe.values import whole

slug = "stripe"
title = "Stripe"
TRUST: Trust = "signed"
ANSWER = 200
CODE_PARAMETERS = "client_reference_id="
SETUP_STEPS = (
    say(
        "In Stripe, open Developers › Webhooks and add an endpoint (destination) with the address."
    ),
    say(
        "Choose the events of checkout sessions, payment intents, invoices, refunds, disputes"
        " and ended subscriptions."
    ),
    say("Copy the signing secret that Stripe shows (whsec_…) and store it here."),
)

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
    reader = READERS.get(kind)
    if reader is None:
        if kind.startswith(_NOT_ACTIONS):
            return []
        raise Unreadable("unknown_kind", kind)
    thing = parsing.mapping(parsing.mapping(event.get("data"), "data").get("object"), "object")
    notice = Notification(
        kind=kind,
        at=parsing.from_unix(whole(event.get("created"), "created"), "created"),
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
