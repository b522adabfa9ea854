"""Charts: one Vega-Lite definition for page, mail and PDF.

A definition is plain JSON, written here as it is sent. The page draws it with `static/vega.js`,
mail and PDF with vl-convert, from which that file is written (`make vega`).

Note: the page uses Vega's interpreter, since the Content-Security-Policy allows no `eval`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from babel import Locale

Definition = dict[str, Any]
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
    """What actions by day are called; `kinds` names the kinds, which else name themselves."""

    description: str = "Actions by day, stacked by kind; the table below says the same."
    day: str = "day"
    kind: str = "kind"
    actions: str = "actions"
    kinds: Mapping[str, str] = field(default_factory=dict)


def actions_by_day(
    days: Sequence[dict[str, Any]], first: date, last: date, words: Words | None = None
) -> Definition:
    """Return the definition of actions by day, stacked by kind.

    The axis goes from `first` to `last`, so that days without an action are seen as such.
    """
    words = words or Words()
    kinds = sorted({each["kind"] for each in days})
    called = {kind: words.kinds.get(kind, kind) for kind in kinds}
    values = [
        {**each, "day": each["day"].isoformat(), "called": called[each["kind"]]} for each in days
    ]
    if days and (last - first).days > _LONGEST_AXIS_DAYS:
        every = [each["day"] for each in days]
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
    labels = f"{json.dumps(called, ensure_ascii=False)}[datum.label]"
    encoding["color"]["legend"]["labelExpr"] = labels
    parts: Definition = {
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": encoding,
    }
    return _complete(parts, words.description)


def in_language(chart: Definition, language: str) -> Definition:
    """Return a definition whose numbers, days and months a page draws as this language does.

    The Vega of mail and PDF knows languages by name; the page's has to be told them.
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
    found: Definition = _day_first({**chart, "usermeta": {"embedOptions": options}})
    return found


def _day_first(part: Any) -> Any:
    """Write the day before the month wherever an axis shows both."""
    if isinstance(part, dict):
        return {
            name: "%-d %b" if (name, each) == ("format", _DAY_OF_AXIS) else _day_first(each)
            for name, each in part.items()
        }
    return [_day_first(each) for each in part] if isinstance(part, list) else part


def bars(
    values: Sequence[dict[str, Any]], x: str, y: str, description: str, titles: tuple[str, str]
) -> Definition:
    """Return the definition of plain bars, in the order in which the values come.

    `x` and `y` name fields of the values; `titles` are what the two are called.
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
    values: Sequence[dict[str, Any]],
    names: tuple[str, str, str],
    periods: Sequence[str],
    description: str,
    title: str,
) -> Definition:
    """Return the definition of bars that stand beside those of another period.

    `names` are the fields of a value: what it is of, how much, and of which of `periods`, of which
    there are one or two. Values are drawn in the order in which they come.
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
    points: Sequence[dict[str, Any]],
    pace: Sequence[dict[str, Any]],
    end: Sequence[dict[str, Any]],
    description: str,
    names: tuple[str, str, str],
) -> Definition:
    """Return the definition of a goal: what is reached, its pace, and a forecast's range.

    `points` and `pace` have "day" and "value", `end` has "day", "low" and "high"; `names` are what
    the three are called.
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
    """Return the definition of bars for posts: (name, kind, actions), in their order."""
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
    """Return a definition with the size and the style that all charts have."""
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
    """Return the channel of an axis of counts, which has no tick between whole numbers."""
    return {
        **_field(name, "quantitative"),
        "title": title,
        "axis": {"tickCount": 5, "tickMinStep": 1, "domain": False, "ticks": False},
    }


def _kind_colours(shown: Sequence[str]) -> Definition:
    """Return the channel of kinds: each its colour, and `shown` in the legend."""
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
