"""Charts: one Vega-Lite definition for page, mail and PDF, and the bundle that draws it.

What a stranger would get wrong: the bundle comes out of `vl-convert-python`, so that nothing is
loaded from elsewhere; it is written once, by a process of its own, because the converter needs more
memory than a web process should have. The page draws with Vega's interpreter, since the
Content-Security-Policy allows no `eval`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel import Locale

from advocacy.withholding import FEW

if TYPE_CHECKING:
    import altair as alt

_SNIPPET = "window.vegaEmbed = vegaEmbed;"
_WRITE = """
import os, sys, pathlib, vl_convert
path = pathlib.Path(sys.argv[1])
fresh = path.with_suffix(f'.{os.getpid()}.tmp')
fresh.write_text(vl_convert.javascript_bundle(sys.argv[2]))
fresh.replace(path)
"""

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
_FEW = "#9a6a8f"
"""The colour of kinds that are withheld and drawn as one."""


UNTOLD = "untold"
"""What days are called of which nothing is told; they have a band of the chart's full height."""
_UNTOLD = "#8a8f98"

_DAY_OF_AXIS = "%b %-d"

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
) -> dict[str, Any]:
    """Return the Vega-Lite definition of actions by day, stacked by kind.

    The axis goes from `first` to `last`, so that days without an action are seen as such. Days of
    which something is withheld (None), and not told together with the rest, have a band.
    """
    words = words or Words()
    # Imported when the first chart is drawn: it is a fifth of a web process's memory.
    import altair as alt

    told = {each["day"] for each in days if each["kind"] == FEW and each["actions"] is not None}
    untold = sorted({each["day"] for each in days if each["actions"] is None} - told)
    days = [each for each in days if each["actions"] is not None]
    kinds = [*sorted({each["kind"] for each in days}), *([UNTOLD] if untold else ())]
    called = {kind: words.kinds.get(kind, kind) for kind in kinds}
    values = [
        {**each, "day": each["day"].isoformat(), "called": called[each["kind"]]} for each in days
    ]
    if (days or untold) and (last - first).days > _LONGEST_AXIS_DAYS:
        every = [*untold, *(each["day"] for each in days)]
        first, last = min(every), max(every)
    last = min(last, date.max - timedelta(days=1))
    axis = [_beginning(first), _beginning(last + timedelta(days=1))]
    chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar()
        .encode(
            x=alt.X(
                "day:T",
                timeUnit="utcyearmonthdate",
                title=None,
                scale=alt.Scale(domain=axis),
                axis=alt.Axis(format=_DAY_OF_AXIS, grid=False, tickCount=10, labelOverlap=True),
            ),
            y=alt.Y(
                "actions:Q",
                title=words.actions,
                stack="zero",
                axis=alt.Axis(tickCount=5, tickMinStep=1, domain=False, ticks=False),
            ),
            color=alt.Color(
                "kind:N",
                title=None,
                scale=_kinds(),
                legend=alt.Legend(
                    orient="top",
                    values=kinds,
                    labelExpr=f"{json.dumps(called, ensure_ascii=False)}[datum.label]",
                ),
            ),
            tooltip=[
                alt.Tooltip("day:T", title=words.day, format="%d %b %Y"),
                alt.Tooltip("called:N", title=words.kind),
                alt.Tooltip("actions:Q", title=words.actions),
            ],
        )
    )
    drawn = _dressed(chart, words.description)
    return _with_bands(drawn, untold, words.day) if untold else drawn


def _with_bands(chart: dict[str, Any], untold: Sequence[date], day: str) -> dict[str, Any]:
    """Draw a band for each day of which nothing is told."""
    band = {
        "data": {"values": [{"day": each.isoformat()} for each in untold]},
        "mark": {"type": "rect", "opacity": 0.3},
        "encoding": {
            "y": {"value": 0},
            "y2": {"value": "height"},
            "color": {"datum": UNTOLD},
            "tooltip": [{"field": "day", "type": "temporal", "title": day, "format": "%d %b %Y"}],
        },
    }
    mark = {"mark": chart["mark"]}
    chart["encoding"]["color"]["legend"]["symbolOpacity"] = 1
    return {name: part for name, part in chart.items() if name != "mark"} | {"layer": [mark, band]}


def in_language(chart: dict[str, Any], language: str) -> dict[str, Any]:
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
    found: dict[str, Any] = _day_first({**chart, "usermeta": {"embedOptions": options}})
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
) -> dict[str, Any]:
    """Return the Vega-Lite definition of plain bars, in the order in which the values come.

    `x` and `y` name fields of the values; `titles` are what the two are called.
    """
    import altair as alt

    chart = (
        alt.Chart(alt.InlineData(values=list(values)))
        .mark_bar(color=COLOURS["signature"])
        .encode(
            x=alt.X(f"{x}:N", title=titles[0], sort=None, axis=alt.Axis(labelAngle=0, ticks=False)),
            y=alt.Y(
                f"{y}:Q",
                title=titles[1],
                axis=alt.Axis(tickCount=5, tickMinStep=1, domain=False, ticks=False),
            ),
            tooltip=[
                alt.Tooltip(f"{x}:N", title=titles[0]),
                alt.Tooltip(f"{y}:Q", title=titles[1]),
            ],
        )
    )
    return _dressed(chart, description)


def beside(
    values: Sequence[dict[str, Any]],
    names: tuple[str, str, str],
    periods: Sequence[str],
    description: str,
    title: str,
) -> dict[str, Any]:
    """Return the Vega-Lite definition of bars that stand beside those of another period.

    `names` are the fields of a value: what it is of, how much, and of which of `periods`, of which
    there are one or two. Values are drawn in the order in which they come.
    """
    import altair as alt

    of, much, period = names
    colours = [COLOURS["click"], COLOURS["signature"]][-len(periods) :]
    encoding: dict[str, Any] = {
        "x": alt.X(
            f"{of}:N",
            title=None,
            sort=None,
            axis=alt.Axis(labelAngle=-35, labelOverlap=True, labelLimit=140, ticks=False),
        ),
        "y": alt.Y(
            f"{much}:Q",
            title=title,
            axis=alt.Axis(tickCount=5, tickMinStep=1, domain=False, ticks=False),
        ),
        "color": alt.Color(
            f"{period}:N",
            title=None,
            scale=alt.Scale(domain=list(periods), range=colours),
            legend=alt.Legend(orient="top") if len(periods) > 1 else None,
        ),
        "tooltip": [alt.Tooltip(f"{name}:{kind}") for name, kind in zip(names, "NQN", strict=True)],
    }
    if len(periods) > 1:
        encoding["xOffset"] = alt.XOffset(f"{period}:N", sort=list(periods))
    chart = alt.Chart(alt.InlineData(values=list(values))).mark_bar().encode(**encoding)
    return _dressed(chart, description)


def toward(
    points: Sequence[dict[str, Any]],
    pace: Sequence[dict[str, Any]],
    end: Sequence[dict[str, Any]],
    description: str,
    names: tuple[str, str, str],
) -> dict[str, Any]:
    """Return the Vega-Lite definition of a goal: what is reached, its pace, and a forecast's range.

    `points` and `pace` have "day" and "value", `end` has "day", "low" and "high"; `names` are what
    the three are called.
    """
    import altair as alt

    lined = list(names[:2])
    lines = [
        {"day": each["day"].isoformat(), "value": each["value"], "what": name}
        for name, line in zip(lined, (points, pace), strict=True)
        for each in line
    ]
    x = alt.X(
        "day:T",
        timeUnit="utcyearmonthdate",
        title=None,
        axis=alt.Axis(format=_DAY_OF_AXIS, grid=False, tickCount=6, labelOverlap=True),
    )
    drawn = (
        alt.Chart(alt.InlineData(values=lines))
        .mark_line(strokeWidth=2.5)
        .encode(
            x=x,
            y=alt.Y(
                "value:Q",
                title=None,
                scale=alt.Scale(zero=False),
                axis=alt.Axis(tickCount=5, domain=False, ticks=False),
            ),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=lined, range=[COLOURS["signature"], COLOURS["click"]]),
                legend=alt.Legend(orient="top"),
            ),
            strokeDash=alt.StrokeDash(
                "what:N",
                legend=None,
                scale=alt.Scale(domain=lined, range=[[1, 0], [5, 4]]),
            ),
            tooltip=[
                alt.Tooltip("day:T", format="%d %b %Y"),
                alt.Tooltip("what:N"),
                alt.Tooltip("value:Q", format=","),
            ],
        )
    )
    if not end:
        return _dressed(drawn, description)
    range_ = [{**each, "day": each["day"].isoformat(), "what": names[2]} for each in end]
    area = (
        alt.Chart(alt.InlineData(values=range_))
        .mark_area(opacity=0.25)
        .encode(
            x=x,
            y=alt.Y("low:Q", title=None, scale=alt.Scale(zero=False)),
            y2="high:Q",
            # Of its own, not the colour of the lines: its sign in the legend is filled.
            fill=alt.Fill(
                "what:N",
                title=None,
                scale=alt.Scale(domain=[names[2]], range=[COLOURS["signature"]]),
                legend=alt.Legend(orient="top"),
            ),
        )
    )
    return _dressed(area + drawn, description)


def _dressed(chart: Any, description: str) -> dict[str, Any]:
    dressed = (
        chart.properties(
            description=description, width="container", height=240, background="transparent"
        )
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal")
        .configure_legend(labelFontSize=13, symbolType="square")
    )
    return dict(dressed.to_dict(format="vega-lite"))


def actions_of_posts(rows: Sequence[tuple[str, str, float]]) -> dict[str, Any]:
    """Return the Vega-Lite definition of bars for posts: (name, kind, actions), in their order."""
    import altair as alt

    names = list(dict.fromkeys(name for name, _, _ in rows))
    values = [{"post": name, "kind": kind, "actions": actions} for name, kind, actions in rows]
    chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar()
        .encode(
            y=alt.Y("post:N", title=None, sort=names, axis=alt.Axis(labelLimit=220, ticks=False)),
            x=alt.X(
                "actions:Q",
                title="actions",
                stack="zero",
                axis=alt.Axis(tickCount=5, tickMinStep=1, domain=False, ticks=False),
            ),
            color=alt.Color(
                "kind:N",
                title=None,
                scale=_kinds(),
                legend=alt.Legend(orient="top", values=sorted({kind for _, kind, _ in rows})),
            ),
        )
        .properties(
            description="Actions of posts, stacked by kind; the table says the same.",
            width="container",
            height=alt.Step(26),
            background="transparent",
        )
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal")
        .configure_legend(labelFontSize=13, symbolType="square")
    )
    return dict(chart.to_dict(format="vega-lite"))


def _kinds() -> alt.Scale:
    import altair as alt

    return alt.Scale(domain=[*COLOURS, FEW, UNTOLD], range=[*COLOURS.values(), _FEW, _UNTOLD])


def _beginning(day: date) -> alt.DateTime:
    import altair as alt

    return alt.DateTime(year=day.year, month=day.month, date=day.day, utc=True)


def bundle(var_dir: Path) -> Path:
    """Return the file with Vega, Vega-Lite and Vega-Embed; make it where it is not there yet."""
    # The name follows what it is made of, so that a newer Vega is not kept out by an older file.
    made_of = f"{version('vl-convert-python')} {_SNIPPET}"
    path = var_dir.resolve() / f"vega-{zlib.crc32(made_of.encode()):08x}.js"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-c", _WRITE, str(path), _SNIPPET], check=True, timeout=120)
    return path
