"""Action Network: no signature, no refund event, and words that mean there was no source."""

from __future__ import annotations

import json
from typing import Any

import pytest

from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionEvent, ActionKind, StatementType
from advocacy.providers import action_network
from tests.support.counterparts import ACTION_NETWORK, CLICK, CODE, NOW, in_every_order, payload


def changed(name: str, **fields: Any) -> list[ActionEvent]:
    items = json.loads(payload("action_network", name))
    kind = next(key for key in items[0] if ":" in key and key != "action_network:sponsor")
    items[0][kind].update(fields)
    return action_network.parse(ACTION_NETWORK.verified(json.dumps(items).encode()))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("signature", ActionKind.SIGNATURE),
        ("call", ActionKind.CALL),
        ("donation", ActionKind.DONATION),
        ("submission", ActionKind.SUBMISSION),
        ("attendance", ActionKind.ATTENDANCE),
        ("action", ActionKind.OTHER),
    ],
)
def test_each_type_is_its_kind(name: str, kind: ActionKind) -> None:
    (event,) = ACTION_NETWORK.parsed(name)
    assert event.kind is kind and event.said is StatementType.CREATED


def test_code_person_and_site_come_from_the_signature() -> None:
    (event,) = ACTION_NETWORK.parsed("signature")
    assert (event.code, event.click_id) == (CODE, CLICK)
    assert event.person.email == "ada@example.org"
    assert event.person.person_id == "p-ada"
    assert event.referrer == "news.example.org"


def test_an_outreach_is_one_letter_for_each_target() -> None:
    letters = ACTION_NETWORK.parsed("letters")
    assert [letter.kind for letter in letters] == [ActionKind.LETTER] * 2
    assert len({letter.external_id for letter in letters}) == 2
    assert letters[0].target == "ocd-division/country:us/state:zz"


def test_an_outreach_without_a_target_reached_nobody() -> None:
    assert ACTION_NETWORK.parsed("outreach_without_target") == []


def test_an_upload_is_no_action() -> None:
    assert ACTION_NETWORK.parsed("upload") == []


@pytest.mark.parametrize(
    "data",
    [
        {},
        None,
        {"source": "none", "website": "none"},
        {"source": "widget"},
        {"source": None},
        {"source": "None"},
        {"source": "keyword:join"},
        {"referrer": "group-river"},
    ],
)
def test_words_for_no_source_are_no_code(data: Any) -> None:
    (event,) = changed("signature", **{"action_network:referrer_data": data})
    assert (event.code, event.click_id, event.referrer) == ("", "", "")


def test_amounts_are_decimal_strings_and_currencies_of_any_case() -> None:
    (event,) = ACTION_NETWORK.parsed("donation")
    assert (event.amount_minor, event.currency) == (4000, "USD")
    (event,) = ACTION_NETWORK.parsed("donation_monthly")
    assert (event.amount_minor, event.currency) == (1550, "EUR")
    assert event.recurs_as == event.external_id


def test_a_donation_sent_again_without_its_amount_is_a_return() -> None:
    told = [ACTION_NETWORK.parsed(name) for name in ("donation", "donation_returned")]
    (gift,) = in_every_order(told).values()
    assert gift.counted and (gift.gross_minor, gift.refunded_minor) == (4000, 4000)


@pytest.mark.parametrize("amount", [None, "", "0.00", 0])
def test_an_amount_that_was_taken_away_has_many_forms(amount: Any) -> None:
    (event,) = changed("donation_returned", amount=amount)
    assert event.said is StatementType.REFUNDED and event.amount_minor is None


def test_a_gift_that_is_sent_again_with_its_amount_stands() -> None:
    again = changed("donation", modified_date="2026-05-20T12:00:00Z")
    told = [ACTION_NETWORK.parsed(name) for name in ("donation", "donation_returned")]
    (gift,) = in_every_order([*told, again]).values()
    assert gift.counted and gift.refunded_minor == 0


def test_an_attendance_that_is_declined_is_taken_back() -> None:
    told = [ACTION_NETWORK.parsed(name) for name in ("attendance", "attendance_declined")]
    (attendance,) = in_every_order(told).values()
    assert not attendance.counted
    again = changed("attendance", modified_date="2026-05-04T12:00:00Z")
    (attendance,) = in_every_order([*told, again]).values()
    assert attendance.counted


def test_a_test_send_has_no_instants_and_is_a_test() -> None:
    (event,) = ACTION_NETWORK.parsed("test_send")
    assert event.occurred_at == NOW
    (settled,) = in_every_order([[event]]).values()
    assert settled.test and not settled.counted


@pytest.mark.parametrize(
    "name", ["signature", "call", "donation", "submission", "attendance", "action"]
)
@pytest.mark.parametrize("referrer", [{}, None, []])
def test_a_test_send_of_any_type_is_a_test_and_makes_none_of_what_there_is(
    name: str, referrer: Any
) -> None:
    test = changed(
        name,
        created_date=None,
        modified_date=None,
        **{"action_network:referrer_data": referrer},
    )
    assert [event.test for event in test] == [True]
    settled = in_every_order([test, ACTION_NETWORK.parsed(name)]).values()
    assert sorted((each.counted, each.test) for each in settled) == [(False, True), (True, False)]


@pytest.mark.parametrize(
    "fields",
    [
        {"created_date": "2026-05-01T12:00:00Z"},
        {"modified_date": "2026-05-01T12:00:00Z"},
        {"action_network:referrer_data": {"source": CODE}},
        {"action_network:referrer_data": {"source": "none"}},
    ],
)
def test_what_lacks_only_a_part_is_no_test(fields: dict[str, Any]) -> None:
    bare: dict[str, Any] = {"created_date": None, "modified_date": None}
    (event,) = changed("signature", **{"action_network:referrer_data": {}, **bare, **fields})
    assert not event.test


def test_the_key_of_test_sends_does_not_hide_what_comes_after() -> None:
    def name(**fields: Any) -> str:
        items = json.loads(payload("action_network", "signature"))
        items[0]["osdi:signature"].update(fields)
        return action_network.external_id(ACTION_NETWORK.verified(json.dumps(items).encode()))

    assert name() != name(identifiers=["action_network:other"])
    assert name() != name(modified_date="2026-05-02T12:00:00Z")
    assert name() == name()


def test_two_types_in_one_item_are_kept_aside() -> None:
    items = json.loads(payload("action_network", "signature"))
    items[0]["osdi:donation"] = {}
    with pytest.raises(Unreadable):
        action_network.parse(ACTION_NETWORK.verified(json.dumps(items).encode()))
