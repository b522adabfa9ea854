"""Charts as Vega-Lite definitions, the same for pages, emails and PDF.

Pages draw them with `static/vega.js`; emails and PDF with vl-convert, from which that file is built
(`make vega`).

Note: the page uses Vega's interpreter, since the Content-Security-Policy allows no `eval`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, TypeAlias

from babel import Locale

from advocacy.analytics.figures import DayFigures

Definition: TypeAlias = dict[str, Any]
"""A Vega-Lite definition, or a part of one: https://vega.github.io/vega-lite/docs/."""

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"

# Each stands out from the page in light and in dark by 3 to 1 (WCAG 1.4.11).
COLOURS = {
    "signature": "#4169e1",
    "call": "#d9480f",
    "letter": "#8b5cf6",
    "donation": "#1a8f4a",
    "submission": "#0e87a8",
    "attendance": "#b07d10",
    "click": "#75839a",
    "other": "#c02558",
}
_DAY_OF_AXIS = "%b %-d"
_DAY_OF_TOOLTIP = "%d %b %Y"

# A range much longer than this would make bars that cannot be seen; then only days with data show.
_LONGEST_AXIS_DAYS = 400


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of the chart by day; a kind that is not in `kinds` is shown as it is."""

    description: str = "Actions by day, stacked by kind; the table below says the same."
    day: str = "day"
    kind: str = "kind"
    actions: str = "actions"
    kinds: Mapping[str, str] = field(default_factory=dict)


def actions_by_day(
    days: Sequence[DayFigures], first: date, last: date, words: Words | None = None
) -> Definition:
    """Return the chart of actions by day, stacked by kind, on an axis from `first` to `last`."""
    words = words or Words()
    kinds = sorted({each.kind for each in days})
    names = {kind: words.kinds.get(kind, kind) for kind in kinds}
    values = [
        {
            "day": each.day.isoformat(),
            "kind": each.kind,
            "actions": each.actions,
            "called": names[each.kind],
        }
        for each in days
    ]
    if days and (last - first).days > _LONGEST_AXIS_DAYS:
        every = [each.day for each in days]
        first, last = min(every), max(every)
    last = min(last, date.max - timedelta(days=1))
    encoding: Definition = {
        "x": {
            **_by_day(10),
            "scale": {"domain": [_beginning(first), _beginning(last + timedelta(days=1))]},
        },
        "y": {**_counts("actions", words.actions), "stack": "zero"},
        "color": _kind_colours(kinds),
        "tooltip": [
            {**_field("day", "temporal"), "title": words.day, "format": _DAY_OF_TOOLTIP},
            {**_field("called", "nominal"), "title": words.kind},
            {**_field("actions", "quantitative"), "title": words.actions},
        ],
    }
    labels = f"{json.dumps(names, ensure_ascii=False)}[datum.label]"
    encoding["color"]["legend"]["labelExpr"] = labels
    parts: Definition = {
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": encoding,
    }
    return _complete(parts, words.description)


def in_language(chart: Definition, language: str) -> Definition:
    """Return a chart for pages with the number and date formats of a language.

    For emails and PDF, vl-convert knows the formats by the name of the language.
    """
    if language == "en":
        return chart
    locale = Locale.parse(language)
    signs = locale.number_symbols["latn"]
    days, months = locale.days["format"], locale.months["format"]
    options = {
        "formatLocale": {
            "decimal": signs["decimal"],
            "thousands": signs["group"],
            "grouping": [3],
            "currency": ["", ""],
        },
        "timeFormatLocale": {
            "dateTime": "%A %e %B %Y %X",
            "date": "%d/%m/%Y",
            "time": "%H:%M:%S",
            "periods": ["AM", "PM"],
            # Babel's week begins on Monday, D3's on Sunday.
            **{
                name: [days[width][(number - 1) % 7] for number in range(7)]
                for name, width in (("days", "wide"), ("shortDays", "abbreviated"))
            },
            **{
                name: [months[width][number] for number in range(1, 13)]
                for name, width in (("months", "wide"), ("shortMonths", "abbreviated"))
            },
        },
    }
    parts = {name: _day_first(part) for name, part in chart.items()}
    return {**parts, "usermeta": {"embedOptions": options}}


def _day_first(part: object) -> object:
    """Put the day before the month on every axis that shows both."""
    if isinstance(part, dict):
        return {
            name: "%-d %b" if (name, each) == ("format", _DAY_OF_AXIS) else _day_first(each)
            for name, each in part.items()
        }
    return [_day_first(each) for each in part] if isinstance(part, list) else part


def bars(
    values: Sequence[Definition], x: str, y: str, description: str, titles: tuple[str, str]
) -> Definition:
    """Return a bar chart with the values in their order.

    `x` and `y` are fields of the values; `titles` are their titles.
    """
    parts = {
        "data": {"values": list(values)},
        "mark": {"type": "bar", "color": COLOURS["signature"]},
        "encoding": {
            "x": {
                **_field(x, "nominal"),
                "title": titles[0],
                "sort": None,
                "axis": {"labelAngle": 0, "ticks": False},
            },
            "y": _counts(y, titles[1]),
            "tooltip": [
                {**_field(x, "nominal"), "title": titles[0]},
                {**_field(y, "quantitative"), "title": titles[1]},
            ],
        },
    }
    return _complete(parts, description)


def beside(
    values: Sequence[Definition],
    names: tuple[str, str, str],
    periods: Sequence[str],
    description: str,
    title: str,
) -> Definition:
    """Return a bar chart of one period or two, the bars of both beside each other.

    `names` are the fields of a value: category, number, and which of `periods`.
    """
    of, much, period = names
    compared = len(periods) > 1
    encoding: Definition = {
        "x": {
            **_field(of, "nominal"),
            "title": None,
            "sort": None,
            "axis": {"labelAngle": -35, "labelOverlap": True, "labelLimit": 140, "ticks": False},
        },
        "y": _counts(much, title),
        "color": {
            **_field(period, "nominal"),
            "title": None,
            "scale": {
                "domain": list(periods),
                "range": [COLOURS["click"], COLOURS["signature"]][-len(periods) :],
            },
            "legend": {"orient": "top"} if compared else None,
        },
        "tooltip": [
            _field(of, "nominal"),
            _field(much, "quantitative"),
            _field(period, "nominal"),
        ],
    }
    if compared:
        encoding["xOffset"] = {**_field(period, "nominal"), "sort": list(periods)}
    parts = {"data": {"values": list(values)}, "mark": {"type": "bar"}, "encoding": encoding}
    return _complete(parts, description)


def toward(
    points: Sequence[Definition],
    pace: Sequence[Definition],
    end: Sequence[Definition],
    description: str,
    names: tuple[str, str, str],
) -> Definition:
    """Return the chart of a goal: progress, pace line and prediction interval.

    `points` and `pace` have "day" and "value", `end` has "day", "low" and "high"; `names` are the
    names of the three.
    """
    lined = list(names[:2])
    values = [
        {"day": each["day"].isoformat(), "value": each["value"], "what": name}
        for name, line in zip(lined, (points, pace), strict=True)
        for each in line
    ]
    lines = {
        "data": {"values": values},
        "mark": {"type": "line", "strokeWidth": 2.5},
        "encoding": {
            "x": _by_day(6),
            "y": {
                **_field("value", "quantitative"),
                "title": None,
                "scale": {"zero": False},
                "axis": {"tickCount": 5, "domain": False, "ticks": False},
            },
            "color": {
                **_field("what", "nominal"),
                "title": None,
                "scale": {"domain": lined, "range": [COLOURS["signature"], COLOURS["click"]]},
                "legend": {"orient": "top"},
            },
            "strokeDash": {
                **_field("what", "nominal"),
                "scale": {"domain": lined, "range": [[1, 0], [5, 4]]},
                "legend": None,
            },
            "tooltip": [
                {**_field("day", "temporal"), "format": _DAY_OF_TOOLTIP},
                _field("what", "nominal"),
                {**_field("value", "quantitative"), "format": ","},
            ],
        },
    }
    if not end:
        return _complete(lines, description)
    range_ = [{**each, "day": each["day"].isoformat(), "what": names[2]} for each in end]
    area = {
        "data": {"values": range_},
        "mark": {"type": "area", "opacity": 0.25},
        "encoding": {
            "x": _by_day(6),
            "y": {**_field("low", "quantitative"), "title": None, "scale": {"zero": False}},
            "y2": {"field": "high"},
            # Of its own, not the colour of the lines: its sign in the legend is filled.
            "fill": {
                **_field("what", "nominal"),
                "title": None,
                "scale": {"domain": [names[2]], "range": [COLOURS["signature"]]},
                "legend": {"orient": "top"},
            },
        },
    }
    return _complete({"layer": [area, lines]}, description)


def actions_of_posts(rows: Sequence[tuple[str, str, float]]) -> Definition:
    """Return a bar chart of posts, from (name, kind, actions) in their order."""
    names = list(dict.fromkeys(name for name, _, _ in rows))
    values = [{"post": name, "kind": kind, "actions": actions} for name, kind, actions in rows]
    parts = {
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {
            "y": {
                **_field("post", "nominal"),
                "title": None,
                "sort": names,
                "axis": {"labelLimit": 220, "ticks": False},
            },
            "x": {**_counts("actions", "actions"), "stack": "zero"},
            "color": _kind_colours(sorted({kind for _, kind, _ in rows})),
        },
    }
    made = _complete(parts, "Actions of posts, stacked by kind; the table says the same.")
    return {**made, "height": {"step": 26}}


def _complete(parts: Definition, description: str) -> Definition:
    """Return a chart with the size and style of all charts."""
    return {
        "$schema": _SCHEMA,
        "description": description,
        "width": "container",
        "height": 240,
        "background": "transparent",
        "config": {
            "view": {"stroke": None},
            "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
            "legend": {"labelFontSize": 13, "symbolType": "square"},
        },
        **parts,
    }


def _field(name: str, type_: str) -> Definition:
    return {"field": name, "type": type_}


def _by_day(ticks: int) -> Definition:
    """Return the channel of an axis of days."""
    return {
        **_field("day", "temporal"),
        "timeUnit": "utcyearmonthdate",
        "title": None,
        "axis": {"format": _DAY_OF_AXIS, "grid": False, "tickCount": ticks, "labelOverlap": True},
    }


def _counts(name: str, title: str) -> Definition:
    """Return the channel of an axis of counts, with ticks at whole numbers only."""
    return {
        **_field(name, "quantitative"),
        "title": title,
        "axis": {"tickCount": 5, "tickMinStep": 1, "domain": False, "ticks": False},
    }


def _kind_colours(shown: Sequence[str]) -> Definition:
    """Return the channel of kinds: a colour for each, and `shown` in the legend."""
    return {
        **_field("kind", "nominal"),
        "title": None,
        "scale": {
            "domain": list(COLOURS),
            "range": list(COLOURS.values()),
        },
        "legend": {"orient": "top", "values": list(shown)},
    }


def _beginning(day: date) -> Definition:
    return {"year": day.year, "month": day.month, "date": day.day, "utc": True}
