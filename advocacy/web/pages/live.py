"""New figures without a reload: server-sent events that say *that* a campaign's figures changed.

The page then fetches itself and swaps its figures (`static/live.js`), so that there is one way in
which figures are made and one check of who may see them.

Note: a stream holds a thread of the web process for as long as it lasts.
So there are few places for streams in a process (`LIVE_STREAMS`); whoever comes later gets 503 and
asks for the mark every few seconds, which holds nothing. A stream ends by itself after five minutes
and the browser connects again, maybe to another process; `Last-Event-ID` says what it knows.
"""

from __future__ import annotations

import io
import random
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import Any

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
from advocacy.web.live_poller import Watcher

blueprint = Blueprint("live", __name__)

HEARTBEAT_SECONDS = 15.0
LASTS_SECONDS = 300.0
CHECK_SECONDS = 60.0
RETRY_AFTER_SECONDS = 60
# How soon a stream sees that its page was left, or that its process is told to stop.
_LOOK_SECONDS = 1.0


def init_app(app: Flask) -> None:
    """Give this application its watcher."""

    def read(watched: Sequence[Watched]) -> dict[Watched, str]:
        # A context of its own: whoever asks may hold a session with half its work done.
        with app.app_context(), transaction():
            return change_tokens.read_change_tokens(watched)

    app.extensions["watcher"] = Watcher(read, app.extensions["settings"].live_streams)


def mark_of(campaign: Campaign) -> str:
    """Return the mark of what a page is about to show. Ask before the figures are read."""
    found: str = _watcher().mark((campaign.org_id, campaign.id))
    return found


@blueprint.get("/campaigns/<slug>/live/mark")
@auth.needs_session
def mark(slug: str) -> Response:
    """Say the mark of a campaign, for a page that has no stream."""
    told = json.dumps({"mark": mark_of(campaign_or_404(slug))})
    return Response(told, content_type="application/json")


@blueprint.get("/campaigns/<slug>/live")
@auth.needs_session
def stream(slug: str) -> Response:
    """Say whenever the figures of a campaign are other ones than those that the page shows."""
    campaign = campaign_or_404(slug)
    watched = (campaign.org_id, campaign.id)
    watcher = _watcher()
    known = (
        request.headers.get("Last-Event-ID") or request.args.get("mark") or watcher.mark(watched)
    )
    if not watcher.join(watched):
        raise Problem(
            503,
            _("Too many viewers"),
            _("The page checks every few seconds instead."),
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    answer = Response(
        _events(watcher, watched, known[:64], _signed_in(), _is_over()),
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"},
    )
    # Not at the generator's end: one that never began has none.
    answer.call_on_close(_once(lambda: watcher.leave(watched)))
    return answer


def _events(
    watcher: Watcher,
    watched: Watched,
    known: str,
    signed_in: Callable[[], bool],
    is_over: Callable[[], bool],
) -> Iterator[str]:
    """Yield events until nobody may or does listen any more, or it has lasted long enough."""
    now = time.monotonic()
    # Not all at the same time, where a process began with many at once.
    ends, said, checked = now + LASTS_SECONDS * random.uniform(0.9, 1.1), now, now  # noqa: S311
    yield f"retry: {random.randint(2000, 5000)}\n\n"  # noqa: S311
    while now < ends and not is_over():
        newest = watcher.wait(watched, known, min(_LOOK_SECONDS, HEARTBEAT_SECONDS))
        now = time.monotonic()
        if now - checked >= CHECK_SECONDS:
            checked = now
            if not signed_in():
                yield "event: ended\ndata: signed out\n\n"
                return
        if newest != known:
            known, said = newest, now
            yield f'id: {known}\nevent: figures\ndata: {{"mark": "{known}"}}\n\n'
        elif now - said >= HEARTBEAT_SECONDS:
            said = now
            yield ": still here\n\n"


def _signed_in() -> Callable[[], bool]:
    """Return a way to ask again whether the session of this request is still one."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    environ: dict[str, Any] = {
        name: value
        for name, value in request.environ.items()
        if isinstance(value, str) or name == "wsgi.version"
    } | {"wsgi.url_scheme": request.scheme}

    @auth.needs_session
    def seen() -> str:
        return "seen"

    def ask() -> bool:
        # The cookie is read anew each time, so that its end is seen as any page would see it.
        try:
            with app.request_context({**environ, "wsgi.input": io.BytesIO()}), transaction():
                auth.know_nobody()
                return seen() == "seen"
        except SQLAlchemyError:
            # Nobody can say, and no figures can be fetched either. The next minute tells.
            return True

    return ask


def _is_over() -> Callable[[], bool]:
    """Return whether this process is told to stop (`config/gunicorn.py`), or the page was left.

    A stream that says nothing would learn only from its next heartbeat that nobody listens, and
    who goes from page to page would hold place after place.
    """
    stopping: Callable[[], bool] | None = current_app.extensions.get("stopping")
    peer: socket.socket | None = request.environ.get("gunicorn.socket")

    def ask() -> bool:
        return bool(stopping and stopping()) or (peer is not None and _has_left(peer))

    return ask


def _has_left(peer: socket.socket) -> bool:
    readable = select.poll()
    try:
        readable.register(peer, select.POLLIN)
        # There is nothing more to be read than that there will be nothing more.
        return bool(readable.poll(0)) and peer.recv(1, socket.MSG_PEEK) == b""
    except (BlockingIOError, ValueError):
        # Nothing there after all; or TLS, which cannot be looked into: the heartbeat tells.
        return False
    except OSError:
        return True


def _once(what: Callable[[], None]) -> Callable[[], None]:
    """Return a function that does something the first time it is called, and then no more."""
    first = Lock()

    def do() -> None:
        if first.acquire(blocking=False):
            what()

    return do


def _watcher() -> Watcher:
    found: Watcher = current_app.extensions["watcher"]
    return found
