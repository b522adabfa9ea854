"""Normalize e-mail addresses and phone numbers as tools, forms and spreadsheets write them.

Pure. Every provider, import and page uses this, so that one person has one digest wherever they
come from. Nothing is hashed or stored here; see `identity`.

Note: reading an address wrongly is worse than not reading it, since it merges two people. What
surrounds an address is removed (invisible characters, brackets, a display name, a trailing comma);
an address is never assembled from parts nor picked from several. A phone number without its area
code belongs to many people and is not read.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from urllib.parse import unquote

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from advocacy.core.plain_text import visible

REGIONS = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""The countries whose phone numbers can be read, by their codes (ISO 3166)."""

# No address is longer (RFC 5321: 254), and Unicode composition of long texts takes quadratic time.
_LONGEST_EMAIL = 320
_LONGEST_WRITTEN = 2048

_NOTHING = frozenset(
    (
        "",
        "-",
        "--",
        ".",
        "n/a",
        "na",
        "nil",
        "none",
        "null",
        "undefined",
        "unknown",
        "anonymous",
        "private",
        "blocked",
        "restricted",
        "unavailable",
        "withheld",
    )
)
"""What tools write where there is no value."""


# Plain addresses, which the library would accept unchanged at fifty times the cost. All others,
# including those with special domains, go to the library.
_PLAIN = re.compile(
    r"[a-z0-9]+(?:[._+-][a-z0-9]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+(?!local|test|invalid|arpa|onion)"
    r"[a-z]{2,24}"
)


def _is_plain(folded: str) -> bool:
    if _PLAIN.fullmatch(folded) is None:
        return False
    # No part of a short one is too long.
    if len(folded) <= 63:
        return True
    local, _, domain = folded.partition("@")
    return len(local) <= 64 and len(domain) <= 200 and max(map(len, domain.split("."))) <= 63


_IN_BRACKETS = re.compile(r"([^<>]*)<([^<>]*)>[\s,;.]*")
_COMMENT = re.compile(r"\s*\([^()@]*\)[\s,;.]*$")
_AROUND_AT = re.compile(r"\s*@\s*")
_QUOTES = "\"'`‘’‚‛“”„‟‹›«»"
_BEFORE = f"{_QUOTES} <([{{,;:=!#*|"
_BEHIND = f"{_QUOTES} >)]}},;:.!?/\\=#*|_~"
# Blanks and quotes that are still percent-encoded, and signs of a list.
_ENCODED_BLANK = r"(?:%(?:20|0[9ad]|22|27|3c|3e|c2%a0))"
_FIRST = re.compile(rf"(?:{_ENCODED_BLANK}|[-+>\u2010-\u2015\u2022\u00b7]\s+)+")
_LAST = re.compile(rf"{_ENCODED_BLANK}+$")
_LABEL = re.compile(r"(?:mailto|smtp|e-?mail|mail)\s*:\s*(?://)?")
# Local parts may begin with these, and do; they are emphasis where they stand behind as well.
_EMPHASIS = "_~"


def normalise_email(written: str) -> str:
    """Return the address in lower case and NFKC, or '' if it is not clearly one.

    Dots and plus tags stay: dropping them would merge people whom their provider keeps apart.
    """
    if not written or len(written) > _LONGEST_WRITTEN:
        return ""
    if written.isascii() and _is_plain(lowered := written.lower()):
        return lowered
    folded = visible(written).lower()
    if not folded or (folded.isascii() and _is_plain(folded)):
        return folded
    address = _address_in(folded)
    if not address or len(address) > _LONGEST_EMAIL:
        return ""
    if _is_plain(address):
        return address
    try:
        return validate_email(
            address, check_deliverability=False, test_environment=True
        ).normalized.lower()
    except EmailNotValidError:
        return ""


def _address_in(folded: str) -> str:
    """Remove what is written around an address: `Ana <ana@example.org>`, `mailto:`, a comma."""
    if "&" in folded and ";" in folded:
        folded = visible(html.unescape(folded)).lower()
    if "@" not in folded and "%40" in folded:
        folded = visible(unquote(folded)).lower()
    if bracketed := _IN_BRACKETS.fullmatch(folded):
        name, folded = bracketed.groups()
        # The name is a different address: it is unclear whose of the two the action is.
        if "@" in name and name.strip(_BEFORE + _BEHIND) != folded.strip():
            return ""
    else:
        folded = _COMMENT.sub("", folded)
    folded = _without_signs(folded)
    if label := _LABEL.match(folded):
        folded = _without_signs(folded[label.end() :].partition("?")[0])
    return _AROUND_AT.sub("@", folded)


def _without_signs(folded: str) -> str:
    """Take off quotes, brackets, signs of lists and emphasis, and what ends a sentence.

    RFC 5321 allows ! # * and = at the beginning of a local part; no mail provider gives such an
    address, and sheets and texts put these signs before one. A dash, an underscore or a tilde may
    be the address's own.
    """
    folded = _LAST.sub("", folded)
    if listed := _FIRST.match(folded):
        folded = folded[listed.end() :]
    inner = folded.strip(_BEFORE).rstrip(_BEHIND)
    while inner[:1] and inner[0] in _EMPHASIS and f"{inner}{inner[0]}" in folded:
        inner = inner[1:].lstrip(_BEFORE)
    return inner


# A North American number as most tools write it, with the library's result at a fiftieth of its
# cost.
_NORTH_AMERICAN = re.compile(
    r"(?:\+?1[ -.]?)?\(?((?!555|\d11)[2-9]\d\d)\)?[ -.]?([2-9]\d\d)[ -.]?(\d{4})",
    re.ASCII,
)
_DIALS_LIKE_US = frozenset({"US", "CA"})
# No area code is 555 or ends in 11: people type (555) 123-4567 to get past a form.
_AREA_AND_EXCHANGE = re.compile(r"(?!555|\d11)[2-9]\d\d[2-9]\d{6}", re.ASCII)
# A number that a spreadsheet or JSON holds as one with decimals.
_WITH_DECIMALS = re.compile(r"(\+?\d{7,15})\.0{1,2}", re.ASCII)
# SIP and client names on a telephone system, which may look like numbers.
_NAMED_LINE = re.compile(r"\s*(client|sips?):", re.IGNORECASE)
# Local numbers have no more digits than this in any country.
_LONGEST_LOCAL = 8
_KEYS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
_WITHHELD = frozenset(
    word.translate(_KEYS)
    for word in (
        "ANONYMOUS",
        "BLOCKED",
        "PRIVATE",
        "RESTRICTED",
        "UNAVAILABLE",
        "UNKNOWN",
        "WITHHELD",
    )
)
"""What telephone companies send for a hidden number: a word, as digits of the keypad."""


def is_withheld(written: str) -> bool:
    """Return whether a number stands for a hidden one, such as +266696687 for ANONYMOUS."""
    seen = visible(written)
    return seen.startswith("+") and re.sub(r"[^0-9]", "", seen) in _WITHHELD


@lru_cache(maxsize=4096)
def normalise_phone(written: str, region: str = "US") -> str:
    """Return the number in E.164, read as dialled in `region`, or ''.

    A number without its area code, and one that stands for a hidden number, are ''.
    """
    if not written:
        return ""
    if region in _DIALS_LIKE_US and (plain := _NORTH_AMERICAN.fullmatch(written)):
        return "+1" + "".join(plain.groups())
    seen = visible(written)
    if decimals := _WITH_DECIMALS.fullmatch(seen):
        seen = decimals[1]
    if not seen or _NAMED_LINE.match(seen) or is_withheld(seen):
        return ""
    try:
        number = phonenumbers.parse(seen, region, keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return ""
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE or not _has_area_code(number, region):
        return ""
    number.extension = None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _has_area_code(number: phonenumbers.PhoneNumber, region: str) -> bool:
    """Return whether a number of possible length is complete, as far as its numbering plan tells.

    Where local numbers are as long as full ones, a number without a country code needs its national
    prefix, or more digits than a local number has.
    """
    national = phonenumbers.national_significant_number(number)
    if number.country_code == 1:
        return _AREA_AND_EXCHANGE.fullmatch(national) is not None
    if number.country_code_source != phonenumbers.CountryCodeSource.FROM_DEFAULT_COUNTRY:
        return True
    if not phonenumbers.is_valid_number(number):
        return False
    prefix = phonenumbers.ndd_prefix_for_region(region, True)
    dialled = phonenumbers.normalize_digits_only(number.raw_input or "")
    return not prefix or dialled.startswith(prefix) or len(national) > _LONGEST_LOCAL


def is_unreadable(email: str, phone: str, region: str) -> bool:
    """Return whether an address or number was given and neither can be read.

    Placeholders for "none" and hidden numbers do not count as given.
    """
    if not (email or phone) or normalise_email(email) or normalise_phone(phone, region):
        return False
    return any(
        visible(each).lower() not in _NOTHING and not is_withheld(each) for each in (email, phone)
    )
