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
    every = sources.list_sources(g.org_id)
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
        says=_says(),
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
    return redirect(url_for("quarantine.page", tried=tried), 303)


def _says() -> dict[str, str]:
    """Return an explanation of each reason, with what to do."""
    number = _("A number cannot be read exactly. Check it in the tool.")
    large = _("It is larger than anything this tool sends. Check the tool's webhook settings.")
    letters = _("Its text encoding cannot be read. Check the tool's webhook settings.")
    look = _(
        "The tool sends a format this version does not know. Update this software, then try again."
    )
    return {
        "unknown_kind": look,
        "wrong_type": look,
        "missing": look,
        "room_failed": _("This is a bug. Report it, update this software, then try again."),
        "failed": _(
            "Storing it failed several times. Report this, update this software, then try again."
        ),
        "killed_worker": _(
            "Processing this delivery crashed a worker repeatedly. "
            "Retry when more memory is available."
        ),
        "bad_mapping": _("The mapping of this source has errors. Correct it, then try again."),
        "mapping_failed": _(
            "The mapping does not match this delivery. Correct it, then try again."
        ),
        "bad_setup": _("The source is misconfigured. Correct it, then try again."),
        "corrupt": _("It was changed on disk, or SECRET_KEY has changed."),
        "id_reuse": _(
            "Its id was already used for a different delivery, which counts. This one stays here."
        ),
        "not_json": _("Not valid JSON. Check the tool's webhook settings."),
        "bad_amount": _("An amount cannot be read exactly. Check it in the tool."),
        "bad_currency": _("A currency is not a three-letter code. Check it in the tool."),
        "bad_instant": _("A time cannot be read or has no time zone. Check it in the tool."),
        "bad_number": number,
        "not_a_number": number,
        "bad_secret": _(
            "The secret of this source does not have the format the tool uses. Set it again."
        ),
        "too_deep": large,
        "too_large": large,
        "too_long": _("A text in it is too long to store. Check it in the tool."),
        "not_utf8": letters,
        "nul": letters,
        "lone_surrogate": letters,
    }


def _read_cursor(text: str) -> tuple[datetime, UUID] | None:
    """Read a cursor; an invalid one means the beginning of the list."""
    at, _underscore, delivery_id = text.partition("_")
    try:
        found = datetime.fromisoformat(at), UUID(delivery_id)
    except ValueError:
        return None
    return found if found[0].tzinfo else None
