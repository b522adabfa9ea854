"""The figures of activation by groups: with rates, and beside those of another period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from advocacy.analytics.activation import recurring_share
from advocacy.analytics.breakdown.accumulators import GiftSums, MoneySums, Period, RowSums
from advocacy.analytics.breakdown.query import OF_CLICKS, Question
from advocacy.analytics.figures import Clicks, People, Renewals
from advocacy.core.cells import UNIT


@dataclass(frozen=True, slots=True)
class GroupMoney:
    """Donations in one currency; the average gift and the recurring share only if asked for."""

    currency: str
    gross_minor: int
    refunded_minor: int
    donations: int | float
    renewals: Renewals
    average_gift_minor: int | None = None
    recurring_share: float | None = None

    @property
    def net_minor(self) -> int:
        """Gross minus refunded."""
        return self.gross_minor - self.refunded_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFigures:
    """Figures of some days; clicks are None where actions are grouped by what no click has.

    A rate is None without clicks to calculate it from.
    """

    actions: int | float
    supporters: People
    clicks: Clicks | None
    conversion_rate: float | None
    activation_rate: float | None
    money: tuple[GroupMoney, ...]
    by_kind: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much a figure changed, and by what part of the earlier one."""

    by: int | float | None
    share: float | None


@dataclass(frozen=True, slots=True)
class NetDifference:
    """By how much the net amount in a currency changed, in minor units."""

    currency: str
    by: int
    share: float | None


@dataclass(frozen=True, slots=True)
class GroupChange:
    """How the figures of a period differ from those of the earlier one."""

    actions: Difference
    supporters: Difference
    new: Difference
    clicks: Difference
    conversion_rate: Difference
    net: tuple[NetDifference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedFigures(GroupFigures):
    """Figures of some days, and those of the period they are compared with, if any."""

    earlier: GroupFigures | None = None
    change: GroupChange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(ComparedFigures):
    """The figures of one group; `first` and `last` are the days of a day, week or month."""

    key: str
    label: str
    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class BreakdownAbout:
    """The campaign, or without one the organization, that a breakdown is about."""

    campaign: str | None
    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class ComparedPeriod:
    """The period that a breakdown is compared with, and how it was chosen."""

    how: str
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """Activation by groups, all of them, in order."""

    about: BreakdownAbout
    group_by: str
    model: str
    first: date
    last: date
    compare: ComparedPeriod | None
    filters: Mapping[str, tuple[str, ...]]
    total: ComparedFigures
    groups: tuple[Group, ...]
    counted_at: datetime | None = None


def total_of(period: Period, earlier: Period | None, question: Question) -> ComparedFigures:
    """Return the figures of all groups together."""
    now = _figures(period.total, question, with_clicks=True)
    then = _figures(earlier.total, question, with_clicks=True) if earlier else None
    return ComparedFigures(
        actions=now.actions,
        supporters=now.supporters,
        clicks=now.clicks,
        conversion_rate=now.conversion_rate,
        activation_rate=now.activation_rate,
        money=now.money,
        by_kind=now.by_kind,
        earlier=then,
        change=_change(now, then) if then else None,
    )


def group_of(
    key: str,
    label: str,
    days: tuple[date, date] | None,
    period: Period,
    earlier: Period | None,
    question: Question,
) -> Group:
    """Return the figures of the group with this key."""
    with_clicks = question.by in OF_CLICKS
    now = _figures(period.rows.get(key) or RowSums(), question, with_clicks=with_clicks)
    then = None
    if earlier:
        then = _figures(earlier.rows.get(key) or RowSums(), question, with_clicks=with_clicks)
    return Group(
        key=key,
        label=label,
        first=days[0] if days else None,
        last=days[1] if days else None,
        actions=now.actions,
        supporters=now.supporters,
        clicks=now.clicks,
        conversion_rate=now.conversion_rate,
        activation_rate=now.activation_rate,
        money=now.money,
        by_kind=now.by_kind,
        earlier=then,
        change=_change(now, then) if then else None,
    )


def _figures(row: RowSums, question: Question, *, with_clicks: bool) -> GroupFigures:
    sums = row.sums
    human = sums.human if with_clicks else 0
    return GroupFigures(
        actions=_actions(sums.units),
        supporters=People(row.people, row.new, row.people - row.new),
        clicks=Clicks(sums.human, sums.other) if with_clicks else None,
        conversion_rate=_rate(sums.credited / UNIT, human),
        activation_rate=_rate(row.people, human),
        money=tuple(
            _money(currency, each, sums.gifts.get(currency) if question.gifts else None)
            for currency, each in sorted(sums.money.items())
            if each.anything
        ),
        by_kind={kind: _actions(units) for kind, units in sorted(sums.kinds.items()) if units},
    )


def _actions(units: int) -> int | float:
    return units // UNIT if units % UNIT == 0 else round(units / UNIT, 9)


def _rate(number: float, of: int) -> float | None:
    return round(number / of, 4) if of else None


def _money(currency: str, sums: MoneySums, gifts: GiftSums | None) -> GroupMoney:
    average = share = None
    if gifts:
        share = recurring_share(gifts.recurring_net_minor, gifts.net_minor)
        if gifts.one_time_units:
            average = round(gifts.one_time_gross_minor * UNIT / gifts.one_time_units)
    return GroupMoney(
        currency=currency,
        gross_minor=sums.gross_minor,
        refunded_minor=sums.refunded_minor,
        donations=_actions(sums.units),
        renewals=Renewals(
            donations=_actions(sums.renewals_units),
            gross_minor=sums.renewals_gross_minor,
            refunded_minor=sums.renewals_refunded_minor,
        ),
        average_gift_minor=average,
        recurring_share=share,
    )


def _change(now: GroupFigures, then: GroupFigures) -> GroupChange:
    net_now = {each.currency: each.net_minor for each in now.money}
    net_then = {each.currency: each.net_minor for each in then.money}
    return GroupChange(
        actions=_difference(now.actions, then.actions),
        supporters=_difference(now.supporters.distinct, then.supporters.distinct),
        new=_difference(now.supporters.new, then.supporters.new),
        clicks=_difference(
            now.clicks.human if now.clicks else None, then.clicks.human if then.clicks else None
        ),
        conversion_rate=_difference(now.conversion_rate, then.conversion_rate),
        net=tuple(
            _net_difference(currency, net_now.get(currency, 0), net_then.get(currency, 0))
            for currency in sorted({*net_now, *net_then})
        ),
    )


def _difference(now: float | None, then: float | None) -> Difference:
    if now is None or then is None:
        return Difference(None, None)
    by = now - then
    return Difference(by if isinstance(by, int) else round(by, 9), _part(by, then))


def _net_difference(currency: str, now: int, then: int) -> NetDifference:
    return NetDifference(currency, now - then, _part(now - then, then))


def _part(by: float, then: float) -> float | None:
    return round(by / abs(then), 4) if then else None
