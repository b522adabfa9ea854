"""Days by kind are a table: sums of kinds are known, those of days are told where they can be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from advocacy.disclosure.rows import FEW, Row, exact, total_of
from advocacy.disclosure.suppression import withheld_crossing


def days_shown(by_day: Sequence[Row], few_kinds: frozenset[str], least: int) -> list[Row]:
    """Return the days by kind. What is not told of a day by its kind is told together, as `FEW`.

    Where that is not either, all kinds of the day are None.
    """
    cells: dict[tuple[str, Any], Fraction] = defaultdict(Fraction)
    for each in by_day:
        kind = FEW if each["kind"] in few_kinds else each["kind"]
        cells[kind, each["day"]] += exact(each["actions"])
    hidden, untold = withheld_crossing(cells, least)  # type: ignore[arg-type]
    shown: dict[tuple[str, Any], float | None] = {}
    rest: dict[Any, Fraction] = defaultdict(Fraction)
    for cell, number in cells.items():
        shown[cell] = None if cell in hidden else total_of([{"n": number}], "n")
        if cell in hidden and cell[1] not in untold:
            rest[cell[1]] += number
    for day, number in rest.items():
        more = Fraction(0) if (FEW, day) in hidden else cells.get((FEW, day), Fraction(0))
        shown[FEW, day] = total_of([{"n": number + more}], "n")
    rows = [{"day": day, "kind": kind, "actions": n} for (kind, day), n in shown.items()]
    return sorted(rows, key=lambda row: (row["day"], row["kind"]))
