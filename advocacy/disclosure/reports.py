"""Reports as people who are not members see them: every number in them is rounded.

A report is walked from its top, and whatever is a number in it is a cell: of a measure, in a row,
of a campaign's days. Cells are named alike in pages and mails, so both show the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from advocacy.core.events import Tier
from advocacy.disclosure.rounding import Rounding

_MEASURES = {"distinct": "supporters", "human": "clicks", "now": "actions", "before": "actions"}
_LISTS = {"by_kind": "kinds", "by_day": "kinds"}
_OF_MODEL = {"posts", "platforms", "evidence"}
_ORDERED = {"posts", "platforms", "kinds"}
_WHOLE = {"evidence", "campaigns", "rungs"}
_NAMES = ("kind", "tier", "platform", "url", "title", "rung", "from", "to", "on", "why")
_INFERRED = {Tier.REFERRER, Tier.IDENTITY}


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of some days of a campaign (its slug), or of the organization (no slug)."""

    rounding: Rounding
    model: str
    scope: str
    days: tuple[object, object]
    sides: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    slugs: Mapping[str, str] = field(default_factory=dict)

    def count(self, value: float, measure: str, row: str = "") -> float:
        return self.rounding.count(value, self.scope, *self.days, measure, row)

    def of(self, row: Mapping[str, Any]) -> _Cells:
        """Return the cells of a row: those of its own days and campaign, where it names them."""
        days = row.get("first_on", row.get("day")), row.get("last_on", row.get("day"))
        scope = self.slugs.get(row.get("campaign", ""), row.get("slug", self.scope))
        return replace(self, scope=scope, days=days if days[0] else self.days)


def shared_activation(report: Mapping[str, Any], rounding: Rounding) -> dict[str, Any]:
    """Return a campaign's activation (see `analytics.activation`) rounded, and `rounded_to`."""
    if rounding.exact:
        return {**report, "rounded_to": 0}
    days = report["from"], report["to"]
    cells = _Cells(rounding, report["model"], report["campaign"]["slug"], days)
    return {**_row(cells, report, ""), "rounded_to": rounding.base}


def shared_summary(figures: Mapping[str, Any], rounding: Rounding) -> dict[str, Any]:
    """Return what a mail says (see `weekly_summary.figures`) rounded, and `rounded_to`."""
    if rounding.exact:
        return {**figures, "rounded_to": 0}
    now = figures["first"], figures["last"]
    before = figures["before_first"], figures["before_last"]
    scope = figures["campaign"]["slug"] if figures["campaign"] else ""
    slugs = {each["name"]: each["slug"] for each in figures["campaigns"]}
    cells = _Cells(rounding, figures["model"], scope, now, {"now": now, "before": before}, slugs)
    changed = _changed(cells, figures["changed"])
    return {**_row(cells, figures, ""), "changed": changed, "rounded_to": rounding.base}


def shared_surge(figures: Mapping[str, Any], rounding: Rounding) -> dict[str, Any]:
    """Return a surge (see `surge_alerts.surge_figures`) with its counts rounded."""
    if rounding.exact:
        return {**figures, "rounded_to": 0}
    of = _Cells(rounding, "", figures["campaign"]["slug"], (figures["made_at"], ""))
    counts = {name: of.count(figures[name], name, _label(figures)) for name in ("counted", "usual")}
    return {**figures, **counts, "rounded_to": rounding.base}


def _row(of: _Cells, row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Round all numbers of a row, and compute those that follow from others again."""
    out: dict[str, Any] = {}
    for key, each in row.items():
        here = replace(of, days=of.sides.get(key, of.days))
        if key == "money":
            out[key] = [_sum(of, sum_, _givers(row, sum_), name) for sum_ in each]
        elif isinstance(each, list):
            out[key] = _rows(of, key, each, name)
        elif isinstance(each, Mapping):
            out[key] = _row(here, each, name)
        elif isinstance(each, int | float) and not isinstance(each, bool):
            out[key] = here.count(each, _MEASURES.get(key, key), name)
        else:
            out[key] = each
    if "evidence" in out:
        whole = sum(each["actions"] for each in out["evidence"])
        for each in out["evidence"]:
            each["share"] = round(each["actions"] / whole, 4) if whole else 0.0
    if "bounds" in out:
        of_tier = {each["tier"]: each["actions"] for each in out["evidence"]}
        upper = max(out["actions"] - of_tier.get(Tier.UNATTRIBUTED, 0), 0)
        lower = max(upper - sum(of_tier.get(tier, 0) for tier in _INFERRED), 0)
        out["bounds"] = {"lower": lower, "upper": upper}
    if "factor" in out:
        passed = sum(out[each] for each in ("direct", "first_share", "beyond"))
        out["factor"] = round(passed / out["direct"], 4) if out["direct"] else None
    if isinstance(row.get("by_kind"), Mapping):
        out["by_kind"] = {kind: number for kind, number in out["by_kind"].items() if number}
    return out


def _rows(of: _Cells, key: str, rows: Iterable[Any], name: str) -> list[Any]:
    """Round the rows of a list; those that nothing is left of go, unless they name a post.

    Note: they are put in order again, since the order by exact numbers would tell of these.
    """
    if key != "campaigns":
        name += f"/{of.model if key in _OF_MODEL else ''}:{_LISTS.get(key, key)}:"
    rounded = [_row(of.of(row), row, name + _label(row)) for row in rows]
    kept = [row for row in rounded if key in _WHOLE or row.get("post") or _anything(row)]
    return sorted(kept, key=_place) if key in _ORDERED else kept


def _label(row: Mapping[str, Any]) -> str:
    about = row.get("post") or row
    return str(about.get("id") or "/".join(str(about[name]) for name in _NAMES if name in about))


def _place(row: Mapping[str, Any]) -> tuple[Any, ...]:
    named = _label(row)
    number = next(row[name] for name in ("actions", "now", "climbed") if name in row)
    return not named, -number, named


def _anything(part: Any) -> bool:
    if isinstance(part, Mapping):
        return any(_anything(each) for each in part.values())
    return bool(part) if isinstance(part, int | float) else False


def _givers(row: Mapping[str, Any], sum_: Mapping[str, Any]) -> int:
    """Return how many people at most gave a row's money; a monthly gift is one person's."""
    if "donors" in row:
        return int(row["donors"])
    if isinstance(row.get("by_kind"), list):
        people_of = {each["kind"]: each["supporters"]["distinct"] for each in row["by_kind"]}
        return int(people_of.get("donation", 0))
    people, first = row["supporters"], sum_["donations"] - sum_["renewals"]["donations"]
    return int(min(people["distinct"] if isinstance(people, Mapping) else people, first))


def _sum(of: _Cells, sum_: Mapping[str, Any], people: int, name: str) -> dict[str, Any]:
    """Round a sum of money; it is shown where at least the base of people, and of gifts, gave it.

    By how many people money went back, or gifts were renewed, is not known: such amounts are not
    shown, and where money went back only the net amount is.
    """
    gifts, renewals = sum_["donations"], sum_["renewals"]
    row = f"{name}:{sum_['currency']}"
    shown = min(gifts, people) >= of.rounding.base
    whole = shown and not sum_["refunded_minor"]
    return {
        "currency": sum_["currency"],
        "gross_minor": three_digits(sum_["gross_minor"]) if whole else None,
        "refunded_minor": 0 if whole else None,
        "net_minor": three_digits(sum_["net_minor"]) if shown else None,
        "donations": of.count(gifts, "donations", row),
        "renewals": {
            "donations": of.count(renewals["donations"], "renewals", row),
            "gross_minor": None,
            "refunded_minor": None,
        },
    }


def three_digits(minor: int) -> int:
    """Round an amount to three significant digits."""
    return round(minor, min(3 - len(str(abs(minor))), 0))


def _changed(of: _Cells, changed: Mapping[str, Any]) -> dict[str, Any]:
    """Round what changed; of how many givers an amount did is not known, so none is shown."""
    of = replace(of, days=(changed["first"], changed["last"]), sides={})
    rows = []
    for row in changed["rows"]:
        then, now = (of.of(row).count(row[side], row["figure"]) for side in ("then", "now"))
        if row["figure"] != "net_minor" and then != now:
            rows.append({**row, "then": then, "now": now})
    why = _rows(of, "restated", changed["why"], "")
    hidden = len(rows) < len(changed["rows"]) or len(why) < len(changed["why"])
    return {**changed, "rows": rows, "why": why, "hidden": hidden}
