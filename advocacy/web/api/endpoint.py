"""The decorator for API endpoints: token, errors, ETag and file formats.

It configures both the view and its part of the OpenAPI document, so that they always agree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from flask import request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema

from advocacy.web.api import schemas
from advocacy.web.api.transactions import in_transaction
from advocacy.web.auth import needs_token
from advocacy.web.downloads import TYPES

View = Callable[..., object]

Query: TypeAlias = dict[str, Any]
"""The query parameters of a request, by name, as a marshmallow schema has validated them."""

of_campaigns = Blueprint(
    "campaigns", __name__, url_prefix="/api/v1/campaigns", description="Figures of a campaign."
)
of_organization = Blueprint(
    "organization", __name__, url_prefix="/api/v1", description="Figures of the whole organization."
)
of_setup = Blueprint(
    "setup",
    __name__,
    url_prefix="/api/v1",
    description="Campaigns, posts, links and sources: list, make, change and archive them.",
)

_ONCE = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "A unique word of yours for this request, such as a UUID. If you send it again "
    "within 24 hours, you get the first response again (`Idempotent-Replayed: true`) and nothing "
    "is made twice. The same key with another request is refused (422).",
}
_HEADERS = {
    "ETag": {
        "description": "Changes whenever a figure changes; send it as `If-None-Match`.",
        "schema": {"type": "string"},
    }
}
_FILES: dict[str, object] = {
    "text/csv": {"schema": {"type": "string"}},
    TYPES["xlsx"]: {"schema": {"type": "string", "format": "binary"}},
}
_KNOWN = "The version named in `If-None-Match` is still current."
_BARE = {kind.partition(";")[0]: written for written, kind in TYPES.items()}


def endpoint(
    blueprint: Blueprint,
    answer: type[Schema],
    summary: str,
    *,
    query: type[Schema] | None = None,
    body: type[Schema] | None = None,
    once: bool = False,
    scope: str = "reports",
    status: int = 200,
    of_one: bool = True,
    tagged: bool = False,
    files: bool = False,
    counted: bool = False,
) -> Callable[[View], View]:
    """Require a token of this scope for a view, and describe it in the OpenAPI document.

    `of_one`: the resource may not exist (404). `tagged`: the response has an `ETag` (304), and can
    be CSV and XLSX as well (`files`). `counted`: the figures may still be calculated (202). `body`:
    the JSON of a request that changes something; the view runs in a transaction, and `once` for
    each `Idempotency-Key`.
    """
    told: dict[str, object] = {"summary": summary, "security": [{"bearer": []}]}
    if once:
        told["parameters"] = [_ONCE]
    if tagged:
        told["responses"] = {
            status: {"headers": _HEADERS, **({"content": _FILES} if files else {})}
        }
    wrong = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 503: "SERVICE_UNAVAILABLE"}
    if not of_one:
        del wrong[404]
    if body:
        wrong[409] = "CONFLICT"

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
            # Set here too: for a query the parser would ignore unknown parameters.
            view = blueprint.arguments(query, location="query", unknown=RAISE)(view)
        if body:
            view = in_transaction(blueprint.arguments(body)(view), once=once)
        return needs_token(scope)(view)

    return decorate


def requested_format(query: Query) -> str:
    """Return the response format: from the query, else the best match of `Accept`.

    It is JSON if `Accept` matches no available format.
    """
    best = request.accept_mimetypes.best_match(list(_BARE), TYPES["json"])
    return str(query.get("written") or _BARE[best])
