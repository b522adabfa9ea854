"""The figures of a row while they are added up. Numbers of actions are in billionths (`UNIT`)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import astuple, dataclass, field
from datetime import date
from typing import Protocol


class ActionRow(Protocol):
    """What of a row of actions decides where it is added."""

    @property
    def kind(self) -> str:
        """An `ActionKind`."""

    @property
    def renewal(self) -> bool:
        """Whether they are later payments of recurring gifts."""

    @property
    def currency(self) -> str:
        """ISO 4217, or ''."""


class GiftRow(ActionRow, Protocol):
    """The same of a row of gifts."""

    @property
    def recurring(self) -> bool:
        """Whether they belong to recurring gifts."""


class PeopleRow(Protocol):
    """Distinct supporters, and how many of them are new."""

    @property
    def supporters(self) -> int:
        """All of them."""

    @property
    def new(self) -> int:
        """Those whose first action it was."""


@dataclass(slots=True)
class MoneySums:
    """Donations in one currency; those that are renewals are counted in both."""

    gross_minor: int = 0
    refunded_minor: int = 0
    units: int = 0
    renewals_gross_minor: int = 0
    renewals_refunded_minor: int = 0
    renewals_units: int = 0

    @property
    def anything(self) -> bool:
        """Whether any sum is not zero."""
        return any(astuple(self))


@dataclass(slots=True)
class GiftSums:
    """Gifts in one currency: one-time gifts by number and gross amount, and net amounts."""

    one_time_units: int = 0
    one_time_gross_minor: int = 0
    net_minor: int = 0
    recurring_net_minor: int = 0


@dataclass(slots=True)
class Sums:
    """What adds up: actions (credited to a post, by kind), clicks, money and gifts by currency."""

    units: int = 0
    credited: int = 0
    kinds: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    money: dict[str, MoneySums] = field(default_factory=lambda: defaultdict(MoneySums))
    human: int = 0
    other: int = 0
    gifts: dict[str, GiftSums] = field(default_factory=lambda: defaultdict(GiftSums))


@dataclass(slots=True)
class RowSums:
    """The sums of a row, and how many people are behind it."""

    sums: Sums = field(default_factory=Sums)
    people: int = 0
    new: int = 0

    @property
    def anything(self) -> bool:
        """Whether any figure of the row is not zero."""
        sums = self.sums
        return bool(
            sums.units
            or sums.human
            or sums.other
            or self.people
            or any(each.anything for each in sums.money.values())
        )


@dataclass(slots=True)
class Period:
    """The sums of one period: all together, and by key."""

    first: date
    last: date
    total: RowSums
    rows: dict[str, RowSums]


def add_actions(
    sums: Sums, row: ActionRow, *, credited: bool, units: int, gross: int, refunded: int
) -> None:
    """Add actions and their money; `credited` says whether they are credited to a post."""
    sums.units += units
    sums.kinds[row.kind] += units
    # Nobody acts for a renewal, and so no click led to it.
    renewal = row.renewal and row.kind == "donation"
    sums.credited += units if credited and not renewal else 0
    if row.kind == "donation":
        money = sums.money[row.currency]
        money.gross_minor += gross
        money.refunded_minor += refunded
        money.units += units
        if renewal:
            money.renewals_gross_minor += gross
            money.renewals_refunded_minor += refunded
            money.renewals_units += units


def add_gifts(sums: Sums, row: GiftRow, *, units: int, gross: int, refunded: int) -> None:
    """Add gifts: one-time gifts by number and amount, all gifts by their net amount."""
    gifts = sums.gifts[row.currency]
    gifts.net_minor += gross - refunded
    if row.recurring:
        gifts.recurring_net_minor += gross - refunded
    else:
        gifts.one_time_units += units
        gifts.one_time_gross_minor += gross


def add_clicks(sums: Sums, clicks: int, *, human: bool) -> None:
    """Add clicks by people, or by others."""
    if human:
        sums.human += clicks
    else:
        sums.other += clicks


def set_people(row_sums: RowSums, row: PeopleRow | None) -> None:
    """Set how many people are behind a row; they do not add up."""
    if row:
        row_sums.people, row_sums.new = row.supporters, row.new
