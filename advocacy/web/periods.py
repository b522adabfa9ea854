"""The days that a page shows, the days they are compared with, and the menus to choose both.

Both stand in the URL as `from`, `to` and `compare`, and are the same on every tab of a campaign.
Without them a page shows the last 30 days, or the whole campaign where it is shorter or has ended,
compared with as many days before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from flask import request, url_for
from flask_babel import gettext as _

from advocacy.analytics.activation import MODELS, BadRange, days_meant
from advocacy.analytics.breakdown import earlier_days
from advocacy.core.dates import day_in
from advocacy.core.periods import Period as Days
from advocacy.reporting.formats import days as days_in_words
from advocacy.storage import totals
from advocacy.storage.models import Campaign, Organization
from advocacy.web.errors import Problem
from advocacy.web.i18n import model as model_named

DEFAULT_DAYS: Final = 30
NO_COMPARISON: Final = "none"
COMPARISONS: Final = ("before", "year", NO_COMPARISON)

_KEPT = ("model", "kind", "platform", "medium", "author", "sort", "group_by", "of")
"""Parameters besides the period that its links keep."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A link of a menu; `shortcut` is the key that follows it."""

    label: str
    href: str
    current: bool = False
    shortcut: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """The days shown, both included, and those compared with; `compare` is empty for none.

    `whole` are all days of the campaign, if it has any; `chosen` if the days are from the URL.
    """

    first: date
    last: date
    today: date
    compare: str = ""
    earlier: tuple[date, date] | None = None
    whole: tuple[date, date] | None = None
    chosen: bool = False

    @property
    def length(self) -> int:
        """Return the number of days."""
        return (self.last - self.first).days + 1

    def params(self) -> dict[str, str]:
        """Return the parameters of a URL that shows the same days and comparison."""
        return {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "compare": self.compare or NO_COMPARISON,
        }


@dataclass(frozen=True, slots=True)
class Menus:
    """The menus of a period: what is chosen, and what can be."""

    label: str
    ranges: Sequence[Choice]
    compared: str
    comparisons: Sequence[Choice]
    models: Sequence[Choice]
    hidden: Sequence[tuple[str, str]]
    period: Period


def period_of(scope: Campaign | Organization) -> Period:
    """Return the period that the URL asks for, or the default one. Raises a 422 `Problem`."""
    try:
        first, last = (_day(request.args.get(name)) for name in ("from", "to"))
        today = day_in(datetime.now(UTC), scope.timezone)
        span = totals.span(scope.org_id, scope.id) if isinstance(scope, Campaign) else (None, None)
        whole = days_meant(None, None, *span, scope.timezone) if span[0] else None
        chosen = bool(first or last)
        if chosen:
            first, last = days_meant(first, last, *span, scope.timezone)
        else:
            first, last = default_days(today, *span)
    except (BadRange, ValueError):
        raise Problem(
            422,
            _("No such days"),
            _("Enter dates as YYYY-MM-DD, with the first not after the last."),
        ) from None
    compare = request.args.get("compare") or COMPARISONS[0]
    if compare not in COMPARISONS:
        raise Problem(422, _("No such comparison"), _("Choose a comparison from the menu."))
    earlier = None
    if compare == NO_COMPARISON:
        compare = ""
    else:
        try:
            earlier = earlier_days(first, last, compare)
        except BadRange:
            # There are no days before the first of all.
            compare = ""
    return Period(first, last, today, compare, earlier, whole, chosen)


def default_days(today: date, earliest: date | None, latest: date | None) -> tuple[date, date]:
    """Return the last 30 days; the whole campaign if it is shorter, or has ended before."""
    begin = today - timedelta(days=DEFAULT_DAYS - 1)
    if earliest is None or latest is None:
        return begin, today
    if latest < begin:
        return earliest, today
    return max(begin, min(earliest, today)), max(today, latest)


def menus_of(period: Period, endpoint: str = "", **path: str) -> Menus:
    """Return the menus of a page, by default of the page of this request."""
    endpoint = endpoint or request.endpoint or ""
    path = path or dict(request.view_args or {})
    kept: dict[str, list[str]] = {
        name: request.args.getlist(name) for name in _KEPT if request.args.get(name)
    }

    def address(**changed: object) -> str:
        return url_for(endpoint, **path, **{**kept, **period.params(), **changed})  # type: ignore[arg-type]

    ranges = [
        Choice(
            label,
            address(**{"from": first.isoformat(), "to": last.isoformat()}),
            (first, last) == (period.first, period.last),
            shortcut,
        )
        for label, first, last, shortcut in _ranges(period)
    ]
    offered = {
        "before": _("Previous period"),
        "year": _("A year earlier"),
        NO_COMPARISON: _("No comparison"),
    }
    now = period.compare or NO_COMPARISON
    # The key switches the comparison on and off.
    switch = "before" if now == NO_COMPARISON else NO_COMPARISON
    comparisons = [
        Choice(label, address(compare=how), how == now, "x" if how == switch else "")
        for how, label in offered.items()
    ]
    model = request.args.get("model") or MODELS[0]
    models = [Choice(model_named(each), address(model=each), each == model) for each in MODELS]
    shown = next((each.label for each in ranges if each.current), "")
    return Menus(
        label=shown or days_in_words(Days(period.first, period.last)),
        ranges=ranges,
        compared=offered[now],
        comparisons=comparisons,
        models=models,
        hidden=[
            (name, value) for name, values in {**kept, "compare": [now]}.items() for value in values
        ],
        period=period,
    )


def _ranges(period: Period) -> list[tuple[str, date, date, str]]:
    today = period.today
    month = today.replace(day=1)

    def last(days: int) -> date:
        return today - timedelta(days=days - 1)

    found = [
        (_("Today"), today, today, "d"),
        (_("Last 7 days"), last(7), today, "w"),
        (_("Last 30 days"), last(30), today, "m"),
        (_("Last 90 days"), last(90), today, ""),
        (_("This month"), month, today, ""),
        (_("Last 12 months"), last(365), today, "" if period.whole else "a"),
    ]
    if period.whole:
        found.append((_("Whole campaign"), *period.whole, "a"))
    return found


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
