"""The quarantine page: deliveries that could not be processed, why, and retrying them.

Note: bodies are never shown, since they contain personal data. The reason and its detail say what
to correct.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from advocacy.ingestion.replay import put_back
from advocacy.storage import campaigns, source_health, sources
from advocacy.storage.session import transaction
from advocacy.web import auth
from advocacy.web.delivery_reasons import hints
from advocacy.web.errors import Problem
from advocacy.web.health import postponed
from advocacy.web.security import same_site

blueprint = Blueprint("quarantine", __name__)

for_editors = auth.needs_role("editor")

_PAGE = 50


@blueprint.get("/quarantine")
@auth.needs_session
def page() -> str:
    """List quarantined deliveries, newest first."""
    every = [each for each in sources.list_sources(g.org_id) if not each.archived_at]
    reason = request.args.get("reason", "").replace("\0", "") or None
    source = next((each for each in every if each.name == request.args.get("source")), None)
    rows = source_health.quarantine_page(
        g.org_id,
        _PAGE + 1,
        reason=reason,
        source_id=source.id if source else None,
        before=_read_cursor(request.args.get("before", "")),
    )
    return render_template(
        "quarantine.html",
        rows=rows[:_PAGE],
        then=f"{rows[_PAGE - 1].received_at.isoformat()}_{rows[_PAGE - 1].id}"
        if len(rows) > _PAGE
        else "",
        begun="before" in request.args,
        reasons=source_health.quarantine_reasons(g.org_id),
        says=hints(),
        sources=every,
        chosen={"reason": reason, "source": source.name if source else None},
        tried=request.args.get("tried", type=int),
        zone=campaigns.zones(g.org_id)[None],
        postponed=next((each for each in postponed() if each.org_id == g.org_id), None),
    )


@blueprint.post("/quarantine/replay")
@for_editors
def replay() -> Response:
    """Queue deliveries to be processed again: one, all with a reason, or all."""
    same_site()
    of = request.form.get("connection", "")
    one, reason = (request.form.get(name, "").replace("\0", "") for name in ("id", "reason"))
    try:
        ids = [UUID(one)] if one else None
    except ValueError:
        ids = []
    if ids == [] or not (ids or reason or request.form.get("all") == "yes"):
        raise Problem(
            422, _("Nothing selected"), _("Choose a delivery or a reason from this page.")
        )
    with transaction():
        master = current_app.extensions["settings"].secret_key.encode()
        tried = put_back(master, g.org_id, reason=reason or None, ids=ids)
    if tried:
        current_app.extensions["notifier"].announce(g.org_id)
    if of:
        return redirect(url_for("connections.source_page", source_id=_id(of), tried=tried), 303)
    return redirect(url_for("quarantine.page", tried=tried), 303)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Problem(404, _("Not Found"), _("There is no such tool.")) from None


def _read_cursor(text: str) -> tuple[datetime, UUID] | None:
    """Read a cursor; an invalid one means the beginning of the list."""
    at, _underscore, delivery_id = text.partition("_")
    try:
        found = datetime.fromisoformat(at), UUID(delivery_id)
    except ValueError:
        return None
    return found if found[0].tzinfo else None
