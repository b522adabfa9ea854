"""Which figures are withheld because they are about few people, also by difference.

Pure. `withheld` is the one function by which every page, answer and export decides. It hides what
is about fewer than `least` people (nobody is not a small group: zeros are shown), and then as much
more as is needed so that nothing hidden can be had from what is shown by adding and subtracting:

1. a figure that what is shown determines is joined by the next smallest of the same sum, until
   none is determined (decided by the rank of the sums over what is hidden, so that it holds for
   sums that cross each other, too); what turns out not to be needed for that is shown after all;
2. hidden figures whose sum is shown, or follows from what is shown, are together about at least
   `least` people.

What a stranger would get wrong: the sums have to be given, also those whose other part is never
shown. Of 100 people 99 came back: that one did not is a figure about one person, so "did not come
back" has to be among the figures. And this is about one answer: who asks for many ranges of days,
or again and again, can still compare them. So a page that anybody may see has a range that she does
not choose, of days that are over, and stays the same for a day (`web/view_links`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)

_ROUNDED = Fraction(1, 10**6)
"""By how much sums of shares of actions, told to the billionth, may miss."""


class Sum(NamedTuple):
    """That one figure is the sum of others, each named by its key."""

    whole: Any
    parts: tuple[Any, ...]


def withheld(
    people: Mapping[K, int],
    sums: Sequence[Sum],
    least: int,
    *,
    told: Set[K] = frozenset(),
    untold: Set[K] = frozenset(),
    few: Set[K] = frozenset(),
) -> frozenset[K]:
    """Return the keys of the figures that must not be shown.

    `people` is how many people each figure is about. What stands elsewhere and stays is `told`;
    what nobody is shown, but sums with what is, is `untold`: neither is returned. Where the numbers
    are of something else than people, `few` are those that are about few people all the same. With
    `least` below 2 nothing is withheld. Raises `KeyError` for a sum of what is not among the
    figures, `ValueError` for one that is none by more than shares of actions are rounded.
    """
    if least < 2:
        return frozenset()
    for each in sums:
        if abs(people[each.whole] - sum(people[part] for part in each.parts)) > _ROUNDED:
            raise ValueError(f"{each.whole} is not the sum of its parts")
    small = {
        key
        for key, number in people.items()
        if (0 < number < least or (number and key in few)) and key not in told
    }
    # What follows from what stands elsewhere is as good as shown, so hiding it hides nothing.
    seen = told | _followed(people, sums, told)
    hidden = {key for key in small | untold if people[key]} - seen
    places = {key: place for place, key in enumerate(people)}
    safe, added = untold - small, list[K]()
    while hidden and (open_to := _told(people, sums, hidden, safe, few, least)):
        # The smallest figure is the least loss; a part before a whole, then in the order given.
        more = _next(people, sums, hidden, seen, open_to, places)
        if more is None:
            return frozenset((small | hidden) - untold)
        hidden.add(more)
        added.append(more)
    # What was hidden early on may not be needed any more. The largest is the most to get back.
    for key in sorted(added[:-1], key=lambda key: -people[key]):
        without = hidden - {key}
        while (one := _told(people, sums, without, safe, few, least)) and len(one) == 1:
            if one & small:
                break
            without -= one
        if not one:
            hidden = without
    return frozenset((small | hidden) - untold)


def withheld_parts(parts: Mapping[K, int], least: int) -> tuple[frozenset[K], bool]:
    """Return which parts of one sum must not be shown, and whether the sum itself must not."""
    whole = object()
    hidden = withheld({**parts, whole: sum(parts.values())}, [Sum(whole, tuple(parts))], least)
    return frozenset(key for key in parts if key in hidden), whole in hidden


def withheld_crossing(
    cells: Mapping[tuple[Any, Any], int], least: int
) -> tuple[frozenset[tuple[Any, Any]], frozenset[Any]]:
    """Return which cells (row, column) of a table must not be shown, and which columns' sums.

    The sums of rows stand elsewhere and stay. A column's sum is told where it can be, for which
    other cells of it are hidden rather. It takes time by the number of cells and not by its square.

    A hidden cell follows from the sums exactly where it is the only way between the row and the
    column: cells are the edges of a graph, and columns whose sums are not told are one knot of it.
    """
    sums: dict[Any, int] = {}
    for (_, column), number in cells.items():
        sums[column] = sums.get(column, 0) + number
    untold = set(withheld_parts(sums, least)[0])
    hidden = {cell for cell, number in cells.items() if 0 < number < least}
    smallest = sorted((cell for cell in cells if cells[cell]), key=lambda cell: cells[cell])
    ranks = {cell: rank for rank, cell in enumerate(smallest)}
    at: dict[Any, list[tuple[Any, Any]]] = {}
    for cell in smallest:
        for end in ("row", cell[0]), ("column", cell[1]):
            at.setdefault(end, []).append(cell)
    more = True
    while more:
        hidden |= {cell for cell, number in cells.items() if number and cell[1] in untold}
        knots = _knots(hidden, untold)
        bridges = _bridges(knots)
        more = any(
            _joined(lonely, at, ranks, hidden, untold)
            for lonely in (
                _thin(knots, cells, least),
                [{("row", row), ("column", column)} for row, column in bridges],
                (_side(knots, cell) for cell in bridges if cells[cell] < least),
            )
        )
    return frozenset(hidden), frozenset(untold)


def _joined(
    lonely: Iterable[set[Any]],
    at: Mapping[Any, Sequence[tuple[Any, Any]]],
    ranks: Mapping[tuple[Any, Any], int],
    hidden: set[tuple[Any, Any]],
    untold: set[Any],
) -> bool:
    """Hide one more cell of each of these rows and columns, else the column's sum; says if any.

    `at` has the cells of each row and column, the smallest first.
    """
    found = False
    for ends in lonely:
        near = [cell for end in ends for cell in at.get(end, ()) if cell not in hidden]
        columns = {name for kind, name in ends if kind == "column"} - untold - {None}
        if near:
            hidden.add(min(near, key=lambda cell: ranks[cell]))
        elif columns:
            untold.add(min(columns, key=lambda name: ranks[at["column", name][-1]]))
        else:
            continue
        found = True
    return found


def _knots(hidden: set[tuple[Any, Any]], untold: set[Any]) -> dict[Any, list[tuple[Any, Any]]]:
    """Return which rows and columns hidden cells join, and by which cell."""
    knots: dict[Any, list[tuple[Any, tuple[Any, Any]]]] = {}
    for cell in hidden:
        ends = ("row", cell[0]), ("column", None if cell[1] in untold else cell[1])
        for end, other in (ends, ends[::-1]):
            knots.setdefault(end, []).append((other, cell))
    return knots


def _thin(
    knots: Mapping[Any, list[tuple[Any, Any]]], cells: Mapping[tuple[Any, Any], int], least: int
) -> list[set[Any]]:
    """Return the rows and columns of which one cell alone is hidden, or too little."""
    return [
        {knot}
        for knot, ways in knots.items()
        if len(ways) == 1 or sum(cells[cell] for _, cell in ways) < least
    ]


def _side(knots: Mapping[Any, list[tuple[Any, Any]]], bridge: Any) -> set[Any]:
    """Return the rows and columns on that side of a bridge on which all sums are told."""
    side = {("row", bridge[0])}
    left = list(side)
    while left:
        for other, cell in knots[left.pop()]:
            if cell != bridge and other not in side:
                side.add(other)
                left.append(other)
    return side if ("column", None) not in side else knots.keys() - side


def _bridges(knots: Mapping[Any, list[tuple[Any, Any]]]) -> list[Any]:
    """Return the edges without which their ends would not be joined (R. E. Tarjan, 1974)."""
    seen: dict[Any, int] = {}
    low: dict[Any, int] = {}
    found: list[Any] = []
    for root in knots:
        if root in seen:
            continue
        seen[root] = low[root] = len(seen)
        way = [(root, None, iter(knots[root]))]
        while way:
            knot, came_by, left = way[-1]
            for other, edge in left:
                if edge == came_by:
                    continue
                if other not in seen:
                    seen[other] = low[other] = len(seen)
                    way.append((other, edge, iter(knots[other])))
                    break
                low[knot] = min(low[knot], seen[other])
            else:
                way.pop()
                if way:
                    before = way[-1][0]
                    low[before] = min(low[before], low[knot])
                    if low[knot] > seen[before]:
                        found.append(came_by)
    return found


def _followed(people: Mapping[K, int], sums: Sequence[Sum], told: Set[K]) -> set[K]:
    """Return what can be worked out of what stands elsewhere alone."""
    if not told:
        return set()
    columns = [key for key, number in people.items() if number and key not in told]
    held = (
        [key for key, factor in zip(columns, row, strict=True) if factor]
        for row in reduced(_rows(sums, columns))
    )
    return {keys[0] for keys in held if len(keys) == 1}


def _told(
    people: Mapping[K, int],
    sums: Sequence[Sum],
    hidden: set[K],
    safe: Set[K],
    few: Set[K],
    least: int,
) -> set[K]:
    """Return hidden figures of which what is shown tells too much: each, or their small sum.

    What is `safe` is not shown, and yet may be known.
    """
    columns = [key for key in people if key in hidden]
    rows = _rows(sums, columns)
    for row in [*rows, *reduced(rows)]:
        held = [(key, factor) for key, factor in zip(columns, row, strict=True) if factor]
        if len(held) == 1 and held[0][0] in safe:
            continue
        same = all(factor > 0 for _, factor in held) or all(factor < 0 for _, factor in held)
        keys = {key for key, _ in held}
        too_few = len(keys) == 1 or sum(people[key] for key in keys) < least or keys <= few
        if held and same and too_few:
            return keys
    return set()


def _rows(sums: Sequence[Sum], columns: Sequence[K]) -> list[list[Fraction]]:
    return [row for each in sums if any(row := [_sign(each, key) for key in columns])]


def _sign(each: Sum, key: object) -> Fraction:
    return Fraction((each.whole == key) - sum(part == key for part in each.parts))


def reduced(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    """Return a matrix in reduced row echelon form: a row with one column determines it."""
    rows, done = [list(row) for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((at for at in range(done, len(rows)) if rows[at][column]), None)
        if pivot is None:
            continue
        rows[done], rows[pivot] = rows[pivot], rows[done]
        factor = rows[done][column]
        rows[done] = [value / factor for value in rows[done]]
        for at, row in enumerate(rows):
            if at != done and (factor := row[column]):
                rows[at] = [a - factor * b for a, b in zip(row, rows[done], strict=True)]
        done += 1
    return rows[:done]


def _next(
    people: Mapping[K, int],
    sums: Sequence[Sum],
    hidden: set[K],
    seen: Set[K],
    open_to: set[K],
    places: Mapping[K, int],
) -> K | None:
    """Return the shown figure to hide next: of the same sums, else of any that hides something."""
    for near in (open_to, hidden):
        found = {
            (people[key], key == each.whole, places[key]): key
            for each in sums
            if near & {each.whole, *each.parts}
            for key in (each.whole, *each.parts)
            if key not in hidden and key not in seen and people[key]
        }
        if found:
            least: K = found[min(found)]
            return least
    return None
