"""What a campaign's tab is asked for by its URL: range, comparison, filters; and ways to change it.

Note: every choice is a link or a GET form, so that a view can be bookmarked, shared, and read
without JavaScript. A choice keeps all other parameters; only the place in a list begins again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from marshmallow import ValidationError

from advocacy.analytics.activation import MODELS, BadRange, days_of
from advocacy.analytics.breakdown import FILTERS, Question, earlier_days
from advocacy.core.dates import day_in
from advocacy.core.periods import Period
from advocacy.reporting import formats
from advocacy.storage import totals
from advocacy.storage.models import Campaign
from advocacy.web import periods
from advocacy.web.breakdowns import GroupsQuery
from advocacy.web.errors import Problem
from advocacy.web.pages.breakdown_names import Filter, filters_of
from advocacy.web.periods import NO_COMPARISON, Choice

blueprint = Blueprint("campaign_view", __name__)

OFFERED_FILTERS = ("platform", "medium", "author", "kind", "source")
"""Filters that the menu offers. Others may come from a link and are shown to be removed."""

_ASKED = frozenset({"from", "to", "model", "compare", *FILTERS})
_PLACE = frozenset({"page", "cursor"})


@dataclass(frozen=True, slots=True)
class CampaignView:
    """What a tab shows, and the choices of its controls."""

    campaign: Campaign
    question: Question
    first: date
    last: date
    whole: tuple[date, date]
    ranges: Sequence[Choice]
    comparisons: Sequence[Choice]
    chips: Sequence[Choice]
    filters: Sequence[Filter]
    models: Sequence[str]

    @property
    def days(self) -> str:
        """The range in words."""
        return formats.days(Period(self.first, self.last))

    @property
    def label(self) -> str:
        """The name of the range, or its days."""
        return next((each.label for each in self.ranges if each.current), self.days)

    @property
    def compared(self) -> tuple[date, date] | None:
        """The days that the range is compared with."""
        compare = self.question.compare
        return earlier_days(self.first, self.last, compare) if compare else None

    @property
    def is_narrowed(self) -> bool:
        """Whether a filter is chosen."""
        return any(self.question.filters.values())


def question_of(campaign: Campaign, by: str, *, gifts: bool = False) -> Question:
    """Return the question of this page's URL, with the default range. Raises `Problem`."""
    parameters: dict[str, str | list[str]] = {"group_by": by, "gifts": str(gifts).lower()}
    for name, values in request.args.lists():
        given = [value for value in values if value and (name, value) != ("compare", NO_COMPARISON)]
        if name in _ASKED and given:
            parameters[name] = given if name in FILTERS else given[-1]
    try:
        found: Question = GroupsQuery().load(parameters).question
    except ValidationError as error:
        raise Problem(
            422,
            _("No such figures"),
            _(
                "The link contains invalid values: %(names)s. Enter dates as "
                "YYYY-MM-DD, with the first not after the last, and choose everything "
                "else in the form.",
                names=", ".join(map(str, error.messages)),
            ),
        ) from None
    if found.first is None and found.last is None:
        first, last = default_days(campaign)
        found = replace(found, first=first, last=last)
    return found if request.args.get("compare") else _with_comparison(campaign, found)


def default_days(campaign: Campaign) -> tuple[date, date]:
    """Return the days that a tab shows without a choice, as `periods.default_days`."""
    today = day_in(datetime.now(UTC), campaign.timezone)
    return periods.default_days(today, *totals.span(campaign.org_id, campaign.id))


def _with_comparison(campaign: Campaign, question: Question) -> Question:
    """Return a question that is compared with the period before, where there is one."""
    first, last = days_of(campaign, question.first, question.last)
    try:
        earlier_days(first, last, periods.COMPARISONS[0])
    except BadRange:
        return question
    return replace(question, compare=periods.COMPARISONS[0])


def view_of(
    campaign: Campaign, question: Question, *, filters: Sequence[str] = OFFERED_FILTERS
) -> CampaignView:
    """Return what a tab shows of a question, with the choices of its controls."""
    first, last = days_of(campaign, question.first, question.last)
    whole = days_of(campaign, None, None)
    named = filters_of(campaign, question)
    return CampaignView(
        campaign=campaign,
        question=question,
        first=first,
        last=last,
        whole=whole,
        ranges=_ranges(campaign, first, last, whole[0]),
        comparisons=_comparisons(question.compare),
        chips=[
            Choice(f"{each.called}: {name}", address(**{each.name: _others(each.chosen, key)}))
            for each in named
            for key, name in each.choices
            if key in each.chosen
        ],
        filters=[each for each in named if each.name in filters],
        models=MODELS,
    )


def address(**changes: object) -> str:
    """Return the URL of this page with other parameters; None or an empty list removes one."""
    kept: dict[str, object] = {
        name: values
        for name, values in request.args.to_dict(flat=False).items()
        if name not in _PLACE and any(values)
    }
    kept |= changes
    given = {name: value for name, value in kept.items() if value not in (None, "", [])}
    return url_for(request.endpoint or "", **(request.view_args or {}), **given)  # type: ignore[arg-type]


def _others(chosen: Sequence[str], key: str) -> list[str]:
    return [each for each in chosen if each != key]


def _ranges(campaign: Campaign, first: date, last: date, begins: date) -> list[Choice]:
    today = day_in(datetime.now(UTC), campaign.timezone)
    month = today.replace(day=1)
    named = [
        (_("Today"), today, today, "d"),
        (_last_days(7), today - timedelta(6), today, "w"),
        (_last_days(30), today - timedelta(29), today, "m"),
        (_last_days(90), today - timedelta(89), today, ""),
        (_("This month"), month, today, ""),
        (_("Last month"), _month_before(month), month - timedelta(1), ""),
        (_("Whole campaign"), min(begins, today), today, "a"),
    ]
    found: list[Choice] = []
    for label, begin, end, shortcut in named:
        current = (begin, end) == (first, last) and not any(each.current for each in found)
        found.append(Choice(label, address(**{"from": begin, "to": end}), current, shortcut))
    return found


def _last_days(number: int) -> str:
    return str(ngettext("Last %(num)s day", "Last %(num)s days", number))


def _month_before(month: date) -> date:
    return (month - timedelta(1)).replace(day=1)


def _comparisons(chosen: str) -> list[Choice]:
    named = {"": _("No comparison"), "before": _("Previous period"), "year": _("A year earlier")}
    return [
        Choice(
            label,
            address(compare=how or periods.NO_COMPARISON),
            how == chosen,
            "x" if how == ("" if chosen else "before") else "",
        )
        for how, label in named.items()
    ]


@blueprint.app_template_global("hidden_parameters")
def hidden_parameters(*without: str) -> list[tuple[str, str]]:
    """Return the parameters of this page that a form has to keep, as (name, value)."""
    return [
        (name, value)
        for name, value in request.args.items(multi=True)
        if value and name not in _PLACE and name not in without
    ]
