"""In which language pages are shown: as chosen on a page, else as the browser asks.

What a stranger would get wrong: texts are English in code and templates, within `_()`; their
translations are in `translations/`, and `make texts` finds what is new.
"""

from __future__ import annotations

import re

from flask import Blueprint, has_request_context, redirect, request, session, url_for
from werkzeug.wrappers import Response

LANGUAGES = {"en": "English", "fr": "Français", "es": "Español"}

blueprint = Blueprint("languages", __name__)

_OWN_PAGE = re.compile(r"/|(/[\w-]+)+", re.ASCII)


@blueprint.app_context_processor
def languages() -> dict[str, object]:
    """Give every page the languages there are, and the one it is in."""
    return {"languages": LANGUAGES, "language": chosen()}


def chosen() -> str:
    """Return the language of this request; English outside of one."""
    if not has_request_context():
        return "en"
    if (asked := session.get("language")) in LANGUAGES:
        return str(asked)
    return request.accept_languages.best_match(list(LANGUAGES)) or "en"


@blueprint.post("/language")
def choose() -> Response:
    """Keep the language that was chosen, and go back to the page."""
    if (asked := request.form.get("language")) in LANGUAGES:
        session["language"] = asked
    after = request.form.get("next", "")
    return redirect(after if _OWN_PAGE.fullmatch(after) else url_for("dashboard.overview"))
