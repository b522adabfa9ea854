"""The page of the engagement ladder, of a campaign and of the whole organization.

Note: rungs are of all time up to the last day; only climbs are of the range.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from flask import Blueprint, Response, g, render_template, request, url_for
from flask_babel import gettext as _

from advocacy.analytics.activation import BadRange
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.analytics.ladder_figures import Ladder
from advocacy.reporting import charts
from advocacy.reporting.exports.ladder import tables_of_ladder
from advocacy.reporting.formats import rung_names
from advocacy.storage.models import Campaign
from advocacy.web import auth
from advocacy.web.api.ladder import Ladder as LadderSchema
from advocacy.web.cached_figures import ladder_of, when
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.downloads import file_of, files_at
from advocacy.web.errors import Problem
from advocacy.web.i18n import chosen

blueprint = Blueprint("ladder", __name__)

_MAX_POSTS = 20


@blueprint.get("/campaigns/<slug>/ladder")
@auth.needs_session
def page(slug: str) -> str:
    """Show how far a campaign's supporters have come."""
    return _page(campaign_or_404(slug))


@blueprint.get("/ladder")
@auth.needs_session
def organization_page() -> str:
    """Show how far the organization's supporters have come."""
    return _page(None)


@blueprint.get("/campaigns/<slug>/ladder.<any(csv, xlsx, json):written>")
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
        return ladder_of(g.org_id, campaign, first, last)
    except (BadRange, ValueError):
        raise Problem(
            422,
            _("No such days"),
            _("Enter dates as YYYY-MM-DD, with the first not after the last."),
        ) from None


def _page(campaign: Campaign | None) -> str:
    found = _ladder(campaign)
    names = rung_names()
    return render_template(
        "ladder.html",
        ladder=found,
        campaign=campaign,
        names=names,
        counted=when(found.counted_at, found.about.timezone),
        define=lambda name: _(DEFINITIONS[name]),
        most=_MAX_POSTS,
        months=range(1, max((len(each.months) for each in found.retention), default=0) + 1),
        chart=_chart(found, names),
        files=files_at(_address(campaign, found)),
    )


def _address(campaign: Campaign | None, found: Ladder) -> Callable[[str], str]:
    name = "ladder.file" if campaign else "ladder.organization_file"
    days = {"from": str(found.first), "to": str(found.last)}
    days |= {"slug": campaign.slug} if campaign else {}
    return lambda written: url_for(name, written=written, **days)  # type: ignore[arg-type]


def _chart(found: Ladder, names: dict[str, str]) -> charts.Definition:
    return charts.in_language(
        charts.bars(
            [{"rung": names[each.rung], "people": each.people} for each in found.rungs],
            "rung",
            "people",
            _("Supporters by their highest rung; the table below shows the same data."),
            (_("highest rung"), _("supporters")),
        ),
        chosen(),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
