"""The webhook door: `POST /webhooks/<source key>`.

What a stranger would get wrong: every refusal looks the same. Nobody learns from the answer whether
a key exists, a signature was close, or a clock is off; the reason is in the log and the metrics.
"""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, current_app, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from advocacy.events import Refused
from advocacy.receive import receive
from advocacy.web import health

blueprint = Blueprint("webhooks", __name__)
log = structlog.get_logger()


@blueprint.post("/webhooks/<key>")
def take(key: str) -> Response:
    """Take a delivery. The answer is sent after its body is on disk."""
    settings = current_app.extensions["settings"]
    try:
        body = read_body(settings.body_limit_bytes)
    except (RequestEntityTooLarge, BadRequest) as error:
        health.deliveries.labels("bad_body").inc()
        return _plain(error.code, "too large\n" if error.code == 413 else "cut short\n")
    try:
        status, put = receive(
            settings.secret_key.encode(),
            current_app.extensions["nudge"],
            key,
            body=body,
            headers={name.lower(): value for name, value in request.headers.items()},
            url=settings.public_url + request.full_path.rstrip("?"),
        )
    except Refused as error:
        log.info("delivery_refused", reason=error.reason)
        health.deliveries.labels(error.reason).inc()
        return _plain(401, "refused\n")
    except (DBAPIError, PoolTimeout) as error:
        log.error("delivery_not_kept", error=type(error).__name__)
        health.deliveries.labels("not_kept").inc()
        answer = _plain(503, "try again\n")
        answer.headers["Retry-After"] = "5"
        return answer
    health.deliveries.labels(put).inc()
    return _plain(status, "ok\n" if status == 200 else "")


def read_body(limit: int) -> bytes:
    """Return the whole body. Raises `RequestEntityTooLarge`, or `BadRequest` where it is cut short.

    Werkzeug cuts a chunked body at its limit without a word, and takes a body that ends before its
    Content-Length for whole; so one byte more is allowed, and the length is looked at.
    """
    request.max_content_length = limit + 1
    body = request.get_data(cache=False)
    if len(body) > limit:
        raise RequestEntityTooLarge
    if request.content_length is not None and len(body) != request.content_length:
        raise BadRequest
    return body


def _plain(status: int, text: str) -> Response:
    return Response(text, status, content_type="text/plain; charset=utf-8")
