"""The contract that every provider keeps, tested with a counterpart that sends and signs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any, get_args
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from advocacy.core.errors import Refused, Unreadable
from advocacy.core.events import ActionEvent, Delivery, Trust, Verified
from advocacy.ingestion.reconcile import Fact, reconcile
from advocacy.providers import BY_SLUG, PROVIDERS
from tests.support.counterparts import (
    BOTH,
    CLICK,
    CODE,
    COUNTERPARTS,
    NOW,
    Counterpart,
    facts,
    payload,
)
from tests.support.mutations import places, put

every_provider = pytest.mark.parametrize("tool", COUNTERPARTS.values(), ids=COUNTERPARTS.keys())


def providers_that(holds: Callable[[Counterpart], bool]) -> pytest.MarkDecorator:
    chosen = {name: tool for name, tool in COUNTERPARTS.items() if holds(tool)}
    return pytest.mark.parametrize("tool", chosen.values(), ids=chosen.keys())


with_secret = providers_that(lambda tool: bool(tool.secret))
with_headers = providers_that(lambda tool: bool(tool.secret and tool.other_secret))
that_sign = providers_that(lambda tool: tool.signs_body)
that_stamp = providers_that(lambda tool: tool.stamps)
that_name_kinds = providers_that(lambda tool: bool(tool.unknown))


def refused(tool: Counterpart, delivery: Delivery, secrets: list[str]) -> bool:
    try:
        tool.provider.verify(delivery, secrets, NOW)
    except Refused as error:
        return bool(error.reason)
    return False


def secrets_of(tool: Counterpart) -> list[str]:
    return [tool.secret] if tool.secret else []


def first(tool: Counterpart) -> bytes:
    return payload(tool.slug, tool.names()[0])


def test_the_registry_is_complete() -> None:
    assert (
        {tool.slug for tool in COUNTERPARTS.values()}
        == set(BY_SLUG)
        == {each.slug for each in PROVIDERS}
    )
    assert len(BY_SLUG) == len(PROVIDERS)
    for provider in PROVIDERS:
        assert provider.title and provider.slug.isidentifier()
        assert provider.TRUST in get_args(Trust)
        assert 200 <= provider.ANSWER < 300


@every_provider
def test_a_genuine_delivery_is_verified_and_parsed(tool: Counterpart) -> None:
    for name in tool.names():
        body = payload(tool.slug, name)
        verified = tool.provider.verify(tool.send(body), secrets_of(tool), NOW)
        assert verified.received_at == NOW
        assert tool.provider.external_id(verified)
        for event in tool.provider.parse(verified):
            assert event.external_id
            assert event.occurred_at.utcoffset() == timedelta(0)
            assert (event.stated_at or event.occurred_at).utcoffset() == timedelta(0)


@that_sign
def test_one_byte_changed_is_refused(tool: Counterpart) -> None:
    body = first(tool)
    for at in (0, len(body) // 2, len(body) - 1):
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        delivery = replace(tool.send(body), body=changed)
        assert refused(tool, delivery, secrets_of(tool)), at


@with_secret
def test_a_wrong_secret_is_refused(tool: Counterpart) -> None:
    for wrong in (
        tool.other_secret or "another",
        "x" + tool.secret,
        tool.secret[::-1],
        "é",
        "\x00",
    ):
        assert refused(tool, tool.send(first(tool)), [wrong]), wrong
    assert refused(tool, tool.send(first(tool)), ["", "x" + tool.secret])


@with_headers
def test_a_missing_or_broken_header_is_refused(tool: Counterpart) -> None:
    good = tool.send(first(tool))
    for name in good.headers.keys() - {"content-type"}:
        for value in (None, "", " ", "=", ",", "é\udcff", "x" * 70_000, "v1", "Basic %%%", "\x00"):
            headers = {key: each for key, each in good.headers.items() if key != name}
            if value is not None:
                headers[name] = value
            assert refused(tool, replace(good, headers=headers), secrets_of(tool)), (name, value)
    assert refused(tool, replace(good, headers={}), secrets_of(tool))


@with_headers
def test_without_a_configured_secret_nothing_is_verified(tool: Counterpart) -> None:
    if tool.slug != "proca":  # Without a secret, Proca's path is the secret, like Action Network's.
        assert refused(tool, tool.send(first(tool)), [])


@that_stamp
def test_a_stale_or_future_timestamp_is_refused(tool: Counterpart) -> None:
    for seconds, is_refused in ((-299, False), (299, False), (-301, True), (301, True)):
        delivery = tool.send(first(tool), now=NOW + timedelta(seconds=seconds))
        assert refused(tool, delivery, secrets_of(tool)) is is_refused, seconds


@with_headers
def test_old_and_new_secret_are_both_valid(tool: Counterpart) -> None:
    for secret in (tool.secret, tool.other_secret):
        delivery = tool.send(first(tool), secret)
        for secrets in ([tool.secret, tool.other_secret], [tool.other_secret, tool.secret]):
            assert not refused(tool, delivery, secrets)


@every_provider
def test_a_redelivery_has_the_same_id_and_other_deliveries_have_others(tool: Counterpart) -> None:
    names = {}
    for name in tool.names():
        body = payload(tool.slug, name)
        once = tool.provider.external_id(tool.verified(body))
        later = NOW + timedelta(hours=3)
        assert tool.provider.external_id(tool.verified(body, now=later)) == once
        assert 0 < len(once) <= 255
        names[name] = once
    if tool.slug != "standard":  # Its counterpart sends all under one message id.
        assert len(set(names.values())) >= len(names) - 1


@that_name_kinds
def test_an_unknown_kind_is_unreadable(tool: Counterpart) -> None:
    with pytest.raises(Unreadable) as caught:
        tool.provider.parse(tool.verified(tool.unknown))
    assert caught.value.reason == "unknown_kind"


@every_provider
def test_parsing_twice_gives_the_same(tool: Counterpart) -> None:
    for name in tool.names():
        assert tool.parsed(name) == tool.parsed(name)


@every_provider
def test_the_destination_carries_code_and_click_id(tool: Counterpart) -> None:
    url = "https://act.example.org/a?keep=1&empty=&source=old#part"
    made = tool.provider.destination(url, CODE, CLICK)
    values = [value for _, value in parse_qsl(urlsplit(made).query)]
    assert BOTH in values or {CODE, CLICK} <= set(values)
    assert "keep=1" in made and made.endswith("#part")
    assert tool.provider.destination(made, CODE, CLICK) == made
    alone = tool.provider.destination("https://act.example.org/", CODE, "")
    assert CODE in [value for _, value in parse_qsl(urlsplit(alone).query)]


HOSTILE = {
    "empty": b"",
    "not_json": b"{",
    "not_utf8": b"\xff\xfe{}",
    "nan": b'{"a": NaN}',
    "infinity": b'[{"a": -Infinity}]',
    "lone_surrogate": b'{"id": "\\ud800", "type": "\\udfff"}',
    "nul": b'{"id": "a\\u0000b"}',
    "form_nul": b"CallSid=CA%00&CallStatus=completed",
    "form_not_utf8": b"CallSid=%ff&CallStatus=completed",
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep_objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "long_number": b'{"created": ' + b"9" * 5_000 + b"}",
    "long_fraction": b'{"created": 0.' + b"9" * 5_000 + b"}",
    "exponent": b'{"created": 1e999999999}',
    "many": b"[" + b"1," * 60_000 + b"1]",
    "many_fields": b"&".join(b"a=1" for _ in range(5_000)),
    "null": b"null",
    "number": b"7",
    "string": b'"x"',
    "list": b"[]",
    "lists": b"[[], [null], 1]",
}


def read_safely(tool: Counterpart, verified: Verified) -> list[ActionEvent]:
    """Read a body as the worker does; it may only raise `Unreadable`."""
    name = tool.provider.external_id(verified)
    assert 0 < len(name) <= 255 and "\x00" not in name and name.encode()
    try:
        events = tool.provider.parse(verified)
    except Unreadable as error:
        assert error.reason.isidentifier()
        return []
    for fact in facts(events):
        written = json.dumps(fact.to_json())
        assert Fact.from_json(json.loads(written)) == fact
        assert "\\u0000" not in written
        reconcile([fact])
    return events


@every_provider
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_at_most_refused_or_unreadable(tool: Counterpart, name: str) -> None:
    body = HOSTILE[name]
    kind = tool.send(first(tool)).headers["content-type"]
    for content_type in (kind, "application/json", "application/x-www-form-urlencoded", "\udcff"):
        read_safely(tool, Verified(body, NOW, "m", content_type, tool.setup))
    try:
        tool.provider.verify(tool.send(body), secrets_of(tool), NOW)
    except Refused as error:
        assert error.reason


WRONG = (
    None,
    True,
    False,
    0,
    -1,
    10**30,
    1.5,
    "",
    " ",
    "x",
    "none",
    "9" * 400,
    "2026-99-99T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "é" * 3_000,
    [],
    {},
    [None],
    [[]],
    [{}],
    {"a": 1},
)


QUICK_STEP = 23
"""No divisor of the number of wrong values, so that each place and each value is tried."""


def without(value: Any, path: tuple[Any, ...]) -> Any:
    changed = deepcopy(value)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return changed


@pytest.mark.parametrize("step", [QUICK_STEP, pytest.param(1, marks=pytest.mark.slow)])
@every_provider
def test_wrong_values_in_every_place_are_at_most_unreadable(tool: Counterpart, step: int) -> None:
    """Put every wrong value into every place; in quick runs, one in `QUICK_STEP` of them."""
    for name in tool.names():
        body = payload(tool.slug, name)
        if name.endswith(".form"):
            mutations = _form_mutations(body)
        else:
            mutations = _json_mutations(json.loads(body))
        kind = tool.send(first(tool)).headers["content-type"]
        query = urlencode({"code": CODE})
        for mutated in islice(mutations, 0, None, step):
            read_safely(tool, Verified(mutated, NOW, query, kind, tool.setup))


def _json_mutations(value: Any) -> Iterator[bytes]:
    for path in places(value):
        for wrong in WRONG:
            yield json.dumps(put(value, path, wrong)).encode()
        if path:
            yield json.dumps(without(value, path)).encode()


def _form_mutations(body: bytes) -> Iterator[bytes]:
    fields = parse_qsl(body.decode(), keep_blank_values=True)
    for index, (name, _) in enumerate(fields):
        rest = fields[:index] + fields[index + 1 :]
        yield urlencode(rest).encode()
        for wrong in WRONG:
            yield urlencode([*rest, (name, str(wrong))]).encode()
