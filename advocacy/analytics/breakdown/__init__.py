"""④ Activation by groups: of a campaign or the organization, filtered, and beside another period.

Each figure is defined in `definitions` and stands on the same rows as `report.activation`, so that
the same range gives the same figure in every view. Actions, money and clicks add up over groups;
people do not.

Note: *new* is about the days that a row is of. In a row of a day it says
whose first action of all was on that day, so that the row is what a report of that day alone says.

A day is one of the campaign's zone. For the whole organization actions, money and clicks stand on
the days of their campaigns, and people of the organization on days of its own zone (by campaign, on
its campaign's); so it is in `report.organization_activation`.

The way: a `question` is looked at → the figures of each period are read from the store (`reading`)
under their `keys` and added up (`figures`) → what is about few people is taken out (`hiding`) →
`telling` puts both periods side by side, and `paging` cuts the groups into pages.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

from advocacy.analytics.activation import MODELS
from advocacy.analytics.breakdown.executor import Reading
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
    days_asked,
    earlier_days,
)
from advocacy.analytics.breakdown.result import told
from advocacy.core.distinct import GRAINS_OF_ORGANIZATION
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
    "Question",
    "days_read",
    "earlier_days",
    "grouped",
    "key_of_day",
    "page_of",
]


def grouped(scope: Campaign | Organization, question: Question) -> dict[str, Any]:
    """Return the activation of a campaign or an organization by groups, all of them, in order.

    Groups of time are in order of time; others have the most actions first, what is not known
    behind them. A row is there where anything is, in one of the periods. Without a range it is from
    the first day with data to today.

    Without filters it is read from totals and presences. With filters, by hour or with gifts, all
    actions of the range are read (see `storage.breakdowns`).

    Raises `BadRange` and `BadFilter`, and `KeyError` for a model or a group that is none.
    """
    campaign = scope if isinstance(scope, Campaign) else None
    if question.model not in MODELS:
        raise KeyError(question.model)
    if question.by not in (GROUPS if campaign else GROUPS_OF_ORGANIZATION):
        raise KeyError(question.by)
    org_id = campaign.org_id if campaign else scope.id
    first, last = days_asked(scope, question)
    reading = Reading(org_id, campaign, scope.timezone, question, first, last)
    asked = reading.asked
    period = reading.period(asked, first, last)
    earlier = None
    if question.compare:
        earlier = reading.period(asked, *earlier_days(first, last, question.compare))
    keys = {*period.rows, *(earlier.rows if earlier else ())}
    labels = reading.keys.labels()
    return {
        "about": {
            "campaign": campaign.slug if campaign else None,
            "name": scope.name,
            "timezone": scope.timezone,
        },
        "group_by": question.by,
        "model": question.model,
        "from": first,
        "to": last,
        "compare": earlier
        and {"with": question.compare, "from": earlier.first, "to": earlier.last},
        "filters": {
            name: list(question.filters.get(name) or ())
            for name in (FILTERS if campaign else FILTERS_OF_ORGANIZATION)
        },
        "total": told(period, earlier, None, question),
        "groups": sorted(
            (
                {
                    "key": key,
                    "label": labels.get(key, "" if key == NONE else key),
                    **reading.keys.span_told(key),
                    **told(period, earlier, key, question),
                }
                for key in keys
            ),
            key=partial(place_of, question.by),
        ),
    }


def days_read(scope: Campaign | Organization, question: Question) -> tuple[date, date] | None:
    """Return the days whose actions are all read for a question; None where totals answer it.

    Raises what `grouped` raises.
    """
    campaign = scope if isinstance(scope, Campaign) else None
    org_id = campaign.org_id if campaign else scope.id
    first, last = days_asked(scope, question)
    reading = Reading(org_id, campaign, scope.timezone, question, first, last)
    if question.compare:
        first = min(first, earlier_days(first, last, question.compare)[0])
    from_totals = {"campaign", "day", "week", "month", *GRAINS_OF_ORGANIZATION}
    walks = (
        question.gifts
        or question.by == "hour"
        or reading.asked.narrowed
        or (campaign is None and question.by not in from_totals)
    )
    return (first, last) if walks else None
