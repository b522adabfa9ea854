"""Turn contact details into keyed hashes.

Pure. The hashes of e-mail addresses and phone numbers mean nothing outside their organization.
Nothing is stored or looked up here.

Note: an unkeyed hash of a phone number protects nothing, since there are few phone numbers; only
the secret key does. Keys are derived per organization and purpose, so that two organizations cannot
compare their lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from advocacy.core.contacts import normalise_email, normalise_phone
from advocacy.core.crypto import digest
from advocacy.core.events import Person
from advocacy.core.ids import stable_id
from advocacy.identity.graph import is_placeholder


def digests(person: Person, key: bytes, region: str, source: str) -> dict[str, str]:
    """Return the keyed hashes of everything that identifies this person, by kind, strongest first.

    A tool's own person id is bound to its source, since another tool may use the same id.
    Placeholders are rejected here, where they can still be read.
    """
    found = {}
    email, phone = normalise_email(person.email), normalise_phone(person.phone, region)
    if email and not is_placeholder("email", email):
        found["email"] = digest(key, "email", email)
    if phone and not is_placeholder("phone", phone):
        found["phone"] = digest(key, "phone", phone)
    if person.person_id and not is_placeholder("person_id", person.person_id):
        found["person_id"] = digest(key, "person_id", f"{source}:{person.person_id}")
    return found


def supporter_of(found: Mapping[str, str]) -> UUID | None:
    """Return the supporter whom these hashes identify, or None.

    The id is derived from the strongest hash: the same person gets the same id in every order of
    arrival and after every rebuild. `erased` is a random token in place of the hashes of an erased
    person.
    """
    for kind in ("erased", "email", "phone", "person_id"):
        if kind in found:
            return stable_id(bytes.fromhex(found[kind]))
    return None


def suppression_digest(key: bytes, value: str) -> str:
    """Return the digest by which an erased hash is recognized; the hash does not follow from it."""
    return digest(key, "suppressed", value)
