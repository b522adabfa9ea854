"""Round all numbers of a report for people who are not members.

A report is a tree of dataclasses, and each number in it is a cell: a measure of a row, on some days
of a campaign. Cells have the same names in pages and emails, so that both show the same numbers.
The metadata of a field may have:

- `measure`: what a number counts, by default the name of the field; `exact`: it is not a count.
- `label`: the field is part of the name of its row.
- `rows`: the name of a list. `by_model`: it depends on the attribution model. `ordered_by`: the
  number by which it is ordered. `keep_empty`: rows without any number are shown as well.

A row with `money` has a method `givers`, the number of people who gave a sum at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, TypeGuard, TypeVar

from advocacy.disclosure.rounding import Rounding

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from advocacy.analytics.figures import CampaignActivation, Money
    from advocacy.analytics.surges import SurgeFigures
    from advocacy.analytics.weekly_figures import Changes, WeeklySummary

    Row = TypeVar("Row", bound=DataclassInstance)


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of a campaign (its slug) or of the organization (no slug) on some days."""

    rounding: Rounding
    model: str
    scope: str
    days: tuple[object, object]
    sides: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    slugs: Mapping[str, str] = field(default_factory=dict)

    def count(self, value: float, measure: str, row: str = "") -> int | float:
        return self.rounding.count(value, self.scope, *self.days, measure, row)

    def of(self, row: object) -> _Cells:
        """Return the cells of a row, which may have days and a campaign of its own."""
        day = getattr(row, "day", None)
        days = getattr(row, "first_on", day), getattr(row, "last_on", day)
        campaign = getattr(row, "campaign", None)
        scope = getattr(row, "slug", self.slugs.get(campaign or "", self.scope))
        return replace(self, scope=scope, days=days if days[0] else self.days)


def shared_activation(report: CampaignActivation, rounding: Rounding) -> CampaignActivation:
    """Return a campaign's activation with its numbers rounded, and what they are rounded to."""
    if rounding.exact:
        return report
    days = report.first, report.last
    cells = _Cells(rounding, report.model, report.campaign.slug, days)
    return replace(_rounded(cells, report), rounded_to=rounding.base)


def shared_summary(report: WeeklySummary, rounding: Rounding) -> WeeklySummary:
    """Return a weekly summary with its numbers rounded, and what they are rounded to."""
    if rounding.exact:
        return report
    now, before = (report.first, report.last), (report.before_first, report.before_last)
    scope = report.campaign.slug if report.campaign else ""
    slugs = {each.name: each.slug for each in report.campaigns}
    cells = _Cells(rounding, report.model, scope, now, {"now": now, "before": before}, slugs)
    changed = _changed(cells, report.changed)
    return replace(_rounded(cells, report), changed=changed, rounded_to=rounding.base)


def shared_surge(report: SurgeFigures, rounding: Rounding) -> SurgeFigures:
    """Return a surge with its counts rounded, and what they are rounded to."""
    if rounding.exact:
        return report
    cells = _Cells(rounding, "", report.campaign.slug, (report.made_at.isoformat(), ""))
    return replace(_rounded(cells, report, _label(report)), rounded_to=rounding.base)


def _rounded(of: _Cells, row: Row, name: str = "") -> Row:
    """Round all numbers of a row; recalculate those that depend on others."""
    shown = replace(row, **{each.name: _value(of, row, each, name) for each in fields(row)})
    recalculated: Row = shown.recalculated() if hasattr(shown, "recalculated") else shown
    return recalculated


def _value(of: _Cells, row: DataclassInstance, of_field: Field[object], name: str) -> object:
    value, how = getattr(row, of_field.name), of_field.metadata
    of = replace(of, days=of.sides.get(of_field.name, of.days))
    match value:
        case int() | float() if not (how.get("exact") or isinstance(value, bool)):
            return of.count(value, how.get("measure", of_field.name), name)
        case Mapping():
            found = {key: of.count(number, key, name) for key, number in value.items()}
            return {key: number for key, number in found.items() if number}
        case tuple() if of_field.name == "money":
            return tuple(_money(of, each, row.givers(each), name) for each in value)  # type: ignore[attr-defined]
        case tuple():
            return _rows(of, how, value, name)
    return _rounded(of, value, name) if _is_row(value) else value


def _rows(of: _Cells, how: Mapping[str, str], rows: Iterable[Row], name: str) -> tuple[Row, ...]:
    """Round the rows of a list; remove rows without any number, unless they are about a post.

    Note: they are ordered again, as the order by exact numbers would disclose these.
    """
    if how.get("rows"):
        name += f"/{of.model if how.get('by_model') else ''}:{how['rows']}:"
    rounded = [_rounded(of.of(row), row, name + _label(row)) for row in rows]
    if not how.get("keep_empty"):
        rounded = [row for row in rounded if getattr(row, "post", None) or _has_numbers(row)]
    if by := how.get("ordered_by"):
        rounded.sort(key=lambda row: (not _label(row), -getattr(row, by), _label(row)))
    return tuple(rounded)


def _is_row(part: object) -> TypeGuard[DataclassInstance]:
    return is_dataclass(part)


def _label(row: DataclassInstance) -> str:
    """Return the name of a row, from its fields with `label`."""
    parts = [getattr(row, each.name) for each in fields(row) if "label" in each.metadata]
    names = [_label(part) if _is_row(part) else str(part) for part in parts]
    return "" if parts == [None] else "/".join(names)


def _has_numbers(part: object) -> bool:
    if isinstance(part, Mapping):
        return any(part.values())
    if _is_row(part):
        return any(_has_numbers(getattr(part, each.name)) for each in fields(part))
    return bool(part) and isinstance(part, int | float)


def _money(of: _Cells, sum_: Money, givers: int, name: str) -> Money:
    """Round a sum of money; it is shown if it has at least the base of givers and of gifts.

    How many people were refunded or renew is not known: those amounts are not shown, and with
    refunds only the net amount is.
    """
    row = f"{name}:{sum_.currency}"
    shown = min(sum_.donations, givers) >= of.rounding.base
    whole = shown and not sum_.refunded_minor
    return replace(
        sum_,
        gross_minor=three_digits(sum_.gross_minor) if whole else None,
        refunded_minor=0 if whole else None,
        net_minor=three_digits(sum_.net_minor) if shown else None,
        donations=of.count(sum_.donations, "donations", row),
        renewals=replace(
            sum_.renewals,
            donations=of.count(sum_.renewals.donations, "renewals", row),
            gross_minor=None,
            refunded_minor=None,
        ),
    )


def three_digits(minor: int | None) -> int | None:
    """Round an amount to three significant digits."""
    return minor and round(minor, min(3 - len(str(abs(minor))), 0))


def _changed(of: _Cells, changed: Changes) -> Changes:
    """Round changes; changed amounts are left out, as their number of givers is not known."""
    of = replace(of, days=(changed.first, changed.last), sides={})
    rounded = []
    for row in changed.rows:
        then, now = (of.of(row).count(getattr(row, side), row.figure) for side in ("then", "now"))
        if row.figure != "net_minor" and then != now:
            rounded.append(replace(row, then=then, now=now))
    why = _rows(of, {"rows": "restated"}, changed.why, "")
    hidden = len(rounded) < len(changed.rows) or len(why) < len(changed.why)
    return replace(changed, rows=tuple(rounded), why=why, hidden=hidden)
