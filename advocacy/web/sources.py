"""The page of sources: which tools are connected, and whether each still brings what it should.

What a stranger would get wrong: the address to which a tool sends cannot be shown. Its key is kept
as a digest only, so the page says how to get a new one.
"""

from __future__ import annotations

from flask import Blueprint, current_app, g, render_template

from advocacy.alarm import BEFORE_DAYS, LATELY_DAYS, Carried, in_words, lost_sources
from advocacy.providers import BY_SLUG
from advocacy.store import campaigns, health, totals
from advocacy.web import auth

blueprint = Blueprint("sources", __name__)


@blueprint.get("/sources")
@auth.needs_session
def page() -> str:
    """Show how each source fares."""
    figures = totals.carried_codes(g.org_id, LATELY_DAYS, BEFORE_DAYS)
    return render_template(
        "sources.html",
        sources=health.read_health(g.org_id),
        rooms=BY_SLUG,
        lost={
            each.source: in_words(each, room.CARRIES, room.title)
            for each in lost_sources(Carried(*row) for row in figures)
            if (room := BY_SLUG[each.provider])
        },
        zone=campaigns.zones(g.org_id)[None],
        look_back=health.LOOK_BACK_DAYS,
        unread_days=health.UNREAD_DAYS,
        public_url=current_app.extensions["settings"].public_url,
    )
