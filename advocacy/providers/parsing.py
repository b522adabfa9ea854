"""Parsing for all adapters: safe JSON and forms, texts, instants, numbers.

Pure: bytes and strings in, values out.

Note: Python's `json.loads` accepts NaN, lone surrogates and duplicate keys, and fails on deep
nesting. Bodies are only ever read by `read_json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NoReturn
from urllib.parse import parse_qsl

import msgspec

from advocacy.core import dates
from advocacy.core.errors import Unreadable
from advocacy.core.money import _LONGEST_NUMBER, MOST_DIGITS

# Far above what any tool sends, and far below the limit of recursion.
MAX_DEPTH = 200
MAX_NODES = 50_000
MAX_FIELDS = 1_000
LONGEST_CONTACT = 2048
_WHOLE = re.compile(rf"([+-]?[0-9]{{1,{MOST_DIGITS}}})(?:\.0*)?")
_MOST_EXPONENT = 400


def _refuse_constant(name: str) -> NoReturn:
    raise Unreadable("not_a_number", name)


def _decimal(written: str) -> Decimal:
    """Read a decimal number; one with a huge exponent is NaN.

    1e999990 is short, and takes minutes to expand. Code that needs the number rejects NaN; in a
    field that is not used it costs nothing.
    """
    number = Decimal(written)
    return number if abs(number.adjusted()) <= _MOST_EXPONENT else Decimal("NaN")


def read_json(body: bytes) -> object:
    """Parse a JSON body. Raises `Unreadable` with a one-word reason.

    Decimal numbers are `Decimal`, so that money is never a float. Rejected: invalid UTF-8 or JSON,
    NaN and Infinity, lone surrogates, NUL, more than 200 levels, more than 4,300 digits. A number
    beyond 1e400 is read as NaN.
    """
    try:
        value = _decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
        # What is wrong, or a mark of the byte order that does not matter.
        return _read_slowly(body)
    if not _is_plain(body):
        _check(value)
    return value


_decoder = msgspec.json.Decoder(float_hook=_decimal)


def _read_slowly(body: bytes) -> object:
    """Parse what the fast parser refuses; reads and refuses what it does, and says why."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("not_utf8", str(error.reason)) from None
    try:
        value = json.loads(text, parse_float=_decimal, parse_constant=_refuse_constant)
    except RecursionError:
        raise Unreadable("too_deep") from None
    except json.JSONDecodeError as error:
        raise Unreadable("not_json", f"{error.msg} at {error.pos}") from None
    except (ValueError, InvalidOperation) as error:
        raise Unreadable("bad_number", type(error).__name__) from None
    _check(value)
    return value


def _is_plain(text: bytes) -> bool:
    """Return whether this JSON is too short to be deep or wide and has no bad escapes.

    Most bodies are; walking over their values takes longer than parsing them.
    """
    return (
        b"\\u" not in text
        and text.count(b"[") + text.count(b"{") <= MAX_DEPTH
        and (len(text) <= MAX_NODES or text.count(b",") + text.count(b":") <= MAX_NODES)
    )


def read_form(body: bytes) -> list[tuple[str, str]]:
    """Parse a form body into its fields in order, with empty ones. Raises `Unreadable`."""
    try:
        fields = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except UnicodeDecodeError as error:
        raise Unreadable("not_utf8", str(error.reason)) from None
    except ValueError:
        raise Unreadable("too_large", f"over {MAX_FIELDS} fields") from None
    for name, value in fields:
        check_text(name)
        check_text(value)
    return fields


def _check(value: object) -> None:
    """Reject what PostgreSQL or a reader could not handle; walks without recursion."""
    level: list[object] = [value]
    seen = 0
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for item in level:
            if isinstance(item, str):
                check_text(item)
            elif isinstance(item, dict):
                seen += len(item)
                for key in item:
                    check_text(key)
                below.extend(item.values())
            elif isinstance(item, list):
                seen += len(item)
                below.extend(item)
        if seen > MAX_NODES:
            raise Unreadable("too_large", f"over {MAX_NODES} values")
        if not below:
            return
        level = below
    raise Unreadable("too_deep", f"over {MAX_DEPTH} levels")


def check_text(text: str) -> str:
    """Return the text. Raises `Unreadable` if it contains NUL or a lone surrogate."""
    if "\x00" in text:
        raise Unreadable("nul")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Unreadable("lone_surrogate") from None
    return text


def mapping(value: object, what: str) -> Mapping[str, object]:
    """Return an object; null is an empty one. Raises `Unreadable("wrong_type")`."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unreadable("wrong_type", f"{what} is not an object")
    return value


def mappings(value: object, what: str) -> Iterator[Mapping[str, object]]:
    """Yield the objects of a list; null is an empty list."""
    if value is None:
        return
    if not isinstance(value, list):
        raise Unreadable("wrong_type", f"{what} is not a list")
    for item in value:
        yield mapping(item, what)


def text(value: object, what: str = "value", longest: int = 1024) -> str:
    """Return a string; null is '', a number is formatted."""
    if value is None:
        return ""
    if isinstance(value, str):
        written = value.strip()
    elif isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise Unreadable("wrong_type", f"{what} is not a string")
    elif isinstance(value, Decimal) and not value.is_finite():
        raise Unreadable("bad_number", what)
    else:
        written = str(value).strip()
    if len(written) > longest:
        raise Unreadable("too_long", what)
    return written


def contact(value: object, what: str) -> str:
    """Return an e-mail address or phone number as written; `core.contacts` normalizes it.

    The limit is longer than any address, since a name may be beside it, and the same for all tools.
    A JSON number becomes whole digits: Java writes 2127365000 as 2.127365E9.
    """
    if isinstance(value, Decimal) and value.is_finite() and 0 <= value.adjusted() < MOST_DIGITS:
        whole = int(value)
        value = whole if whole == value else value
    return text(value, what, LONGEST_CONTACT)


def instant(value: object, what: str, zone: str = "UTC") -> datetime:
    """Read an ISO 8601 instant, in `zone` without an offset. Returns aware UTC."""
    written = text(value, what, 64)
    if not written:
        raise Unreadable("missing", what)
    try:
        moment = _moment(written)
    except ValueError:
        raise Unreadable("bad_instant", what) from None
    return in_utc(moment, what, zone)


# Created and modified are often the same, and so are the instants of what comes together.
_moment = lru_cache(maxsize=256)(datetime.fromisoformat)

DATE_FORMS: Mapping[str, str] = {
    "M/D/Y": "%m/%d/%Y %H:%M:%S",
    "D/M/Y": "%d/%m/%Y %H:%M:%S",
}
"""The orders of day and month in spreadsheets, and the format in which we write them."""

_DATE = re.compile(
    r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})"
    r"(?:,?[\sT]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,9})?)?"
    r"\s*(?:([AP])\.?M\.?)?)?",
    re.IGNORECASE,
)


def is_spreadsheet_date(written: str) -> bool:
    """Return whether the order of day and month in a date is ambiguous: 5/1/2024, 05.01.24."""
    return bool(_DATE.fullmatch(written))


def spreadsheet_date(written: str, what: str, form: str, zone: str = "UTC") -> datetime:
    """Read a date as spreadsheets write it, in `zone`. Returns aware UTC.

    `form` is one of `DATE_FORMS`: `5/1/2024 1:05:09 PM` and `5/1/24`, and with the day first also
    `01.05.2024 13:05`. Years of two digits are 1969 to 2068, as in POSIX; without a time it is
    midnight.
    """
    found = _DATE.fullmatch(written)
    # Dates with points always have the day first.
    if not found or (found[2] == "." and form != "D/M/Y"):
        raise Unreadable("bad_instant", what)
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    month, day = (first, second) if form == "M/D/Y" else (second, first)
    if len(found[4]) == 2:
        year += 2000 if year < 69 else 1900
    hour, minute, seconds = (int(found[each] or 0) for each in (5, 6, 7))
    if found[8]:
        if not 1 <= hour <= 12:
            raise Unreadable("bad_instant", what)
        hour = hour % 12 + (12 if found[8] in "pP" else 0)
    try:
        moment = datetime(year, month, day, hour, minute, seconds)  # noqa: DTZ001 -- see in_utc
    except ValueError:
        raise Unreadable("bad_instant", what) from None
    return in_utc(moment, what, zone)


def in_utc(moment: datetime, what: str, zone: str = "UTC") -> datetime:
    """Return an instant in UTC, in `zone` without an offset. Raises `Unreadable`.

    A repeated time is the first, a skipped one is an hour later.
    """
    if moment.tzinfo is None:
        try:
            moment = moment.replace(tzinfo=dates.zone(zone))
        except (ValueError, LookupError, OSError, TypeError):
            raise Unreadable("bad_setup", "zone") from None
    try:
        in_our_zone = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable("bad_instant", what) from None
    return _plausible(in_our_zone, what)


def from_unix(seconds: int, what: str) -> datetime:
    """Read unix seconds. Returns aware UTC."""
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise Unreadable("bad_instant", what)
    try:
        return _plausible(datetime.fromtimestamp(seconds, UTC), what)
    except (ValueError, OverflowError, OSError):
        raise Unreadable("bad_instant", what) from None


def _plausible(moment: datetime, what: str) -> datetime:
    if not 1990 <= moment.year <= 2200:
        raise Unreadable("bad_instant", what)
    return moment


def currency_code(value: object, default: str = "") -> str:
    """Return an ISO 4217 code in upper case, or the default if none is given."""
    code = text(value, "currency", 16).upper() or default
    if code and not re.fullmatch(r"[A-Z]{3}", code):
        raise Unreadable("bad_currency", "currency")
    return code


def whole_number(value: object, what: str) -> int:
    """Read a whole number, as a number or a string. Raises `Unreadable("bad_number")`."""
    if isinstance(value, int) and abs(value) >= 10**MOST_DIGITS:
        raise Unreadable("bad_number", what)
    found = _WHOLE.fullmatch(text(value, what, _LONGEST_NUMBER))
    if found is None:
        raise Unreadable("bad_number", what)
    return int(found[1])
