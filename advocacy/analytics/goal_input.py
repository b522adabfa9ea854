"""Check and store a new goal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from advocacy.core.choices import MEASURES
from advocacy.core.messages import say
from advocacy.core.money import exponent
from advocacy.core.numbers import read_number, write_number
from advocacy.storage import errors
from advocacy.storage import goals as store
from advocacy.storage.models import Goal

_MAX_NAME = 200
# More than any legislature has.
_MAX_DISTRICTS = 1_000
_GROWTH = re.compile(r"\+(.+?)\s?%")
# In hundredths of a percent: a hundred times as many.
_MAX_GROWTH = 10_000 * 100
_YEARS = range(2000, 2101)
_MAX_LENGTH = timedelta(days=3653)


class BadGoal(ValueError):
    """The goal is invalid; the message says what to do."""


def put_goal(
    org_id: UUID,
    campaign_id: UUID | None,
    measure: str,
    target: str,
    first: date,
    last: date,
    *,
    name: str = "",
    currency: str = "",
    districts: Sequence[str] = (),
    each_district: int = 0,
    language: str = "en",
) -> Goal:
    """Store a new goal. `target` is a number as `language` writes it, or growth as +5%.

    Raises `BadGoal`, also if there is a goal of the same measure, campaign and days.
    """
    if measure not in MEASURES:
        raise BadGoal(
            say(
                "%(word)s is not a measure; available: %(known)s",
                word=ascii(measure),
                known=", ".join(MEASURES),
            )
        )
    if first > last:
        raise BadGoal(say("the first day is after the last"))
    if not {first.year, last.year} <= set(_YEARS) or last - first >= _MAX_LENGTH:
        raise BadGoal(
            say(
                "its days must lie between the years %(first)s and %(last)s and span "
                "no more than ten years",
                first=_YEARS[0],
                last=_YEARS[-1],
            )
        )
    if (measure == "net") != bool(currency):
        raise BadGoal(say("money needs a currency, e.g. USD; other measures have none"))
    if currency and not re.fullmatch(r"[A-Z]{3}", currency):
        raise BadGoal(
            say("%(word)s is not a currency; use three letters, e.g. USD", word=ascii(currency))
        )
    if (districts or each_district) and measure != "calls":
        raise BadGoal(say("only calls are counted by district"))
    if not 0 <= each_district < 2**62:
        raise BadGoal(say("no district can need so many calls"))
    if len(name) > _MAX_NAME or len(districts) > _MAX_DISTRICTS:
        raise BadGoal(say("its name is too long, or there are too many districts"))
    growth = _GROWTH.fullmatch(target.strip())
    try:
        return store.put_goal(
            org_id,
            campaign_id=campaign_id,
            name=name.strip(),
            measure=measure,
            currency=currency,
            target=0 if growth else _number(target, currency, language),
            growth_bp=_growth(growth[1], language) if growth else 0,
            first_on=first,
            last_on=last,
            districts=list(dict.fromkeys(each.strip() for each in districts if each.strip())),
            each_district=each_district,
        )
    except errors.Taken:
        raise BadGoal(
            say("there is already such a goal for this period; delete it to set another")
        ) from None


def _growth(percent: str, language: str) -> int:
    try:
        growth_bp = int(read_number(percent, language, 2) * 100)
    except ValueError:
        growth_bp = 0
    if not 0 < growth_bp < _MAX_GROWTH:
        raise BadGoal(
            say(
                "growth is written like %(growth)s and must be above 0 and below %(most)s",
                growth=f"+{write_number(Decimal('2.5'), language)}%",
                most=f"{write_number(Decimal(_MAX_GROWTH // 100), language)}%",
            )
        )
    return growth_bp


def _number(text: str, currency: str, language: str) -> int:
    places = exponent(currency) if currency else 0
    try:
        number = int(read_number(text, language, places).scaleb(places))
    except ValueError:
        number = 0
    if not 0 < number < 2**62:
        raise BadGoal(
            say(
                "%(word)s is not a valid target; use a number above 0, e.g. "
                "%(number)s, or growth, e.g. %(growth)s",
                word=ascii(text),
                number=write_number(Decimal("1250.50") if places == 2 else Decimal(5000), language),
                growth="+5%",
            )
        )
    return number
