"""The API documentation page: the OpenAPI document in the packaged Swagger UI."""

from __future__ import annotations

from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, render_template, send_from_directory

SPEC = {
    "info": {
        "description": "Actions that a nonprofit's social posts lead to, per campaign. "
        "Errors are RFC 9457 problems (application/problem+json) that name the invalid field.",
    },
    "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
}

_BUNDLE = Path(flask_swagger_ui.__file__).parent / "dist"
_FILES = frozenset({"swagger-ui.css", "swagger-ui-bundle.js"})

blueprint = Blueprint("documentation", __name__, url_prefix="/api")


@blueprint.get("/")
def page() -> str:
    """Show the API."""
    return render_template("api.html")


@blueprint.get("/ui/<name>")
def bundle(name: str) -> Response:
    """Serve the two files of the packaged bundle."""
    return send_from_directory(_BUNDLE, name if name in _FILES else "missing", max_age=86400)
