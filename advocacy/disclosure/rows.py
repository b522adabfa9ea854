"""What figures are about, and rows that are about few people and become one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Any

FEW = "few"
"""What kinds are called together that few people each did."""
Row = dict[str, Any]
NOBODY = {"distinct": None, "new": None, "returning": None}


def about(row: Mapping[str, Any]) -> int:
    """Return how many people a row is about: as counted, else no more than it has actions."""
    known: int = row["supporters"]["distinct"]
    moved = any(each["gross_minor"] or each["refunded_minor"] for each in row.get("money", ()))
    return known or ceil(row["actions"]) or int(moved)


def people_shown(people: Mapping[str, int], least: int) -> dict[str, int | None]:
    """Return people, without who is new and who came back where either is few."""
    if any(0 < people[name] < least for name in ("new", "returning")):
        return {"distinct": people["distinct"], "new": None, "returning": None}
    return dict(people)


def exact(number: float) -> Fraction:
    """Return a number of actions so that shares of one add up; they are told to the billionth."""
    return Fraction(round(number * 10**9), 10**9)


def fold_of(rows: Sequence[Row], everybody: int, least: int) -> set[int]:
    """Return the places of the rows that become one, so that it is about at least `least`."""
    sizes = [about(row) for row in rows]
    few = {at for at, size in enumerate(sizes) if 0 < size < least}
    while few:
        shown = sum(size for at, size in enumerate(sizes) if at not in few)
        together = max(max(sizes[at] for at in few), everybody - shown)
        left = [at for at, size in enumerate(sizes) if size and at not in few]
        if (len(few) > 1 and together >= least) or not left:
            break
        few.add(min(left, key=lambda at: (sizes[at], at)))
    return few


def with_fold(
    rows: Sequence[Row], few: set[int], least: int, as_one: Callable[[list[Row]], Row]
) -> list[Row]:
    """Return the rows that stay, and at the end one for those that do not."""
    shown = [
        {**row, "supporters": people_shown(row["supporters"], least)}
        for at, row in enumerate(rows)
        if at not in few
    ]
    if few:
        shown.append({**as_one([rows[at] for at in sorted(few)]), "folded": len(few)})
    return shown


def total_of(rows: Iterable[Mapping[str, Any]], name: str) -> float:
    """Return the exact sum of a figure over rows."""
    total = sum((exact(row[name]) for row in rows), Fraction(0))
    return int(total) if total.denominator == 1 else round(float(total), 9)


def blank_of(
    rows: Sequence[Mapping[Any, Fraction]], least: int, gone: frozenset[int] = frozenset()
) -> set[int]:
    """Return the rows whose figures are not shown, so that what is left of a column is enough.

    `gone` are rows that nobody shows anyway.
    """
    blank = {at for at, row in enumerate(rows) if any(0 < size < least for size in row.values())}
    blank |= {at for at in gone if any(rows[at].values())}
    while blank:
        left: dict[Any, Fraction] = defaultdict(Fraction)
        for at in blank:
            for column, size in rows[at].items():
                left[column] += size
        thin = {column for column, size in left.items() if 0 < size < least}
        near = [
            at
            for at, row in enumerate(rows)
            if at not in blank and any(row.get(column) for column in thin)
        ]
        if not near:
            break
        blank.add(min(near, key=lambda at: (sum(rows[at].values()), at)))
    return blank
