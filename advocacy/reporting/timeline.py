"""Actions by day as a chart with a comparison: what `static/plot.js` draws with uPlot.

Days become weeks beyond 120 days and months beyond two years, so that bars can be seen. Days of the
earlier period stand where the same day of the range stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from advocacy.analytics.figures import DayFigures, Number, whole
from advocacy.reporting.charts import COLOURS

MOST_DAYS, MOST_WEEKS = 120, 106


@dataclass(frozen=True, slots=True)
class Series:
    """The actions of one kind: a number for each bar."""

    kind: str
    label: str
    values: Sequence[Number]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a bar, such as the publication of a post."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Bars from left to right, each a day, week or month (`unit`), and what stands at them.

    `before` are the actions of the earlier period, as many as bars; empty without a comparison.
    """

    unit: str
    starts: Sequence[date]
    series: Sequence[Series]
    before: Sequence[Number]
    marks: Sequence[Mark]

    def totals(self) -> list[Number]:
        """Return the actions of each bar."""
        return [
            whole(sum(each.values[at] for each in self.series)) for at in range(len(self.starts))
        ]

    def drawn(self, named: Callable[[date], str], **texts: str) -> dict[str, Any]:
        """Return what the script draws; `named` names a bar, `texts` are the words of the chart."""
        return {
            "labels": [named(each) for each in self.starts],
            "series": [asdict(each) for each in self.series],
            "before": list(self.before),
            "marks": [asdict(each) for each in self.marks],
            **texts,
        }


def timeline(
    days: Sequence[DayFigures],
    first: date,
    last: date,
    *,
    names: Callable[[str], str] = str,
    before: Sequence[DayFigures] = (),
    before_first: date | None = None,
    marks: Sequence[tuple[date, str]] = (),
) -> Timeline:
    """Return the actions from `first` to `last`, by kind in the order of charts.

    A range far longer than its data is cut to the days that have some.
    """
    moved = timedelta(0) if before_first is None else first - before_first
    earlier = [(each.day + moved, each.actions) for each in before]
    if (last - first).days >= MOST_DAYS:
        seen = [*(each.day for each in days), *(day for day, _n in earlier if first <= day <= last)]
        first, last = (max(first, min(seen)), min(last, max(seen))) if seen else (first, first)
    unit, starts = _bars(first, last)
    at = {start: number for number, start in enumerate(starts)}
    begins = _BEGINS[unit]

    def bar(day: date) -> int | None:
        return at[max(begins(day), first)] if first <= day <= last else None

    kinds = sorted({each.kind for each in days}, key=_order)
    values: dict[str, list[Number]] = {kind: [0] * len(starts) for kind in kinds}
    for each in days:
        if (place := bar(each.day)) is not None:
            values[each.kind][place] += each.actions
    then: list[Number] = [0] * len(starts) if earlier else []
    for day, actions in earlier:
        if (place := bar(day)) is not None:
            then[place] += actions
    placed = [(bar(day), text) for day, text in sorted(marks)]
    return Timeline(
        unit,
        starts,
        tuple(Series(kind, names(kind), [whole(n) for n in values[kind]]) for kind in kinds),
        [whole(n) for n in then],
        tuple(Mark(place, text) for place, text in placed if place is not None),
    )


def _bars(first: date, last: date) -> tuple[str, list[date]]:
    """Return what a bar stands for, and the first day of each."""
    length = (last - first).days + 1
    unit = "day" if length <= MOST_DAYS else "week" if length <= MOST_WEEKS * 7 else "month"
    starts, day = [first], _following(unit, _BEGINS[unit](first))
    while day and day <= last:
        starts.append(day)
        day = _following(unit, day)
    return unit, starts


def _following(unit: str, begin: date) -> date | None:
    """Return the first day of what follows; None after the last possible day."""
    try:
        if unit == "month":
            return (begin + timedelta(days=32)).replace(day=1)
        return begin + timedelta(days=7 if unit == "week" else 1)
    except OverflowError:
        return None


_BEGINS: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=min(day.weekday(), (day - date.min).days)),
    "month": lambda day: day.replace(day=1),
}


def _order(kind: str) -> tuple[int, str]:
    known = list(COLOURS)
    return (known.index(kind) if kind in known else len(known), kind)
