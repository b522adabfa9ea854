"""Rebuilding everything derived from the inbox and the clicks."""

from __future__ import annotations

from collections.abc import Iterator

from bench.drain import LARGEST, rate_of
from bench.results import Row, faster
from bench.workspace import Workspace

DRAINS = 1.3


def measure(workspace: Workspace) -> Iterator[Row]:
    """Yield the rate of a rebuild against that of a drain, and the growth of its memory."""
    size = max(each for each in workspace.sizes if each <= LARGEST)
    org_id = workspace.deliver(size)
    drained = rate_of(workspace, org_id, 1)
    said = workspace.piece("rebuild", org_id)
    rate = said["done"] / said["seconds"]
    yield faster(
        f"rebuild of {size:,} deliveries", "events/s", rate, drained, "drain of the same", DRAINS
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
