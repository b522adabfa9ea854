"""The page of a campaign, also shown by shared report links."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial

from flask import (
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _

from advocacy.analytics.activation import MODELS, BadRange, activation
from advocacy.analytics.figures import CampaignActivation, PostFigures
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.core.dates import day_in
from advocacy.core.vocabulary import TIERS_MEAN, noun
from advocacy.reporting import charts
from advocacy.reporting.texts import rounding_note
from advocacy.storage import inbox
from advocacy.storage.models import Campaign
from advocacy.storage.shared_reports import OpenedReport
from advocacy.web import auth
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.dashboard import blueprint
from advocacy.web.date_presets import offered
from advocacy.web.errors import Problem
from advocacy.web.i18n import chosen, said
from advocacy.web.pages import live

_MOST_POSTS = 25
"""How many posts a campaign's page lists; comparisons have all."""


@blueprint.get("/campaigns/<slug>")
@auth.needs_session
def campaign_page(slug: str) -> str:
    """Show one campaign: figures, a chart by day, and posts by actions."""
    campaign = campaign_or_404(slug)
    live_token = live.token_of(campaign)
    try:
        first, last = (_day(request.args.get(name)) for name in ("from", "to"))
        report = activation(campaign, first, last, request.args.get("model") or MODELS[0])
    except KeyError:
        raise Problem(
            422,
            _("No such model"),
            _("Available models: %(models)s.", models=", ".join(MODELS)),
        ) from None
    except (BadRange, ValueError):
        raise Problem(
            422,
            _("No such days"),
            _("Enter dates as YYYY-MM-DD, with the first not after the last."),
        ) from None
    return report_page(campaign, report, live_token=live_token)


def report_page(
    campaign: Campaign,
    report: CampaignActivation,
    *,
    view_link: OpenedReport | None = None,
    shown_on: date | None = None,
    live_token: str = "",
) -> str:
    """Render a report; for a shared report link without links to other pages."""
    base = report.rounded_to
    return render_template(
        "campaign.html",
        report=report,
        posts=report.posts if view_link else _top_posts(report.posts),
        most=_MOST_POSTS,
        models=MODELS,
        live_token=live_token,
        chart=_chart(report),
        meaning=TIERS_MEAN,
        waiting={} if view_link else inbox.count_open(campaign.org_id),
        view_link=view_link,
        shown_on=shown_on,
        rounding_note=rounding_note(base) if base else "",
        define=lambda name: _(DEFINITIONS[name]),
        ranges=[] if view_link else _ranges(campaign, report),
    )


def _top_posts(rows: Sequence[PostFigures]) -> list[PostFigures]:
    """Return the first posts, and unattributed actions."""
    of_posts = [row for row in rows if row.post]
    return [*of_posts[:_MOST_POSTS], *(row for row in rows if not row.post)]


def _ranges(campaign: Campaign, report: CampaignActivation) -> list[tuple[str, str, bool]]:
    """Return the ranges of days that the page offers, and the whole campaign."""
    today = day_in(datetime.now(UTC), campaign.timezone)
    model = None if report.model == MODELS[0] else report.model
    address = partial(url_for, "dashboard.campaign_page", slug=campaign.slug, model=model)
    asked = "from" in request.args or "to" in request.args
    whole = (_("the whole campaign"), address(), not asked)
    return [*offered(today, address, report.first, report.last), whole]


def _chart(report: CampaignActivation) -> charts.Definition:
    words = charts.Words(
        _("Actions by day, stacked by kind; the table below shows the same data."),
        _("day"),
        _("kind"),
        _("actions"),
        {kind: said(noun(kind)) for kind in charts.COLOURS},
    )
    drawn = charts.actions_by_day(report.by_day, report.first, report.last, words)
    return charts.in_language(drawn, chosen())


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
