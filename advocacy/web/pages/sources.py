"""The sources page: which tools are connected, and whether their deliveries are as expected.

Note: the webhook URL of a source cannot be shown, since only a digest of its key is stored. The
page says how to get a new one.
"""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from advocacy.analytics.tracking_loss import (
    BEFORE_DAYS,
    LATELY_DAYS,
    Carried,
    in_words,
    lost_sources,
)
from advocacy.providers import BY_SLUG
from advocacy.storage import campaigns, inbox, source_health, sources, totals
from advocacy.storage.errors import NotFound
from advocacy.storage.session import transaction
from advocacy.web import auth
from advocacy.web.errors import Problem

blueprint = Blueprint("sources", __name__)


@blueprint.get("/sources")
@auth.needs_session
def page() -> str:
    """Show the health of each source."""
    figures = totals.carried_codes(g.org_id, LATELY_DAYS, BEFORE_DAYS)
    return render_template(
        "sources.html",
        sources=source_health.read_health(g.org_id),
        waiting=inbox.count_open(g.org_id),
        adapters=BY_SLUG,
        lost={
            each.source: in_words(each, adapter.CODE_PARAMETERS, adapter.title)
            for each in lost_sources(Carried(*row) for row in figures)
            if (adapter := BY_SLUG[each.provider])
        },
        zone=campaigns.zones(g.org_id)[None],
        look_back=source_health.LOOK_BACK_DAYS,
        unread_days=source_health.UNREAD_DAYS,
        public_url=current_app.extensions["settings"].public_url,
    )


@blueprint.post("/sources/state")
@auth.needs_role("editor")
def set_state() -> Response:
    """Disable or enable a source."""
    name, state = (request.form.get(each, "").replace("\0", "") for each in ("name", "state"))
    if state not in {"off", "on"}:
        raise Problem(422, _("Nothing selected"), _("Choose a source from this page."))
    try:
        with transaction():
            if state == "off":
                sources.disable_source(g.org_id, name, datetime.now(UTC))
            else:
                sources.enable_source(g.org_id, name)
            auth.record_audit("source_disabled" if state == "off" else "source_enabled", name)
    except NotFound:
        raise Problem(404, _("Not Found"), _("There is no source %(name)s.", name=name)) from None
    return redirect(url_for("sources.page"), 303)
