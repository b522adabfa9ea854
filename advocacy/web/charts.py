"""Charts: one Vega-Lite definition for page, mail and PDF, and the bundle that draws it.

What a stranger would get wrong: the bundle comes out of `vl-convert-python`, so that nothing is
loaded from elsewhere; it is written once, by a process of its own, because the converter needs more
memory than a web process should have. The page draws with Vega's interpreter, since the
Content-Security-Policy allows no `eval`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt

_SNIPPET = "import embed from 'vega-embed'; window.vegaEmbed = embed;"
_WRITE = """
import sys, pathlib, vl_convert
path = pathlib.Path(sys.argv[1])
fresh = path.with_suffix('.tmp')
fresh.write_text(vl_convert.javascript_bundle(sys.argv[2]))
fresh.replace(path)
"""

COLOURS = {
    "signature": "#3056d3",
    "call": "#c2410c",
    "letter": "#7c3aed",
    "donation": "#15803d",
    "submission": "#0e7490",
    "attendance": "#a16207",
    "click": "#64748b",
    "other": "#9f1239",
}


def actions_by_day(days: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the Vega-Lite definition of actions by day, stacked by kind."""
    values = [{**each, "day": each["day"].isoformat()} for each in days]
    chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar()
        .encode(
            x=alt.X("day:T", timeUnit="utcyearmonthdate", title=None),
            y=alt.Y("actions:Q", title="actions", stack="zero"),
            color=alt.Color(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
                legend=alt.Legend(orient="top", values=sorted({each["kind"] for each in days})),
            ),
            tooltip=[
                alt.Tooltip("day:T", title="day", format="%d %b %Y"),
                alt.Tooltip("kind:N", title="kind"),
                alt.Tooltip("actions:Q", title="actions"),
            ],
        )
        .properties(width="container", height=240, background="transparent")
        .configure_view(stroke=None)
        .configure_axis(grid=True, labelFontSize=12, titleFontSize=12)
    )
    return dict(chart.to_dict(format="vega-lite"))


def bundle(var_dir: Path) -> Path:
    """Return the file with Vega, Vega-Lite and Vega-Embed; make it where it is not there yet."""
    path = var_dir.resolve() / "vega.js"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-c", _WRITE, str(path), _SNIPPET], check=True, timeout=120)
    return path
