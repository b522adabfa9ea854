"""What all that can be asked for has in common: the token, the mistakes, the tag and the files.

One decorator says it of a view and of its place in the OpenAPI document, so that neither can forget
what the other has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import g, request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema

from advocacy.storage import campaigns
from advocacy.storage.models import Campaign
from advocacy.web.api import schemas
from advocacy.web.auth import needs_token
from advocacy.web.downloads import TYPES
from advocacy.web.errors import Problem

View = Callable[..., Any]

of_campaigns = Blueprint(
    "campaigns", __name__, url_prefix="/api/v1/campaigns", description="What posts set in motion."
)
of_organization = Blueprint(
    "organization", __name__, url_prefix="/api/v1", description="The whole organization."
)

_HEADERS = {
    "ETag": {
        "description": "Another one whenever a figure is; send it as `If-None-Match`.",
        "schema": {"type": "string"},
    }
}
_FILES: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    TYPES["xlsx"]: {"schema": {"type": "string", "format": "binary"}},
}
_KNOWN = "What `If-None-Match` names is still so."
_BARE = {kind.partition(";")[0]: written for written, kind in TYPES.items()}


def asked(
    blueprint: Blueprint,
    answer: type[Schema],
    summary: str,
    *,
    query: type[Schema] | None = None,
    scope: str = "reports",
    status: int = 200,
    of_one: bool = True,
    tagged: bool = False,
    files: bool = False,
    counted: bool = False,
) -> Callable[[View], View]:
    """Let a view be asked with a token of this scope, and say so in the OpenAPI document.

    `of_one`: what it is about may not be there (404). `tagged`: it has an `ETag` (304), and then
    may come as CSV and workbook, too (`files`). `counted`: it may have to be counted first (202).
    """
    told: dict[str, Any] = {"summary": summary, "security": [{"bearer": []}]}
    if tagged:
        told["responses"] = {
            status: {"headers": _HEADERS, **({"content": _FILES} if files else {})}
        }
    wrong = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 503: "SERVICE_UNAVAILABLE"}
    if not of_one:
        del wrong[404]

    def decorate(view: View) -> View:
        view = blueprint.doc(**told)(view)
        for code, name in wrong.items():
            view = blueprint.alt_response(code, name)(view)
        if tagged:
            view = blueprint.alt_response(304, description=_KNOWN)(view)
        if counted:
            view = blueprint.alt_response(
                202, schema=schemas.BeingCounted, description=schemas.NOT_YET
            )(view)
        view = blueprint.response(status, answer)(view)
        if query:
            # Said here too: for a query the parser would pass over what it does not know.
            view = blueprint.arguments(query, location="query", unknown=RAISE)(view)
        return needs_token(scope)(view)

    return decorate


def campaign_asked(slug: str) -> Campaign:
    """Return the campaign of this slug; raises the `Problem` that there is none."""
    campaign = campaigns.find_campaign(g.org_id, slug)
    if campaign is None:
        raise Problem(404, "Not Found", f"There is no campaign {slug}.")
    return campaign


def form_asked(query: dict[str, Any]) -> str:
    """Return the form that an answer is to have: as the query says, else as `Accept` does.

    That is the best of what there is, and JSON where `Accept` asks for nothing of it.
    """
    best = request.accept_mimetypes.best_match(list(_BARE), TYPES["json"])
    return query.get("written") or _BARE[best]
