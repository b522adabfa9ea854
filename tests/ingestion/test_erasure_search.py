"""Erasure finds every stored body that names the person, in any form."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import time
import zlib
from urllib.parse import quote

import pytest

from advocacy.core.events import Person
from advocacy.core.minimization import retained_target
from advocacy.core.personal_data import PLACEHOLDER, reads_as_personal
from advocacy.core.tracking_parameters import utm_of
from advocacy.identity.hashing import digests
from advocacy.ingestion import drain, erasure
from advocacy.ingestion.erasure_search import mentions, search_terms
from advocacy.storage import inbox
from tests.support.sql import run
from tests.support.written_forms import FORMS

ADDRESS, NUMBER = "zoe.m@example.org", "+12025550147"
TEXT = json.dumps({"email": ADDRESS, "note": "hello"})


def bodies() -> dict[str, bytes]:
    """Bodies that no provider can read and that name them."""
    forms = {
        f"{form} of {plain}": f"told of {write(plain)} and of more\n".encode()
        for plain in (ADDRESS, NUMBER)
        for form, write in FORMS.items()
    }
    return forms | {
        "UTF-16": TEXT.encode("utf-16"),
        "UTF-16 without a mark": TEXT.encode("utf-16-be"),
        "gzip": gzip.compress(TEXT.encode()),
        "gzip, cut short": gzip.compress(TEXT.encode())[:-5],
        "deflate": zlib.compress(TEXT.encode())[2:-4],
        "zlib of UTF-16": zlib.compress(TEXT.encode("utf-16")),
        "an invalid byte before": b'{"email": "\xff' + ADDRESS.encode() + b'"}',
        "an invalid byte behind": b'{"email": "' + ADDRESS.encode() + b'\xfe"}',
        "an invisible character behind": f'"{ADDRESS}\u200b"'.encode(),
        "a form": f"a=b&email={quote(ADDRESS)}&".encode(),
        "a link": f"<a href='mailto:{ADDRESS}?subject=x'>".encode(),
        "a number with blanks": b"id 71 (202) 555-0147 12:30",
        "a number behind other digits": b"71 2025550147 2026-05-01",
        "a number in figures of another script": "٢٠٢٥٥٥٠١٤٧".encode(),
        "a reference to no character": f"&#{'1' * 5000}; {ADDRESS.replace('@', '&#64;')}".encode(),
        "a reference with zeros": ADDRESS.replace("@", f"&#{'0' * 5000}64;").encode(),
        "JSON in base64": json.dumps({"data": base64.b64encode(TEXT.encode()).decode()}).encode()[
            :-1
        ],
    }


OTHERS = [
    b"told of chloezoe.m@example.org",
    b"told of zoe.m@example.org.uk",
    b"told of zoe@example.org, 202-555-0148",
    TEXT.replace("zoe.m", "ben").encode("utf-16"),
    hashlib.md5(b"ben@example.org").hexdigest().encode(),  # noqa: S324
    b"\xff\xfe",
    b"120255501479",
]


def test_every_form_of_a_body_is_found_and_no_other_persons(world):
    named = bodies()
    different = len(set(named.values()))
    for body in (*named.values(), *OTHERS):
        assert world.post("action_network", body).status_code == 200
    world.drain()
    assert inbox.counts(world.org_id)["quarantined"] == different + len(OTHERS)

    erased = erasure.erase(
        world.settings, world.org_id, email=ADDRESS, phone="202-555-0147", region="US"
    )

    left = _left(world)
    assert [name for name, body in named.items() if body in left] == []
    assert left == set(OTHERS)
    assert (erased.bodies, erased.waiting) == (different, 0)


def test_a_body_of_somebody_else_s_action_that_names_them_goes_and_the_action_stays(world):
    world.act("signature", id="s1", email="ben@example.org", guest=f"with {ADDRESS}")
    world.act("signature", id="s2", email="ben@example.org")
    world.drain()
    before = world.report()

    erased = erasure.erase(world.settings, world.org_id, email=ADDRESS, phone="", region="US")

    assert (erased.actions, erased.bodies) == (0, 1)
    assert len(_left(world)) == 1
    assert world.report() == before
    drain.rebuild(world.settings, world.org_id)
    assert world.report() == before


def test_pending_deliveries_are_reported_and_not_lost(world):
    world.act("signature", id="s1", email=ADDRESS)
    world.post("action_network", f"[{ADDRESS}".encode())

    erased = erasure.erase(world.settings, world.org_id, email=ADDRESS, phone="", region="US")
    assert (erased.bodies, erased.waiting) == (0, 2)
    assert len(_left(world)) == 2

    world.drain()
    erased = erasure.erase(world.settings, world.org_id, email=ADDRESS, phone="", region="US")
    assert (erased.bodies, erased.waiting) == (1, 0)
    assert _left(world) == set()
    assert world.report().actions == 1


def test_a_personal_message_id_is_encrypted_and_deleted_too(world):
    message_id = ADDRESS.replace(".", "%2E")
    assert world.standard("{", message_id=message_id).status_code == 200
    (row,) = run("select external_id, message_id from inbox")
    assert row.external_id.startswith("keyed:") and row.message_id.startswith("sealed:")
    # It is known again all the same.
    world.standard("{", message_id=message_id)
    world.drain()
    erasure.erase(world.settings, world.org_id, email=ADDRESS, phone="", region="US")
    (row,) = run("select body, message_id from inbox")
    assert (row.body, row.message_id) == (None, "")


def _left(world) -> set[bytes]:
    from advocacy.core.crypto import unseal

    return {
        unseal(world.master, world.org_id, f"body:{row.id}", row.body)
        for row in run("select id, body from inbox where body is not null")
    }


def test_a_body_of_many_numbers_is_searched_in_time_by_its_length():
    person, key = Person(ADDRESS, NUMBER), b"k" * 32
    theirs = frozenset(digests(person, key, "US", "").values())
    for more in (frozenset(), {"00" * 16}):  # without and with a number that is known as a hash
        whom = search_terms(theirs | more, key, frozenset({"US"}), person, "US")
        began = time.process_time()
        assert not mentions(b"1 " * 200_000, whom)
        assert time.process_time() - began < 8
        assert mentions(b"1 " * 1_000 + NUMBER.encode(), whom)


def test_a_body_of_backslashes_is_searched_in_time_by_its_length():
    person, key = Person(ADDRESS), b"k" * 32
    theirs = frozenset(digests(person, key, "US", "").values())
    whom = search_terms(theirs, key, frozenset({"US"}), person, "US")
    began = time.process_time()
    assert not mentions(b"\\" * 200_000, whom)
    assert time.process_time() - began < 5
    assert mentions(b"\\" * 1_000 + ADDRESS.replace("@", "\\\\u0040").encode(), whom)


@pytest.mark.parametrize("sign", [*" -./~·•*‐‑‒–—―−", " - ", "] [", "\u00ad", "\u3000", "－", "～"])
def test_a_number_is_found_despite_separators(sign):
    person, key = Person(phone=NUMBER), b"k" * 32
    theirs = frozenset(digests(person, key, "US", "").values())
    whom = search_terms(theirs, key, frozenset({"US"}), person, "US")
    written = f"202{sign}555{sign}0147"
    assert mentions(f"told of {written} and more".encode(), whom)
    assert reads_as_personal(written)
    assert written not in retained_target(written, key)
    assert utm_of({"utm_term": written}) == {"term": PLACEHOLDER}
