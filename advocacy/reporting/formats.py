"""Numbers, amounts, shares, days and periods in the reader's language.

Pages, emails and PDF use these functions only, so that a figure looks the same in each.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from babel import Locale
from babel.dates import format_interval
from babel.numbers import format_currency
from flask_babel import format_date, format_decimal, get_locale, gettext

from advocacy.core.money import exponent
from advocacy.core.periods import Period

NOT_SHOWN = "–"
"""What is shown instead of a figure that is about too few people."""


def _(words: str, **values: object) -> str:
    return str(gettext(words, **values))


def day(on: date | str) -> str:
    """Format a day, from a date, an instant or ISO 8601."""
    if isinstance(on, str):
        on = date.fromisoformat(on)
    return str(format_date(on.date() if isinstance(on, datetime) else on, "medium"))


def days(period: Period) -> str:
    """Format a period, with the number of the week if it is one."""
    if period.days == 1:
        return day(period.first)
    interval = str(
        format_interval(period.first, period.last, "yMMMd", locale=get_locale() or "en")
    ).replace("\u2009", "\u00a0")
    if period.is_week:
        return _("%(days)s (week %(week)s)", week=period.first.isocalendar().week, days=interval)
    return interval


def number(value: float | None) -> str:
    """Format a number with separators and at most one decimal; a dash for none."""
    if value is None:
        return NOT_SHOWN
    return _with_minus(format_decimal(value if value == int(value) else round(value, 1)))


def signed(value: float) -> str:
    """Format a difference with its sign."""
    return _sign(value) + number(abs(value))


def decimal(value: float, most: int = 1) -> str:
    """Format a number with one to `most` decimals."""
    return str(format_decimal(value, format="#,##0.0" + "#" * (most - 1)))


def percent(share: float | None) -> str:
    """Format a share as a whole percentage; a small share is not shown as zero."""
    if share is None:
        return NOT_SHOWN
    rounded = round(share * 100)
    return "< 1 %" if share and not rounded else f"{number(rounded)} %"


def signed_percent(share: float) -> str:
    """Format a relative change as a whole percentage with its sign."""
    return _sign(share) + percent(abs(share))


def percent_of(hundredths: float) -> str:
    """Format a percentage with at most two decimals."""
    return f"{format_decimal(hundredths, format='0.##')} %"


def money(minor: int | None, currency: str) -> str:
    """Format minor units with the decimals of their currency; a dash for none."""
    if minor is None:
        return f"{NOT_SHOWN} {currency}"
    places = exponent(currency)
    pattern = "#,##0" + ("." + "0" * places if places else "")
    amount = _with_minus(format_decimal(Decimal(minor).scaleb(-places), format=pattern))
    return f"{amount} {currency}".rstrip()


def money_whole(minor: int | None, currency: str) -> str:
    """Format an amount without its fraction, with the sign of its currency: `$1,026`."""
    if minor is None or not currency:
        return money(minor, currency)
    locale = get_locale() or Locale("en")
    pattern = re.sub(r"\.0+", "", locale.currency_formats["standard"].pattern)
    amount = (Decimal(minor).scaleb(-exponent(currency))).quantize(Decimal(1), ROUND_HALF_EVEN)
    return _with_minus(
        format_currency(amount, currency, pattern, locale=locale, currency_digits=False)
    )


def day_short(on: date) -> str:
    """Format a day without its year, as axes and rows show it."""
    locale = get_locale()
    is_english = locale is None or locale.language == "en"
    return str(format_date(on, "MMM d" if is_english else "d MMM"))


def month(on: date) -> str:
    """Format a month with its year."""
    return str(format_date(on, "MMM y"))


def _sign(value: float) -> str:
    return "+" if value > 0 else "−" if value < 0 else "±"


def _with_minus(text: str) -> str:
    """Replace the hyphen before a negative number by a minus sign."""
    return text.replace("-", "−")


def rung_names() -> dict[str, str]:
    """Return the name of each rung of the engagement ladder."""
    return {
        "clicked": _("clicked"),
        "signed": _("signed"),
        "called": _("called"),
        "gave": _("gave"),
        "gives_monthly": _("gives monthly"),
    }
