"""The page of what could not be read: why, since when, from where; and trying it again.

What a stranger would get wrong: a body is never shown, since it names people. What has to be mended
is told by the reason and its detail; the delivery waits here until it can be read.
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
from advocacy.web.pages.overview import same_site

blueprint = Blueprint("quarantine", __name__)

# Whoever may try deliveries again.
for_editors = auth.needs_role("editor")

_PAGE = 50


@blueprint.get("/quarantine")
@auth.needs_session
def page() -> str:
    """List what is quarantined, the newest first."""
    every = sources.list_sources(g.org_id)
    reason = request.args.get("reason", "").replace("\0", "") or None
    source = next((each for each in every if each.name == request.args.get("source")), None)
    rows = source_health.quarantine_page(
        g.org_id,
        _PAGE + 1,
        reason=reason,
        source_id=source.id if source else None,
        before=_place(request.args.get("before", "")),
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
    """Put one delivery, all of a reason, or all back, to be tried again by a worker."""
    same_site()
    one, reason = (request.form.get(name, "").replace("\0", "") for name in ("id", "reason"))
    try:
        ids = [UUID(one)] if one else None
    except ValueError:
        ids = []
    if ids == [] or not (ids or reason or request.form.get("all") == "yes"):
        raise Problem(
            422, _("Nothing was chosen"), _("Choose a delivery or a reason from the page.")
        )
    with transaction():
        master = current_app.extensions["settings"].secret_key.encode()
        tried = put_back(master, g.org_id, reason=reason or None, ids=ids)
    if tried:
        current_app.extensions["notifier"].announce(g.org_id)
    return redirect(url_for("quarantine.page", tried=tried), 303)


def _says() -> dict[str, str]:
    """Return what each reason means and what to do."""
    number = _("A number cannot be read exactly. Look at it in the tool.")
    large = _("It is larger than what this tool sends. Look at what it is told to send.")
    letters = _("Its letters cannot be read. Look at what the tool is told to send.")
    look = _("The tool sends something new. Update this software, then try it again.")
    return {
        "unknown_kind": look,
        "wrong_type": look,
        "missing": look,
        "room_failed": _("A mistake of ours. Report it, update this software, then try it again."),
        "failed": _(
            "Storing it failed several times. Report it, update this software, then try it again."
        ),
        "killed_worker": _("Workers died of it several times. Try it again when they have room."),
        "bad_mapping": _("The mapping of this source has mistakes. Mend it, then try it again."),
        "mapping_failed": _("The mapping does not fit this body. Mend it, then try it again."),
        "bad_setup": _("The source is set up wrongly. Mend it, then try it again."),
        "corrupt": _("It was changed on disk, or SECRET_KEY is another one than it was."),
        "id_reuse": _("Its id was used before for another body, which stands. It stays here."),
        "not_json": _("It is no JSON. Look at what the tool is told to send."),
        "bad_amount": _("An amount cannot be read exactly. Look at it in the tool."),
        "bad_currency": _("A currency is not written with three letters. Look at it in the tool."),
        "bad_instant": _("A time cannot be read, or has no zone. Look at it in the tool."),
        "bad_number": number,
        "not_a_number": number,
        "bad_secret": _("The secret of this source has not the tool’s form. Set it anew."),
        "too_deep": large,
        "too_large": large,
        "too_long": _("A text in it is longer than can be kept. Look at it in the tool."),
        "not_utf8": letters,
        "nul": letters,
        "lone_surrogate": letters,
    }


def _place(written: str) -> tuple[datetime, UUID] | None:
    """Read a place in the list; what is none begins at the newest."""
    at, _underscore, delivery_id = written.partition("_")
    try:
        found = datetime.fromisoformat(at), UUID(delivery_id)
    except ValueError:
        return None
    return found if found[0].tzinfo else None
