"""The ranges of days that pages offer to choose with one click.

Note: the last seven days end today, so that they move on with a page
that is open all day; a week that can be compared is on the page that compares.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext

OFFERED_DAYS = (7, 30, 90)


def last_days(number: int) -> str:
    """Write the last so many days."""
    return str(ngettext("the last %(num)s day", "the last %(num)s days", number))


def offered(
    today: date, address: Callable[..., str], first: date | None, last: date | None
) -> list[tuple[str, str, bool]]:
    """Return ranges as (called, address, whether it is the one that is shown).

    `address` takes `from` and `to`; with neither it is what the page shows by itself.
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
