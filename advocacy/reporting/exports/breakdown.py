"""Activation by groups as a flat table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advocacy.analytics.breakdown import Breakdown, ComparedFigures, Group, GroupFigures
from advocacy.core.spreadsheets import Cell
from advocacy.reporting.exports.writers import Table, major


def table_of_groups(report: Breakdown, groups: Sequence[Group]) -> Table:
    """Return the total and these groups of a report, the total first; money in major units."""
    currencies = currencies_of(report, groups)
    headings = ["of", "key", "label", "from", "to"]
    headings += [name for name, _ in _figures(report.total, currencies)]
    if report.total.earlier:
        headings += [f"earlier_{name}" for name, _ in _figures(report.total.earlier, currencies)]
        headings += [name for name, _ in _changes(report.total, currencies)]
    total = ("total", "", "", report.first, report.last)
    rows = [(*total, *_cells(report.total, currencies))]
    for group in groups:
        about = ("group", group.key, group.label, group.first, group.last)
        rows.append((*about, *_cells(group, currencies)))
    return Table("groups", tuple(headings), tuple(rows))


def currencies_of(report: Breakdown, groups: Sequence[Group]) -> list[str]:
    """Return the currencies of the total and of these groups, in both periods."""
    every: list[GroupFigures] = []
    for row in (report.total, *groups):
        every += [row, row.earlier] if row.earlier else [row]
    return sorted({money.currency for each in every for money in each.money})


def _cells(row: ComparedFigures, currencies: Sequence[str]) -> Iterator[Cell]:
    yield from (cell for _, cell in _figures(row, currencies))
    if row.earlier:
        yield from (cell for _, cell in _figures(row.earlier, currencies))
        yield from (cell for _, cell in _changes(row, currencies))


def _figures(row: GroupFigures, currencies: Sequence[str]) -> Iterator[tuple[str, Cell]]:
    """Yield the figures of a row by their headings."""
    yield "actions", row.actions
    yield "supporters", row.supporters.distinct
    yield "new", row.supporters.new
    yield "returning", row.supporters.returning
    yield "clicks", row.clicks.human if row.clicks else None
    yield "other_clicks", row.clicks.other if row.clicks else None
    yield "conversion_rate", row.conversion_rate
    yield "activation_rate", row.activation_rate
    by_currency = {each.currency: each for each in row.money}
    for currency in currencies:
        money = by_currency.get(currency)
        average = money.average_gift_minor if money else None
        yield f"gross_{currency}", major(money.gross_minor if money else 0, currency)
        yield f"refunded_{currency}", major(money.refunded_minor if money else 0, currency)
        yield f"net_{currency}", major(money.net_minor if money else 0, currency)
        yield f"average_gift_{currency}", major(average, currency)
        yield f"donations_{currency}", money.donations if money else 0
        yield f"renewals_{currency}", money.renewals.donations if money else 0
        yield f"recurring_share_{currency}", money.recurring_share if money else None


def _changes(row: ComparedFigures, currencies: Sequence[str]) -> Iterator[tuple[str, Cell]]:
    """Yield by how much the figures of a row changed, then by what part of the earlier one."""
    change = row.change
    if change is None:
        return
    differences = {
        "actions": change.actions,
        "supporters": change.supporters,
        "new": change.new,
        "clicks": change.clicks,
        "conversion_rate": change.conversion_rate,
    }
    net = {each.currency: each for each in change.net}
    for name, each in differences.items():
        yield f"change_{name}", each.by
    for currency in currencies:
        # Without money of a currency in either period nothing changed.
        yield f"change_net_{currency}", major(net[currency].by if currency in net else 0, currency)
    for name, each in differences.items():
        yield f"change_share_{name}", each.share
    for currency in currencies:
        yield f"change_share_net_{currency}", net[currency].share if currency in net else None
