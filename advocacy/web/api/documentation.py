"""The API's pages: how to use it, with examples; and its reference in the packaged Swagger UI."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask_swagger_ui
from flask import Blueprint, Response, current_app, g, render_template, send_from_directory
from flask_login import current_user

from advocacy.reporting.webhooks import events
from advocacy.web.api import api
from config.settings import Settings

_BUNDLE = Path(flask_swagger_ui.__file__).parent / "dist"
_FILES = frozenset({"swagger-ui.css", "swagger-ui-bundle.js"})
_SIGNED = (
    "Signed by Standard Webhooks. Answer with 2xx within 15 seconds; anything else is tried again "
    "with the same `webhook-id`, ten times over three days."
)
_EVENTS = {
    events.SURGE: "A post has far more clicks or actions than usual.",
    events.WEEKLY: "The figures of the last whole week, on Mondays at 8:00.",
    events.TEST: "Staff try the webhook.",
}

blueprint = Blueprint("documentation", __name__, url_prefix="/api")


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the API, as the list of them shows it."""

    method: str
    path: str
    summary: str


def spec_options(settings: Settings) -> dict[str, object]:
    """Return what the OpenAPI document says besides the operations."""
    return {
        "info": {
            "description": "Actions that a nonprofit's social posts lead to, per campaign. "
            "Errors are RFC 9457 problems (application/problem+json) that name the invalid field.",
        },
        "servers": [{"url": settings.public_url}],
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        "webhooks": {name: {"post": _webhook(name, about)} for name, about in _EVENTS.items()},
    }


def _webhook(name: str, about: str) -> dict[str, object]:
    body = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": name},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": {"type": "object"},
        },
    }
    return {
        "summary": about,
        "description": _SIGNED,
        "requestBody": {"content": {"application/json": {"schema": body}}},
        "responses": {"2XX": {"description": "Accepted."}},
    }


@blueprint.get("/")
def page() -> str:
    """Show how to use the API, with its operations; members see it with their sidebar."""
    if current_user.is_authenticated:
        g.org_id, g.role, g.member = current_user.org_id, current_user.role, current_user.member
    return render_template(
        "api.html",
        base=current_app.extensions["settings"].public_url,
        operations=list(_operations()),
        events=_EVENTS,
    )


@blueprint.get("/reference")
def reference() -> str:
    """Show the reference, where each operation can be tried."""
    return render_template("api_reference.html")


@blueprint.get("/ui/<name>")
def bundle(name: str) -> Response:
    """Serve the two files of the packaged bundle."""
    return send_from_directory(_BUNDLE, name if name in _FILES else "missing", max_age=86400)


def _operations() -> Iterator[Operation]:
    document: dict[str, Any] = api.spec.to_dict()
    for path, methods in sorted(document["paths"].items()):
        for method in ("get", "post", "patch", "delete"):
            if method in methods:
                yield Operation(method.upper(), path, methods[method].get("summary", ""))
