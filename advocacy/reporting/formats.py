"""Numbers, money, shares and periods as pages, mails and files write them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from babel.dates import format_interval
from flask_babel import format_date, format_decimal, get_locale, gettext

from advocacy.core.money import exponent
from advocacy.core.periods import Period

NOT_SHOWN = "–"
"""What stands where a figure is about too few people to be told."""


def _(words: str, **values: object) -> str:
    return str(gettext(words, **values))


def with_minus(written: str) -> str:
    """Replace the hyphen before a negative number by a minus sign."""
    return written.replace("-", "−")


def day(written: date | str) -> str:
    """Write a day in the reader's language."""
    on = date.fromisoformat(written) if isinstance(written, str) else written
    return str(format_date(on, "medium"))


def days(period: Period) -> str:
    """Write a period: its days, and which week it is where it is one."""
    if period.days == 1:
        return day(period.first)
    written = str(
        format_interval(period.first, period.last, "yMMMd", locale=get_locale() or "en")
    ).replace("\u2009", "\u00a0")
    if period.is_week:
        return _("%(days)s (week %(week)s)", week=period.first.isocalendar().week, days=written)
    return written


def number(value: float | None) -> str:
    """Write a number; what is not whole gets one decimal; what is not shown is a dash."""
    if value is None:
        return NOT_SHOWN
    return with_minus(format_decimal(value if value == int(value) else round(value, 1)))


def decimal(value: float) -> str:
    """Write a number with one decimal."""
    return str(format_decimal(value, format="#,##0.0"))


def percent(share: float | None) -> str:
    """Write a share as a whole percentage; what is little is not nothing."""
    if share is None:
        return NOT_SHOWN
    whole = round(share * 100)
    return "< 1 %" if share and not whole else f"{number(whole)} %"


def money(minor: int | None, currency: str) -> str:
    """Write minor units with the decimals of their currency."""
    if minor is None:
        return f"{NOT_SHOWN} {currency}"
    places = exponent(currency)
    pattern = "#,##0" + ("." + "0" * places if places else "")
    written = with_minus(format_decimal(Decimal(minor).scaleb(-places), format=pattern))
    return f"{written} {currency}".rstrip()


def rung_names() -> dict[str, str]:
    """Return the name of each rung of the engagement ladder."""
    return {
        "clicked": _("clicked"),
        "signed": _("signed"),
        "called": _("called"),
        "gave": _("gave"),
        "gives_monthly": _("gives monthly"),
    }
