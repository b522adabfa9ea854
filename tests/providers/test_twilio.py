"""Twilio: what is signed, which legs are calls, and who is on the line."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest
from twilio.request_validator import RequestValidator

from advocacy.core.errors import Refused, Unreadable
from advocacy.core.events import ActionEvent, Delivery, StatementType
from advocacy.providers import twilio
from tests.support.counterparts import CALLBACK, CLICK, CODE, NOW, TWILIO, in_every_order, payload

TOKEN = TWILIO.secret


def signed(url: str, fields: dict[str, str], sent_to: str = "") -> Delivery:
    signature = RequestValidator(TOKEN).compute_signature(url, fields)
    return Delivery(
        body=urlencode(fields).encode(),
        headers={
            "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
            "x-twilio-signature": signature,
        },
        url=sent_to or url,
    )


def changed(name: str, **fields: str) -> list[ActionEvent]:
    sent = dict(parse_qsl(payload("twilio", name).decode(), keep_blank_values=True))
    return twilio.parse(TWILIO.verified(urlencode({**sent, **fields}).encode()))


@pytest.mark.parametrize(
    ("signed_as", "sent_to"),
    [
        ("https://t.example.org/w/k?a=1&b=%2B", "https://t.example.org/w/k?a=1&b=%2B"),
        ("https://t.example.org:443/w/k", "https://t.example.org/w/k"),
        ("https://t.example.org/w/k", "https://t.example.org:443/w/k"),
        ("http://t.example.org:80/w/k", "http://t.example.org/w/k"),
        ("https://t.example.org:8443/w/k", "https://t.example.org:8443/w/k"),
        ("https://t.example.org/w/k", "https://t.example.org/w/k#rc=2"),
    ],
)
def test_the_public_url_is_signed_with_or_without_its_port(signed_as: str, sent_to: str) -> None:
    fields = {"CallSid": "CA1", "To": "+12025550188", "ToCity": "", "FromCity": "", "Z": "a b&c=d"}
    assert twilio.verify(signed(signed_as, fields, sent_to), [TOKEN], NOW)


def test_what_no_table_takes_is_not_carried() -> None:
    url = (
        "https://t.example.org/w/k?code=spring4trees&utm_source=x%00&target=%00&utm_term=a%40b.org"
    )
    fields = {"CallSid": "CA1", "CallStatus": "completed", "CallDuration": "49"}
    verified = twilio.verify(signed(url, fields), [TOKEN], NOW)
    (event,) = twilio.parse(verified)
    assert (event.code, dict(event.utm), event.target) == (
        "spring4trees",
        {"source": "x", "term": "@"},
        "",
    )
    assert "b.org" not in verified.message_id


def test_behind_a_proxy_the_wrong_scheme_does_not_fit() -> None:
    fields = {"CallSid": "CA1"}
    with pytest.raises(Refused):
        twilio.verify(
            signed("https://t.example.org/w", fields, "http://t.example.org/w"), [TOKEN], NOW
        )


def test_empty_fields_and_plus_signs_are_part_of_what_is_signed() -> None:
    fields = {"CallSid": "CA1", "To": "+12025550188", "ToCity": ""}
    good = signed(CALLBACK, fields)
    assert twilio.verify(good, [TOKEN], NOW)
    for wrong in (b"CallSid=CA1&To=%2B12025550188", b"CallSid=CA1&To=+12025550188&ToCity="):
        with pytest.raises(Refused):
            twilio.verify(replace(good, body=wrong), [TOKEN], NOW)


def test_a_repeated_field_is_signed_once_for_each_value() -> None:
    class Several(dict[str, list[str]]):
        def getlist(self, name: str) -> list[str]:
            return self[name]

    fields = Several(Digits=["5678", "1234", "1234"], CallSid=["CA1"])
    signature = RequestValidator(TOKEN).compute_signature(CALLBACK, fields)
    body = b"Digits=5678&CallSid=CA1&Digits=1234&Digits=1234"
    delivery = Delivery(body, {"x-twilio-signature": signature}, CALLBACK)
    assert twilio.verify(delivery, [TOKEN], NOW)


def test_a_json_body_is_signed_through_its_digest_in_the_url() -> None:
    body = b'{"CallSid": "CA1", "CallStatus": "ringing"}'
    url = f"{CALLBACK}&bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {
        "content-type": "application/json",
        "x-twilio-signature": RequestValidator(TOKEN).compute_signature(url, {}),
    }
    verified = twilio.verify(Delivery(body, headers, url), [TOKEN], NOW)
    assert twilio.parse(verified) == []
    assert twilio.external_id(verified) == "CA1:ringing"
    with pytest.raises(Refused):
        twilio.verify(Delivery(body + b" ", headers, url), [TOKEN], NOW)
    bare = {
        **headers,
        "x-twilio-signature": RequestValidator(TOKEN).compute_signature(CALLBACK, {}),
    }
    with pytest.raises(Refused):
        twilio.verify(Delivery(body, bare, CALLBACK), [TOKEN], NOW)


def test_the_newer_digest_is_taken_where_the_header_names_it() -> None:
    fields = {"CallSid": "CA1"}
    signature = RequestValidator(TOKEN).compute_signature(CALLBACK, fields, "HMAC_SHA256")
    headers = {
        "x-twilio-signature": signature,
        "x-twilio-webhooks-signature-settings": "key=sk_1,algorithm=HMAC_SHA256",
    }
    delivery = Delivery(urlencode(fields).encode(), headers, CALLBACK)
    assert twilio.verify(delivery, [TOKEN], NOW)
    unknown = {**headers, "x-twilio-webhooks-signature-settings": "algorithm=HMAC_MD5"}
    for wrong in (unknown, {"x-twilio-signature": signature}):
        with pytest.raises(Refused):
            twilio.verify(replace(delivery, headers=wrong), [TOKEN], NOW)


@pytest.mark.parametrize("url", ["", "nonsense", "https://[broken", "https://h:notaport/", "//h/"])
def test_a_broken_url_is_refused(url: str) -> None:
    good = signed(CALLBACK, {"CallSid": "CA1"})
    with pytest.raises(Refused):
        twilio.verify(replace(good, url=url), [TOKEN], NOW)


def test_a_finished_call_with_a_human_counts_and_brings_the_code_back() -> None:
    (call,) = TWILIO.parsed("call_completed.form")
    assert (call.kind, call.said, call.code, call.click_id) == (
        "call",
        StatementType.CREATED,
        CODE,
        CLICK,
    )
    assert call.person.phone == "" and call.target == ""


@pytest.mark.parametrize(
    "name",
    [
        "call_machine.form",
        "call_too_short.form",
        "call_busy.form",
        "call_ringing.form",
        "inbound.form",
    ],
)
def test_what_reached_nobody_is_no_call(name: str) -> None:
    assert TWILIO.parsed(name) == []


@pytest.mark.parametrize(
    ("answered_by", "counts"),
    [("human", True), ("unknown", False), ("machine_end_beep", False), ("fax", False), ("", True)],
)
def test_only_a_human_counts_where_twilio_can_tell(answered_by: str, counts: bool) -> None:
    assert bool(changed("call_completed.form", AnsweredBy=answered_by)) is counts


def test_the_least_duration_is_in_seconds_and_staff_set_it() -> None:
    assert TWILIO.parsed("call_completed.form", minimum_seconds=49)
    assert not TWILIO.parsed("call_completed.form", minimum_seconds=50)
    assert TWILIO.parsed("call_too_short.form", minimum_seconds=0)
    for nonsense in ("long", None, True, 1.5):
        assert TWILIO.parsed("call_completed.form", minimum_seconds=nonsense)
    assert not changed("call_completed.form", CallDuration="")


def test_of_parent_and_child_the_child_counts_in_every_order() -> None:
    told = [TWILIO.parsed(f"{name}.form") for name in ("call_completed", "child_completed")]
    told.append(TWILIO.parsed("dial_completed.form"))
    calls = in_every_order(told)
    assert [name for name, call in calls.items() if call.counted] == ["CA" + "5" * 32]
    counted = calls["CA" + "5" * 32]
    assert (counted.code, counted.target) == (CODE, "+12025550199")


def test_a_parent_whose_child_reached_nobody_is_no_call() -> None:
    told = [TWILIO.parsed(f"{name}.form") for name in ("call_completed", "child_no_answer")]
    assert not any(call.counted for call in in_every_order(told).values())


def test_staff_say_which_number_is_the_supporters() -> None:
    (call,) = TWILIO.parsed("call_completed.form", supporter="to")
    assert call.person.phone == "+12025550188"
    (call,) = TWILIO.parsed("inbound.form", supporter="from", count_inbound=True)
    assert call.person.phone == "+12025550100"


def test_an_instant_that_is_none_gives_way_to_the_arrival() -> None:
    for written in ("", "Thurs, 20 July 1989 18:30:43 +0000", "soon", "x" * 3000):
        (call,) = changed("call_completed.form", Timestamp=written)
        assert call.occurred_at == NOW
    (call,) = TWILIO.parsed("call_completed.form")
    assert call.occurred_at.isoformat() == "2026-05-01T12:03:00+00:00"


def test_a_message_is_no_call() -> None:
    with pytest.raises(Unreadable):
        twilio.parse(TWILIO.verified(b"MessageSid=SM1"))


def test_the_signature_is_base64_of_what_the_library_computes() -> None:
    good = signed(CALLBACK, {"CallSid": "CA1"})
    digest = base64.b64decode(good.headers["x-twilio-signature"])
    loose = base64.b64encode(digest).decode() + "!"
    with pytest.raises(Refused):
        twilio.verify(replace(good, headers={"x-twilio-signature": loose}), [TOKEN], NOW)


HOST = "https://t.example.org/w/k"


@pytest.mark.parametrize(
    ("signed_as", "called"),
    [
        ("?utm_term=Trezzo+Sull'Adda", "?utm_term=Trezzo+Sull%27Adda"),
        ("?Caller=sip:12@t.example.org", "?Caller=sip%3A12%40t.example.org"),
        ("?a=sip%3A1&b='", "?a=sip%3A1&b=%27"),
        ("?a=%27%28x%29", "?a='(x)"),
        ("?code=spring4trees&click_id=a1&b=2", "?b=2&click_id=a1&code=spring4trees"),
        ("?z='&code=spring4trees", "?code=spring4trees&z=%27"),
    ],
)
@pytest.mark.parametrize("port", ["", ":443"])
def test_what_twilio_escapes_or_sorts_after_signing_is_verified(
    signed_as: str, called: str, port: str
) -> None:
    url = HOST.replace(".org", f".org{port}") + signed_as
    delivery = signed(url, {"CallSid": "CA1"}, HOST + called)
    verified = twilio.verify(delivery, [TOKEN], NOW)
    plain = twilio.verify(signed(HOST + called, {"CallSid": "CA1"}), [TOKEN], NOW)
    assert verified.message_id == plain.message_id


@pytest.mark.parametrize(
    ("signed_as", "called"),
    [
        ("?code=spring4trees", "?code=autumn4trees"),
        ("?code=a&click_id=b", "?code=b&click_id=a"),
        ("?code=a&click_id=b", "?code=a"),
        ("?code=a", "?code=a&click_id=b"),
        ("?code=a&b=1", "?code=a%26b=1"),
        ("?code=a&b=1", "?code=a%26b%3D1"),
        ("?code=a%2526", "?code=a%26"),
        ("?code=a+b", "?code=a%2Bb"),
        ("?code=a&code=b", "?code=b&code=a"),
        ("?code=A", "?code=a"),
        ("?a=1&b=2&c=3&d=4&e=5", "?e=5&d=4&c=3&b=2&a=1"),
    ],
)
def test_a_query_that_says_something_else_is_refused(signed_as: str, called: str) -> None:
    delivery = signed(HOST + signed_as, {"CallSid": "CA1"}, HOST + called)
    with pytest.raises(Refused):
        twilio.verify(delivery, [TOKEN], NOW)


def test_a_large_body_is_not_tried_in_many_forms() -> None:
    fields = {"CallSid": "CA1", "Text": "x" * 20_000}
    assert twilio.verify(signed(f"{HOST}?a=1&b=2", fields), [TOKEN], NOW)
    with pytest.raises(Refused):
        twilio.verify(signed(f"{HOST}?b=2&a=1", fields, f"{HOST}?a=1&b=2"), [TOKEN], NOW)
