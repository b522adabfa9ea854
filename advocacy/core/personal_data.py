"""Detect e-mail addresses and phone numbers in texts, in whatever encoding.

Pure. `readings` gives a text as it is and decoded: percent-encoding, HTML entities, JSON escapes,
quoted-printable, base64, hexadecimal, also nested. `reads_as_personal` searches all of them, and
also for what may be an unkeyed digest; `scrub` removes such passages. `texts_of` reads a whole body
in any charset or compression.

Note: a digest of an address is as good as the address to anyone with a list of addresses. A digest
does not show what it was made of, so everything that looks like one counts.
"""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import re
import zlib
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from urllib.parse import unquote

from advocacy.core.plain_text import visible

PLACEHOLDER = "@"
"""What replaces a passage that was removed."""

_LAYERS = 4
_MOST_READINGS = 64
_MOST_INFLATED = 16 * 1024 * 1024

# Looked for from the first backslash of a run only: a run takes time by its square else.
_ESCAPED = re.compile(r"(?<!\\)\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
# Python refuses to read a number of so many digits; no character has one.
_ZEROS = re.compile(r"&#0+(?=\d)")
_NO_CHARACTER = re.compile(r"&#\d{9,};?")
_ALPHABETS = (
    re.compile(r"[A-Za-z0-9]{8,}"),
    re.compile(r"[A-Za-z0-9+/]{8,}"),
    re.compile(r"[A-Za-z0-9_-]{8,}"),
)
_HEXADECIMAL = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{2}){6,}(?![0-9A-Za-z])")

_AT = re.compile(r"\S@\S")
# Written so that programs do not see it: `zoe(at)example.org`, `zoe at example dot org`.
_SPELLED_AT = re.compile(
    r"(?<=[\w.+-])\s*[(\[{]\s*at\s*[)\]}]\s*(?=[\w-]+(?:\.\w|\s*[(\[{]\s*dot|\s+dot\s))"
    r"|(?<=[\w.+-])\s+at\s+(?=[\w-]+\s+dot\s+\w)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s@,;:<>()\[\]\"'=&?/\\]+@[^\s@,;:<>()\[\]\"'=&?/\\]+")
_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d([-_./]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?!\d)")
BETWEEN_DIGITS = r"\s().\-/_+\[\]~*|·•∙⋅\u2010-\u2015\u2053\u2212\u223c\u30fc"
"""Characters that are written between the digits of a number, for a regular expression class."""

# Seven to fifteen digits (E.164), with separators.
_NUMBER = re.compile(rf"(?<!\d)\+?\(?\d(?:[{BETWEEN_DIGITS}]{{0,3}}\d){{6,14}}(?!\d)")
_DIGEST = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{32,}"
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})(?![0-9A-Za-z])"
)
_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{20,}")
_FEW_DIGITS = re.compile(r"(?:\D*\d){0,6}\D*")


def fold(text: str) -> str:
    """Return a text as a reader sees it: compatible letters unified (NFKC), no invisible ones."""
    return text if text.isascii() else visible(text)


def readings(text: str) -> Iterator[str]:
    """Yield a text as it is, folded, and everything that it can be decoded to."""
    seen: set[str] = set()
    level = [text]
    for _ in range(_LAYERS):
        below: list[str] = []
        for each in level:
            folded = fold(each)
            if folded in seen or len(seen) >= _MOST_READINGS:
                continue
            seen.add(folded)
            yield folded
            below += _decoded(folded)
        level = below


def _decoded(text: str) -> Iterator[str]:
    if "%" in text:
        yield unquote(text)
    if "&" in text:
        yield html.unescape(_NO_CHARACTER.sub("\ufffd", _ZEROS.sub("&#", text)))
    if "\\" in text:
        escaped = _ESCAPED.sub(lambda found: chr(int(found[1] or found[2], 16)), text)
        yield escaped.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if "=" in text:
        yield quopri.decodestring(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    if ("at" in text or "AT" in text) and (plain := _SPELLED_AT.sub("@", text)) != text:
        yield plain
    found = [*_from_base64(text), *_from_hexadecimal(text)]
    if found:
        # Joined, so that a long body has few readings.
        yield "\n".join(found)


def _from_base64(text: str) -> Iterator[str]:
    # Base64 needs an upper-case letter to encode an @ or a digit.
    if text.islower():
        return
    seen: set[str] = set()
    for alphabet in _ALPHABETS:
        for token in alphabet.findall(text):
            if token in seen or token.islower() or token.isdigit():
                continue
            seen.add(token)
            whole = token[: len(token) - 1] if len(token) % 4 == 1 else token
            try:
                plain = base64.b64decode(
                    whole.translate(_URL_SAFE) + "=" * (-len(whole) % 4)
                ).decode()
            except (binascii.Error, ValueError):
                continue
            if plain.isprintable():
                yield plain


_URL_SAFE = str.maketrans("-_", "+/")


def _from_hexadecimal(text: str) -> Iterator[str]:
    for token in _HEXADECIMAL.findall(text):
        try:
            plain = bytes.fromhex(token).decode()
        except ValueError:
            continue
        if plain.isprintable():
            yield plain


def _shows(reading: str) -> bool:
    if "@" in reading and _AT.search(reading):
        return True
    return not _FEW_DIGITS.fullmatch(reading) and bool(_NUMBER.search(without_dates(reading)))


def without_dates(text: str) -> str:
    """Return a text with a letter in place of each date, which would look like a number."""
    return _DATE.sub("d", text)


def is_opaque(token: str) -> bool:
    """Return whether upper case, lower case and digits alternate as often as in random text.

    A digest in base64 looks like that, and no word that a person wrote does.
    """
    if len(token) < 20 or token.islower() or token.isupper():
        return False
    kinds = [
        "d" if each.isdigit() else "u" if each.isupper() else "l"
        for each in token
        if each.isalnum()
    ]
    changes = sum(one != other for one, other in pairwise(kinds))
    return changes >= 0.4 * len(kinds)


def _may_be_digest(reading: str) -> bool:
    return bool(_DIGEST.search(reading)) or any(map(is_opaque, _TOKEN.findall(reading)))


@lru_cache(maxsize=8192)
def reads_as_personal(text: str) -> bool:
    """Return whether any reading of a text contains an address, a number, or a possible digest."""
    return any(_shows(reading) or _may_be_digest(reading) for reading in readings(text))


@lru_cache(maxsize=8192)
def scrub(text: str) -> str:
    """Return a text with `PLACEHOLDER` for each address, number and digest in it.

    If one is encoded it cannot be cut out, and the placeholder replaces the whole text.
    """
    if not text or not reads_as_personal(text):
        return text
    plain, *decoded = readings(text)
    if any(_shows(reading) or _may_be_digest(reading) for reading in decoded):
        return PLACEHOLDER
    cut = _ADDRESS.sub(PLACEHOLDER, plain)
    cut = _DIGEST.sub(PLACEHOLDER, cut)
    cut = _TOKEN.sub(lambda found: PLACEHOLDER if is_opaque(found[0]) else found[0], cut)
    kept_dates: list[str] = []

    def put_aside(found: re.Match[str]) -> str:
        kept_dates.append(found[0])
        return "\x00"

    cut = _NUMBER.sub(PLACEHOLDER, _DATE.sub(put_aside, cut))
    for date in kept_dates:
        cut = cut.replace("\x00", date, 1)
    return PLACEHOLDER if reads_as_personal(cut.replace(PLACEHOLDER, " ")) else cut


def texts_of(body: bytes) -> Iterator[str]:
    """Yield the texts of a body: as it is, inflated, in UTF-8, UTF-16 and Latin-1, and decoded."""
    seen: set[str] = set()
    for plain in _inflated(body):
        for text in _charsets(plain):
            if text not in seen:
                seen.add(text)
                yield from readings(text)


def _inflated(body: bytes) -> Iterator[bytes]:
    """Yield a body, and what it inflates to as gzip, zlib or deflate, at most twice nested."""
    yield body
    for _ in range(2):
        inflated = next(filter(None, (_inflate(body, bits) for bits in (47, -15))), b"")
        if not inflated:
            return
        yield inflated
        body = inflated


def _inflate(body: bytes, bits: int) -> bytes:
    try:
        # Truncated or very long data is read as far as possible.
        return zlib.decompressobj(bits).decompress(body, _MOST_INFLATED)
    except zlib.error:
        return b""


def _charsets(body: bytes) -> Iterator[str]:
    try:
        yield body.decode("utf-8-sig")
    except UnicodeDecodeError:
        # An invalid byte separates; it is not part of an address beside it.
        yield body.decode("utf-8", "replace").replace("\ufffd", " ")
        yield body.decode("latin-1")
    if b"\x00" in body or body[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        for charset in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
            yield body.decode(charset, "replace").replace("\ufffd", " ")
        yield body.replace(b"\x00", b"").decode("utf-8", "replace").replace("\ufffd", " ")
