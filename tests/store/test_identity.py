"""Normalising addresses and numbers: one way to write each, and the library has the last word."""

from __future__ import annotations

from uuid import uuid4

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from advocacy.events import Person
from advocacy.identity import (
    digests,
    normalise_email,
    normalise_phone,
    organization_key,
    supporter_of,
)

LETTERS = st.text("ab1._+-", min_size=1, max_size=12)
LABEL = st.text("ab1-", min_size=1, max_size=8)
TLD = st.sampled_from(
    [
        "org",
        "com",
        "uk",
        "local",
        "test",
        "invalid",
        "localhost",
        "arpa",
        "onion",
        "o",
        "1",
        "locale",
        "example",
        "xn--p1ai",
    ]
)


@settings(max_examples=300)
@given(LETTERS, st.lists(LABEL, min_size=0, max_size=3), TLD)
@example("a", ["x" * 63], "org")
@example("a" * 64, ["b"], "org")
@example("a" * 65, ["b"], "org")
def test_plain_addresses_are_taken_as_the_library_takes_them(local, labels, tld):
    written = f"{local}@{'.'.join([*labels, tld])}"
    try:
        expected = validate_email(
            written, check_deliverability=False, test_environment=True
        ).normalized.lower()
    except EmailNotValidError:
        expected = ""
    assert normalise_email(written) == expected


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        (" Ana@Example.ORG ", "ana@example.org"),
        ("ＡＮＡ@example.org", "ana@example.org"),
        ("ana+trees@example.org", "ana+trees@example.org"),
        ("josé@example.org", "josé@example.org"),
        ("nobody", ""),
        ("a@b@c.org", ""),
        ("", ""),
    ],
)
def test_addresses(written, normal):
    assert normalise_email(written) == normal


@pytest.mark.parametrize(
    ("written", "region", "normal"),
    [
        ("(202) 555-0143", "US", "+12025550143"),
        ("+1 202 555 0143", "FR", "+12025550143"),
        ("12024444444", "US", "+12024444444"),
        ("545-370-1537 x9178", "US", "+15453701537"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("12", "US", ""),
        ("call me", "US", ""),
    ],
)
def test_numbers(written, region, normal):
    assert normalise_phone(written, region) == normal


def test_two_organizations_cannot_compare_their_lists():
    person = Person(email="ana@example.org", phone="202 555 0143")
    one, other = (
        digests(person, organization_key(b"m" * 32, uuid4(), "identity"), "US", "s")
        for _ in range(2)
    )
    assert set(one) == set(other) == {"email", "phone"}
    assert not set(one.values()) & set(other.values())
    assert supporter_of(one) != supporter_of(other)


NUMBER = st.text("0123456789+-. ()x", max_size=16)
WRITTEN = st.tuples(
    st.sampled_from(["", "1", "+1", "+1 ", "1-", "+", "01"]),
    st.sampled_from(["202", "(202)", "112", "911", "555", "022"]),
    st.sampled_from(["", " ", "-", "."]),
    st.sampled_from(["555", "155", "055", "200"]),
    st.sampled_from(["", " ", "-", "."]),
    st.sampled_from(["0143", "014", "01434", "0143 x9"]),
).map("".join)


@settings(max_examples=400)
@given(st.one_of(NUMBER, WRITTEN), st.sampled_from(["US", "CA", "FR", "GB"]))
def test_plain_numbers_are_taken_as_the_library_takes_them(written, region):
    try:
        number = phonenumbers.parse(written, region)
        number.extension = None
        expected = (
            phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            if phonenumbers.is_possible_number(number)
            else ""
        )
    except phonenumbers.NumberParseException:
        expected = ""
    assert normalise_phone(written, region) == expected
