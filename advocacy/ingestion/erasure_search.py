"""Find out whether a body names a person, in whatever encoding.

Pure. Addresses and numbers are extracted from every text that a body may contain
(`personal_data.texts_of`), hashed and compared. Where the person's address or number is given,
their unkeyed digests are searched for as well: some tools send those in place of an address.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from advocacy.core.contacts import normalise_email, normalise_phone
from advocacy.core.events import Person
from advocacy.core.personal_data import BETWEEN_DIGITS, texts_of
from advocacy.identity.hashing import digests

_BETWEEN_WORDS = re.compile(r"""[\s"'<>&=,;:(){}\[\]\\/?|]+""")
_ADDRESS = re.compile(r"[a-z0-9_%+-]{1,64}(?:\.[a-z0-9_%+-]{1,64})*@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_DIGITS = re.compile(rf"\+?\(?\d[\d{BETWEEN_DIGITS}]*\d")
_GROUPS = re.compile(r"[+(]*\d+[)]?")
_NOT_DIALLED = re.compile(r"[^\d+()]+")
_MOST_GROUPS = 8
_FEWEST, _MOST = 7, 15


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """A person to search for: keyed hashes, and unkeyed digests as lower-case hex and base64.

    `regions` are those in which a number may have been written. `ends` are the last digits of all
    numbers if they are known, so that other numbers can be skipped; otherwise None.
    """

    hashes: frozenset[str]
    key: bytes
    regions: frozenset[str]
    unkeyed: frozenset[str]
    ends: frozenset[str] | None = None


def search_terms(
    hashes: frozenset[str], key: bytes, regions: frozenset[str], person: Person, region: str
) -> SearchTerms:
    """Return the search terms for the person with these hashes, and address or number if given."""
    given = digests(person, key, region, "")
    phone = normalise_phone(person.phone, region) if "phone" in given else ""
    known = {given["phone"]} if phone else set()
    # Hashes do not tell their kind: all may be phones, except those that were given as something
    # else.
    all_known = not (hashes - known - {given.get("email", "")})
    return SearchTerms(
        hashes=hashes,
        key=key,
        regions=regions | {region},
        unkeyed=frozenset(_unkeyed(normalise_email(person.email), phone)),
        ends=frozenset({phone[-6:]} if phone else ()) if all_known else None,
    )


def _unkeyed(email: str, phone: str) -> Iterator[str]:
    spellings = {email, email.upper()}
    if phone:
        national = phone[-10:]
        spellings |= {phone, phone[1:], national, f"00{phone[1:]}"}
    for plain in filter(None, spellings):
        for name in ("md5", "sha1", "sha256", "sha512"):
            digest = hashlib.new(name, plain.encode(), usedforsecurity=False).digest()
            yield digest.hex()
            yield base64.b64encode(digest).decode().rstrip("=")
            yield base64.urlsafe_b64encode(digest).decode().rstrip("=")


def mentions(body: bytes, whom: SearchTerms) -> bool:
    """Return whether this body contains an address, number or digest of the person."""
    for text in texts_of(body):
        folded = text.lower()
        if any(digest in folded or digest in text for digest in whom.unkeyed):
            return True
        if not whom.hashes.isdisjoint(_hashes_in(folded, whom)):
            return True
    return False


def _hashes_in(text: str, whom: SearchTerms) -> Iterator[str]:
    if "@" in text:
        words = {word for word in _BETWEEN_WORDS.split(text) if "@" in word}
        words |= {found for word in words for found in _ADDRESS.findall(word[:2048])}
        for word in words:
            yield from digests(Person(email=word), whom.key, "US", "").values()
    if whom.ends is None or whom.ends:
        for number in set(_numbers_in(_in_ascii_digits(text), whom)):
            for region in whom.regions:
                yield from digests(Person(phone=number), whom.key, region, "").values()


def _in_ascii_digits(text: str) -> str:
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(each)) if each.isdecimal() else each for each in text)


def _numbers_in(text: str, whom: SearchTerms) -> Iterator[str]:
    """Yield possible phone numbers: runs of as many digit groups as a number can have."""
    for run in _DIGITS.findall(text):
        if whom.ends is not None:
            digits = "".join(each for each in run if each.isdigit())
            if not any(end in digits for end in whom.ends):
                continue
        groups = [(each.start(), each.end()) for each in _GROUPS.finditer(run)]
        for first, (start, _) in enumerate(groups):
            for _, end in groups[first : first + _MOST_GROUPS]:
                written = run[start:end]
                digits = "".join(each for each in written if each.isdigit())
                if len(digits) > _MOST:
                    break
                if len(digits) >= _FEWEST and (whom.ends is None or digits[-6:] in whom.ends):
                    yield _NOT_DIALLED.sub(" ", written)
