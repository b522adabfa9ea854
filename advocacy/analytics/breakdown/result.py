"""The figures of a row as they are told: with rates, and beside those of another period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from advocacy.analytics.activation import recurring_share
from advocacy.analytics.breakdown.accumulators import Figures, Period
from advocacy.analytics.breakdown.query import OF_CLICKS, Question
from advocacy.storage.totals import UNIT


def told(
    period: Period, earlier: Period | None, key: str | None, question: Question
) -> dict[str, Any]:
    """Return the figures of a row, or of all where there is no key, and those beside it."""
    now = _figures(period, key, question)
    if earlier is None:
        return {**now, "earlier": None, "change": None}
    then = _figures(earlier, key, question)
    return {**now, "earlier": then, "change": _change(now, then)}


def _figures(period: Period, key: str | None, question: Question) -> dict[str, Any]:
    figures = period.total if key is None else period.rows.get(key) or Figures()
    clicks = (
        {"human": figures.sums.human, "other": figures.sums.other}
        if key is None or question.by in OF_CLICKS
        else None
    )
    human = clicks["human"] if clicks else 0
    return {
        "actions": _actions(figures.sums.units),
        "supporters": {
            "distinct": figures.people,
            "new": figures.new,
            "returning": figures.people - figures.new,
        },
        "clicks": clicks,
        "conversion_rate": _rate(figures.sums.credited / UNIT, human),
        "activation_rate": _rate(figures.people, human),
        "money": [
            _money(currency, sums, figures.sums.gifts.get(currency), question.gifts)
            for currency, sums in sorted(figures.sums.money.items())
            if any(sums)
        ],
    }


def _actions(units: int) -> int | float:
    return units // UNIT if units % UNIT == 0 else round(units / UNIT, 9)


def _rate(number: float, of: int) -> float | None:
    return round(number / of, 4) if of else None


def _money(
    currency: str, sums: Sequence[int], gifts: Sequence[int] | None, asked: bool
) -> dict[str, Any]:
    gross, refunded, units, *of_renewals = sums
    found: dict[str, Any] = {
        "currency": currency,
        "gross_minor": gross,
        "refunded_minor": refunded,
        "net_minor": gross - refunded,
        "donations": _actions(units),
        "renewals": {
            "donations": _actions(of_renewals[2]),
            "gross_minor": of_renewals[0],
            "refunded_minor": of_renewals[1],
        },
        "average_gift_minor": None,
        "recurring_share": None,
    }
    if asked and gifts:
        one_time, given, net, recurring = gifts
        found["average_gift_minor"] = round(given * UNIT / one_time) if one_time else None
        found["recurring_share"] = recurring_share(recurring, net)
    return found


def _change(now: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """Return by how much figures changed, and by what part of the earlier one."""
    nets = {each["currency"]: each["net_minor"] for each in then["money"]}
    these = {each["currency"]: each["net_minor"] for each in now["money"]}
    return {
        "actions": _changed(now["actions"], then["actions"]),
        **{
            name: _changed(now["supporters"][of], then["supporters"][of])
            for name, of in (("supporters", "distinct"), ("new", "new"))
        },
        "clicks": _changed(
            now["clicks"] and now["clicks"]["human"], then["clicks"] and then["clicks"]["human"]
        ),
        "conversion_rate": _changed(now["conversion_rate"], then["conversion_rate"]),
        "net": [
            {"currency": currency, **_changed(these.get(currency, 0), nets.get(currency, 0))}
            for currency in sorted({*these, *nets})
        ],
    }


def _changed(now: float | None, then: float | None) -> dict[str, float | None]:
    if now is None or then is None:
        return {"by": None, "share": None}
    by = now - then
    return {
        "by": by if isinstance(by, int) else round(by, 9),
        "share": round(by / abs(then), 4) if then else None,
    }
