"""Live pages: server-sent events that announce that a campaign's figures have changed.

The page then fetches itself again and replaces its figures (`static/live.js`), so figures are
rendered in one way and access is checked in one place.

Note: a stream occupies a thread of the web process while it lasts, so each process has a limit
(`LIVE_STREAMS`). Further pages receive 503 and poll the change token every few seconds instead. A
stream ends after five minutes and the browser reconnects, perhaps to another process;
`Last-Event-ID` has the change token that it knows.
"""

from __future__ import annotations

import io
import random
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from threading import Lock

from flask import Blueprint, Flask, Response, current_app, json, request
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError

from advocacy.storage import change_tokens
from advocacy.storage.change_tokens import Watched
from advocacy.storage.models import Campaign
from advocacy.storage.session import transaction
from advocacy.web import auth
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.errors import Problem
from advocacy.web.live_poller import LivePoller

blueprint = Blueprint("live", __name__)

HEARTBEAT_SECONDS = 15.0
STREAM_SECONDS = 300.0
CHECK_SECONDS = 60.0
RETRY_AFTER_SECONDS = 60
# How soon a stream ends after its page was closed or its process was asked to stop.
_WAIT_SECONDS = 1.0


def init_app(app: Flask) -> None:
    """Create the poller of this application."""

    def read(watched: Sequence[Watched]) -> dict[Watched, str]:
        # Its own context: the calling request may have an unfinished transaction.
        with app.app_context(), transaction():
            return change_tokens.read_change_tokens(watched)

    app.extensions["live_poller"] = LivePoller(read, app.extensions["settings"].live_streams)


def token_of(campaign: Campaign) -> str:
    """Return the change token for a page. Call it before the figures are read."""
    token: str = _poller().token((campaign.org_id, campaign.id))
    return token


@blueprint.get("/campaigns/<slug>/live/mark")
@auth.needs_session
def mark(slug: str) -> Response:
    """Return the change token of a campaign, for a page that has no stream."""
    payload = json.dumps({"mark": token_of(campaign_or_404(slug))})
    return Response(payload, content_type="application/json")


@blueprint.get("/campaigns/<slug>/live")
@auth.needs_session
def stream(slug: str) -> Response:
    """Send an event whenever the figures of a campaign differ from those that the page shows."""
    campaign = campaign_or_404(slug)
    watched = (campaign.org_id, campaign.id)
    poller = _poller()
    known = (
        request.headers.get("Last-Event-ID") or request.args.get("mark") or poller.token(watched)
    )
    if not poller.join(watched):
        raise Problem(
            503,
            _("Too many viewers"),
            _("The page checks every few seconds instead."),
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    response = Response(
        _events(poller, watched, known[:64], _signed_in(), _is_over()),
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"},
    )
    # Not in the generator: if it never starts, its `finally` does not run.
    response.call_on_close(_once(lambda: poller.leave(watched)))
    return response


def _events(
    poller: LivePoller,
    watched: Watched,
    known: str,
    signed_in: Callable[[], bool],
    is_over: Callable[[], bool],
) -> Iterator[str]:
    """Yield events until the session ends, the page is closed, or the time limit is reached."""
    now = time.monotonic()
    # Random, so that streams that began together do not all end together.
    ends, last_sent, checked = now + STREAM_SECONDS * random.uniform(0.9, 1.1), now, now  # noqa: S311
    yield f"retry: {random.randint(2000, 5000)}\n\n"  # noqa: S311
    while now < ends and not is_over():
        newest = poller.wait(watched, known, min(_WAIT_SECONDS, HEARTBEAT_SECONDS))
        now = time.monotonic()
        if now - checked >= CHECK_SECONDS:
            checked = now
            if not signed_in():
                yield "event: ended\ndata: signed out\n\n"
                return
        if newest != known:
            known, last_sent = newest, now
            yield f'id: {known}\nevent: figures\ndata: {{"mark": "{known}"}}\n\n'
        elif now - last_sent >= HEARTBEAT_SECONDS:
            last_sent = now
            yield ": still here\n\n"


def _signed_in() -> Callable[[], bool]:
    """Return a function: whether the session of this request is still valid."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    environ: dict[str, object] = {
        name: value
        for name, value in request.environ.items()
        if isinstance(value, str) or name == "wsgi.version"
    } | {"wsgi.url_scheme": request.scheme}

    @auth.needs_session
    def guarded() -> str:
        return "ok"

    def check() -> bool:
        # Check the cookie again, as for any page.
        try:
            with app.request_context({**environ, "wsgi.input": io.BytesIO()}), transaction():
                auth.forget_visitor()
                return guarded() == "ok"
        except SQLAlchemyError:
            # The database is unavailable: no figures can be fetched either. Check again later.
            return True

    return check


def _is_over() -> Callable[[], bool]:
    """Return a function: whether the process is stopping (`config/gunicorn.py`) or the page closed.

    Otherwise a quiet stream would notice a closed page only at its next heartbeat, and one person
    who goes from page to page would occupy several streams.
    """
    stopping: Callable[[], bool] | None = current_app.extensions.get("stopping")
    peer: socket.socket | None = request.environ.get("gunicorn.socket")

    def check() -> bool:
        return bool(stopping and stopping()) or (peer is not None and _has_closed(peer))

    return check


def _has_closed(peer: socket.socket) -> bool:
    readable = select.poll()
    try:
        readable.register(peer, select.POLLIN)
        # Readable without data: the connection is closed.
        return bool(readable.poll(0)) and peer.recv(1, socket.MSG_PEEK) == b""
    except (BlockingIOError, ValueError):
        # No data; or TLS, which cannot be peeked into: then the next heartbeat fails.
        return False
    except OSError:
        return True


def _once(what: Callable[[], None]) -> Callable[[], None]:
    """Return a function that calls `what` the first time only."""
    first = Lock()

    def do() -> None:
        if first.acquire(blocking=False):
            what()

    return do


def _poller() -> LivePoller:
    poller: LivePoller = current_app.extensions["live_poller"]
    return poller
