"""Amounts in whole minor units of a currency (ISO 4217)."""

from __future__ import annotations

import re
from decimal import Context, Decimal, InvalidOperation

from advocacy.core.errors import Unreadable

MOST_DIGITS = 20
_LONGEST_NUMBER = 64
_AMOUNT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
# More digits than any amount, so that nothing is rounded before it is checked.
_EXACT = Context(prec=2 * _LONGEST_NUMBER)

# ISO 4217: currencies whose smallest unit is not a hundredth.
_NO_DECIMALS = (
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "ISK",
    "JPY",
    "KMF",
    "KRW",
    "PYG",
    "RWF",
    "UGX",
    "UYI",
    "VND",
    "VUV",
    "XAF",
    "XOF",
    "XPF",
)
_THREE_DECIMALS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_EXPONENTS = dict.fromkeys(_NO_DECIMALS, 0) | dict.fromkeys(_THREE_DECIMALS, 3)


def exponent(currency: str) -> int:
    """Return the number of decimals of a currency (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


def to_minor(value: object, currency: str, what: str = "amount") -> int:
    """Return an amount in major units ("40.00", 40, Decimal) as whole minor units.

    Raises `Unreadable("bad_amount")` if it is not a number or not exact in that currency.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Unreadable("bad_amount", what)
    if isinstance(value, str):
        value = value.strip()
        if len(value) > _LONGEST_NUMBER or not _AMOUNT.fullmatch(value):
            raise Unreadable("bad_amount", what)
    try:
        amount = Decimal(value)
        # 1e999990 is short, and takes minutes to expand and compare.
        if not amount.is_finite() or abs(amount.adjusted()) > MOST_DIGITS:
            raise Unreadable("bad_amount", what)
        minor = amount.scaleb(exponent(currency), _EXACT)
        whole = int(minor)
    except (InvalidOperation, ValueError, OverflowError):
        raise Unreadable("bad_amount", what) from None
    if whole != minor or abs(whole) >= 2**53:
        raise Unreadable("bad_amount", what)
    return whole


def whole_minor(value: object, what: str = "amount") -> int:
    """Return an amount that is already in minor units. Raises `Unreadable("bad_amount")`."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**53:
        raise Unreadable("bad_amount", what)
    return value


def format_minor(minor: int, currency: str) -> str:
    """Format minor units for the command line: 1234 USD as 12.34 USD, 1234 JPY as 1,234 JPY.

    Pages and emails format amounts in the reader's language, see `reporting.formats`.
    """
    places = exponent(currency)
    return f"{Decimal(minor).scaleb(-places):,.{places}f} {currency}".rstrip()
