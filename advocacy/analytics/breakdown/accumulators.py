"""The figures of a row while they are added up."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(slots=True)
class Sums:
    """What adds up: units of actions, money by currency, clicks, gifts by currency."""

    units: int = 0
    credited: int = 0
    money: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * 6))
    human: int = 0
    other: int = 0
    gifts: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0]))


@dataclass(slots=True)
class Figures:
    """The sums of a row and how many people are behind it, `givers` by currency."""

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
            or any(any(each) for each in sums.money.values())
        )


@dataclass(slots=True)
class Period:
    """The figures of one period: all together, and by key."""

    first: date
    last: date
    total: Figures
    rows: dict[str, Figures]


def add(
    sums: Sums,
    row: Any,
    credited: bool,
    units: int,
    gross: int | None = None,
    refunded: int | None = None,
) -> None:
    """Add the actions of a row, and its money, or as much of that as is given."""
    sums.units += units
    # A renewal is a gift for which nobody does anything: no click led to it.
    renewal = row.renewal and row.kind == "donation"
    sums.credited += units if credited and not renewal else 0
    if row.kind == "donation":
        gross = row.gross_minor if gross is None else gross
        refunded = row.refunded_minor if refunded is None else refunded
        money = sums.money[row.currency]
        for index, amount in enumerate((gross, refunded, units)):
            money[index] += amount
            money[index + 3] += amount if renewal else 0


def add_gift(sums: Sums, row: Any, units: int, gross: int, refunded: int) -> None:
    """Add gifts: those given once by number and amount, all by what is left of them."""
    gifts = sums.gifts[row.currency]
    gifts[2] += gross - refunded
    if row.recurring:
        gifts[3] += gross - refunded
    else:
        gifts[0] += units
        gifts[1] += gross


def add_clicks(sums: Sums, row: Any) -> None:
    """Add the clicks of a row."""
    if row.human:
        sums.human += row.clicks
    else:
        sums.other += row.clicks


def put_people(figures: Figures, row: Any | None) -> None:
    """Say how many people are behind a row; they do not add up."""
    if row:
        figures.people, figures.new = row.supporters, row.new
