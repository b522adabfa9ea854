"""Who acted, without knowing who: normalised addresses and numbers become keyed hashes.

Pure. Addresses and numbers that `contacts` has read become digests here, which mean nothing outside
their organization. Nothing here is stored or looked up.

What a stranger would get wrong: a plain hash of a phone number is no protection (there are few
numbers); only the secret key is. Keys are derived per organization and per purpose, so that two
organizations cannot compare their lists.
"""

from __future__ import annotations

from uuid import UUID

from advocacy.core.contacts import normalise_email, normalise_phone
from advocacy.core.crypto import digest
from advocacy.core.events import Person
from advocacy.core.ids import stable_id
from advocacy.identity.graph import is_placeholder


def digests(person: Person, key: bytes, region: str, source: str) -> dict[str, str]:
    """Return the keyed hashes of all that names this person, by kind; strongest first.

    A tool's own person id is bound to its source, since another tool may use the same id. What
    stands for nobody is turned away here, where it can still be read.
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


def supporter_of(found: dict[str, str]) -> UUID | None:
    """Return the supporter whom these hashes name, or None where nobody is named.

    The id is the strongest hash itself: the same person gets the same id in every order of arrival
    and after every rebuild. `erased` is a token of chance that took the place of the hashes.
    """
    for kind in ("erased", "email", "phone", "person_id"):
        if kind in found:
            return stable_id(bytes.fromhex(found[kind]))
    return None


def suppression_digest(key: bytes, value: str) -> str:
    """Return the mark by which an erased hash is known again, and which is not that hash."""
    return digest(key, "suppressed", value)
