"""The webhook endpoint: `POST /webhooks/<source key>`.

Note: all refusals look the same, so that the response does not reveal whether a key exists, a
signature was wrong or a clock is off. The reason is in the log and the metrics.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from flask import Blueprint, Flask, Response, current_app, request
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.wsgi import get_content_length, get_input_stream

from advocacy.core.errors import Refused
from advocacy.core.ids import new_id
from advocacy.identity.key_check import WrongKey
from advocacy.ingestion.counters import Counters
from advocacy.ingestion.group_commit import GroupCommit, Overloaded
from advocacy.ingestion.receive import KnownSources, ReceiveOutcome, WebhookRequest, receive_batch
from advocacy.ingestion.refused_requests import RefusedRequests
from config.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

blueprint = Blueprint("webhooks", __name__)
log = structlog.get_logger()


Answer = tuple[int, str, list[tuple[str, str]]]
"""Status, text, headers."""

PREFIX = "/webhooks/"
ADDRESS = re.compile(rf"{PREFIX}([A-Za-z0-9_-]{{1,200}})/?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# How many deliveries share a commit at most: each may have a body of a mebibyte.
_AT_ONCE = 64
_RETRY_SECONDS = "5"
# How long a disabled source or a revoked secret may still be accepted.
_REMEMBERED_SECONDS = 1.0


def init_app(app: Flask) -> None:
    """Create the group commit of this application."""
    settings: Settings = app.extensions["settings"]
    sources = KnownSources(settings.secret_key.encode(), _REMEMBERED_SECONDS)

    app.extensions["refused_requests"] = RefusedRequests(app.app_context)

    def store(requests: Sequence[WebhookRequest]) -> Sequence[ReceiveOutcome | Exception]:
        with app.app_context():
            app.extensions["key_check"].require()
            return receive_batch(sources, app.extensions["notifier"], requests)

    app.extensions["receiver"] = GroupCommit[WebhookRequest, ReceiveOutcome](
        store,
        at_once=_AT_ONCE,
        waiting=settings.webhook_waiting,
        seconds=settings.webhook_seconds,
        # If the database is down, retrying each delivery singly would only take longer.
        hopeless=(OperationalError, InterfaceError, PoolTimeout, WrongKey),
    )


class WebhookEndpoint:
    """WSGI middleware: receives deliveries without Flask; passes all other requests on."""

    def __init__(self, application: WSGIApplication, app: Flask) -> None:
        self._application = application
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Receive a delivery, or pass the request on."""
        # Requests that are not for a source get the error response of the application.
        found = ADDRESS.fullmatch(environ.get("PATH_INFO", ""))
        if not found or environ["REQUEST_METHOD"] != "POST":
            return self._application(environ, start_response)
        status, text, headers = answer(self._app, found[1], environ)
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [text.encode()]


@blueprint.post(f"{PREFIX}<key>")
@blueprint.post(f"{PREFIX}<key>/")
def take(key: str) -> Response:
    """Receive a delivery in Flask, where this middleware is not in front."""
    status, text, headers = answer(current_app._get_current_object(), key, request.environ)  # type: ignore[attr-defined]
    return Response(text, status, headers)


def answer(app: Flask, key: str, environ: WSGIEnvironment) -> Answer:
    """Receive a delivery; return status, text and headers. With a 2xx its body is on disk."""
    settings: Settings = app.extensions["settings"]
    counters: Counters = app.extensions["counters"]
    try:
        body = read_body(environ, settings.body_limit_bytes)
    except RequestEntityTooLarge:
        return _refuse_body(app, key, 413)
    except BadRequest:
        return _refuse_body(app, key, 400)
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    if _is_encoded(headers):
        return _refuse_encoding(app, key)
    query = environ.get("QUERY_STRING", "").encode("latin-1")
    try:
        url = _url(settings, environ["PATH_INFO"], query)
        return _acknowledge(
            counters, app.extensions["receiver"].do(WebhookRequest(key, body, headers, url))
        )
    except Exception as error:
        return _failed(app, key, error, headers)


async def answer_in_loop(
    app: Flask, key: str, path: str, query: bytes, headers: Mapping[str, str], body: bytes | None
) -> Answer:
    """Receive a delivery in an event loop, as `answer` does. A truncated body is None.

    Header names are in lower case.
    """
    settings: Settings = app.extensions["settings"]
    counters: Counters = app.extensions["counters"]
    if body is None:
        return _refuse_body(app, key, 400)
    if len(body) > settings.body_limit_bytes:
        return _refuse_body(app, key, 413)
    if _is_encoded(headers):
        return _refuse_encoding(app, key)
    try:
        received = WebhookRequest(key, body, headers, _url(settings, path, query))
        return _acknowledge(counters, await app.extensions["receiver"].do_in_loop(received))
    except Exception as error:
        return _failed(app, key, error, headers)


def _is_encoded(headers: Mapping[str, str]) -> bool:
    """Return whether the body has a content encoding, such as gzip."""
    codings = headers.get("content-encoding", "").lower().split(",")
    return any(coding.strip() not in {"", "identity"} for coding in codings)


def _refuse_body(app: Flask, key: str, status: int) -> Answer:
    """Respond to a body that is too large (413), or shorter than announced (400)."""
    reason, text = ("too_large", "too large\n") if status == 413 else ("cut_short", "cut short\n")
    _refused(app).note(key, reason)
    return _say(app.extensions["counters"], "bad_body", status, text)


def _refused(app: Flask) -> RefusedRequests:
    found: RefusedRequests = app.extensions["refused_requests"]
    return found


def _refuse_encoding(app: Flask, key: str) -> Answer:
    """Respond with 415 and the accepted encoding (RFC 9110, 15.5.16).

    Note: senders sign the body before or after encoding it, so decoding it would mean guessing.
    """
    _refused(app).note(key, "bad_encoding")
    status, text, headers = _say(
        app.extensions["counters"], "bad_encoding", 415, "send the body without Content-Encoding\n"
    )
    return status, text, [*headers, ("Accept-Encoding", "identity")]


def _url(settings: Settings, path: str, query: bytes) -> str:
    """Return the public URL of the request, which some tools sign."""
    asked = f"?{query.decode(errors='replace')}" if query else ""
    return f"{settings.public_url}{path}{asked}"


def _request_id(headers: Mapping[str, str]) -> str:
    """Return the request id from a proxy, or a new one."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else new_id().hex


def _acknowledge(counters: Counters, outcome: ReceiveOutcome) -> Answer:
    text = "ok\n" if outcome.status == 200 else ""
    return _say(counters, outcome.result, outcome.status, text, source=outcome.source)


def _failed(app: Flask, key: str, error: Exception, headers: Mapping[str, str]) -> Answer:
    request_id = _request_id(headers)
    counters: Counters = app.extensions["counters"]
    if isinstance(error, Refused):
        _refused(app).note(key, error.reason)
        log.info(
            "delivery_refused",
            reason=error.reason,
            source=error.source,
            provider=error.provider,
            request_id=request_id,
        )
        return _say(counters, error.reason, 401, "refused\n", request_id, error.source)
    if isinstance(error, Overloaded):
        log.warning("webhooks_overloaded", request_id=request_id)
        return _say(counters, "overloaded", 503, "try again\n", request_id)
    if isinstance(error, (DBAPIError, PoolTimeout, WrongKey)):
        log.error("delivery_not_kept", error=type(error).__name__, request_id=request_id)
        return _say(counters, "not_kept", 503, "try again\n", request_id)
    log.error("delivery_failed", exc_info=error, request_id=request_id)
    return _say(counters, "failed", 500, "failed\n", request_id)


def _say(
    counters: Counters,
    outcome: str,
    status: int,
    text: str,
    request_id: str = "",
    source: str = "",
) -> Answer:
    """Count an outcome and return its response."""
    counters.count_delivery(outcome, source)
    again = [("Retry-After", _RETRY_SECONDS)] if status == 503 else []
    named = [("X-Request-Id", request_id)] if request_id else []
    length = ("Content-Length", str(len(text)))
    return status, text, [("Content-Type", "text/plain; charset=utf-8"), length, *again, *named]


def read_body(environ: WSGIEnvironment, limit: int) -> bytes:
    """Return the body. Raises `RequestEntityTooLarge`, or `BadRequest` if it is truncated.

    Werkzeug silently cuts a chunked body at the limit, and accepts a body that is shorter than its
    Content-Length. So one byte more is allowed, and the length is checked.
    """
    said = get_content_length(environ)
    body: bytes = get_input_stream(environ, max_content_length=limit + 1).read()
    if len(body) > limit:
        raise RequestEntityTooLarge
    if said is not None and len(body) != said:
        raise BadRequest
    return body
