"""The language of pages: the one chosen on a page, else the preference of the browser.

Texts in code and templates are English, within `_()`. Translations are in `translations/`;
`make texts` extracts new texts.
"""

from __future__ import annotations

import re

from flask import Blueprint, current_app, has_request_context, redirect, request, session, url_for
from flask_babel import Babel, gettext, ngettext, refresh
from markupsafe import Markup
from werkzeug.wrappers import Response

from advocacy.core.choices import LANGUAGES
from advocacy.core.messages import in_language
from advocacy.core.vocabulary import model_named, tier_named

blueprint = Blueprint("languages", __name__)
babel = Babel()

# Such a path cannot lead to another host, whatever its query string.
_OWN_PAGE = re.compile(r"(/|(/[\w-]+)+)(\?[\w/.=&%+-]*)?", re.ASCII)


@blueprint.before_app_request
def forget() -> None:
    """Determine the language again: a cached one may outlive its request."""
    refresh()


@blueprint.app_context_processor
def languages() -> dict[str, object]:
    """Give every page the list of languages, its own language, and the URL to return to."""
    return {
        "languages": LANGUAGES,
        "language": chosen(),
        "here": _here(),
        "end_tag": Markup("</a>"),
    }


def _here() -> str:
    """Return the URL of this page if it can be opened with GET, else of the first page."""
    if not has_request_context():
        return "/"
    addresses = current_app.create_url_adapter(request)
    again = addresses is not None and addresses.test(request.path, "GET")
    here = request.full_path if request.method == "GET" else request.path
    here = here.rstrip("?")
    return here if again and _OWN_PAGE.fullmatch(here) else "/"


@blueprint.app_template_filter("said")
def said(words: object) -> str:
    """Return a `Phrase` in the reader's language; anything else unchanged."""
    return in_language(words, gettext, ngettext)


@blueprint.app_template_filter("model")
def model(name: str) -> str:
    """Return the name of a model."""
    if name.startswith("markov_"):
        return str(gettext("markov %(order)s", order=name.removeprefix("markov_")))
    return str(gettext("shapley")) if name == "shapley" else said(model_named(name))


@blueprint.app_template_filter("tier")
def tier(name: str) -> str:
    """Return the name of a tier of evidence."""
    return said(tier_named(name))


@blueprint.app_template_global("link_tag")
def link_tag(address: str) -> Markup:
    """Return the opening tag of a link, as a placeholder in a translated sentence."""
    return Markup('<a href="{}">').format(address)


@blueprint.app_template_global("download_tag")
def download_tag(address: str) -> Markup:
    """Return the opening tag of a download link; see `link_tag`."""
    return Markup('<a href="{}" download>').format(address)


@blueprint.app_template_global("code_tag")
def code_tag(text: str) -> Markup:
    """Return a text as code, as a placeholder in a translated sentence."""
    return Markup("<code>{}</code>").format(text)


def chosen() -> str:
    """Return the language of this request; English for the API and outside a request."""
    if not has_request_context() or request.path.startswith("/api/v1/"):
        return "en"
    if (asked := session.get("language")) in LANGUAGES:
        return str(asked)
    return request.accept_languages.best_match(list(LANGUAGES)) or "en"


@blueprint.post("/language")
def choose() -> Response:
    """Store the chosen language in the session, and return to the page."""
    if (asked := request.form.get("language")) in LANGUAGES:
        session["language"] = asked
    after = request.form.get("next", "")
    return redirect(after if _OWN_PAGE.fullmatch(after) else url_for("dashboard.overview"))
