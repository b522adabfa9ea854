"""The overview: all campaigns, compared with the previous period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import (
    g,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _

from advocacy.analytics.breakdown import Breakdown, Question
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.analytics.tracking_loss import (
    BEFORE_DAYS,
    LATELY_DAYS,
    Carried,
    in_words,
    lost_sources,
)
from advocacy.core.dates import day_in
from advocacy.providers import BY_SLUG
from advocacy.reporting.email.surge_alerts import SHOWN
from advocacy.storage import email_outbox, inbox, organizations, surges, totals
from advocacy.web import auth
from advocacy.web.cached_figures import groups_of
from advocacy.web.dashboard import blueprint
from advocacy.web.date_presets import OFFERED_DAYS, last_days

OVERVIEW_DAYS = 30
"""Number of days shown by default, compared with as many before."""


@blueprint.get("/")
@auth.needs_session
def overview() -> str:
    """Show all campaigns, compared with the previous period, or what to do first."""
    now = datetime.now(UTC)
    days = request.args.get("days", OVERVIEW_DAYS, type=int)
    days = days if days in OFFERED_DAYS else OVERVIEW_DAYS
    return render_template(
        "overview.html",
        lately=_lately(now, days),
        days=days,
        ranges=[
            (last_days(each), url_for("dashboard.overview", days=each), each == days)
            for each in OFFERED_DAYS
        ],
        lost=[
            (each.source, in_words(each, adapter.CODE_PARAMETERS, adapter.title))
            for each in lost_sources(
                Carried(*row) for row in totals.carried_codes(g.org_id, LATELY_DAYS, BEFORE_DAYS)
            )
            if (adapter := BY_SLUG[each.provider])
        ],
        surges=surges.list_surges(g.org_id, now - SHOWN),
        stuck=email_outbox.count_stuck(g.org_id, now),
        waiting=inbox.count_open(g.org_id),
        define=lambda name: _(DEFINITIONS[name]),
    )


def _lately(now: datetime, days: int) -> Breakdown | None:
    """Return the activation of the last days by campaign, compared with the days before."""
    owner = organizations.find_organization(g.org_id)
    if owner is None:
        return None
    today = day_in(now, owner.timezone)
    first = today - timedelta(days=days - 1)
    question = Question("campaign", first, today, compare="before")
    return groups_of(owner, question)
