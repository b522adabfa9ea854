"""The page of a rehearsal: each connected tool, and whether the code came back.

What a stranger would get wrong: this sends real deliveries to this very installation, so it takes
as long as they take; the page says so, and shows what the command shows.
"""

from __future__ import annotations

from flask import Blueprint, current_app, g, render_template
from flask_babel import gettext as _

from advocacy.models import Campaign
from advocacy.rehearse import Rehearsed, rehearse
from advocacy.store import campaigns
from advocacy.web import auth
from advocacy.web.dashboard import same_site
from advocacy.web.errors import Problem

blueprint = Blueprint("rehearsals", __name__)


@blueprint.get("/campaigns/<slug>/rehearsal")
@auth.needs_role("editor")
def page(slug: str) -> str:
    """Say what a rehearsal does, and offer it."""
    return _page(_campaign(slug), None)


@blueprint.post("/campaigns/<slug>/rehearsal")
@auth.needs_role("editor")
def run(slug: str) -> str:
    """Rehearse, and show how it went."""
    same_site()
    campaign = _campaign(slug)
    return _page(campaign, list(rehearse(current_app.extensions["settings"], campaign)))


def _campaign(slug: str) -> Campaign:
    campaign = campaigns.find_campaign(g.org_id, slug)
    if campaign is None:
        raise Problem(404, _("Not Found"), _("There is no campaign %(slug)s.", slug=slug))
    return campaign


def _page(campaign: Campaign, told: list[Rehearsed] | None) -> str:
    return render_template("rehearsal.html", campaign=campaign, told=told)
