"""ActBlue: what a body without an event type says, and its gifts seen again by other tools."""

from __future__ import annotations

import json
from typing import Any

import pytest

from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionEvent, StatementType
from advocacy.providers import actblue, nationbuilder
from tests.support.counterparts import (
    ACTBLUE,
    ACTION_NETWORK,
    CLICK,
    CODE,
    NATIONBUILDER,
    facts,
    in_every_order,
    payload,
    settled,
)


def changed(name: str, line: dict[str, Any] | None = None, **fields: Any) -> list[ActionEvent]:
    body = json.loads(payload("actblue", name))
    body["contribution"].update(fields)
    if line is not None:
        body["lineitems"][0].update(line)
    return actblue.parse(ACTBLUE.verified(json.dumps(body).encode()))


def gift_of(events: list[ActionEvent]) -> ActionEvent:
    (gift,) = (event for event in events if event.said is not StatementType.DUPLICATE_OF)
    return gift


def test_a_donation_brings_amount_instant_person_and_code() -> None:
    gift = gift_of(ACTBLUE.parsed("donation"))
    assert (gift.external_id, gift.amount_minor, gift.currency) == ("8100001", 2500, "USD")
    assert gift.occurred_at.isoformat() == "2026-05-01T13:30:05+00:00"
    assert (gift.code, gift.click_id) == (CODE, CLICK)
    assert gift.person.email == "grace@example.org"
    assert (gift.recurs_as, gift.renewal) == ("", False)


def test_an_instant_without_an_offset_is_new_yorks() -> None:
    gift = gift_of(ACTBLUE.parsed("donation_no_offset"))
    assert gift.occurred_at.isoformat() == "2026-05-01T13:30:05+00:00"


@pytest.mark.parametrize(
    "fields",
    [
        {"refcodes": {"refcode": CODE}, "refcode": None, "refcode2": None},
        {"refcodes": None, "refcode": CODE, "refcode2": None},
        {"refcodes": {}, "refcode": CODE.upper(), "refcode2": "fb_someone-elses"},
    ],
)
def test_the_code_stands_in_the_map_or_beside_it(fields: dict[str, Any]) -> None:
    gift = gift_of(changed("donation", **fields))
    assert (gift.code, gift.click_id) == (CODE, "")


def test_every_instalment_is_a_gift_of_one_mandate() -> None:
    names = ("donation_first_instalment", "donation_second_instalment", "cancellation")
    actions = in_every_order([ACTBLUE.parsed(name) for name in names])
    gifts = {name: action for name, action in actions.items() if action.counted}
    assert set(gifts) == {"8200001", "8200002"}
    assert {gift.recurs_as for gift in gifts.values()} == {"AB70002"}
    assert not gifts["8200001"].renewal and gifts["8200002"].renewal
    assert gifts["8200002"].ended_at is not None
    assert all(gift.refunded_minor == 0 for gift in gifts.values())


def test_a_cancellation_without_line_items_still_ends_the_mandate() -> None:
    (event,) = ACTBLUE.parsed("cancellation_without_lines")
    assert (event.said, event.recurs_as) == (StatementType.RECURRING_ENDED, "AB70002")


def test_a_refund_names_the_gift_and_may_come_first() -> None:
    told = [ACTBLUE.parsed("refund"), ACTBLUE.parsed("donation")]
    gift = in_every_order(told)["8100001"]
    assert gift.counted and (gift.gross_minor, gift.refunded_minor) == (2500, 2500)
    only = settled(facts(told[0]))["8100001"]
    assert not only.counted


def test_a_refund_without_an_amount_is_of_all_of_it() -> None:
    refund = changed("refund", line={"amount": None})
    gift = in_every_order([refund, ACTBLUE.parsed("donation")])["8100001"]
    assert gift.refunded_minor == 2500


def test_only_approved_gifts_count() -> None:
    assert ACTBLUE.parsed("donation_declined") == []
    assert changed("donation", status="pending") == []
    assert gift_of(changed("donation", status=""))


def test_several_line_items_are_several_gifts() -> None:
    body = json.loads(payload("actblue", "donation"))
    body["lineitems"].append({**body["lineitems"][0], "lineitemId": 8100009, "amount": "4.5"})
    actions = settled(facts(actblue.parse(ACTBLUE.verified(json.dumps(body).encode()))))
    assert sum(each.gross_minor for each in actions.values() if each.counted) == 2950


@pytest.mark.parametrize(
    "copy", [(ACTION_NETWORK, "donation_by_actblue"), (NATIONBUILDER, "donation_of_actblue")]
)
def test_the_same_gift_seen_by_another_tool_counts_once(copy: Any) -> None:
    tool, name = copy
    alone = settled(facts(tool.parsed(name)))
    assert [action.counted for action in alone.values()] == [True]
    both = in_every_order([ACTBLUE.parsed("donation"), tool.parsed(name)])
    assert [key for key, action in both.items() if action.counted] == ["8100001"]


def test_another_instalment_seen_by_another_tool_is_another_gift() -> None:
    body = json.loads(payload("nationbuilder", "donation_of_actblue"))
    body["payload"]["donation"]["succeeded_at"] = "2026-07-01T09:30:05-04:00"
    copy = nationbuilder.parse(NATIONBUILDER.verified(json.dumps(body).encode()))
    both = in_every_order([ACTBLUE.parsed("donation"), copy])
    assert sum(action.counted for action in both.values()) == 2


def test_a_body_without_any_instant_is_kept_aside() -> None:
    with pytest.raises(Unreadable) as caught:
        changed("donation", line={"paidAt": None})
    assert caught.value.reason == "unknown_kind"


@pytest.mark.parametrize(
    ("page", "test"),
    [
        ("http://localhost:3000/thanks/AB1?success=true", True),
        ("http://127.0.0.1/thanks", True),
        ("https://secure.actblue.com/thanks/AB1", False),
        ("https://example.org/?next=http://localhost", False),
        (None, False),
        ([], False),
    ],
)
def test_a_sample_body_of_actblue_is_a_test(page: object, test: bool) -> None:
    body = json.loads(payload("actblue", "donation"))
    body["contribution"]["thanksUrl"] = page
    events = actblue.parse(ACTBLUE.verified(json.dumps(body).encode()))
    assert events[0].test is test
