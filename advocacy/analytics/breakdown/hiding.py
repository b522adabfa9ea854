"""What of the figures by groups is withheld because it is about few people."""

from __future__ import annotations

from collections.abc import Mapping

from advocacy.analytics.breakdown.accumulators import Figures, Hidden
from advocacy.disclosure.suppression import withheld_parts


def withhold(rows: Mapping[str, Figures], total: Figures, least: int) -> Hidden:
    """Return what must not be shown. All of it is decided by `small_groups`.

    A row is one figure about its people: its actions follow from the total and the other rows.
    People who are in several rows make what is hidden together fewer than it seems, so one hidden
    row at least is about `least` people by itself. How a row's people divide into new and returning
    is one figure more, and what they gave in a currency another.
    """
    hidden = Hidden()
    if least < 2:
        return hidden
    hidden.total = 0 < total.people < least
    if hidden.total:
        hidden.rows = set(rows)
        return hidden
    hidden.rows, hidden.total = _hidden_of({key: row.people for key, row in rows.items()}, least)
    shown = {key: row for key, row in rows.items() if key not in hidden.rows}
    unseen = [row for key, row in rows.items() if key in hidden.rows]
    whole = {"new": total.new, "returning": total.people - total.new}
    for name, of in (("new", _new), ("returning", _returning)):
        parts, leftover = {key: of(row) for key, row in shown.items()}, sum(map(of, unseen))
        found, all_of_it = _hidden_of(parts, least, leftover)
        hidden.splits |= found
        hidden.total_split |= all_of_it or 0 < whole[name] < least
    for currency in {*total.givers, *(each for row in rows.values() for each in row.givers)}:
        parts = {key: row.givers.get(currency, 0) for key, row in shown.items()}
        leftover = sum(row.givers.get(currency, 0) for row in unseen)
        found, all_of_it = _hidden_of(parts, least, leftover)
        hidden.money |= {(key, currency) for key in found}
        if all_of_it or 0 < total.givers.get(currency, 0) < least:
            hidden.total_money.add(currency)
            hidden.money |= {(key, currency) for key in rows}
    return hidden


def _hidden_of(parts: Mapping[str, int], least: int, leftover: int = 0) -> tuple[set[str], bool]:
    """Return which parts must not be shown, and whether their sum; `leftover` is hidden already."""
    named: dict[str | None, int] = dict(parts.items())
    if leftover:
        named[None] = leftover
    found, whole = withheld_parts(named, least)
    hidden = {key for key in found if key is not None}
    if hidden and max(parts[key] for key in hidden) < least:
        more = [key for key in parts if key not in hidden and parts[key] >= least]
        hidden |= {min(more, key=lambda key: (parts[key], key))} if more else set()
    return hidden, whole


def _new(row: Figures) -> int:
    return row.new


def _returning(row: Figures) -> int:
    return row.people - row.new
