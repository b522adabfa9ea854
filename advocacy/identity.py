"""Who acted, without knowing who: normalised addresses and numbers become keyed hashes.

Pure. Here lives how an e-mail or a phone number is written in one way only, and how that becomes a
digest that means nothing outside its organization. Nothing here is stored or looked up.

What a stranger would get wrong: a plain hash of a phone number is no protection (there are few
numbers); only the secret key is. Keys are derived per organization and per purpose, so that two
organizations cannot compare their lists.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from functools import lru_cache
from uuid import UUID

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from advocacy.events import Person, stable_id
from advocacy.people import names_nobody

DIGEST_BYTES = 16
# No address is longer (RFC 5321: 254), and to compose long texts takes time by their square.
_LONGEST_EMAIL = 320


# An address that needs no thought: what the library takes as it is, at a fiftieth of its cost. All
# others, those with a special domain among them, are the library's.
_PLAIN = re.compile(
    r"[a-z0-9]+(?:[._+-][a-z0-9]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+(?!local|test|invalid|arpa|onion)"
    r"[a-z]{2,24}"
)


def _is_plain(folded: str) -> bool:
    local, _, domain = folded.partition("@")
    return (
        len(local) <= 64
        and len(domain) <= 200
        and max(map(len, domain.split("."))) <= 63
        and _PLAIN.fullmatch(folded) is not None
    )


def normalise_email(written: str) -> str:
    """Return the address in lower case and NFKC, or an empty string where it is none.

    Dots and plus tags stay: to drop them would join people whom their provider holds apart.
    """
    if len(written) > _LONGEST_EMAIL:
        return ""
    folded = unicodedata.normalize("NFKC", written).strip().lower()
    if not folded:
        return ""
    if _is_plain(folded):
        return folded
    try:
        return validate_email(
            folded, check_deliverability=False, test_environment=True
        ).normalized.lower()
    except EmailNotValidError:
        return ""


# A number of the North American plan as most tools write it: what the library makes of it, at a
# fiftieth of its cost.
_NORTH_AMERICAN = re.compile(r"(?:\+?1[ -.]?)?\(?([2-9]\d\d)\)?[ -.]?([2-9]\d\d)[ -.]?(\d{4})")
_DIALS_LIKE_US = frozenset({"US", "CA"})


@lru_cache(maxsize=4096)
def normalise_phone(written: str, region: str = "US") -> str:
    """Return the number in E.164, read as dialled in `region`, or an empty string."""
    if not written.strip():
        return ""
    if region in _DIALS_LIKE_US and (plain := _NORTH_AMERICAN.fullmatch(written)):
        return "+1" + "".join(plain.groups())
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    number.extension = None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def organization_key(master: bytes, org_id: UUID, purpose: str) -> bytes:
    """Derive a 32-byte key for one organization and one purpose (HKDF-Expand, RFC 5869).

    One block of HMAC-SHA256 is enough for 32 bytes, and `master` is already uniform.
    """
    return hmac.digest(master, f"{purpose}:{org_id}".encode() + b"\x01", "sha256")


def digest(key: bytes, kind: str, value: str) -> str:
    """Return the keyed hash of a normalised value: 128 bits in hex, bound to its kind."""
    return hmac.digest(key, f"{kind}:v1:{value}".encode(), "sha256")[:DIGEST_BYTES].hex()


def digests(person: Person, key: bytes, region: str, source: str) -> dict[str, str]:
    """Return the keyed hashes of all that names this person, by kind; strongest first.

    A tool's own person id is bound to its source, since another tool may use the same id. What
    stands for nobody is turned away here, where it can still be read.
    """
    found = {}
    email, phone = normalise_email(person.email), normalise_phone(person.phone, region)
    if email and not names_nobody("email", email):
        found["email"] = digest(key, "email", email)
    if phone and not names_nobody("phone", phone):
        found["phone"] = digest(key, "phone", phone)
    if person.person_id and not names_nobody("person_id", person.person_id):
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


def suppression_mark(key: bytes, value: str) -> str:
    """Return the mark by which an erased hash is known again, and which is not that hash."""
    return digest(key, "suppressed", value)
