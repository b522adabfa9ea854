"""Reading any delivery or row raises nothing but `Unreadable`.

`verify` may raise `Refused` as well. Deliveries and rows of ours are changed in a few places, or in
their bytes. `make test-slow` does so a thousand times with each provider and each reader of rows.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advocacy.core.errors import Refused, Unreadable
from advocacy.core.events import ActionEvent, ActionKind, Delivery, StatementType, Verified
from advocacy.ingestion.facts import events_of, facts_of_events
from advocacy.ingestion.reconcile import Fact, reconcile
from advocacy.providers import generic
from advocacy.providers.csv_exports import READERS, ROW, row_id
from tests.support.counterparts import CODE, COUNTERPARTS, NOW, Counterpart, payload
from tests.support.csv_rows import ROW_MAPPING, ROWS

QUICK = settings(suppress_health_check=list(HealthCheck))
# About a minute each.
MANY_DELIVERIES = settings(QUICK, max_examples=10_000)
MANY_ROWS = settings(QUICK, max_examples=40_000)

NUMBERS_IN_JSON = ("1e999990", "-1e999990", "1e-999990", "1E400", "9" * 4_300, "9" * 4_400, "-0.0")
HOSTILE = (
    *NUMBERS_IN_JSON,
    "²",
    "٣",
    "1_000",
    "NaN",
    "-Infinity",
    "0x10",
    "-25.00",
    "0.00",
    "0.001",
    "(25.00)",
    "12/31/9999 23:30",
    "01/01/0001",
    "9999-12-31T23:59:59-12:00",
    "0001-01-01T00:00:00+12:00",
    "2026-05-01T12:00:00+23:59:59.999999",
    "2026-W53-7",
    "\u200b",
    "%",
    "%ff%00",
    "{0}",
    "x" * 3_000,
    "@",
    "<>",
    "+",
    "http://[",
    "http://x:99999999/?a",
    "Ana <ana@example.org>",
    "İ@example.org",
)
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20), st.text("0123456789.,-+eE/: ²"))
leaves = st.one_of(
    texts,
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-1, 1).map(lambda sign: sign * 10**30),
    st.floats(),
    # Written into the body as it is, without quotation marks.
    st.sampled_from(NUMBERS_IN_JSON).map(lambda number: f"\x02{number}\x03"),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner)),
    max_leaves=6,
)
secrets_of = st.one_of(st.lists(st.text(max_size=20), max_size=2), st.just(["a:b"]))


def written(value: Any) -> bytes:
    text = json.dumps(value)
    return text.replace('"\\u0002', "").replace('\\u0003"', "").encode()


def draw_changed(data: st.DataObject, value: Any) -> Any:
    """Change a JSON value in one place to three."""
    changed = deepcopy(value)
    for _ in range(data.draw(st.integers(1, 3))):
        inner, place = None, None
        below = changed
        while isinstance(below, dict | list) and below:
            inner = below
            keys = list(below) if isinstance(below, dict) else list(range(len(below)))
            place = data.draw(st.sampled_from(keys))
            below = below[place]
            if data.draw(st.integers(0, 5)) == 0:
                break
        if inner is None:
            return data.draw(values)
        inner[place] = data.draw(values)
    return changed


def draw_body(data: st.DataObject, tool: Counterpart) -> bytes:
    """Draw one of our payloads, with changed values or bytes."""
    name = data.draw(st.sampled_from(tool.names()))
    body = payload(tool.slug, name)
    how = data.draw(st.integers(0, 4))
    if how == 0:
        at = data.draw(st.integers(0, len(body)))
        return (
            body[:at] + data.draw(st.binary(max_size=6)) + body[at + data.draw(st.integers(0, 6)) :]
        )
    if name.endswith(".form"):
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        for _ in range(data.draw(st.integers(1, 3))):
            fields[data.draw(st.sampled_from(sorted(fields)))] = data.draw(texts)
        return urlencode(fields, errors="replace").encode()
    return written(draw_changed(data, json.loads(body)))


def what_it_says(events: list[ActionEvent]) -> None:
    """Check what later steps rely on."""
    source = SimpleNamespace(id=UUID(int=7), region="US")
    for event in events:
        if event.kind is ActionKind.DONATION and event.said is StatementType.CREATED:
            assert event.amount_minor is None or event.amount_minor > 0
        assert (event.amount_minor or 0) >= 0
        assert 1990 <= event.occurred_at.year <= 2200
    for fact in facts_of_events(events, b"k" * 32, source, UUID(int=1)):
        kept = json.dumps(fact.to_json())
        assert "\\u0000" not in kept and kept.encode()
        assert Fact.from_json(json.loads(kept)) == fact
        reconcile([fact])


def try_delivery(data: st.DataObject, tool: Counterpart) -> None:
    body = draw_body(data, tool)
    good = tool.send(body)
    setup = dict(tool.setup)
    if data.draw(st.integers(0, 3)) == 0:
        names = ["zone", "currency", "person", "kinds", "auth", "supporter", "minimum_seconds"]
        setup[data.draw(st.sampled_from([*names, "confirmed_only", "mapping"]))] = data.draw(values)
    if "mapping" in tool.setup and data.draw(st.integers(0, 3)) == 0:
        setup["mapping"] = draw_changed(data, tool.setup["mapping"])
    headers = dict(good.headers)
    if data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(headers)))
        headers[name] = data.draw(texts) if data.draw(st.booleans()) else headers[name][:-1]
    url = good.url if data.draw(st.booleans()) else data.draw(texts)
    for secrets in ([tool.secret], data.draw(secrets_of)):
        for delivery in (replace(good, setup=setup), Delivery(body, headers, url, setup)):
            try:
                verified = tool.provider.verify(delivery, secrets, NOW)
            except (Refused, Unreadable) as error:
                assert error.reason.isidentifier()
                continue
            read(tool, verified)
    query = urlencode({"code": CODE, "utm_source": data.draw(texts)}, errors="replace")[:250]
    read(tool, Verified(body, NOW, query, good.headers["content-type"], setup))


def read(tool: Counterpart, verified: Verified) -> None:
    name = tool.provider.external_id(verified)
    assert 0 < len(name) <= 255 and "\x00" not in name and name.encode()
    try:
        events = tool.provider.parse(verified)
    except Unreadable as error:
        assert error.reason.isidentifier()
    else:
        what_it_says(events)


def try_row(data: st.DataObject, provider: str) -> None:
    row = dict(ROWS[provider])
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from([*sorted(row), "Another column"]))
        row[name] = data.draw(texts)
    assert row_id(row) == row_id(dict(row))
    body = json.dumps(row, ensure_ascii=False, sort_keys=True).encode(errors="replace")
    setup = {"mapping": ROW_MAPPING} if provider == generic.slug else {}
    try:
        events = events_of(provider, Verified(body, NOW, content_type=ROW, setup=setup))
    except Unreadable as error:
        assert error.reason.isidentifier()
    else:
        what_it_says(events)


every_provider = pytest.mark.parametrize("tool", COUNTERPARTS.values(), ids=COUNTERPARTS.keys())
every_reader = pytest.mark.parametrize("provider", ROWS)


def test_there_is_a_row_for_each_reader() -> None:
    assert ROWS.keys() == {*READERS, generic.slug}
    source = SimpleNamespace(id=UUID(int=7), region="US")
    for provider, row in ROWS.items():
        setup = {"mapping": ROW_MAPPING} if provider == generic.slug else {}
        body = json.dumps(row).encode()
        events = events_of(provider, Verified(body, NOW, content_type=ROW, setup=setup))
        assert facts_of_events(events, b"k" * 32, source, UUID(int=1))[0].who["email"]


@every_provider
@QUICK
@given(data=st.data())
def test_any_delivery(tool: Counterpart, data: st.DataObject) -> None:
    try_delivery(data, tool)


@every_reader
@QUICK
@given(data=st.data())
def test_any_row(provider: str, data: st.DataObject) -> None:
    try_row(data, provider)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@every_provider
@MANY_DELIVERIES
@given(data=st.data())
def test_any_delivery_at_length(tool: Counterpart, data: st.DataObject) -> None:
    try_delivery(data, tool)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@every_reader
@MANY_ROWS
@given(data=st.data())
def test_any_row_at_length(provider: str, data: st.DataObject) -> None:
    try_row(data, provider)


@pytest.mark.parametrize(
    ("provider", "column", "value", "reason"),
    [
        ("actblue", "Recurrence Number", "²", "bad_number"),
        ("actblue", "Recurrence Number", "9" * 4_400, "too_long"),
        ("actblue", "Date", "12/31/9999 23:30", "bad_instant"),
        ("actblue", "Date", "01/01/0001", "bad_instant"),
        ("actblue", "Refund Date", "12/31/9999 23:30", "bad_instant"),
        ("actblue", "Amount", "1e999990", "bad_amount"),
        ("actblue", "Amount", "1e-999990", "bad_amount"),
        ("actblue", "Amount", "9" * 4_400, "bad_amount"),
        ("action_network", "_zone", "Mars", "bad_setup"),
        ("action_network", "_kind", "rain", "bad_setup"),
        ("generic", "cents", "9" * 4_400, "too_long"),
        ("generic", "cents", "²", "bad_number"),
        ("generic", "bought", "12/31/9999 23:30", "bad_instant"),
    ],
)
def test_a_row_that_cannot_be_read_says_why(
    provider: str, column: str, value: str, reason: str
) -> None:
    row = {**ROWS[provider], column: value}
    if column == "_kind":
        row |= {"Type": "", "Amount": ""}
    setup = {"mapping": ROW_MAPPING} if provider == generic.slug else {}
    body = json.dumps(row).encode()
    with pytest.raises(Unreadable) as caught:
        events_of(provider, Verified(body, NOW, content_type=ROW, setup=setup))
    assert caught.value.reason == reason
