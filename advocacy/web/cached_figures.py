"""Ask for figures that may be cached, and say when they were calculated.

Note: while figures are not calculated yet, a page asks again by itself and the API answers 202.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TypeVar
from uuid import UUID

from flask import Flask, Response, current_app, json, render_template, request
from flask_babel import format_datetime, format_time
from flask_babel import gettext as _

from advocacy.analytics import engagement_ladder
from advocacy.analytics.activation import BadRange, days_of
from advocacy.analytics.breakdown import (
    BadFilter,
    Breakdown,
    Question,
    days_read,
    grouped,
    reader_of,
)
from advocacy.analytics.conversion_paths import Influence
from advocacy.analytics.engagement_ladder import ladder_from
from advocacy.analytics.goals import GoalProgress, goals
from advocacy.analytics.ladder_figures import Ladder, LadderCounts
from advocacy.analytics.post_story import FirstHours
from advocacy.analytics.result_cache import BeingCounted, Counting, NotCounted
from advocacy.analytics.timing import Timing
from advocacy.core.dates import day_in, zone
from advocacy.core.messages import N_
from advocacy.storage.goals import OfDay, OfDistrict
from advocacy.storage.models import Campaign, Organization
from advocacy.storage.organizations import find_organization
from advocacy.web.errors import Problem, problem

COUNTING_SECONDS = "3"
"""After this time a page asks again whether its figures are there."""

Row = TypeVar("Row")


def init_app(app: Flask) -> None:
    """Register the result cache, and the answers for figures that are not there yet."""
    settings = app.extensions["settings"]
    app.extensions["counting"] = Counting(settings.redis_url, settings.queue)
    app.register_error_handler(BeingCounted, _being_counted)
    app.register_error_handler(NotCounted, _not_counted)


def _being_counted(_error: BeingCounted) -> Response:
    """Answer that the figures are being calculated, with a page that asks again by itself."""
    headers = {"Retry-After": COUNTING_SECONDS}
    if request.path.startswith("/api/"):
        body = json.dumps(
            {
                "state": "counting",
                "detail": "These figures are being counted. Ask again in some seconds.",
            }
        )
        return Response(body, 202, headers, content_type="application/json")
    # Browsers follow the header without JavaScript; the page also has a link.
    page = render_template("counting.html", again=request.full_path.rstrip("?"))
    return Response(page, 202, {**headers, "Refresh": COUNTING_SECONDS})


def _not_counted(_error: NotCounted) -> Response:
    return problem(
        Problem(
            503,
            N_("Not counted"),
            N_(
                "These figures could not be calculated. The error has been logged. Try "
                "again in a minute."
            ),
            headers={"Retry-After": "60"},
        )
    )


def ladder_of(
    org_id: UUID, campaign: Campaign | None, first: date | None, last: date | None
) -> Ladder:
    """Return `engagement_ladder.ladder`, with `counted_at`. Raises `BadRange`."""
    days = engagement_ladder.days_of(org_id, campaign, first, last)
    found = counting().ask(
        LadderCounts, org_id, campaign and campaign.id, "ladder", days, first=first, last=last
    )
    return replace(ladder_from(org_id, campaign, found.figures), counted_at=found.at)


def influences_of(
    campaign: Campaign,
    first: date | None,
    last: date | None,
    *,
    grains: Sequence[str],
    currency: str,
    models: Sequence[str],
) -> dict[str, Influence]:
    """Return `conversion_paths.influences`, with `counted_at` of each. Raises `BadRange`."""
    found = counting().ask(
        dict[str, Influence],
        campaign.org_id,
        campaign.id,
        "influence",
        days_of(campaign, first, last),
        first=first,
        last=last,
        grains=grains,
        currency=currency,
        models=models,
    )
    return {by: replace(each, counted_at=found.at) for by, each in found.figures.items()}


def groups_of(scope: Campaign | Organization, question: Question) -> Breakdown:
    """Return activation by groups as `breakdown.grouped` does, with `counted_at`.

    What totals answer is read at once, however large the organization is. Raises as `grouped` does.
    """
    days = days_read(scope, question)
    if days is None:
        return grouped(scope, question)
    campaign = scope if isinstance(scope, Campaign) else None
    found = counting().ask(
        Breakdown,
        campaign.org_id if campaign else scope.id,
        campaign and campaign.id,
        "groups",
        days,
        question=question,
    )
    return replace(found.figures, counted_at=found.at)


def timing_of(campaign: Campaign, question: Question) -> Timing:
    """Return `timing.timing`, with `counted_at`. Raises `Problem` for what it cannot be asked."""
    question = replace(question, compare="")
    try:
        days = days_of(campaign, question.first, question.last)
        reader_of(campaign, question)
    except (BadRange, BadFilter) as error:
        raise Problem(422, _("No such figures"), str(error)) from None
    found = counting().ask(Timing, campaign.org_id, campaign.id, "timing", days, question=question)
    return replace(found.figures, counted_at=found.at)


def first_hours_of(campaign: Campaign) -> FirstHours:
    """Return `post_story.first_hours`."""
    return counting().ask(FirstHours, campaign.org_id, campaign.id, "first_hours").figures


def goals_of(org_id: UUID) -> tuple[tuple[GoalProgress, ...], datetime | None]:
    """Return the goals as `goals.goals` does, and when the oldest figure was calculated."""
    reader = _CachedReader()
    found = goals(org_id, reader=reader)
    if reader.waiting:
        raise reader.waiting
    return found, min(reader.times, default=None)


class _CachedReader:
    """Reads the figures of goals from the cache, and asks for all that are missing."""

    def __init__(self) -> None:
        self.waiting: BeingCounted | None = None
        self.times: list[datetime] = []

    def read_donors(
        self, org_id: UUID, campaign_id: UUID | None, first: date, last: date
    ) -> Sequence[OfDay]:
        return self._read(tuple[OfDay, ...], "donors", org_id, campaign_id, first, last)

    def read_districts(
        self, org_id: UUID, campaign_id: UUID | None, first: date, last: date
    ) -> Sequence[OfDistrict]:
        return self._read(tuple[OfDistrict, ...], "districts", org_id, campaign_id, first, last)

    def _read(
        self,
        expected: type[tuple[Row, ...]],
        name: str,
        org_id: UUID,
        campaign_id: UUID | None,
        first: date,
        last: date,
    ) -> tuple[Row, ...]:
        try:
            found = counting().ask(
                expected, org_id, campaign_id, name, (first, last), first=first, last=last
            )
        except BeingCounted as waiting:
            self.waiting = waiting
            return ()
        if found.at:
            self.times.append(found.at)
        return found.figures


def counting() -> Counting:
    """Return what this application asks for figures."""
    found: Counting = current_app.extensions["counting"]
    return found


def when(at: datetime | None, timezone: str) -> str:
    """Say when figures were calculated, in a time zone; with the day if it was not today."""
    if at is None:
        return ""
    local = at.astimezone(zone(timezone))
    if day_in(at, timezone) == day_in(datetime.now(UTC), timezone):
        return str(_("Calculated at %(time)s.", time=format_time(local, "short", rebase=False)))
    return str(_("Calculated on %(time)s.", time=format_datetime(local, "medium", rebase=False)))


def when_of(org_id: UUID, at: datetime | None) -> str:
    """Say when figures of the organization were calculated, in its time zone."""
    organization = find_organization(org_id)
    return when(at, organization.timezone if organization else "UTC")
