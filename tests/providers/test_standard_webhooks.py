"""Standard Webhooks: several signatures, two names for the headers, secrets that do not fit."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from advocacy.core.errors import Refused, Unreadable
from advocacy.providers import standard_webhooks
from tests.support.counterparts import NOW, STANDARD, in_every_order, payload

GOOD = STANDARD.send(payload("standard", "signature"))


def with_signature(value: str) -> dict[str, str]:
    return {**GOOD.headers, "webhook-signature": value}


def test_one_fitting_signature_of_several_is_enough() -> None:
    right = GOOD.headers["webhook-signature"]
    listed = f"nocomma v1,%%% v2,AAAA v1a,AAAA v1,AAAA {right}"
    delivery = replace(GOOD, headers=with_signature(listed))
    assert standard_webhooks.verify(delivery, [STANDARD.secret], NOW)


def test_the_older_names_of_the_headers_are_taken() -> None:
    headers = {name.replace("webhook-", "svix-"): value for name, value in GOOD.headers.items()}
    assert standard_webhooks.verify(replace(GOOD, headers=headers), [STANDARD.secret], NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%%", "whsec_A", "é", "\udcff"])
def test_a_secret_that_is_none_fits_nothing_and_spoils_nothing(secret: str) -> None:
    with pytest.raises(Refused):
        standard_webhooks.verify(GOOD, [secret], NOW)
    assert standard_webhooks.verify(GOOD, [secret, STANDARD.secret], NOW)


@pytest.mark.parametrize("message_id", ["a.b", "x" * 257, "a\nb"])
def test_a_message_id_that_breaks_the_scheme_is_refused(message_id: str) -> None:
    headers = {**GOOD.headers, "webhook-id": message_id}
    with pytest.raises(Refused):
        standard_webhooks.verify(replace(GOOD, headers=headers), [STANDARD.secret], NOW)


def test_gift_refund_and_end_settle_alike_in_every_order() -> None:
    names = ("donation", "donation_refunded", "donation_ended")
    told = [
        [replace(event, statement_id=f"{name}-1") for event in STANDARD.parsed(name)]
        for name in names
    ]
    (gift,) = in_every_order(told).values()
    assert (gift.gross_minor, gift.refunded_minor, gift.recurs_as) == (1250, 250, "m-1")
    assert gift.ended_at is not None and gift.counted


@pytest.mark.parametrize(
    "amount", ["1e99999", '"1e99999"', '"1e9999999999999"', '"-1e99999"', '"9e18"', '"nan"']
)
def test_an_amount_that_nobody_gave_is_refused_at_once(amount: str) -> None:
    told = payload("standard", "donation").decode().replace('"12.50"', amount)
    assert amount in told
    began = time.perf_counter()
    with pytest.raises(Unreadable) as caught:
        standard_webhooks.parse(STANDARD.verified(told.encode()))
    assert caught.value.reason == "bad_amount"
    assert time.perf_counter() - began < 0.5


def test_the_page_keeps_its_own_query_to_the_letter():
    from advocacy.core.urls import with_query

    page = "https://example.org/act?flag&a=1%202&b=%E9&code=theirs#part"
    assert with_query(page, code="ours", empty="") == (
        "https://example.org/act?flag&a=1%202&b=%E9&code=ours#part"
    )
