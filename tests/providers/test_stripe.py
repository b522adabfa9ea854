"""Stripe: one payment is many events and one gift, in every order and in both shapes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import stripe as stripe_library

from advocacy.core.errors import Refused, Unreadable
from advocacy.core.events import ActionEvent, StatementType
from advocacy.providers import stripe
from tests.support.counterparts import CLICK, CODE, NOW, STRIPE, in_every_order, payload, settled

PAYMENT = ("checkout_session_completed", "payment_intent_succeeded", "charge_succeeded")
BASIL = (
    "subscription_session",
    "basil_invoice_paid_first",
    "basil_payment_intent_of_invoice",
    "basil_charge_of_invoice",
    "basil_invoice_payment_paid",
)


def told(*names: str) -> list[list[ActionEvent]]:
    return [STRIPE.parsed(name) for name in names]


def changed(name: str, **fields: Any) -> list[ActionEvent]:
    """Parse one of our payloads with other fields in its object."""
    event = json.loads(payload("stripe", name))
    event["data"]["object"].update(fields)
    return stripe.parse(STRIPE.verified(json.dumps(event).encode()))


def test_one_payment_of_many_events_is_one_gift_with_its_code() -> None:
    (gift,) = in_every_order(told(*PAYMENT)).values()
    assert gift.counted and gift.external_id == "pi_1"
    assert (gift.gross_minor, gift.currency, gift.returns) == (3000, "USD", ())
    assert (gift.code, gift.click_id) == (CODE, CLICK)
    assert gift.who == {"email": "edith@example.org"}


@pytest.mark.parametrize("name", PAYMENT)
def test_each_event_alone_is_the_same_gift(name: str) -> None:
    (gift,) = settled_of(name).values()
    assert gift.counted and (gift.external_id, gift.gross_minor) == ("pi_1", 3000)


def settled_of(*names: str) -> dict[str, Any]:
    return in_every_order(told(*names))


def test_refunds_told_by_charge_and_by_refund_are_not_added() -> None:
    (gift,) = settled_of(
        *PAYMENT, "charge_refunded_part", "refund_created", "charge_refunded_with_list"
    ).values()
    assert [each.amount_minor for each in gift.returns] == [1000]
    (gift,) = settled_of(
        "charge_succeeded", "charge_refunded_part", "refund_created", "charge_refunded_all",
        "refund_second_created",
    ).values()  # fmt: skip
    assert [each.amount_minor for each in gift.returns] == [1000, 2000]


def test_two_partial_refunds_told_by_the_charge_alone_fall_on_their_days() -> None:
    (gift,) = settled_of("charge_refunded_all", "charge_succeeded", "charge_refunded_part").values()
    assert [each.amount_minor for each in gift.returns] == [1000, 2000]
    assert gift.returns[0].at < gift.returns[1].at


@pytest.mark.parametrize("undone", ["refund_failed", "charge_refund_updated"])
def test_a_failed_refund_gives_the_money_back(undone: str) -> None:
    refunds = ("charge_refunded_part", "refund_created", "charge_refunded_all")
    (gift,) = settled_of("charge_succeeded", *refunds, "refund_second_created", undone).values()
    assert gift.refunded_minor == 1000
    (gift,) = settled_of("charge_succeeded", *refunds, undone).values()
    assert gift.refunded_minor == 1000
    (gift,) = settled_of("charge_succeeded", "refund_second_created", undone).values()
    assert gift.refunded_minor == 0


def test_a_refund_that_is_known_before_its_payment_counts_nothing_yet() -> None:
    (gift,) = settled_of("charge_refunded_part", "dispute_created").values()
    assert not gift.counted and gift.gross_minor == 0 and gift.returns == ()


def test_a_dispute_takes_the_money_until_it_is_won() -> None:
    (gift,) = settled_of(*PAYMENT, "dispute_created").values()
    assert gift.refunded_minor == 3000
    (gift,) = settled_of(*PAYMENT, "dispute_created", "dispute_lost").values()
    assert gift.refunded_minor == 3000
    (gift,) = settled_of(*PAYMENT, "dispute_created", "dispute_won").values()
    assert gift.refunded_minor == 0 and gift.counted


def test_an_inquiry_takes_nothing() -> None:
    (gift,) = settled_of("charge_succeeded", "dispute_inquiry").values()
    assert gift.refunded_minor == 0


def test_refund_and_dispute_are_added_but_never_above_the_gift() -> None:
    part = changed("dispute_created", amount=1500)
    (gift,) = in_every_order([*told("charge_succeeded", "charge_refunded_part"), part]).values()
    assert gift.refunded_minor == 2500
    (gift,) = settled_of("charge_succeeded", "charge_refunded_part", "dispute_created").values()
    assert gift.refunded_minor == 3000


def test_an_unpaid_session_lends_its_code_to_the_payment_that_follows() -> None:
    unpaid = STRIPE.parsed("checkout_session_unpaid")
    assert [each.said for each in unpaid] == [StatementType.REFUND_REVERSED]
    later = changed("payment_intent_succeeded", id="pi_2")
    (gift,) = in_every_order([unpaid, later]).values()
    assert gift.counted and (gift.code, gift.gross_minor) == (CODE, 3000)
    (gift,) = settled_of("checkout_session_unpaid", "checkout_session_async_paid").values()
    assert gift.counted and gift.gross_minor == 3000
    assert not next(iter(settled_of("checkout_session_unpaid").values())).counted


def test_a_payment_that_is_only_authorized_counts_when_captured() -> None:
    assert changed("charge_succeeded", captured=False) == []


def test_the_first_gift_of_a_subscription_before_basil() -> None:
    invoice = ("invoice_paid_first", "subscription_session")
    payment = changed("payment_intent_succeeded", id="pi_9", amount_received=1500, invoice="in_1")
    (gift,) = in_every_order([*told(*invoice), payment]).values()
    assert gift.counted and (gift.gross_minor, gift.code) == (1500, CODE)
    assert (gift.recurs_as, gift.renewal) == ("sub_1", False)


def test_a_session_that_does_not_name_its_invoice_is_still_the_first_gift() -> None:
    session = changed("subscription_session", invoice=None)
    (gift,) = in_every_order([session, *told("invoice_paid_first")]).values()
    assert (gift.gross_minor, gift.code, gift.recurs_as) == (1500, CODE, "sub_1")


def test_the_first_gift_of_a_subscription_since_basil() -> None:
    (gift,) = settled_of(*BASIL).values()
    assert gift.counted and (gift.gross_minor, gift.code) == (1500, CODE)
    assert (gift.recurs_as, gift.renewal) == ("sub_1", False)
    (refunded,) = settled_of(*BASIL, "basil_charge_refunded").values()
    assert refunded.counted and refunded.refunded_minor == 1500


def test_an_invoice_with_its_payments_needs_no_further_event() -> None:
    (gift,) = settled_of(
        "subscription_session", "basil_invoice_paid_with_payments", "basil_charge_of_invoice",
        "basil_charge_refunded",
    ).values()  # fmt: skip
    assert gift.counted and (gift.gross_minor, gift.refunded_minor) == (1500, 1500)


def test_without_the_event_that_joins_them_the_money_is_counted_once_all_the_same() -> None:
    gifts = settled_of(*BASIL[:4]).values()
    assert sum(gift.gross_minor for gift in gifts if gift.counted) == 1500


@pytest.mark.parametrize("name", ["invoice_paid_renewal", "basil_invoice_paid_renewal"])
def test_a_renewal_is_a_gift_of_its_own_under_the_same_mandate(name: str) -> None:
    gifts = settled_of("subscription_session", "invoice_paid_first", name).values()
    first, renewal = sorted(gifts, key=lambda gift: gift.renewal)
    assert first.counted and renewal.counted and first.id != renewal.id
    assert first.recurs_as == renewal.recurs_as == "sub_1"
    assert (first.renewal, renewal.renewal) == (False, True)


def test_a_subscription_that_ends_moves_no_money() -> None:
    (gift,) = settled_of(
        "subscription_session", "invoice_paid_first", "subscription_deleted"
    ).values()
    assert gift.counted and gift.ended_at is not None and gift.refunded_minor == 0


def test_metadata_carries_the_code_where_there_is_no_session() -> None:
    (event,) = STRIPE.parsed("subscription_created_with_code")
    assert (event.code, event.click_id, event.recurs_as) == (CODE, CLICK, "sub_2")
    (event,) = changed("payment_intent_succeeded", metadata={"code": CODE, "utm_source": "m"})
    assert (event.code, dict(event.utm)) == (CODE, {"source": "m"})
    details = {"subscription": "sub_1", "metadata": {"code": CODE}}
    (event,) = changed(
        "basil_invoice_paid_renewal",
        parent={"type": "subscription_details", "subscription_details": details},
    )
    assert event.code == CODE


def test_test_mode_is_flagged_and_never_counted() -> None:
    (gift,) = settled_of("test_mode").values()
    assert gift.test and not gift.counted


@pytest.mark.parametrize(
    ("currency", "sent", "minor"),
    [
        ("usd", 2000, 2000),
        ("jpy", 500, 500),
        ("isk", 50000, 500),
        ("ugx", 500, 5),
        ("mga", 7, 700),
        ("kwd", 1230, 1230),
        ("clp", 900, 900),
        ("huf", 90000, 90000),
    ],
)
def test_amounts_become_the_smallest_unit_of_the_currency(
    currency: str, sent: int, minor: int
) -> None:
    (event,) = changed("payment_intent_succeeded", amount_received=sent, currency=currency)
    assert (event.amount_minor, event.currency) == (minor, currency.upper())


@pytest.mark.parametrize("amount", [-1, 1.5, True, 2**60, "3000"])
def test_what_is_no_amount_is_kept_aside(amount: Any) -> None:
    with pytest.raises(Unreadable) as caught:
        changed("payment_intent_succeeded", amount_received=amount)
    assert caught.value.reason == "bad_amount"


def test_events_of_no_supporter_give_nothing() -> None:
    assert STRIPE.parsed("customer_updated") == []


def test_the_delivery_is_named_by_the_event_not_by_its_bytes() -> None:
    event = json.loads(payload("stripe", "charge_succeeded"))
    event["pending_webhooks"] = 1
    again = stripe.external_id(STRIPE.verified(json.dumps(event).encode()))
    assert again == stripe.external_id(STRIPE.verified(payload("stripe", "charge_succeeded")))
    assert again == "evt_5"


def test_another_scheme_alone_is_no_proof() -> None:
    good = STRIPE.send(payload("stripe", "charge_succeeded"))
    header = good.headers["stripe-signature"]
    for wrong in (header.replace("v1=", "v0="), header.replace("v1=", "v1 ="), "t=1777637100"):
        delivery = replace(good, headers={"stripe-signature": wrong})
        with pytest.raises(Refused):
            stripe.verify(delivery, [STRIPE.secret], NOW)


def test_one_fitting_signature_of_several_is_enough() -> None:
    good = STRIPE.send(payload("stripe", "charge_succeeded"))
    stamp, _, rest = good.headers["stripe-signature"].partition(",")
    header = f"{stamp},v1={'0' * 64},v1=nonsense,{rest}"
    assert stripe.verify(replace(good, headers={"stripe-signature": header}), [STRIPE.secret], NOW)


def test_stripes_own_library_takes_what_we_take() -> None:
    """The same header and body pass the library's own check, so that both mean the same."""
    good = STRIPE.send(payload("stripe", "charge_succeeded"))
    assert stripe_library.WebhookSignature.verify_header(
        good.body.decode(), good.headers["stripe-signature"], STRIPE.secret, None
    )


def test_a_thin_event_is_kept_aside() -> None:
    with pytest.raises(Unreadable) as caught:
        stripe.parse(STRIPE.verified(b'{"object": "v2.core.event", "id": "evt_t", "type": "v1.x"}'))
    assert caught.value.reason == "unknown_kind"


def test_facts_of_one_delivery_settle_like_those_of_many() -> None:
    events = [event for each in told(*PAYMENT) for event in each]
    assert settled_of(*PAYMENT) == in_every_order([events])
    assert settled([]) == {}
