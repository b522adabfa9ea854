"""All entry points read values alike: every provider's webhook and every reader of rows.

Addresses, numbers, codes and amounts are put into our payloads and rows as people, pages and
spreadsheets write them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from advocacy.core.contacts import normalise_phone
from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionEvent, ActionKind, Person, StatementType, Verified
from advocacy.identity.hashing import digests
from advocacy.ingestion.facts import events_of
from advocacy.providers import generic, parsing
from advocacy.providers.csv_exports import ROW
from tests.support.counterparts import BOTH, CLICK, CODE, COUNTERPARTS, NOW, Counterpart, payload
from tests.support.csv_rows import ROW_MAPPING, ROWS
from tests.support.mutations import places, put

KEY = b"k" * 32
Entry = Callable[[str], list[ActionEvent]]
"""Read a payload or a row of ours in which this text stands in place of another."""

WAYS_TO_WRITE_AN_ADDRESS = (
    "ana@example.org",
    " Ana@Example.ORG ",
    "ana@example.org\u200b",
    "\ufeffana@example.org",
    "an\u200fa@exam\u00adple.org",
    "ana@example.org,",
    "ana@example.org;",
    "<ana@example.org>",
    "Ana <ana@example.org>",
    '"Lopez, Ana" <ana@example.org>',
    "ana@example.org (Ana)",
    "mailto:ana@example.org",
    "smtp:ana@example.org",
    "#ana@example.org",
    "_ana@example.org_",
    "'ana@example.org'",
    "ana@example.org.",
    "ＡＮＡ@example.org",
    "ana@example.org\r\n",
    "ana&#64;example.org",
    f"{'Ana ' * 100}<ana@example.org>",
)
WAYS_TO_WRITE_A_NUMBER = (
    "+12025550143",
    "(202) 555-0143",
    "1-202-555-0143",
    "202.555.0143",
    "\u202a+1 202 555 0143\u202c",
    "tel:+1-202-555-0143",
    "202 555 0143 x9",
    " 2025550143 ",
    "2025550143.0",
)
NOBODY_S_NUMBERS = ("555-0123", "5550123", "+8656696", "+266696687", "Anonymous", "(555) 555-0123")
APPENDED = ("", "?fbclid=X", "%3Ffbclid%3DX", "&fbclid=X", ".", ",", "\u200b", " ")


def of_tool(tool: Counterpart, wanted: Callable[[Any], bool]) -> Iterator[Entry]:
    """Yield the places of a wanted value in a tool's payloads."""
    for name in tool.names():
        body = payload(tool.slug, name)
        kind = tool.send(body).headers["content-type"]

        def read(written: bytes, kind: str = kind) -> list[ActionEvent]:
            return tool.provider.parse(Verified(written, NOW, "m", kind, tool.setup))

        if name.endswith(".form"):
            fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
            for field, value in fields.items():
                if wanted(value):
                    yield lambda text, field=field, fields=fields, read=read: read(
                        urlencode({**fields, field: text}).encode()
                    )
        else:
            value = json.loads(body)
            for path in places(value):
                if wanted(_at(value, path)):
                    yield lambda text, path=path, value=value, read=read: read(
                        json.dumps(put(value, path, text)).encode()
                    )


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def of_rows(provider: str, wanted: Callable[[Any], bool]) -> Iterator[Entry]:
    setup = {"mapping": ROW_MAPPING} if provider == generic.slug else {}
    for column, value in ROWS[provider].items():
        if wanted(value):

            def read(text: str, column: str = column) -> list[ActionEvent]:
                body = json.dumps({**ROWS[provider], column: text}).encode()
                return events_of(provider, Verified(body, NOW, content_type=ROW, setup=setup))

            yield read


def entries(wanted: Callable[[Any], bool]) -> dict[str, list[Entry]]:
    found = {name: list(of_tool(tool, wanted)) for name, tool in COUNTERPARTS.items()}
    return found | {f"{name} row": list(of_rows(name, wanted)) for name in ROWS}


def who(entry: Entry, text: str, kind: str) -> set[str]:
    """Return the people whom the actions name by this kind of identifier."""
    people = (digests(event.person, KEY, "US", "s") for event in entry(text))
    return {each[kind] for each in people if kind in each}


def reading(
    found: dict[str, list[Entry]], kind: str, text: str, digest: str
) -> Iterator[tuple[str, Entry]]:
    """Yield the entries at which this text is read as the person."""
    for name, some in found.items():
        for entry in some:
            try:
                if digest in who(entry, text, kind):
                    yield name, entry
            except Unreadable:
                continue


def test_an_address_names_one_person_at_every_entry() -> None:
    digest = digests(Person(email="ana@example.org"), KEY, "US", "s")["email"]
    found = entries(lambda value: isinstance(value, str) and "@" in value and "<" not in value)
    tried = set()
    for name, entry in reading(found, "email", "ana@example.org", digest):
        tried.add(name)
        for written in WAYS_TO_WRITE_AN_ADDRESS:
            assert digest in who(entry, written, "email"), (name, ascii(written))
        for nobody in ("ana@example.org, ben@example.org", "ana lopez@example.org", "n/a"):
            assert who(entry, nobody, "email") == who(entry, "x", "email"), (name, nobody)
    # Twilio knows numbers only.
    assert found.keys() - tried <= {"twilio"}


def test_a_number_names_one_person_at_every_entry() -> None:
    digest = digests(Person(phone="+12025550143"), KEY, "US", "s")["phone"]
    found = entries(lambda value: isinstance(value, str) and sum(map(str.isdigit, value)) >= 7)
    tried = set()
    for name, entry in reading(found, "phone", "+12025550143", digest):
        tried.add(name)
        for written in WAYS_TO_WRITE_A_NUMBER:
            assert digest in who(entry, written, "phone"), (name, ascii(written))
        for nobody in NOBODY_S_NUMBERS:
            assert who(entry, nobody, "phone") == who(entry, "x", "phone"), (name, nobody)
    assert tried >= {"actblue", "actblue row", "action_network", "action_network row"}


@pytest.mark.parametrize(
    "written", ["2025550143", "2025550143.0", "2.025550143E9", "2.025550143e+09"]
)
def test_a_number_of_json_is_read_like_its_text(written: str) -> None:
    value = parsing.read_json(written.encode())
    assert normalise_phone(parsing.contact(value, "phone")) == "+12025550143"


def test_a_code_is_found_at_every_entry_whatever_follows_it() -> None:
    found = entries(lambda value: isinstance(value, str) and CODE in value.lower())
    tried = set()
    for name, some in found.items():
        for entry in some:
            for word, expected in ((BOTH, (CODE, CLICK)), (CODE, (CODE, ""))):
                if {(event.code, event.click_id) for event in entry(word)} & {expected}:
                    tried.add(name)
                    for behind in APPENDED:
                        events = entry(word.upper() + behind)
                        assert expected in {(each.code, each.click_id) for each in events}, (
                            name,
                            behind,
                        )
    assert tried >= {"action_network", "actblue", "stripe", "controlshift", "proca", "standard"}
    assert tried >= {f"{name} row" for name in ROWS}


@pytest.mark.parametrize("amount", ["-25.00", "0.00", "-0.01", "0", -2500, 0, -1])
def test_no_entry_accepts_a_gift_that_is_not_above_zero(amount: Any) -> None:
    found = entries(lambda value: isinstance(value, str | int) and _is_number(value))
    for name, some in found.items():
        for entry in some:
            try:
                events = entry(amount)
            except Unreadable:
                continue
            for event in events:
                if event.kind is ActionKind.DONATION and event.said is StatementType.CREATED:
                    assert event.amount_minor is None or event.amount_minor > 0, (name, event)
                assert (event.amount_minor or 0) >= 0, (name, event)


def _is_number(value: str | int) -> bool:
    return not isinstance(value, bool) and str(value).replace(".", "", 1).lstrip("$").isdigit()
