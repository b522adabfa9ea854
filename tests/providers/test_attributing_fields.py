"""A field that only says where a supporter came from never costs a delivery, whatever is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from twilio.request_validator import RequestValidator

from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionEvent, StatementType
from advocacy.providers import actblue, stripe
from tests.support.counterparts import (
    BOTH,
    CALLBACK,
    CLICK,
    CODE,
    COUNTERPARTS,
    NOW,
    TWILIO,
    Counterpart,
    payload,
)
from tests.support.mutations import places, put

# The names of such fields in any tool; everything below one is such a field as well.
NAMES = frozenset(
    (
        "action_network:referrer_data",
        "referrer_data",
        "source",
        "website",
        "referrer",
        "refcodes",
        "refcode",
        "refcode2",
        "customFields",
        "custom_fields",
        "client_reference_id",
        "metadata",
        "tracking",
        "tracking_code_slug",
        "recruiter_id",
        "petition",
        "code",
        "click_id",
        "target",
        "ocdid",
        "utm",
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "utm_content",
        "utm_term",
        "utm_parameters",
        "partnerDonationId",
        "partnerMetadata",
        "marketSource",
        "embed_parent_url",
        "source_code",
        "form",
        "contributionForm",
    )
)

# What a tool may send next to a field of our payloads that these do not have.
FURTHER: dict[str, tuple[str, ...]] = {
    "standard": ("referrer", "target", "click_id", "utm_source", "utm_content"),
    "nationbuilder": ("recruiter_id",),
    "stripe": ("metadata",),
    "controlshift": ("utm_source", "utm_content"),
}
BESIDE = {"standard": "email", "nationbuilder": "donor", "stripe": "currency"} | {
    "controlshift": "email"
}

WRONG: tuple[Any, ...] = (
    [],
    {},
    5,
    -1,
    True,
    False,
    None,
    1.5,
    "",
    "x" * 100_000,
    "é" * 5_000,
    9 * 10**300,
    "beyond",
    [None],
    [[{}]],
    {"refcode": [], "source": {}, "code": {"a": []}, "url": [], "utm_content": True},
    {"url": "https://[", "source": "x" * 5_000},
    {str(number): number for number in range(2_000)},
    json.loads('{"a":' * 150 + "[]" + "}" * 150),
)


def attributing(value: Any, slug: str) -> Iterator[tuple[Any, ...]]:
    for path in places(value):
        if any(step in NAMES for step in path):
            yield path
        if path and path[-1] == BESIDE.get(slug):
            yield from ((*path[:-1], name) for name in FURTHER[slug])


def what_counts(events: list[ActionEvent]) -> list[ActionEvent]:
    """Return statements without what attributes them, and none that had nothing else to say."""
    return [
        replace(event, code="", click_id="", utm={}, referrer="", target="")
        for event in events
        if event.said is not StatementType.REFUND_REVERSED or event.amount_minor is not None
    ]


@pytest.mark.parametrize("tool", COUNTERPARTS.values(), ids=COUNTERPARTS.keys())
def test_a_wrong_value_in_such_a_field_changes_nothing_that_counts(tool: Counterpart) -> None:
    if tool.form:
        pytest.skip("a form has no types; see below")
    tried = 0
    for name in tool.names():
        if name == "test_send":  # Such a field distinguishes it from an action.
            continue
        body = json.loads(payload(tool.slug, name))
        try:
            good = tool.parsed(name)
        except Unreadable:
            continue
        for path in attributing(body, tool.slug):
            for wrong in WRONG:
                changed = (
                    json.dumps(put(body, path, wrong)).replace('"beyond"', "1e999990").encode()
                )
                try:
                    events = tool.provider.parse(tool.verified(changed))
                except Unreadable as error:
                    pytest.fail(f"{name} {path} {str(wrong)[:40]}: {error}")
                if good or events:
                    assert what_counts(events) == what_counts(good), (name, path, wrong)
                tried += 1
    assert tried >= 2 * len(WRONG)


def test_what_of_it_can_be_read_is_read() -> None:
    body = json.loads(payload("actblue", "donation"))
    body["contribution"]["refcodes"] = []
    (event, *_) = actblue.parse(COUNTERPARTS["actblue"].verified(json.dumps(body).encode()))
    assert (event.code, event.click_id) == (CODE, CLICK)
    body = json.loads(payload("stripe", "checkout_session_completed"))
    body["data"]["object"] |= {"client_reference_id": 5, "metadata": {"utm_term": []}}
    (event,) = stripe.parse(COUNTERPARTS["stripe"].verified(json.dumps(body).encode()))
    # A number may be a link's code.
    assert event.code == "5"
    body["data"]["object"]["metadata"]["code"] = BOTH
    body["data"]["object"]["client_reference_id"] = [BOTH]
    (event,) = stripe.parse(COUNTERPARTS["stripe"].verified(json.dumps(body).encode()))
    assert (event.code, event.click_id, event.utm) == (CODE, CLICK, {})


@pytest.mark.parametrize("value", ["", "x" * 6_000, "é\udcff", "{", "%", "[]", "\0"])
def test_a_call_counts_whatever_its_callback_carries(value: str) -> None:
    query = urlencode({"code": value, "target": value, "utm_source": value}, errors="replace")
    good = TWILIO.send(payload("twilio", "child_completed.form"))
    url = f"{CALLBACK.partition('?')[0]}?{query}"
    fields = dict(parse_qsl(good.body.decode(), keep_blank_values=True))
    proof = RequestValidator(TWILIO.secret).compute_signature(url, fields)
    delivery = replace(good, url=url, headers={**good.headers, "x-twilio-signature": proof})
    verified = TWILIO.provider.verify(delivery, [TWILIO.secret], NOW)
    assert what_counts(TWILIO.provider.parse(verified)) == what_counts(
        TWILIO.parsed("child_completed.form")
    )


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("donation", ("donor", "email")),
        ("donation", ("lineitems", 0, "amount")),
        ("donation", ("lineitems", 0, "lineitemId")),
        ("donation", ("lineitems", 0, "paidAt")),
        ("donation", ("contribution", "orderNumber")),
    ],
)
def test_money_person_instant_and_identity_stay_strict(name: str, path: tuple[Any, ...]) -> None:
    body = json.loads(payload("actblue", name))
    for wrong in ([1], {"a": 1}):
        with pytest.raises(Unreadable):
            actblue.parse(
                COUNTERPARTS["actblue"].verified(json.dumps(put(body, path, wrong)).encode())
            )
