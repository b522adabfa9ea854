"""View links: the report of a campaign for people without an account, and the page to make them.

Note: a link gives access to one report, with the parameters chosen when the link was made. Counts
are rounded and cover completed days. What is first shown on a day is stored and shown for the rest
of that day: opening a link again costs one look-up, and does not reveal when a late action arrived.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
from flask import Blueprint, Response, current_app, g, make_response, redirect, request, url_for
from flask import render_template as rendered
from flask_babel import gettext as _

from advocacy.analytics.activation import MODELS, BadRange, activation
from advocacy.analytics.breakdown import earlier_days
from advocacy.analytics.figures import CampaignActivation
from advocacy.core.dates import day_in
from advocacy.core.numbers import read_whole
from advocacy.core.periods import Period
from advocacy.core.vocabulary import TIERS_MEAN
from advocacy.disclosure import Rounding, shared_activation
from advocacy.reporting import formats
from advocacy.reporting.texts import rounding_note
from advocacy.storage import campaigns, organizations, shared_reports
from advocacy.storage.models import Campaign
from advocacy.storage.session import transaction
from advocacy.storage.shared_reports import OpenedReport
from advocacy.tracking.user_agents import is_person
from advocacy.web import auth, i18n
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.errors import Problem
from advocacy.web.pages.campaign import (
    drawn_chart,
    gave,
    net_before,
    sentences,
    timeline_of,
)

blueprint = Blueprint("view_links", __name__)

_LONGEST_NAME = 100
_LONGEST_DAYS = 366
_PRIVATE = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}


@blueprint.get("/view/<token>")
def shown(token: str) -> Response:
    """Show the report of a view link."""
    link = shared_reports.find_shared_report(token)
    if link is None:
        raise Problem(
            404,
            _("Not found"),
            _(
                "This link has expired, was revoked or never existed. Ask the person who "
                "sent it to you."
            ),
            headers=_PRIVATE,
        )
    campaign = campaigns.get_campaign(link.org_id, link.slug)
    settings = current_app.extensions["settings"]
    base = organizations.rounding_base(link.org_id, settings.shared_rounding_base)
    rounding = Rounding.of(settings.secret_key, link.org_id, base)
    today = _today(campaign)
    report, before = _shown_today(link, campaign, rounding, today)
    page = _report_page(link, report, before, today)
    if request.method == "GET" and is_person(request.headers.get("User-Agent", "")):
        with transaction():
            shared_reports.count_opening(link.org_id, link.id)
    return make_response(page, 200, _PRIVATE)


def _report_page(
    link: OpenedReport,
    report: CampaignActivation,
    before: CampaignActivation | None,
    today: date,
) -> str:
    """Render a report on one page, without links to others."""
    base = report.rounded_to
    organization = organizations.find_organization(link.org_id)
    drawn = timeline_of(report, before)
    return rendered(
        "view.html",
        report=report,
        before=before,
        organization=organization.name if organization else "",
        days_named=formats.days(Period(report.first, report.last)),
        sentences=sentences(report, before),
        chart=drawn_chart(drawn),
        unit=drawn.unit,
        gave=gave(report),
        net_before=lambda sum_: net_before(sum_, before),
        meaning=TIERS_MEAN,
        view_link=link,
        shown_on=today,
        rounding_note=rounding_note(base) if base else "",
    )


@blueprint.get("/campaigns/<slug>/view-links")
@auth.needs_role("editor")
def page(slug: str) -> auth.Page:
    """List the view links of a campaign, with a form to make one."""
    return _page(campaign_or_404(slug))


@blueprint.post("/campaigns/<slug>/view-links")
@auth.needs_role("editor")
def make(slug: str) -> auth.Page:
    """Create a view link and show it once."""
    campaign = campaign_or_404(slug)
    try:
        chosen = _chosen(campaign)
    except (BadRange, ValueError, OverflowError):
        trouble = _(
            "Choose completed days, with the first not after the last, and an expiry within a year."
        )
        return _page(campaign, trouble=trouble), 422
    with transaction():
        token = shared_reports.put_shared_report(
            g.org_id,
            campaign.id,
            name=chosen.name,
            model=chosen.model,
            made_by=g.called,
            lasts=chosen.lasts,
            days=chosen.days,
            first_on=chosen.first_on,
            last_on=chosen.last_on,
        )
        auth.record_audit("view_link_made", f"{campaign.slug} {chosen.name}".strip())
    return _page(campaign, made=f"{current_app.extensions['settings'].public_url}/view/{token}")


@blueprint.post("/campaigns/<slug>/view-links/<uuid:view_link_id>/withdraw")
@auth.needs_role("editor")
def withdraw(slug: str, view_link_id: UUID) -> auth.Page:
    """Revoke a view link."""
    campaign = campaign_or_404(slug)
    with transaction():
        if not shared_reports.revoke_shared_report(g.org_id, campaign.id, view_link_id):
            raise Problem(404, _("Not Found"), _("There is no such open view link."))
        auth.record_audit("view_link_withdrawn", campaign.slug)
    return redirect(url_for("view_links.page", slug=slug))


@dataclass(frozen=True, slots=True)
class _Choice:
    """What a view link shows and for how long: the last `days`, fixed days, or all days."""

    name: str
    model: str
    lasts: timedelta
    days: int | None = None
    first_on: date | None = None
    last_on: date | None = None


def _chosen(campaign: Campaign) -> _Choice:
    """Return the choices in the form. Raises `ValueError` if they are not valid."""
    form = request.form
    model = form.get("model") or MODELS[0]
    lasts = read_whole(form.get("lasts") or "30", i18n.chosen())
    if model not in MODELS or not 1 <= lasts <= _LONGEST_DAYS:
        raise ValueError
    name = " ".join(form.get("name", "").replace("\0", "").split())[:_LONGEST_NAME]
    chosen = _Choice(name, model, timedelta(days=lasts))
    match form.get("range", "last"):
        case "last":
            days = read_whole(form.get("days") or "30", i18n.chosen())
            if not 1 <= days <= _LONGEST_DAYS:
                raise ValueError
            return replace(chosen, days=days)
        case "fixed":
            first = date.fromisoformat(form.get("from", ""))
            last = date.fromisoformat(form.get("to", ""))
            if first > last or first >= _today(campaign):
                raise ValueError
            return replace(chosen, first_on=first, last_on=last)
        case "all":
            return chosen
    raise ValueError


_FORMAT = 4
"""The version of stored reports; it is increased when pages need a figure that they lack."""


def _shown_today(
    link: OpenedReport, campaign: Campaign, rounding: Rounding, today: date
) -> tuple[CampaignActivation, CampaignActivation | None]:
    """Return the report as it was first shown today, and that of as many days before, if any.

    A report that is rounded to another base, or that another version stored, is replaced.
    """
    snapshot, version = link.shown, [rounding.base, _FORMAT]
    if snapshot is None or link.shown_on != today or snapshot["as"] != version:
        first, last = _days_shown(link, today)
        report = activation(campaign, first, last, link.model)
        before = _before(campaign, report)
        stored = msgspec.json.encode(
            {
                "as": version,
                "report": shared_activation(report, rounding),
                "before": before and shared_activation(before, rounding),
            }
        ).decode()
        with transaction():
            snapshot = shared_reports.put_snapshot(link.org_id, link.id, today, stored)
    return (
        msgspec.convert(snapshot["report"], CampaignActivation),
        msgspec.convert(snapshot["before"], CampaignActivation | None),
    )


def _before(campaign: Campaign, report: CampaignActivation) -> CampaignActivation | None:
    """Return the report of as many days before; None if nothing happened in them."""
    try:
        earlier = earlier_days(report.first, report.last, "before")
    except BadRange:
        return None
    found = activation(campaign, *earlier, report.model)
    return found if found.actions else None


def _days_shown(link: OpenedReport, today: date) -> tuple[date | None, date]:
    """Return the completed days of a link; the last is yesterday at the latest."""
    yesterday = today - timedelta(days=1)
    if link.days is not None:
        return yesterday - timedelta(days=link.days - 1), yesterday
    return link.first_on, min(link.last_on or yesterday, yesterday)


def _today(campaign: Campaign) -> date:
    return day_in(datetime.now(UTC), campaign.timezone)


def _page(campaign: Campaign, trouble: str = "", made: str = "") -> str:
    return rendered(
        "view_links.html",
        campaign=campaign,
        links=shared_reports.list_shared_reports(g.org_id, campaign.id),
        models=MODELS,
        trouble=trouble,
        made=made,
        yesterday=_today(campaign) - timedelta(days=1),
    )
