"""Identifier hashes differ between organizations."""

from __future__ import annotations

from uuid import uuid4

from advocacy.core.crypto import organization_key
from advocacy.core.events import Person
from advocacy.identity.hashing import digests, supporter_of


def test_two_organizations_cannot_compare_their_lists():
    person = Person(email="ana@example.org", phone="202 555 0143")
    one, other = (
        digests(person, organization_key(b"m" * 32, uuid4(), "identity"), "US", "s")
        for _ in range(2)
    )
    assert set(one) == set(other) == {"email", "phone"}
    assert not set(one.values()) & set(other.values())
    assert supporter_of(one) != supporter_of(other)
