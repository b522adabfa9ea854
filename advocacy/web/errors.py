"""Error responses: RFC 9457 problem details for the API, pages and plain text elsewhere.

Note: the webhook endpoint has its own, minimal error responses.
"""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from flask import Flask, Response, json, render_template, request
from flask_babel import gettext
from marshmallow import Schema, ValidationError, fields
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError

from advocacy.core.messages import N_
from advocacy.storage.connections import DeadlineExceeded, set_deadline

log = structlog.get_logger()

RETRY_SECONDS = "5"
PAGE_SECONDS = 5
"""The limit for the database statements of a page or an API request."""

_TOOK_TOO_LONG = "57014"  # PostgreSQL's query_canceled
NAMES = (
    N_("Bad Request"),
    N_("Forbidden"),
    N_("Not Found"),
    N_("Method Not Allowed"),
    N_("Request Entity Too Large"),
    N_("Unprocessable Entity"),
    N_("Internal Server Error"),
)
"""The titles of Flask's HTTP errors, listed for translation."""

_PAGE_DETAILS = {
    400: N_("The form contains invalid values. Go back and try again."),
    404: N_("This page does not exist."),
    405: N_("This address only accepts a form. Open the page that contains the form."),
    413: N_("The request is too large."),
}
_PLAIN_TEXT_PATHS = ("/webhooks/", "/metrics", "/live", "/ready")


class FieldProblem(Schema):
    """An error in one field of the request."""

    field = fields.Str(required=True, metadata={"description": "Path of the field, e.g. a.b."})
    message = fields.Str(required=True)


class ProblemDetails(Schema):
    """An RFC 9457 problem, sent as application/problem+json."""

    type = fields.Str(required=True)
    title = fields.Str(required=True)
    status = fields.Int(required=True)
    detail = fields.Str(metadata={"description": "How to correct the request."})
    errors = fields.List(
        fields.Nested(FieldProblem), metadata={"description": "The invalid fields."}
    )


class Problem(Exception):
    """An error to be rendered for the client. `errors` lists fields: {"field", "message"}."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        errors: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail or title)
        self.status, self.title, self.detail = status, title, detail
        self.errors = errors or []
        self.headers = headers or {}


def init_app(app: Flask) -> None:
    """Register the error handlers and the time limit of pages."""
    app.before_request(_refuse_nul)
    app.before_request(_set_deadline)
    app.teardown_request(_clear_deadline)
    app.register_error_handler(Problem, problem)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(ValidationError, _invalid)
    app.register_error_handler(DeadlineExceeded, _took_too_long)
    for down in (OperationalError, PoolTimeout):
        app.register_error_handler(down, _database_down)
    app.register_error_handler(Exception, _unexpected)


def _refuse_nul() -> None:
    """Reject a path with a NUL character, which PostgreSQL cannot process."""
    if "\0" in request.path:
        raise Problem(404, N_("Not Found"), N_("This page does not exist."))


def _set_deadline() -> None:
    """Limit the database time of pages and the API; webhooks have their own limits."""
    if not request.path.startswith(_PLAIN_TEXT_PATHS):
        set_deadline(PAGE_SECONDS)


def _clear_deadline(_error: BaseException | None) -> None:
    set_deadline(None)


def problem(error: Problem) -> Response:
    """Render a problem: JSON for the API, a line of text for machines, else a page."""
    if request.path.startswith(_PLAIN_TEXT_PATHS):
        line = f"{error.title}\n"
        return Response(line, error.status, error.headers, content_type="text/plain; charset=utf-8")
    if not request.path.startswith("/api/"):
        # Problems raised by pages are translated already; those of Flask and this module are not.
        page = render_template(
            "error.html",
            title=gettext(error.title),
            detail=error.detail and gettext(error.detail),
        )
        return Response(page, error.status, error.headers)
    body: dict[str, object] = {"type": "about:blank", "title": error.title, "status": error.status}
    if error.detail:
        body["detail"] = error.detail
    if error.errors:
        body["errors"] = error.errors
    return Response(
        json.dumps(body), error.status, error.headers, content_type="application/problem+json"
    )


def _http(error: HTTPException) -> Response:
    # flask-smorest passes validation errors in `data`.
    data = getattr(error, "data", None) or {}
    headers = dict(data.get("headers") or {})
    if isinstance(retry := error.get_response().headers.get("Allow"), str):
        headers["Allow"] = retry
    code = error.code or 500
    description = error.description or ""
    if not request.path.startswith("/api/"):
        description = _PAGE_DETAILS.get(code, description)
    return problem(
        Problem(
            code,
            error.name,
            "" if data.get("messages") else description,
            list(_named(data.get("messages") or {})),
            headers,
        )
    )


def _invalid(error: ValidationError) -> Response:
    return problem(Problem(422, "Unprocessable Entity", errors=list(_named(error.messages))))


def _named(messages: object, path: str = "") -> Iterator[dict[str, str]]:
    """Yield {"field", "message"} from marshmallow's nested messages, without the location."""
    if isinstance(messages, dict):
        for name, below in messages.items():
            skipped = not path and name in {"query", "json", "path", "headers", "files", "form"}
            yield from _named(below, path if skipped else f"{path}.{name}".lstrip("."))
    elif isinstance(messages, list):
        for below in messages:
            yield from _named(below, path)
    else:
        yield {"field": path, "message": str(messages)}


def _took_too_long(_error: Exception) -> Response:
    log.warning("took_too_long", endpoint=request.endpoint)
    return problem(
        Problem(
            503,
            N_("This takes too long"),
            N_("This took too long. Choose fewer days, or try again when the server is less busy."),
            headers={"Retry-After": RETRY_SECONDS},
        )
    )


def _database_down(error: DBAPIError) -> Response:
    if getattr(error.orig, "sqlstate", None) == _TOOK_TOO_LONG:
        return _took_too_long(error)
    log.error("database_down", error=type(error).__name__)
    return problem(
        Problem(
            503,
            N_("Service Unavailable"),
            N_("The database is not responding. Try again soon."),
            headers={"Retry-After": RETRY_SECONDS},
        )
    )


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected")
    return problem(
        Problem(
            500, InternalServerError().name, N_("Something went wrong. The error has been logged.")
        )
    )
