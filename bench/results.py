"""Results: a table, a JSON file, a picture.

Note: what could not be measured is a row as well, with its reason; and `met` is None if a target
does not apply to this machine or size.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import vl_convert
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `ratio` is the figure divided by what it is compared with; larger is better.

    `series` and `size` position it in the picture.
    """

    name: str
    value: float | None
    unit: str
    compared_to: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    note: str = ""
    series: str = ""
    size: int | None = None


def unmeasured(name: str, unit: str, why: str, target: str = "", compared_to: str = "") -> Row:
    """Return the row of a figure that cannot be measured here, with the reason."""
    note = f"not measured: {why}"
    return Row(name, None, unit, compared_to=compared_to, target=target, note=note)


def faster(name: str, unit: str, ours: float, other: float, than: str, least: float) -> Row:
    """Return the row of a rate, which has to be at least `least` times another one."""
    ratio = ours / other if other else None
    target = f"≥ {least:.0%}" if least < 1 else f"≥ {least:g} ×"
    return Row(
        name,
        round(ours, 1),
        unit,
        compared_to=f"{than}: {other:,.0f} {unit}",
        ratio=None if ratio is None else round(ratio, 3),
        target=f"{target} of it",
        met=None if ratio is None else ratio >= least,
    )


def below(name: str, unit: str, value: float, most: float, note: str = "", **more: Any) -> Row:
    """Return the row of a figure that has to stay below a limit."""
    target = f"< {most:g} {unit}"
    return Row(name, round(value, 2), unit, target=target, met=value < most, note=note, **more)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of all lies, by nearest rank.

    Raises `ValueError` if there are no values.
    """
    if not values:
        raise ValueError("no values")
    rank = math.ceil(round(len(values) * share, 9))
    return sorted(values)[max(rank, 1) - 1]


def write(folder: Path, machine: Mapping[str, Any], rows: Sequence[Row]) -> Path:
    """Write `bench.json`, and `bench.png` if a size was varied; return the path of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "bench.json"
    path.write_text(
        json.dumps({"machine": dict(machine), "rows": [asdict(row) for row in rows]}, indent=2)
        + "\n"
    )
    if chart := picture(rows):
        (folder / "bench.png").write_bytes(vl_convert.vegalite_to_png(chart, scale=2))
    return path


def picture(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Return a Vega-Lite plot with one panel for each series, or None."""
    panels = []
    for series in dict.fromkeys(row.series for row in rows if row.series):
        points = [
            {"size": row.size, "value": row.value}
            for row in rows
            if row.series == series and row.value is not None
        ]
        if not points:
            continue
        unit = next(row.unit for row in rows if row.series == series)
        panels.append(
            {
                "title": series,
                "width": 320,
                "height": 220,
                "data": {"values": points},
                "mark": {"type": "line", "point": True},
                "encoding": {
                    "x": {
                        "field": "size",
                        "type": "quantitative",
                        "scale": {"type": "log"},
                        "title": "actions",
                        "axis": {"format": "~s"},
                    },
                    "y": {
                        "field": "value",
                        "type": "quantitative",
                        "scale": {"domainMin": 0},
                        "title": unit,
                    },
                },
            }
        )
    return {"hconcat": panels} if panels else None


def _shown(row: Row) -> str:
    if row.value is None:
        return "–"
    places = 0 if abs(row.value) >= 100 or row.value == int(row.value) else 2
    return f"{row.value:,.{places}f} {row.unit}"


def show(machine: Mapping[str, Any], rows: Sequence[Row], console: Console) -> None:
    """Print the machine and the table."""
    console.print("; ".join(f"{name} {value}" for name, value in machine.items()), style="dim")
    table = Table(show_lines=True)
    for heading in ("what", "measured", "compared to", "ratio", "target", "met"):
        table.add_column(heading, justify="right" if heading in {"measured", "ratio"} else "left")
    for row in rows:
        table.add_row(
            row.name,
            _shown(row),
            "\n".join(filter(None, (row.compared_to, row.note))),
            "" if row.ratio is None else f"{row.ratio:.3g}",
            row.target,
            {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[row.met],
        )
    console.print(table)
