"""The integration test page: whether each tool of a campaign returns the tracking code.

Note: it sends real deliveries to this installation, all at once, and waits at most
`PAGE_WAIT_SECONDS` for the workers, however many tools there are.
"""

from __future__ import annotations

from flask import Blueprint, current_app, render_template

from advocacy.ingestion.integration_test import IntegrationResult, run_integration_test, sources_of
from advocacy.storage.connections import set_deadline
from advocacy.storage.models import Campaign
from advocacy.web import auth
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.security import same_site

blueprint = Blueprint("rehearsals", __name__)

PAGE_WAIT_SECONDS = 15.0
"""The longest wait, for all tools together; a busy worker takes about a second."""


@blueprint.get("/campaigns/<slug>/rehearsal")
@auth.needs_role("editor")
def page(slug: str) -> str:
    """Explain the integration test, with a button to run it."""
    return _page(campaign_or_404(slug), None)


@blueprint.post("/campaigns/<slug>/rehearsal")
@auth.needs_role("editor")
def run(slug: str) -> str:
    """Run the integration test, and show the results."""
    same_site()
    campaign = campaign_or_404(slug)
    # This page waits for a worker, not for the database, so the usual limit does not apply.
    set_deadline(None)
    settings = current_app.extensions["settings"]
    results = run_integration_test(settings, campaign, wait_seconds=PAGE_WAIT_SECONDS)
    return _page(campaign, sorted(results, key=lambda each: each.source))


def _page(campaign: Campaign, results: list[IntegrationResult] | None) -> str:
    return render_template(
        "rehearsal.html", campaign=campaign, results=results, sources=sources_of(campaign)
    )
