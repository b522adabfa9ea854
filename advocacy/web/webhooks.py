"""The webhook door: `POST /webhooks/<source key>`.

What a stranger would get wrong: every refusal looks the same. Nobody learns from the answer whether
a key exists, a signature was close, or a clock is off; the reason is in the log and the metrics.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from flask import Blueprint, Flask, Response, current_app, request
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from advocacy.events import Refused
from advocacy.receive import Kept, Knock, receive_together
from advocacy.together import Overloaded, Together
from advocacy.web import health
from config.settings import Settings

blueprint = Blueprint("webhooks", __name__)
log = structlog.get_logger()


# How many deliveries share a commit at most: each may have a body of a mebibyte.
_AT_ONCE = 64
_RETRY_SECONDS = "5"


def init_app(app: Flask) -> None:
    """Give the application its group of deliveries that wait for one commit."""
    settings: Settings = app.extensions["settings"]
    master = settings.secret_key.encode()

    def keep(knocks: Sequence[Knock]) -> Sequence[Kept | Exception]:
        return receive_together(master, app.extensions["nudge"], knocks)

    app.extensions["door"] = Together[Knock, Kept](
        keep,
        at_once=_AT_ONCE,
        waiting=settings.door_waiting,
        seconds=settings.door_seconds,
        # Where the database is away, asking once for each would only take longer.
        hopeless=(OperationalError, InterfaceError, PoolTimeout),
    )


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
        status, put = current_app.extensions["door"].do(
            Knock(
                key,
                body,
                {name.lower(): value for name, value in request.headers.items()},
                settings.public_url + request.full_path.rstrip("?"),
            )
        )
    except Refused as error:
        log.info("delivery_refused", reason=error.reason)
        health.deliveries.labels(error.reason).inc()
        return _plain(401, "refused\n")
    except Overloaded:
        log.warning("door_overloaded")
        health.deliveries.labels("overloaded").inc()
        return _try_again()
    except (DBAPIError, PoolTimeout) as error:
        log.error("delivery_not_kept", error=type(error).__name__)
        health.deliveries.labels("not_kept").inc()
        return _try_again()
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


def _try_again() -> Response:
    """Say that the delivery was not kept, and when to send it again."""
    answer = _plain(503, "try again\n")
    answer.headers["Retry-After"] = _RETRY_SECONDS
    return answer


def _plain(status: int, text: str) -> Response:
    return Response(text, status, content_type="text/plain; charset=utf-8")
