"""Numbers as people write them, read and written in the form of a language.

What a stranger would get wrong: a point is not a point everywhere. 5.000 is five thousand in
Spanish and five in English; so what a language does not write is refused and never guessed at.
Digits alone, and thousands with spaces between, are read in every language.
"""

from __future__ import annotations

import re
from decimal import Decimal

from babel.numbers import (
    NumberFormatError,
    format_decimal,
    get_decimal_symbol,
    get_group_symbol,
    parse_decimal,
)

# More than any amount has, and too few to keep anybody waiting.
_LONGEST = 40
_BETWEEN_THOUSANDS = re.compile(r"(?<=\d)\s(?=\d{3}(?!\d))")


def read_number(written: str, language: str, places: int = 0) -> Decimal:
    """Read a number with at most `places` decimals, as this language writes them.

    Raises `ValueError` for all else, also for 5.000 in English where no decimals are meant.
    """
    thousands, point = get_group_symbol(language), get_decimal_symbol(language)
    plain = _BETWEEN_THOUSANDS.sub(thousands, written.strip())
    if len(plain) > _LONGEST or not set(plain) <= {*"0123456789", thousands, point}:
        raise ValueError
    try:
        number = parse_decimal(plain, locale=language, strict=True)
    except NumberFormatError:
        raise ValueError from None
    if len(plain.partition(point)[2]) > places:
        raise ValueError
    return number


def read_whole(written: str, language: str) -> int:
    """Read a whole number. Raises `ValueError`."""
    return int(read_number(written, language))


def write_number(number: Decimal, language: str) -> str:
    """Write a number with all its decimals, as `read_number` reads it."""
    places = "0" * -int(number.as_tuple().exponent)
    return str(format_decimal(number, "#,##0." + places, locale=language))
