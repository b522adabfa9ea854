"""The page of a campaign, which shared report links show as well."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from flask import (
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _

from advocacy.analytics.activation import MODELS, BadRange, activation
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.core.dates import day_in
from advocacy.core.vocabulary import TIERS_MEAN, noun
from advocacy.reporting import charts
from advocacy.reporting.email import weekly_content
from advocacy.storage import inbox
from advocacy.storage.models import Campaign
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
    """Show one campaign: the figures, a chart by day, the posts in order."""
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
    report: dict[str, Any],
    *,
    view_link: Any = None,
    live_token: str = "",
) -> str:
    """Render a report; for a view link without the ways to anything else."""
    base = report.get("rounded_to")
    return render_template(
        "campaign.html",
        report=report,
        posts=report["posts"] if view_link else _foremost(report["posts"]),
        most=_MOST_POSTS,
        models=MODELS,
        live_token=live_token,
        chart=_chart(report),
        meaning=TIERS_MEAN,
        waiting={} if view_link else inbox.count_open(campaign.org_id),
        view_link=view_link,
        rounding_note=weekly_content.rounding_note(base) if base else "",
        define=lambda name: _(DEFINITIONS[name]),
        ranges=[] if view_link else _ranges(campaign, report),
    )


def _foremost(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the posts behind the first ones, and never what has no post."""
    of_posts = [row for row in rows if row["post"]]
    behind = {id(row) for row in of_posts[_MOST_POSTS:]}
    return [row for row in rows if id(row) not in behind]


def _ranges(campaign: Campaign, report: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Return what the page offers to choose with one click: some days, and the whole campaign."""
    today = day_in(datetime.now(UTC), campaign.timezone)
    model = None if report["model"] == MODELS[0] else report["model"]
    address = partial(url_for, "dashboard.campaign_page", slug=campaign.slug, model=model)
    asked = "from" in request.args or "to" in request.args
    whole = (_("the whole campaign"), address(), not asked)
    return [*offered(today, address, report["from"], report["to"]), whole]


def _chart(report: dict[str, Any]) -> dict[str, Any]:
    words = charts.Words(
        _("Actions by day, stacked by kind; the table below shows the same data."),
        _("day"),
        _("kind"),
        _("actions"),
        {kind: said(noun(kind)) for kind in charts.COLOURS},
    )
    drawn = charts.actions_by_day(report["by_day"], report["from"], report["to"], words)
    return charts.in_language(drawn, chosen())


def _day(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None
