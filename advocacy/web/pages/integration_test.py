"""The page of a rehearsal: each tool of the campaign, and whether the code came back.

Note: this sends real deliveries to this very installation, all at once, and waits for the worker no
longer than `PAGE_WAIT_SECONDS`, however many tools there are.
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
"""So long the page waits for all tools together; a busy worker takes a second."""


@blueprint.get("/campaigns/<slug>/rehearsal")
@auth.needs_role("editor")
def page(slug: str) -> str:
    """Say what a rehearsal does, and offer it."""
    return _page(campaign_or_404(slug), None)


@blueprint.post("/campaigns/<slug>/rehearsal")
@auth.needs_role("editor")
def run(slug: str) -> str:
    """Rehearse, and show how it went."""
    same_site()
    campaign = campaign_or_404(slug)
    # This page waits for a worker, not for the database: the limit of other pages is not for it.
    set_deadline(None)
    settings = current_app.extensions["settings"]
    told = run_integration_test(settings, campaign, wait_seconds=PAGE_WAIT_SECONDS)
    return _page(campaign, sorted(told, key=lambda each: each.source))


def _page(campaign: Campaign, told: list[IntegrationResult] | None) -> str:
    return render_template(
        "rehearsal.html", campaign=campaign, told=told, sources=sources_of(campaign)
    )
