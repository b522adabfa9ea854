"""Rebuilding everything derived from the inbox and the clicks."""

from __future__ import annotations

from collections.abc import Iterator

from bench.drain import LARGEST, drained
from bench.results import Row, below
from bench.workspace import Workspace

SECONDS_A_MILLION = 120.0


def measure(place: Workspace) -> Iterator[Row]:
    """Yield the duration of a rebuild and the growth of its memory, scaled to a million actions."""
    size = max(each for each in place.sizes if each <= LARGEST)
    said = place.piece("rebuild", drained(place, size))
    seconds = said["seconds"] * 1_000_000 / said["done"]
    scaled = "" if size == LARGEST else f"; scaled up from {size:,} in {said['seconds']:.1f} s"
    yield below(
        "rebuild, for each million deliveries",
        "s",
        seconds,
        SECONDS_A_MILLION,
        f"{said['done'] / said['seconds']:,.0f}/s{scaled}",
    )
    if not said["early_mb"] or said["most_mb"] is None:
        return
    growth = said["most_mb"] / said["early_mb"]
    yield Row(
        "rebuild, memory",
        round(said["most_mb"]),
        "MB",
        compared_to=f"at a tenth of the way: {said['early_mb']:.0f} MB",
        ratio=round(growth, 2),
        target="flat: ≤ 1.2 × of it",
        met=growth <= 1.2,
        note=f"{said['done']:,} deliveries",
    )
