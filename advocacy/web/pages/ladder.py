"""The page of people: the engagement ladder, of a campaign or of the organization, and retention.

Note: rungs are of all time up to the last day; only climbs are of the range.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as WerkzeugResponse

from advocacy.analytics.activation import BadRange
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.analytics.ladder_figures import Ladder, Rung
from advocacy.reporting import formats, svg
from advocacy.reporting.exports.ladder import tables_of_ladder
from advocacy.reporting.formats import rung_names
from advocacy.storage.models import Campaign
from advocacy.web import auth
from advocacy.web.api.ladder import Ladder as LadderSchema
from advocacy.web.breakdowns import report_for
from advocacy.web.cached_figures import ladder_of, when
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.downloads import file_of, files_at
from advocacy.web.errors import Problem
from advocacy.web.pages.breakdown_names import group_names, name_of_group
from advocacy.web.pages.campaign_view import CampaignView, default_days, question_of, view_of

blueprint = Blueprint("ladder", __name__)

_MAX_POSTS = 20
_DAYS_AS_WEEKS = 22
"""Ranges of fewer days show people by day, longer ones by week."""


@blueprint.get("/campaigns/<slug>/people")
@auth.needs_session
def people_page(slug: str) -> str:
    """Show how far a campaign's supporters have come, and who came back."""
    return _page(campaign_or_404(slug))


@blueprint.get("/campaigns/<slug>/ladder")
@auth.needs_session
def page(slug: str) -> WerkzeugResponse:
    """Redirect from the former address of the page."""
    campaign_or_404(slug)
    parameters: dict[str, Any] = request.args.to_dict(flat=False)
    return redirect(url_for("ladder.people_page", slug=slug, **parameters), 301)


@blueprint.get("/ladder")
@auth.needs_session
def organization_page() -> str:
    """Show how far the organization's supporters have come."""
    return _page(None)


@blueprint.get("/campaigns/<slug>/ladder.<any(csv, xlsx, json):written>", endpoint="former_file")
@blueprint.get("/campaigns/<slug>/people.<any(csv, xlsx, json):written>")
@auth.needs_session
def file(slug: str, written: str) -> Response:
    """Return what the page of a campaign shows, as a file."""
    return _file(campaign_or_404(slug), written)


@blueprint.get("/ladder.<any(csv, xlsx, json):written>")
@auth.needs_session
def organization_file(written: str) -> Response:
    """Return what the page of the organization shows, as a file."""
    return _file(None, written)


def _file(campaign: Campaign | None, written: str) -> Response:
    found = _ladder(campaign)
    name = f"{campaign.slug if campaign else 'all'}-ladder-{found.first}-{found.last}"
    return file_of(tables_of_ladder(found), LadderSchema().dump(found), written, name)


def _ladder(campaign: Campaign | None) -> Ladder:
    try:
        first, last = (_day(request.args.get(name)) for name in ("from", "to"))
        if campaign and first is None and last is None:
            first, last = default_days(campaign)
        return ladder_of(g.org_id, campaign, first, last)
    except (BadRange, ValueError):
        raise Problem(
            422,
            _("No such days"),
            _("Enter dates as YYYY-MM-DD, with the first not after the last."),
        ) from None


def _page(campaign: Campaign | None) -> str:
    found = _ladder(campaign)
    view = view_of(campaign, question_of(campaign, "week")) if campaign else None
    newness = _newness(view) if view else None
    columns = max((len(each.months) for each in found.retention), default=0)
    steps = _steps(found)
    return render_template(
        "people.html",
        ladder=found,
        campaign=campaign,
        view=view,
        names=rung_names(),
        counted=when(found.counted_at, found.about.timezone),
        define=lambda name: _(DEFINITIONS[name]),
        steps=steps,
        most=max((each.people for each in steps), default=0),
        most_posts=_MAX_POSTS,
        newness_by=newness.by if newness else "",
        newness=newness.rows if newness else [],
        months=[f"+{since}" for since in range(1, columns + 1)],
        cohorts=[
            (
                f"{each.month} · {formats.number(each.people)}",
                [month.share for month in each.months] + [None] * (columns - len(each.months)),
            )
            for each in reversed(found.retention)
        ],
        files=files_at(_address(campaign, found)),
    )


def _steps(found: Ladder) -> list[Rung]:
    """Return the rungs to show: those between the first and the last that anybody is on."""
    taken = [n for n, each in enumerate(found.rungs) if each.people or each.joined or each.climbed]
    return list(found.rungs[taken[0] : taken[-1] + 1]) if taken else []


@dataclass(frozen=True, slots=True)
class _Newness:
    """New and returning supporters by day or week: (name, new, returning, parts of a strip)."""

    by: str
    rows: Sequence[tuple[str, int, int, Sequence[svg.Segment]]]


def _newness(view: CampaignView) -> _Newness:
    by = "day" if (view.last - view.first).days < _DAYS_AS_WEEKS else "week"
    question = replace(view.question, by=by, filters={}, compare="")
    groups = report_for(view.campaign, question).groups
    people = [each.supporters for each in groups]
    most = max((each.distinct for each in people), default=0)
    rows = [
        (
            name_of_group(by, group),
            each.new,
            each.returning,
            svg.strip([("new", each.new), ("returning", each.returning)], most),
        )
        for group, each in zip(groups, people, strict=True)
        if each.distinct
    ]
    return _Newness(group_names()[by], rows)


def _address(campaign: Campaign | None, found: Ladder) -> Callable[[str], str]:
    name = "ladder.file" if campaign else "ladder.organization_file"
    days = {"from": str(found.first), "to": str(found.last)}
    days |= {"slug": campaign.slug} if campaign else {}
    return lambda written: url_for(name, written=written, **days)  # type: ignore[arg-type]


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
