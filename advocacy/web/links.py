"""The redirect door: `GET /r/<code>`, answered before Flask's stack is entered.

A plain WSGI callable in front of the application. It needs neither PostgreSQL nor Redis: links are
looked up in a copy in memory, refreshed by a thread and saved on disk for the next start; a click
is one line in the click log before the 302; another thread ships the log.

What a stranger would get wrong: a preview bot gets the same redirect as a person. Its click is kept
and flagged, and not counted; to turn bots away would break the preview that brings people.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from crawleruseragents import is_crawler
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from advocacy import shipping
from advocacy.clicklog import Click, ClickLog
from advocacy.destinations import BadDestination, check_destination
from advocacy.ids import new_click_id
from advocacy.providers import BY_SLUG, generic
from advocacy.providers.base import with_query
from advocacy.store import campaigns
from config.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger()

_PREFIX = "/r/"
_LOOK_AGAIN_SECONDS = 0.25
# A database that is down is asked again this seldom: asking may take as long as a connection.
_LOOK_AGAIN_DOWN_SECONDS = 5.0
_WAIT_AT_START_SECONDS = 0.5
_HEADERS = [
    ("Content-Length", "0"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Robots-Tag", "noindex"),
]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a code leads, ready to be used."""

    org_id: UUID
    link_id: UUID
    provider: str
    destination: str
    carries: Mapping[str, str]


class LinkTable:
    """The copy of all links in this process, kept fresh from PostgreSQL and saved on disk."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._saved = settings.var_dir / "links.json"
        self._local = not settings.https
        self._targets: dict[str, Target] = {}
        self._mark: object = None
        self._look_again_at = 0.0
        self._lock = threading.Lock()

    def find(self, code: str) -> Target | None:
        """Return where a code leads. A code that is not known is looked for once more, at most
        a few times a second, so that a link works as soon as it is made.
        """
        target = self._targets.get(code)
        if target is None and time.monotonic() > self._look_again_at:
            self.refresh()
            target = self._targets.get(code)
        return target

    def load(self) -> bool:
        """Take the links that were saved on disk; False where there are none."""
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            self._take([tuple(row) for row in json.loads(self._saved.read_text())], save=False)
            log.info("links_loaded_from_disk", links=len(self._targets))
        return bool(self._targets)

    def refresh(self) -> None:
        """Take the links from PostgreSQL, or keep what there is; never fail."""
        if not self._lock.acquire(blocking=False):
            return
        pause = _LOOK_AGAIN_SECONDS
        try:
            with self._app.app_context():
                mark = campaigns.links_mark()
                if mark == self._mark:
                    return
                rows = [
                    (
                        row.code,
                        str(row.org_id),
                        str(row.id),
                        row.provider,
                        row.destination,
                        row.utm,
                        row.carries,
                    )
                    for row in campaigns.links_for_redirect()
                    if not row.disabled
                ]
            self._take(rows, save=True)
            self._mark = mark
        except SQLAlchemyError as error:
            pause = _LOOK_AGAIN_DOWN_SECONDS
            log.warning("links_not_refreshed", error=type(error).__name__)
        finally:
            self._look_again_at = time.monotonic() + pause
            self._lock.release()

    def _take(self, rows: list[Any], *, save: bool) -> None:
        targets = {}
        for code, org_id, link_id, provider, destination, utm, carries in rows:
            # A row that came into the database by another way than ours leads nowhere, and must
            # not keep the others from being taken.
            with contextlib.suppress(BadDestination, AttributeError, TypeError):
                checked = check_destination(destination, local=self._local)
                named = {f"utm_{name}": str(value) for name, value in utm.items()}
                whole = with_query(checked, **named) if named else checked
                targets[code] = Target(UUID(org_id), UUID(link_id), provider, whole, carries)
        self._targets = targets
        if save:
            with contextlib.suppress(OSError):
                self._saved.parent.mkdir(parents=True, exist_ok=True)
                fresh = self._saved.with_suffix(f".{os.getpid()}.tmp")
                fresh.write_text(json.dumps(rows))
                fresh.replace(self._saved)


class LinksDoor:
    """WSGI: answers `/r/<code>` itself and hands everything else to the application."""

    def __init__(self, application: WSGIApplication, app: Flask, settings: Settings) -> None:
        self._application = application
        self._app = app
        self._settings = settings
        self.links = LinkTable(app, settings)
        self.clicks = ClickLog(settings.var_dir / "clicks")
        # The metrics say how many clicks a full disk has cost.
        app.extensions["click_log"] = self.clicks
        self._started = threading.Lock()
        self._pid = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Redirect, or hand on."""
        # At the first request of any kind, so that clicks which a dead process left are shipped.
        if self._pid != os.getpid():
            self.start()
        path: str = environ.get("PATH_INFO", "")
        if not path.startswith(_PREFIX):
            return self._application(environ, start_response)
        method = environ["REQUEST_METHOD"]
        if method not in {"GET", "HEAD"}:
            return _plain(start_response, "405 Method Not Allowed", [("Allow", "GET, HEAD")])
        code = path[len(_PREFIX) :].strip("/").lower()
        target = self.links.find(code)
        if target is None:
            return _plain(start_response, "404 Not Found", [])
        location = self._follow(target, code, method, environ)
        start_response("302 Found", [("Location", location), *_HEADERS])
        return []

    def _follow(self, target: Target, code: str, method: str, environ: Mapping[str, Any]) -> str:
        """Log the click, then say where it leads, with our code and the click's id."""
        click_id = new_click_id()
        self.clicks.append(
            Click(
                click_id=click_id,
                org_id=target.org_id,
                link_id=target.link_id,
                at=datetime.now(UTC),
                not_human_why=not_human(method, environ),
                referrer_host=_host(environ.get("HTTP_REFERER", "")),
            )
        )
        # Who asks not to be followed is redirected with the post's code and without an id of hers.
        private = environ.get("HTTP_SEC_GPC") == "1" or environ.get("HTTP_DNT") == "1"
        carried = "" if private else click_id
        if target.carries:
            return generic.destination(
                target.destination, code, carried, {"destination": target.carries}
            )
        room = BY_SLUG.get(target.provider)
        return room.destination(target.destination, code, carried) if room else target.destination

    def start(self) -> None:
        """Take the links and start the threads, once in each process (again after a fork)."""
        with self._started:
            if self._pid == os.getpid():
                return
            # With a saved copy nobody waits long for a database that may be down.
            asked = threading.Thread(target=self.links.refresh, name="links at start", daemon=True)
            saved = self.links.load()
            asked.start()
            asked.join(_WAIT_AT_START_SECONDS if saved else None)
            self._repeat("links", self._settings.links_refresh_seconds, self.links.refresh)
            self._repeat("clicks", self._settings.click_ship_seconds, self.ship)
            atexit.register(self.ship)
            self._pid = os.getpid()

    def ship(self) -> None:
        """Ship what has been logged, by this process and by those that are gone."""
        self.clicks.rotate()
        with self._app.app_context():
            for org_id in shipping.ship(self.clicks.folder):
                self._app.extensions["nudge"].announce(org_id)

    @staticmethod
    def _repeat(name: str, seconds: float, work: Callable[[], None]) -> None:
        def loop() -> None:
            while True:
                # Spread, so that processes started together do not all ask at once.
                time.sleep(seconds * random.uniform(0.8, 1.2))  # noqa: S311
                try:
                    work()
                except Exception:
                    log.exception("repeated_work_failed", work=name)

        threading.Thread(target=loop, name=name, daemon=True).start()


def not_human(method: str, environ: Mapping[str, Any]) -> str:
    """Return why a request is not a person's click, or an empty string."""
    if method == "HEAD":
        return "head"
    purposes = [environ.get(f"HTTP_{name}", "") for name in _PURPOSES]
    if any("prefetch" in each or "preview" in each for each in purposes):
        return "prefetch"
    agent = environ.get("HTTP_USER_AGENT", "")
    return "" if is_browser(agent[:512]) else "preview"


_PURPOSES = ("SEC_PURPOSE", "PURPOSE", "X_PURPOSE", "X_MOZ")
# How those that fetch on their own say who they are, and what the list of crawlers lacks.
_OWN_WORDS = ("+http", "mailto:", "cardyb")


@lru_cache(maxsize=8192)
def is_browser(agent: str) -> bool:
    """Say whether a user agent is a browser's, those inside apps (Instagram, TikTok) included.

    Every browser in use calls itself Mozilla, or, on the smallest phones, Opera.
    """
    folded = agent.lower()
    return (
        folded.startswith(("mozilla/", "opera/"))
        and not any(word in folded for word in _OWN_WORDS)
        and not is_crawler(agent)
    )


def _host(referrer: str) -> str:
    """Return the host of a referrer and no more of it."""
    try:
        host = urlsplit(referrer[:2048]).hostname or ""
    except ValueError:
        return ""
    return host[:100] if host.isascii() and host.isprintable() and "\t" not in host else ""


def _plain(
    start_response: StartResponse, status: str, headers: list[tuple[str, str]]
) -> list[bytes]:
    body = f"{status[4:]}\n".encode()
    start_response(
        status,
        [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *headers,
        ],
    )
    return [body]
