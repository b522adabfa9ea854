"""Geometry of small pictures: sparklines, bars, strips, funnels, heat maps.

Numbers in, coordinates out; templates write the SVG (`web/templates/pictures.html`). Coordinates
are in the units of the picture's `viewBox`, which is stretched to the place it stands in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LEVELS = 5
"""How many shades a heat map has besides the one for nothing."""

_LEAST_SHOWN = 1.5
"""The least length of what is not zero, so that it can be seen."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line as the `points` of a polyline, the area below it, and its end."""

    points: str
    area: str
    end: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a strip: what it stands for, how many, where it begins and how long it is."""

    name: str
    value: float
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a funnel: its length, and its share of the step that it is compared with."""

    name: str
    value: float
    width: float
    share: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change against an earlier figure.

    `direction` is `up`, `down`, `same`, or `new` if there was nothing before; `share` is None then.
    """

    direction: str
    by: float
    share: float | None


def sparkline(
    values: Sequence[float], width: float = 96, height: float = 24, pad: float = 2
) -> Line | None:
    """Return a line through the values from zero up; None for fewer than two values."""
    if len(values) < 2:
        return None
    low, high = min(0, *values), max(0, *values)
    span = (high - low) or 1
    step = width / (len(values) - 1)
    at = [
        (
            round(number * step, 2),
            round(height - pad - (value - low) / span * (height - 2 * pad), 2),
        )
        for number, value in enumerate(values)
    ]
    points = " ".join(f"{x:g},{y:g}" for x, y in at)
    return Line(points, f"0,{height:g} {points} {width:g},{height:g}", at[-1])


def length(value: float, most: float, width: float = 100) -> float:
    """Return the length of a bar: `most` fills the width; what is not zero can be seen."""
    if value <= 0 or most <= 0:
        return 0.0
    return round(min(float(width), max(_LEAST_SHOWN, value / most * width)), 2)


def strip(
    parts: Iterable[tuple[str, float]], most: float | None = None, width: float = 100
) -> list[Segment]:
    """Return parts beside each other; together as long as their sum is of `most`, or the width."""
    shown = [(name, value) for name, value in parts if value > 0]
    everything = sum(value for _name, value in shown)
    whole = length(everything, most or everything, width)
    segments, x = [], 0.0
    for name, value in shown:
        part = value / everything * whole
        segments.append(Segment(name, value, round(x, 2), round(part, 2)))
        x += part
    return segments


def funnel(steps: Sequence[tuple[str, float, float | None]], width: float = 100) -> list[Step]:
    """Return the steps of a funnel: each (name, number, the number it is a share of, if any)."""
    most = max((value for _name, value, _of in steps), default=0)
    return [
        Step(name, value, length(value, most, width), value / of if of else None)
        for name, value, of in steps
    ]


def level(value: float | None, most: float) -> int:
    """Return the shade of a cell: 0 for nothing, `LEVELS` for the most."""
    if not value or value <= 0 or most <= 0:
        return 0
    return min(LEVELS, int(value / most * LEVELS - 1e-9) + 1)


def change(now: float | None, before: float | None) -> Change | None:
    """Return the change against an earlier figure.

    None if one of them is not known, or both are zero.
    """
    if now is None or before is None or not (now or before):
        return None
    by = now - before
    if not by:
        return Change("same", 0, 0.0)
    if before <= 0:
        return Change("new" if by > 0 and not before else "up" if by > 0 else "down", by, None)
    return Change("up" if by > 0 else "down", by, by / before)


def position(value: float, start: float, target: float, width: float = 100) -> float:
    """Return where a value stands between the start and the target of a goal."""
    if target == start:
        return width
    return round(min(width, max(0.0, (value - start) / (target - start) * width)), 2)


def curves(
    series: Sequence[Sequence[float]], steps: int, width: float = 100, height: float = 100
) -> list[str]:
    """Return the `points` of several lines on one scale from zero; each may end before `steps`."""
    most = max((value for line in series for value in line), default=0) or 1
    step = width / max(steps - 1, 1)
    return [
        " ".join(
            f"{round(number * step, 2):g},{round(height - value / most * height, 2):g}"
            for number, value in enumerate(line)
        )
        for line in series
    ]
