"""The redirect endpoint: `GET /r/<code>`, a WSGI callable in front of the Flask application.

It needs neither PostgreSQL nor Redis: links are read from memory (`tracking.link_cache`), and a
click is one line in the click log before the response. Threads refresh the links and load the log.

Note: a preview bot is redirected like a person; its click is logged with a reason and not counted.
Refusing bots would break the link previews that bring people.
"""

from __future__ import annotations

import atexit
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog
from flask import Flask

from advocacy.core.ids import new_click_id
from advocacy.core.link_codes import codes_in, is_link
from advocacy.core.minimization import retained_host
from advocacy.core.urls import host_of
from advocacy.tracking import click_loader, click_log
from advocacy.tracking.click_log import ClickLog
from advocacy.tracking.link_cache import LinkCache, MissingLink, Target
from advocacy.tracking.user_agents import LONGEST, is_person
from advocacy.web import link_missing
from config.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger()

Answer = tuple[str, list[tuple[str, str]], list[bytes]]
"""Status, headers, body."""

_LONGEST_HOST = 100
_START_TIMEOUT_SECONDS = 0.5
_HEADERS = [
    ("Content-Length", "0"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Robots-Tag", "noindex"),
]


class Redirector:
    """WSGI middleware: responds to `/r/<code>` and passes all other requests on."""

    def __init__(self, application: WSGIApplication, app: Flask, settings: Settings) -> None:
        self._application = application
        self.app = app
        self._settings = settings
        self.links = LinkCache(
            app.app_context, settings.var_dir / "links.json", local=not settings.https
        )
        self.clicks = ClickLog(settings.var_dir / "clicks")
        self._start_lock, self._load_lock = threading.Lock(), threading.Lock()
        self._pid = 0
        self._lost_reported = 0
        self._finished = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Redirect, or pass the request on."""
        # At the first request of any kind, so that clicks of a process that died are loaded soon.
        if self._pid != os.getpid():
            self.start()
        path: str = environ.get("PATH_INFO", "")
        if not is_link(path):
            return self._application(environ, start_response)
        # WSGI decodes the bytes of a path as Latin-1.
        path = path.encode("latin-1", "replace").decode("utf-8", "replace")
        status, headers, body = self.answer(
            environ["REQUEST_METHOD"], self.links.find(codes_in(path)), environ
        )
        start_response(status, headers)
        return body

    def answer(self, method: str, target: Target | MissingLink, environ: WSGIEnvironment) -> Answer:
        """Log the click, then redirect. `environ` has the headers under their WSGI names."""
        if method not in {"GET", "HEAD"}:
            return plain("405 Method Not Allowed", ("Allow", "GET, HEAD"))
        if isinstance(target, MissingLink):
            return missing_page(method, target, environ.get("HTTP_ACCEPT_LANGUAGE", "")[:200])
        click_id = new_click_id()
        reason = not_human_reason(method, environ)
        host = referrer_host(environ.get("HTTP_REFERER", "")[:2048])
        self.clicks.append_line(click_log.write_line(click_id, target.log_columns, reason, host))
        # Supporters who ask not to be tracked get the code of the post, but no click id.
        if environ.get("HTTP_SEC_GPC") == "1" or environ.get("HTTP_DNT") == "1":
            location = target.url_without_click_id
        else:
            location = click_id.join(target.url_parts)
        return "302 Found", [("Location", location), *_HEADERS], []

    def start(self) -> None:
        """Load the links and start the threads, once in each process (again after a fork)."""
        with self._start_lock:
            if self._pid == os.getpid():
                return
            # With links from the file, do not wait long for a database that may be down.
            refresh = threading.Thread(target=self.links.refresh, name="first refresh", daemon=True)
            saved = self.links.load()
            refresh.start()
            refresh.join(_START_TIMEOUT_SECONDS if saved else None)
            self._repeat("links", self._settings.links_refresh_seconds, self.links.refresh)
            self._repeat("clicks", self._settings.click_ship_seconds, self.ship)
            atexit.register(self.finish)
            self._pid = os.getpid()

    def ship(self) -> None:
        """Load logged clicks into the database: of this process and of those that have ended."""
        # One thread at a time, so that a process that ends waits for a load that is running.
        with self._load_lock:
            self.clicks.rotate()
            if self.clicks.lost > self._lost_reported:
                lost = self.clicks.lost - self._lost_reported
                log.error("clicks_lost", clicks=lost)
                self.app.extensions["counters"].count_lost_clicks(lost)
                self._lost_reported += lost
            with self.app.app_context():
                for org_id in click_loader.ship(self.clicks.folder):
                    self.app.extensions["notifier"].announce(org_id)

    def finish(self) -> None:
        """Load the remaining clicks once, before the process ends. No-op if never started."""
        if self._pid == os.getpid() and not self._finished:
            self._finished = True
            try:
                self.ship()
            finally:
                self.app.extensions["counters"].flush()

    @staticmethod
    def _repeat(name: str, seconds: float, work: Callable[[], None]) -> None:
        def loop() -> None:
            while True:
                # Random, so that processes that started together do not all query at once.
                time.sleep(seconds * random.uniform(0.8, 1.2))  # noqa: S311
                try:
                    work()
                except Exception:
                    log.exception("repeated_work_failed", work=name)

        threading.Thread(target=loop, name=name, daemon=True).start()


def not_human_reason(method: str, environ: WSGIEnvironment) -> str:
    """Return why a request is not a person's click, or an empty string."""
    if method == "HEAD":
        return "head"
    for name in PURPOSES:
        if (purpose := environ.get(name)) and _PREFETCH.search(purpose):
            return "prefetch"
    return "" if is_person(environ.get("HTTP_USER_AGENT", "")[:LONGEST]) else "preview"


PURPOSES = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")
_PREFETCH = re.compile("prefetch|prerender|preview|preload", re.IGNORECASE)


@lru_cache(maxsize=1024)
def referrer_host(referrer: str) -> str:
    """Return only the host of a referrer, without labels that may name a person."""
    host = host_of(referrer)
    return retained_host(host) if len(host) <= _LONGEST_HOST else ""


def missing_page(method: str, link: MissingLink, accepted: str) -> Answer:
    """Return the page for a link that leads nowhere, in the language of the browser."""
    language = link_missing.language_of(accepted)
    page = link_missing.page(
        ended=link.disabled, language=language, name=link.organization, url=link.url
    )
    headers = [
        *link_missing.HEADERS,
        ("Content-Language", language),
        ("Content-Length", str(len(page))),
    ]
    status = "410 Gone" if link.disabled else "404 Not Found"
    return status, headers, [] if method == "HEAD" else [page]


def plain(status: str, *headers: tuple[str, str]) -> Answer:
    """Return a response whose body is the text of its status."""
    body = f"{status[4:]}\n".encode()
    return (
        status,
        [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *headers,
        ],
        [body],
    )
