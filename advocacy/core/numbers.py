"""Read and write numbers in the notation of a language.

Note: a point does not mean the same everywhere. 5.000 is five thousand in Spanish and five in
English; so what is not valid in the language is rejected, never guessed. Plain digits, and
thousands separated by spaces, are read in every language.
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

# More than any amount needs, and too few to take long.
_LONGEST = 40
_BETWEEN_THOUSANDS = re.compile(r"(?<=\d)\s(?=\d{3}(?!\d))")


def read_number(written: str, language: str, places: int = 0) -> Decimal:
    """Read a number with at most `places` decimals, as written in this language.

    Raises `ValueError` for anything else, including 5.000 in English where no decimals are allowed.
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
