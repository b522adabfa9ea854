"""Figures that may be kept: how pages and the API ask for them, and say when they were counted.

Note: where there is nothing kept yet, what is raised here becomes a page
that asks again by itself, or 202 at the API (see `errors`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from flask import Flask, Response, current_app, json, render_template, request
from flask_babel import format_datetime, format_time
from flask_babel import gettext as _

from advocacy.analytics import engagement_ladder
from advocacy.analytics.activation import days_of
from advocacy.analytics.breakdown import Question, days_read, grouped
from advocacy.analytics.goals import goals
from advocacy.analytics.result_cache import BeingCounted, Counted, Counting, NotCounted
from advocacy.core.dates import day_in, zone
from advocacy.core.messages import N_
from advocacy.storage.models import Campaign, Organization
from advocacy.storage.organizations import find_organization
from advocacy.web.errors import Problem, problem

COUNTING_SECONDS = "3"
"""After so long a page asks again whether its figures are there."""


def init_app(app: Flask) -> None:
    """Give this application what counts, and pages for what is not counted."""
    settings = app.extensions["settings"]
    app.extensions["counting"] = Counting(settings.redis_url, settings.queue)
    app.register_error_handler(BeingCounted, _being_counted)
    app.register_error_handler(NotCounted, _not_counted)


def _being_counted(_error: BeingCounted) -> Response:
    """Say that the figures are on their way: no error, and a page that asks again by itself."""
    headers = {"Retry-After": COUNTING_SECONDS}
    if request.path.startswith("/api/"):
        body = json.dumps(
            {
                "state": "counting",
                "detail": "These figures are being counted. Ask again in some seconds.",
            }
        )
        return Response(body, 202, headers, content_type="application/json")
    # A header that browsers follow without JavaScript; the page has a link besides.
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
) -> dict[str, Any]:
    """Return the ladder as `ladder.ladder` does, and `counted_at`. Raises `BadRange`."""
    engagement_ladder.days_of(org_id, campaign, first, last)
    counted = ask().ask(org_id, campaign and campaign.id, "ladder", first=first, last=last)
    return _with_time(engagement_ladder.told(org_id, campaign, counted.figures), counted)


def influences_of(
    campaign: Campaign, first: date | None, last: date | None, **of: Any
) -> dict[str, dict[str, Any]]:
    """Return the ways to actions as `influence.influences` does, and `counted_at` of each.

    Raises `BadRange`.
    """
    days = days_of(campaign, first, last)
    counted = ask().ask(
        campaign.org_id, campaign.id, "influence", days=days, first=first, last=last, **of
    )
    return {by: _with_time(report, counted) for by, report in counted.figures.items()}


def groups_of(scope: Campaign | Organization, question: Question) -> dict[str, Any]:
    """Return activation by groups as `grouping.grouped` does, and `counted_at`.

    What totals answer is read at once, however large the organization is. Raises as `grouped` does.
    """
    days = days_read(scope, question)
    if days is None:
        return {**grouped(scope, question), "counted_at": None}
    campaign = scope if isinstance(scope, Campaign) else None
    counted = ask().ask(
        campaign.org_id if campaign else scope.id,
        campaign and campaign.id,
        "groups",
        days=days,
        **asdict(question),
    )
    return _with_time(counted.figures, counted)


def goals_of(org_id: UUID) -> tuple[list[dict[str, Any]], datetime | None]:
    """Return the goals as `goals.goals` does, and when the oldest figure of them was counted."""
    reading = _Reading()
    found = goals(org_id, reading=reading)
    if reading.waits:
        raise reading.waits
    return found, min(reading.times, default=None)


class _Reading:
    """Reads what goals are measured by, as far as that is kept; and asks for all of the rest."""

    def __init__(self) -> None:
        self.waits: BeingCounted | None = None
        self.times: list[datetime] = []

    def read_donors(self, org_id: UUID, campaign_id: UUID | None, first: date, last: date) -> Any:
        return self._read("donors", org_id, campaign_id, first, last)

    def read_districts(
        self, org_id: UUID, campaign_id: UUID | None, first: date, last: date
    ) -> Any:
        return self._read("districts", org_id, campaign_id, first, last)

    def _read(
        self, about: str, org_id: UUID, campaign_id: UUID | None, first: date, last: date
    ) -> Any:
        try:
            counted = ask().ask(
                org_id, campaign_id, about, days=(first, last), first=first, last=last
            )
        except BeingCounted as waits:
            self.waits = waits
            return []
        if counted.at:
            self.times.append(counted.at)
        return counted.figures


def ask() -> Counting:
    """Return what is asked for figures."""
    found: Counting = current_app.extensions["counting"]
    return found


def _with_time(report: Mapping[str, Any], counted: Counted) -> dict[str, Any]:
    return {**report, "counted_at": counted.at}


def when(at: datetime | None, timezone: str) -> str:
    """Say when figures were counted, in a zone: by the clock, and by the day if not today."""
    if at is None:
        return ""
    local = at.astimezone(zone(timezone))
    if day_in(at, timezone) == day_in(datetime.now(UTC), timezone):
        return str(_("Calculated at %(time)s.", time=format_time(local, "short", rebase=False)))
    return str(_("Calculated on %(time)s.", time=format_datetime(local, "medium", rebase=False)))


def when_of(org_id: UUID, at: datetime | None) -> str:
    """Say when figures of the organization were counted, in its zone."""
    organization = find_organization(org_id)
    return when(at, organization.timezone if organization else "UTC")
