"""The generic provider: included mappings, mistakes in others, and hostile expressions."""

from __future__ import annotations

import json
import time
from copy import deepcopy
from typing import Any

import pytest

from advocacy.core.errors import Refused, Unreadable
from advocacy.core.events import ActionKind, Delivery, StatementType
from advocacy.providers import generic, mappings
from tests.support.counterparts import (
    CLICK,
    CODE,
    DONORBOX,
    EVERY_ORG,
    EVERYACTION,
    FORM,
    FORM_MAPPING,
    GIVEBUTTER,
    NEW_MODE,
    NOW,
    Counterpart,
    in_every_order,
    payload,
)

GOOD: dict[str, Any] = {"kind": "'signature'", "fields": {"id": "id", "at": "at"}}
BODY = b'{"id": 7, "at": "2026-05-01T12:00:00Z", "list": [1, 2]}'


@pytest.mark.parametrize("name", mappings.names())
def test_each_mapping_that_comes_along_is_whole(name: str) -> None:
    mapping = mappings.get(name)
    assert generic.check_mapping(mapping) == []
    assert mapping["evidence"] in {"documented", "seen", "assumed"}
    assert mapping["source"] and mapping["title"]
    made = generic.destination("https://a.example.org/", CODE, CLICK, mapping)
    assert CODE + CLICK in made


def test_the_mappings_are_those_that_the_readme_lists() -> None:
    assert mappings.names() == ["donorbox", "every_org", "everyaction", "givebutter", "new_mode"]
    with pytest.raises(KeyError):
        mappings.get("../donorbox")


@pytest.mark.parametrize(
    ("tool", "name", "kind", "minor"),
    [
        (DONORBOX, "donorbox_donation", ActionKind.DONATION, 10000),
        (GIVEBUTTER, "givebutter_transaction_succeeded", ActionKind.DONATION, 5000),
        (GIVEBUTTER, "givebutter_transaction_created", ActionKind.DONATION, 5000),
        (EVERY_ORG, "every_org_donation", ActionKind.DONATION, 2500),
        (NEW_MODE, "new_mode_letter", ActionKind.LETTER, None),
        (EVERYACTION, "everyaction_contribution", ActionKind.DONATION, 3550),
        (EVERYACTION, "everyaction_petition", ActionKind.SIGNATURE, None),
        (FORM, "form_signature.form", ActionKind.SIGNATURE, None),
    ],
)
def test_each_shape_is_read(
    tool: Counterpart, name: str, kind: ActionKind, minor: int | None
) -> None:
    (event,) = tool.parsed(name)
    assert (event.kind, event.amount_minor, event.said) == (kind, minor, StatementType.CREATED)
    assert event.person.email == "june@example.org"
    if name != "givebutter_transaction_created":
        assert (event.code, event.click_id) == (CODE, CLICK)


def test_a_donorbox_update_says_what_was_given_back() -> None:
    told = [DONORBOX.parsed(name) for name in ("donorbox_donation", "donorbox_refunded")]
    (gift,) = in_every_order(told).values()
    assert (gift.gross_minor, gift.refunded_minor, gift.code) == (10000, 4000, CODE)


def test_a_givebutter_refund_may_come_first() -> None:
    names = ("givebutter_transaction_created", "givebutter_transaction_refunded")
    (gift,) = in_every_order([GIVEBUTTER.parsed(name) for name in names]).values()
    assert gift.counted and gift.refunded_minor == 5000


def test_everyaction_instalments_are_renewals_in_local_time() -> None:
    (event,) = EVERYACTION.parsed("everyaction_contribution")
    assert (event.recurs_as, event.renewal) == ("99", True)
    assert event.occurred_at.isoformat() == "2026-05-01T12:00:00+00:00"


@pytest.mark.parametrize("at", ["1e99999", "1e99999999999", "-1e99999", "1.5e300"])
def test_an_instant_that_is_none_is_refused_at_once(at: str) -> None:
    began = time.perf_counter()
    with pytest.raises(Unreadable) as caught:
        generic.dry_run(GOOD, f'{{"id": "1", "at": {at}}}'.encode())
    assert caught.value.reason == "bad_instant"
    assert time.perf_counter() - began < 0.5


def test_a_form_has_its_own_format_of_time() -> None:
    (event,) = FORM.parsed("form_signature.form")
    assert event.occurred_at.isoformat() == "2026-05-31T18:05:00+00:00"


def with_(path: str, value: Any) -> dict[str, Any]:
    mapping: dict[str, Any] = deepcopy(GOOD)
    inner = mapping
    *steps, last = path.split(".")
    for step in steps:
        inner = inner.setdefault(step, {})
    inner[last] = value
    return mapping


@pytest.mark.parametrize(
    ("mapping", "word"),
    [
        (None, "object"),
        ([], "object"),
        ({}, "fields"),
        ({"fields": {}}, "fields.id is missing"),
        (with_("colour", "red"), "colour"),
        (with_("body", "xml"), "body"),
        (with_("kind", "a b"), "kind is not a JMESPath"),
        (with_("kind", 7), "kind is not an expression"),
        (with_("fields.id", "[["), "fields.id"),
        (with_("fields.rain", "x"), "rain"),
        (with_("fields.email", "[@,@][@,@][@,@][@,@][@,@][@,@][@,@]"), "brackets"),
        (with_("fields.email", "a" * 301), "too long"),
        (with_("kinds", {"x": "rain"}), "kinds.x"),
        (with_("kinds", []), "kinds"),
        (with_("says", {"x": "given"}), "says.x"),
        (with_("currency", "dollars"), "currency"),
        (with_("zone", "Mars/Crater"), "zone"),
        (with_("zone", "../etc"), "zone"),
        (with_("at_format", 3), "at_format"),
        (with_("destination", {"source": 1}), "destination"),
        (with_("auth", "hmac"), "auth is not an object"),
        (with_("auth", {"method": "magic"}), "auth.method"),
        (with_("auth", {"method": "hmac"}), "auth.header"),
        (with_("auth", {"method": "hmac", "header": "X", "algorithm": "md5"}), "auth.algorithm"),
        (with_("auth", {"method": "hmac", "header": "X", "encoding": "rot13"}), "auth.encoding"),
        (with_("auth", {"method": "basic", "colour": "red"}), "auth.colour"),
        (with_("auth", {"method": "header", "header": 7}), "auth.header"),
    ],
)
def test_mistakes_are_named_and_never_run(mapping: Any, word: str) -> None:
    mistakes = generic.check_mapping(mapping)
    assert mistakes and any(word in each for each in mistakes), mistakes
    with pytest.raises(Unreadable) as caught:
        generic.dry_run(mapping, BODY)
    assert caught.value.reason == "bad_mapping"


def test_a_dry_run_shows_the_actions_of_a_body() -> None:
    (event,) = generic.dry_run(GOOD, BODY)
    assert (event.external_id, event.kind) == ("7", ActionKind.SIGNATURE)
    assert generic.dry_run(with_("when", "live"), BODY) == []
    with pytest.raises(Unreadable):
        generic.dry_run(with_("fields.email", "list"), BODY)
    with pytest.raises(Unreadable) as caught:
        generic.dry_run(with_("fields.email", "abs(id, id)"), BODY)
    assert caught.value.reason == "mapping_failed"


def test_items_of_a_list_are_actions_each() -> None:
    body = json.dumps({"items": [{"id": n, "at": 1777636800 + n} for n in range(3)]}).encode()
    events = generic.dry_run(with_("each", "items"), body)
    assert [event.external_id for event in events] == ["0", "1", "2"]
    with pytest.raises(Unreadable):
        generic.dry_run(with_("each", "items[0]"), body)


def test_a_mapping_with_a_proof_is_held_to_it() -> None:
    for method in ("hmac", "basic", "bearer", "header"):
        setup = {"mapping": with_("auth", {"method": method, "header": "X-Proof"})}
        for headers in ({}, {"x-proof": "x"}, {"authorization": "Bearer "}):
            delivery = Delivery(BODY, headers, "", setup)
            for secrets in ([], [""], ["s"]):
                with pytest.raises(Refused):
                    generic.verify(delivery, secrets, NOW)


@pytest.mark.parametrize("auth", ["x", [], {"method": []}, {"method": "hmac", "header": 1}])
def test_a_broken_proof_is_no_open_door(auth: Any) -> None:
    delivery = Delivery(BODY, {}, "", {"mapping": with_("auth", auth)})
    with pytest.raises(Refused):
        generic.verify(delivery, ["s"], NOW)
    with pytest.raises(Unreadable):
        generic.parse(generic.Verified(BODY, NOW, setup=delivery.setup))


def test_the_code_is_put_where_the_mapping_says() -> None:
    made = generic.destination("https://a.example.org/", CODE, CLICK, FORM_MAPPING)
    assert made == f"https://a.example.org/?source={CODE}{CLICK}"


def test_our_payloads_are_our_own() -> None:
    for name in ("donorbox_donation", "every_org_donation"):
        assert b"example.org" in payload("generic", name)


def test_a_parameter_of_any_name_may_carry_the_code() -> None:
    mapping = {"destination": {"url": "{code}", "from": "{click_id}"}}
    made = generic.destination("https://a.example.org/", CODE, CLICK, mapping)
    assert made == f"https://a.example.org/?url={CODE}&from={CLICK}"


def named(mapping: dict[str, Any], **body: Any) -> str:
    setup = {"mapping": mapping}
    return generic.external_id(generic.Verified(json.dumps(body).encode(), NOW, setup=setup))


STATEFUL = GOOD | {"delivery": "id", "said": "status || inner.status", "says": {"Back": "returned"}}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "inner, status"),
        ({"delivery": "join(':', [id, status])"}, "inner"),
        ({"said": None, "when": "paid"}, "paid"),
        ({"said": None, "fields": {**GOOD["fields"], "returned": "back"}}, "back"),
        ({"said": None, "fields": {**GOOD["fields"], "statement": "event_id"}}, "event_id"),
        ({"said": None, "kind": "event", "kinds": {"x": "donation", "y": None}}, "event"),
        ({"said": None, "each": "items", "delivery": "items[].id", "when": "ok"}, "ok"),
    ],
)
def test_a_state_that_the_delivery_does_not_name_is_a_mistake(
    changed: dict[str, Any], words: str
) -> None:
    (mistake,) = generic.check_mapping(STATEFUL | changed)
    assert f"delivery does not read {words}, as" in mistake


@pytest.mark.parametrize(
    "changed",
    [
        {"delivery": None},
        {"delivery": "join(':', [id, status || inner.status])"},
        {"said": None, "says": None},
        {"said": "'returned'"},
        {"said": None, "each": "items", "when": "ok", "delivery": "join(':', items[].[id, ok][])"},
    ],
)
def test_a_state_that_the_delivery_names_is_none(changed: dict[str, Any]) -> None:
    assert generic.check_mapping(STATEFUL | changed) == []


def test_a_source_with_an_unchecked_mapping_tells_states_apart_all_the_same() -> None:
    assert named(STATEFUL, id="g") == "g"
    assert named(STATEFUL, id="g", status="Back") != "g"
    assert named(STATEFUL, id="g", status="Back") == named(STATEFUL, id="g", status="Back", more=1)
    assert named(STATEFUL, id="g", status="Back") != named(STATEFUL, id="g", status="Gone")
    events = generic.dry_run(STATEFUL, b'{"id": "g", "at": 1777636800, "status": "Back"}')
    assert [event.said for event in events] == [StatementType.REFUNDED]


@pytest.mark.parametrize(
    ("name", "body", "states"),
    [
        (
            "everyaction",
            {"contributionId": 1},
            [{}, {"status": "Refunded"}, {"contribution": {"status": "Canceled"}}],
        ),
        ("everyaction", {"formSubmissionId": "a"}, [{}, {"status": "Pending"}]),
        ("givebutter", {"id": 1}, [{"event": "transaction.succeeded"}, {"type": "plan.cancelled"}]),
        ("donorbox", {"id": 1}, [{"status": "paid"}, {"amount_refunded": "1.0"}, {}]),
    ],
)
def test_each_state_of_an_action_has_a_delivery_name_of_its_own(
    name: str, body: dict[str, Any], states: list[dict[str, Any]]
) -> None:
    names = [named(mappings.get(name), **body, **state) for state in states]
    assert len(set(names)) == len(states)
    assert names == [named(mappings.get(name), **body, **state) for state in states]


def test_a_gift_goes_back_when_that_is_stated_not_when_it_was_made() -> None:
    body = json.loads(payload("generic", "everyaction_contribution"))
    body |= {"status": "Refunded", "dateModified": "2026-05-20T08:00:00"}
    (event,) = generic.dry_run(mappings.get("everyaction"), json.dumps(body).encode())
    assert event.said is StatementType.REFUNDED
    assert event.occurred_at.isoformat() == "2026-05-20T12:00:00+00:00"
