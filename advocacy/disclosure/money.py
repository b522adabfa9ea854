"""Money and donations of a row: they are shown where enough people gave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from advocacy.disclosure.rows import FEW, Row, exact, total_of
from advocacy.disclosure.suppression import withheld_parts

_MONEY = ("gross_minor", "refunded_minor", "net_minor", "donations")
_RENEWALS = ("donations", "gross_minor", "refunded_minor")


def donations_of(money: Iterable[Row]) -> dict[Any, Fraction]:
    """Return numbers of donations by currency, renewals apart; money that only moved counts one."""
    found: dict[Any, Fraction] = {}
    for each in money:
        later = exact(each["renewals"]["donations"])
        first = exact(each["donations"]) - later
        if not (first or later) and (each["gross_minor"] or each["refunded_minor"]):
            first = Fraction(1)
        found[each["currency"], "first"] = first
        found[each["currency"], "renewals"] = later
    return found


def columns_of(row: Row, few_kinds: frozenset[str]) -> dict[Any, Fraction]:
    """Return what a post's kinds and donations count, with kinds that are folded as one."""
    found: dict[Any, Fraction] = defaultdict(Fraction)
    for kind, number in row["by_kind"].items():
        if kind != "donation" or kind in few_kinds:
            found[FEW if kind in few_kinds else kind] += exact(number)
    if "donation" not in few_kinds:
        found.update(donations_of(row["money"]))
    return found


def sums_of_money(rows: Sequence[Row]) -> list[Row]:
    """Return the money of several rows as one, by currency."""
    found: dict[str, list[Row]] = defaultdict(list)
    for each in (each for row in rows for each in row["money"]):
        found[each["currency"]].append(each)
    return [
        {
            "currency": currency,
            **{name: total_of(same, name) for name in _MONEY},
            "renewals": {name: total_of((e["renewals"] for e in same), name) for name in _RENEWALS},
        }
        for currency, same in sorted(found.items())
    ]


def totals_shown(money: Sequence[Row], nothing: bool, least: int) -> list[Row]:
    """Return the sums by currency: no figure of a currency that few gave in."""
    sizes = {each["currency"]: sum(donations_of([each]).values(), Fraction(0)) for each in money}
    few, _ = withheld_parts(sizes, least)  # type: ignore[arg-type]
    out = []
    for each in money:
        kept = dict(each)
        thin = any(0 < size < least for size in donations_of([each]).values())
        if nothing or 0 < sizes[each["currency"]] < least:
            kept |= {**dict.fromkeys(_MONEY), "renewals": dict.fromkeys(_RENEWALS)}
        elif each["currency"] in few:
            # Its number is hidden so that another's cannot be had; its sums tell nothing of that.
            kept |= {"donations": None, "renewals": dict.fromkeys(_RENEWALS)}
        elif thin:
            kept |= {"renewals": dict.fromkeys(_RENEWALS)}
        out.append(kept)
    return out
