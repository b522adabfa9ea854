"""Security headers of all responses, and protection of forms against other sites (CSRF)."""

from __future__ import annotations

import re

from flask import (
    Blueprint,
    Response,
    current_app,
    request,
)
from flask_babel import gettext as _

from advocacy.web.errors import Problem

blueprint = Blueprint("security", __name__)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
# The packaged Swagger UI writes style attributes; scripts stay as strict as elsewhere.
_STYLED = _POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")

_ORIGIN = re.compile(r"https?://[^/?#]+(?=[/?#]|$)")


@blueprint.after_app_request
def protect(response: Response) -> Response:
    """Set the security headers of a response."""
    styled = request.endpoint == "documentation.reference"
    response.headers.setdefault("Content-Security-Policy", _STYLED if styled else _POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if current_app.extensions["settings"].https:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint not in {"static", "documentation.bundle"}:
        response.headers.setdefault("Cache-Control", "no-store")
    return response


@blueprint.before_app_request
def refuse_other_sites() -> None:
    """Reject forms submitted from other sites; webhooks and the API have their own keys."""
    changes = request.method not in {"GET", "HEAD", "OPTIONS"}
    if changes and not request.path.startswith(("/webhooks/", "/api/")):
        same_site()


def same_site() -> None:
    """Reject a form that was sent from another site, or whose origin is unknown.

    Browsers say where a form comes from: today's in Sec-Fetch-Site and Origin, those of before
    2020 in Origin or, on the own site, in Referer, which our Referrer-Policy has them send. One has
    to agree and none may disagree.
    """
    headers = request.headers
    own = {current_app.extensions["settings"].public_url, request.host_url.rstrip("/")}
    signs = []
    if (site := headers.get("Sec-Fetch-Site")) is not None:
        signs.append(site in {"same-origin", "none"})
    if (origin := headers.get("Origin")) is not None:
        signs.append(origin in own)
    if not signs and (referer := headers.get("Referer")):
        found = _ORIGIN.match(referer)
        signs.append(found is not None and found[0] in own)
    if not signs or not all(signs):
        raise Problem(403, _("Forbidden"), _("This form was submitted from another site."))
