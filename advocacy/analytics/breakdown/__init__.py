"""Activation by groups: of a campaign or the organization, filtered, and beside another period.

Each figure is defined in `glossary` and comes from the same rows as `analytics.activation`, so that
the same range gives the same figure in every view. Actions, money and clicks add up over groups;
people do not.

Note: *new* refers to the days of the row. In a row of a day it counts those whose first action ever
was on that day, so that the row is what a report of that day alone says.

A day is one of the campaign's time zone. For the whole organization, actions, money and clicks are
on days of their campaigns, and people on days of the organization's own time zone (by campaign, on
those of the campaign), as in `organization_activation`.

The steps: a question (`query`) → the figures of each period are read (`executor`) under their keys
(`keys`) and added up (`accumulators`) → both periods side by side (`result`) → pages of groups
(`pagination`).
"""

from __future__ import annotations

from datetime import date

from advocacy.analytics.activation import MODELS
from advocacy.analytics.breakdown.executor import PeriodReader
from advocacy.analytics.breakdown.keys import key_of_day
from advocacy.analytics.breakdown.pagination import BadCursor, page_of, place_of
from advocacy.analytics.breakdown.query import (
    COMPARED,
    FILTERS,
    FILTERS_OF_ORGANIZATION,
    GROUPS,
    GROUPS_OF_ORGANIZATION,
    HOURS,
    NONE,
    TIMES,
    BadFilter,
    Question,
    days_of_question,
    earlier_days,
)
from advocacy.analytics.breakdown.result import (
    Breakdown,
    BreakdownAbout,
    ComparedFigures,
    ComparedPeriod,
    Group,
    GroupFigures,
    GroupMoney,
    group_of,
    total_of,
)
from advocacy.storage.models import Campaign, Organization

__all__ = [
    "COMPARED",
    "FILTERS",
    "FILTERS_OF_ORGANIZATION",
    "GROUPS",
    "GROUPS_OF_ORGANIZATION",
    "HOURS",
    "NONE",
    "TIMES",
    "BadCursor",
    "BadFilter",
    "Breakdown",
    "ComparedFigures",
    "Group",
    "GroupFigures",
    "GroupMoney",
    "Question",
    "days_read",
    "earlier_days",
    "grouped",
    "key_of_day",
    "page_of",
    "reader_of",
]


def grouped(scope: Campaign | Organization, question: Question) -> Breakdown:
    """Return the activation of a campaign or an organization by groups, all of them, in order.

    Groups of time are in order of time; others have the most actions first, those without a key
    last. A row exists if it has any figure in one of the periods. The default range is from the
    first day with data to today.

    Without filters it is read from totals and presences. With filters, by hour or with gifts, all
    actions of the range are read (see `storage.breakdowns`).

    Raises `BadRange` and `BadFilter`, and `KeyError` for an unknown model or group.
    """
    campaign = scope if isinstance(scope, Campaign) else None
    if question.model not in MODELS:
        raise KeyError(question.model)
    if question.by not in (GROUPS if campaign else GROUPS_OF_ORGANIZATION):
        raise KeyError(question.by)
    first, last = days_of_question(scope, question)
    reader = _reader(scope, question, first, last)
    period = reader.read(first, last)
    earlier = None
    if question.compare:
        earlier = reader.read(*earlier_days(first, last, question.compare))
    keys = {*period.rows, *(earlier.rows if earlier else ())}
    labels = reader.keys.labels()
    groups = [
        group_of(
            key,
            labels.get(key, "" if key == NONE else key),
            reader.keys.days_shown(key),
            period,
            earlier,
            question,
        )
        for key in keys
    ]
    return Breakdown(
        about=BreakdownAbout(campaign.slug if campaign else None, scope.name, scope.timezone),
        group_by=question.by,
        model=question.model,
        first=first,
        last=last,
        compare=ComparedPeriod(question.compare, earlier.first, earlier.last) if earlier else None,
        filters={
            name: tuple(question.filters.get(name) or ())
            for name in (FILTERS if campaign else FILTERS_OF_ORGANIZATION)
        },
        total=total_of(period, earlier, question),
        groups=tuple(sorted(groups, key=lambda group: place_of(question.by, group))),
    )


def days_read(scope: Campaign | Organization, question: Question) -> tuple[date, date] | None:
    """Return the days whose actions are all read for a question; None if totals answer it.

    Raises what `grouped` raises.
    """
    first, last = days_of_question(scope, question)
    reader = _reader(scope, question, first, last)
    if question.compare:
        first = min(first, earlier_days(first, last, question.compare)[0])
    reads_actions = question.gifts or question.by == "hour" or reader.actions.hours is not None
    return (first, last) if reads_actions else None


def reader_of(scope: Campaign | Organization, question: Question) -> PeriodReader:
    """Return what reads a question's own period. Raises `BadRange` and `BadFilter`."""
    return _reader(scope, question, *days_of_question(scope, question))


def _reader(
    scope: Campaign | Organization, question: Question, first: date, last: date
) -> PeriodReader:
    campaign = scope if isinstance(scope, Campaign) else None
    org_id = campaign.org_id if campaign else scope.id
    return PeriodReader(org_id, campaign, scope.timezone, question, first, last)
