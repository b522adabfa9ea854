"""Date ranges that pages offer to choose with one click. They end today."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext

OFFERED_DAYS = (7, 30, 90)


def last_days(number: int) -> str:
    """Return the name of a range of so many days."""
    return str(ngettext("the last %(num)s day", "the last %(num)s days", number))


def offered(
    today: date, address: Callable[..., str], first: date | None, last: date | None
) -> list[tuple[str, str, bool]]:
    """Return the ranges as (name, URL, whether it is currently shown).

    `address` returns the URL for `from` and `to`.
    """
    found = []
    for number in OFFERED_DAYS:
        begin = today - timedelta(days=number - 1)
        is_shown = (first, last) == (begin, today)
        found.append((last_days(number), address(**{"from": begin, "to": today}), is_shown))
    month = today.replace(day=1)
    is_shown = (first, last) == (month, today)
    found.append((_("this month"), address(**{"from": month, "to": today}), is_shown))
    return found
