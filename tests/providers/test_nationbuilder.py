"""NationBuilder: a secret in the body, and an event that has to be read off the instants."""

from __future__ import annotations

import json
from typing import Any

import pytest

from advocacy.core.errors import Refused, Unreadable
from advocacy.core.events import ActionEvent, ActionKind, Delivery, StatementType
from advocacy.providers import nationbuilder
from tests.support.counterparts import (
    BOTH,
    CLICK,
    CODE,
    NATIONBUILDER,
    NOW,
    in_every_order,
    payload,
)


def changed(name: str, **fields: Any) -> list[ActionEvent]:
    body = json.loads(payload("nationbuilder", name))
    body["payload"]["donation"].update(fields)
    return nationbuilder.parse(NATIONBUILDER.verified(json.dumps(body).encode()))


def test_the_token_in_the_body_is_the_proof_and_is_taken_out() -> None:
    verified = NATIONBUILDER.verified(payload("nationbuilder", "donation_succeeded"))
    assert NATIONBUILDER.secret.encode() not in verified.body
    assert json.loads(verified.body)["token"] == ""


@pytest.mark.parametrize("token", ["", None, 7, [], "nb-shared-token-2", "\x00", "\udfff"])
def test_any_other_token_is_refused(token: Any) -> None:
    body = json.loads(payload("nationbuilder", "donation_succeeded"))
    body["token"] = token
    delivery = Delivery(json.dumps(body).encode())
    with pytest.raises(Refused):
        nationbuilder.verify(delivery, [NATIONBUILDER.secret, ""], NOW)


def test_two_tokens_are_valid_while_one_is_rotated_out() -> None:
    delivery = NATIONBUILDER.send(payload("nationbuilder", "donation_succeeded"))
    for secrets in ([NATIONBUILDER.secret, "next"], ["next", NATIONBUILDER.secret]):
        assert nationbuilder.verify(delivery, secrets, NOW)


def test_a_donation_is_read_in_cents_with_its_offset() -> None:
    (gift,) = NATIONBUILDER.parsed("donation_succeeded")
    assert (gift.amount_minor, gift.currency) == (2020, "USD")
    assert gift.occurred_at.isoformat() == "2026-05-01T12:00:05+00:00"
    assert (gift.code, gift.click_id) == (CODE, CLICK)
    assert gift.person.email == "rosa@example.org" and gift.person.phone == "2025550171"
    (gift,) = NATIONBUILDER.parsed("donation_succeeded", currency="CAD")
    assert gift.currency == "CAD"


def test_changes_and_cancellation_end_in_the_same_state_in_every_order() -> None:
    names = ("donation_succeeded", "donation_changed", "donation_canceled")
    (gift,) = in_every_order([NATIONBUILDER.parsed(name) for name in names]).values()
    assert gift.counted and gift.refunded_minor == gift.gross_minor
    (gift,) = in_every_order([NATIONBUILDER.parsed(name) for name in names[:2]]).values()
    assert (gift.gross_minor, gift.refunded_minor) == (3000, 0)


def test_a_cancellation_that_is_taken_back_stands_again() -> None:
    again = changed("donation_succeeded", updated_at="2026-05-09T08:00:00-04:00")
    (gift,) = in_every_order([NATIONBUILDER.parsed("donation_canceled"), again]).values()
    assert gift.counted and gift.refunded_minor == 0


def test_a_donation_that_has_not_succeeded_is_none_yet() -> None:
    assert NATIONBUILDER.parsed("donation_pending") == []
    (event,) = changed("donation_canceled", succeeded_at=None)
    assert event.said is StatementType.REFUNDED


def test_a_person_counts_only_where_staff_say_as_what() -> None:
    assert NATIONBUILDER.parsed("person_created") == []
    (event,) = NATIONBUILDER.parsed("person_created", person="signature")
    assert (event.kind, event.code) == (ActionKind.SIGNATURE, "75408")
    with pytest.raises(Unreadable):
        NATIONBUILDER.parsed("person_created", person="rain")


def test_a_recruiter_is_a_number_and_other_codes_go_elsewhere() -> None:
    url = "https://river.example.org/give"
    assert nationbuilder.destination(url, "75408", "") == f"{url}?recruiter_id=75408"
    assert nationbuilder.destination(url, CODE, CLICK) == f"{url}?utm_content={BOTH}"
