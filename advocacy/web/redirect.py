"""The redirect endpoint: `GET /r/<code>`, answered before Flask's stack is entered.

A plain WSGI callable in front of the application. It needs neither PostgreSQL nor Redis: links are
looked up in a copy in memory, refreshed by a thread and saved on disk for the next start; a click
is one line in the click log before the 302; another thread ships the log.

Note: a preview bot gets the same redirect as a person. Its click is kept
and flagged, and not counted; to turn bots away would break the preview that brings people.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from advocacy.core.ids import new_click_id, new_id
from advocacy.core.link_codes import codes_in, is_link
from advocacy.core.minimization import retained_host
from advocacy.core.urls import BadDestination, check_destination, host_of, with_query
from advocacy.providers import BY_SLUG, generic
from advocacy.storage import links as links_storage
from advocacy.storage.links import LinkRow, LinksVersion
from advocacy.tracking import click_loader, click_log
from advocacy.tracking.click_log import ClickLog
from advocacy.tracking.user_agents import LONGEST, is_person
from advocacy.web import link_missing
from config.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger()

Answer = tuple[str, list[tuple[str, str]], list[bytes]]
"""Status, headers, body."""

_LONGEST_HOST = 100
_LOOK_AGAIN_SECONDS = 0.25
# Nobody waits for a look that hangs.
_WAIT_FOR_A_LOOK_SECONDS = 0.5
# A database that is down is asked again this seldom: asking may take as long as a connection.
_LOOK_AGAIN_DOWN_SECONDS = 5.0
_WAIT_AT_START_SECONDS = 0.5
# What a process that was killed left half written.
_LEFT_SECONDS = 3600.0
# A change is dated when its transaction began, and seen when that has ended.
_CHANGE_TAKES = timedelta(minutes=2)
_HEADERS = [
    ("Content-Length", "0"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Robots-Tag", "noindex"),
]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a code leads, put together once: a click has only to fill in its id.

    `place` is its link in the click log; `pieces` stand around the click's id in the address (there
    is one piece where the tool takes none); `private` is the address without an id.
    """

    place: str
    pieces: tuple[str, ...]
    private: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A link that leads nowhere: whether it did once, and where its organization can be found."""

    ended: bool = False
    name: str = ""
    url: str = ""


Organizations = Sequence[tuple[str, str, str]]
"""Of each organization its id, its name and its fallback address."""


class Copy:
    """All links at one time; where a code leads is put together when it is first asked.

    A link is kept as it is written to disk, a line of JSON: as objects it would take four times the
    memory, in every process, and of most links nobody asks. Of a disabled one only the organization
    is kept.
    """

    def __init__(
        self, links: Iterable[LinkRow], organizations: Organizations = (), *, local: bool
    ) -> None:
        self._rows: dict[str, str] = {}
        self._disabled: dict[str, str] = {}
        self._local = local
        self._organizations = {
            org_id: (name, self._checked(url)) for org_id, name, url in organizations
        }
        self._targets: dict[str, Target] = {}
        self._take(links)

    def __len__(self) -> int:
        return len(self._rows)

    def has(self, mark: LinksVersion) -> bool:
        """Say whether these are as many links as there are, enabled and disabled."""
        return (len(self._rows), len(self._rows) + len(self._disabled)) == mark[:2]

    def written(self) -> str:
        """Return all links as JSON, a line for each."""
        links = ",\n".join(self._rows.values())
        disabled, organizations = json.dumps(self._disabled), json.dumps(self._organizations)
        return f'{{"links": [{links}],\n"disabled": {disabled},\n"organizations": {organizations}}}'

    @classmethod
    def read(cls, written: str, *, local: bool) -> Copy:
        """Return the links that `written` wrote, or an older release: a list of links alone.

        Raises `ValueError`, `TypeError`, `LookupError` and `AttributeError` for anything else.
        """
        saved = json.loads(written)
        if isinstance(saved, list):
            saved = {"links": saved}
        links = [LinkRow(row[0], row[1], json.dumps(row)) for row in saved["links"]]
        disabled = saved.get("disabled", {}).items()
        links += [LinkRow(code, org_id, None) for code, org_id in disabled]
        organizations = saved.get("organizations", {}).items()
        return cls(links, [(each, name, url) for each, (name, url) in organizations], local=local)

    def find(self, code: str) -> Target | None:
        """Return where a code leads; None for one that is not known or leads nowhere."""
        return self._targets.get(code) or self._make(code)

    def missing(self, codes: Iterable[str]) -> Missing:
        """Return what is known of a link that leads nowhere."""
        for code in codes:
            if org_id := self._disabled.get(code):
                return Missing(True, *self._organizations.get(org_id, ()))
            if row := self._rows.get(code):
                with contextlib.suppress(LookupError, TypeError, ValueError):
                    return Missing(False, *self._organizations[json.loads(row)[1]])
        # Where there is one organization only, it can be no other's.
        (only, *others) = self._organizations.values() or ((),)
        return Missing() if others else Missing(False, *only)

    def with_changed(self, changed: Iterable[LinkRow], organizations: Organizations) -> Copy:
        """Return the links with these as they are now."""
        copy = Copy((), organizations, local=self._local)
        copy._rows, copy._disabled = self._rows.copy(), self._disabled.copy()
        copy._targets = self._targets.copy()
        copy._take(changed)
        return copy

    def _checked(self, url: str) -> str:
        """Return an address, or none for one that came by another way than ours."""
        try:
            return check_destination(url, local=self._local) if url else ""
        except BadDestination:
            return ""

    def _take(self, links: Iterable[LinkRow]) -> None:
        for code, org_id, row in links:
            self._targets.pop(code, None)
            if row is None:
                self._rows.pop(code, None)
                self._disabled[code] = org_id
            else:
                self._disabled.pop(code, None)
                self._rows[code] = row

    def _make(self, code: str) -> Target | None:
        # A row that came into the database by another way than ours leads nowhere, and harms none.
        with contextlib.suppress(
            BadDestination, AttributeError, LookupError, TypeError, ValueError
        ):
            _, org_id, link_id, provider, destination, utm, carries = json.loads(self._rows[code])
            checked = check_destination(destination, local=self._local)
            named = {f"utm_{name}": str(value) for name, value in utm.items()}
            whole = with_query(checked, **named) if named else checked
            blank = new_click_id()
            self._targets[code] = Target(
                click_log.place_of(org_id, link_id),
                tuple(_address(provider, whole, code, blank, carries).split(blank)),
                _address(provider, whole, code, "", carries),
            )
        return self._targets.get(code)


def _address(
    provider: str, destination: str, code: str, click_id: str, carries: Mapping[str, str]
) -> str:
    """Return a destination with our code and the click's id, where this tool takes them."""
    if carries:
        return generic.destination(destination, code, click_id, {"destination": carries})
    room = BY_SLUG.get(provider)
    return room.destination(destination, code, click_id) if room else destination


class LinkTable:
    """The copy of all links in this process, kept fresh from PostgreSQL and saved on disk."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self.app = app
        self._saved = settings.var_dir / "links.json"
        self._local = not settings.https
        self._copy = Copy((), local=self._local)
        self._mark: LinksVersion | None = None
        self._look_again_at = 0.0
        self._began = 0.0
        self._lock = threading.Lock()

    def known(self, codes: Iterable[str]) -> Target | None:
        """Return where the first of these codes that leads anywhere does, from memory only."""
        copy = self._copy
        return next((target for code in codes if (target := copy.find(code))), None)

    def find(self, codes: Sequence[str]) -> Target | Missing:
        """Return where the first of these codes that leads anywhere does, or what is known of it.

        Codes that are not known are looked for once more, at most a few times a second, so that a
        link works as soon as it is made.
        """
        target = self.known(codes)
        if target is None and time.monotonic() > self._look_again_at:
            self._look_now()
            target = self.known(codes)
        return target or self._copy.missing(codes)

    def _look_now(self) -> None:
        """Take the links as they are now: whoever is at it may have begun before one was made."""
        asked = time.monotonic()
        if not self._lock.locked() or asked - self._began < _WAIT_FOR_A_LOOK_SECONDS:
            self.refresh(_WAIT_FOR_A_LOOK_SECONDS, since=asked)
            self._look_again_at = max(self._look_again_at, time.monotonic() + _LOOK_AGAIN_SECONDS)

    def load(self) -> bool:
        """Take the links that were saved on disk; False where there are none."""
        with contextlib.suppress(OSError, ValueError, TypeError, LookupError, AttributeError):
            self._copy = Copy.read(self._saved.read_text(), local=self._local)
            log.info("links_loaded_from_disk", links=len(self._copy))
        return bool(self._copy)

    def refresh(self, wait: float = 0.0, since: float | None = None) -> None:
        """Take the links from PostgreSQL, or keep what there is; never fail.

        Where somebody is at it, wait so many seconds; and do not where somebody began `since` then.
        """
        if not self._lock.acquire(timeout=wait):
            return
        try:
            if since is not None and self._began > since:
                return
            self._began = time.monotonic()
            with self.app.app_context():
                mark = links_storage.links_version()
                if mark == self._mark:
                    return
                copy = self._changed(mark)
            self._copy = copy
            self._save(copy.written())
            self._mark = mark
        except SQLAlchemyError as error:
            self._look_again_at = time.monotonic() + _LOOK_AGAIN_DOWN_SECONDS
            log.warning("links_not_refreshed", error=type(error).__name__)
        finally:
            self._lock.release()

    def _changed(self, mark: LinksVersion) -> Copy:
        """Return the links as they are now: read what changed, or all where that is not enough."""
        if self._mark and self._mark.newest:
            since = self._mark.newest - _CHANGE_TAKES
            changed = links_storage.links_for_redirect(since)
            copy = self._copy.with_changed(changed, mark.organizations)
            if copy.has(mark):
                return copy
        return Copy(links_storage.links_for_redirect(), mark.organizations, local=self._local)

    def _save(self, written: str) -> None:
        with contextlib.suppress(OSError):
            folder = self._saved.parent
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.glob(f"{self._saved.stem}.*.tmp"):
                with contextlib.suppress(OSError):
                    if time.time() - left.stat().st_mtime > _LEFT_SECONDS:
                        left.unlink()
            # Processes that share a disk may have the same id, each in a container of its own.
            fresh = self._saved.with_suffix(f".{new_id().hex}.tmp")
            try:
                fresh.write_text(written)
                fresh.replace(self._saved)
            finally:
                fresh.unlink(missing_ok=True)


class Redirector:
    """WSGI middleware: answers `/r/<code>`; passes all other requests on."""

    def __init__(self, application: WSGIApplication, app: Flask, settings: Settings) -> None:
        self._application = application
        self.app = app
        self._settings = settings
        self.links = LinkTable(app, settings)
        self.clicks = ClickLog(settings.var_dir / "clicks")
        self._started, self._shipping = threading.Lock(), threading.Lock()
        self._pid = 0
        self._lost_said = 0
        self._finished = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Redirect, or pass the request on."""
        # At the first request of any kind, so that clicks which a dead process left are shipped.
        if self._pid != os.getpid():
            self.start()
        path: str = environ.get("PATH_INFO", "")
        if not is_link(path):
            return self._application(environ, start_response)
        # WSGI hands a path over as bytes, each as a letter of its own.
        path = path.encode("latin-1", "replace").decode("utf-8", "replace")
        status, headers, body = self.answer(
            environ["REQUEST_METHOD"], self.links.find(codes_in(path)), environ
        )
        start_response(status, headers)
        return body

    def answer(self, method: str, target: Target | Missing, environ: Mapping[str, Any]) -> Answer:
        """Log the click, then say where it leads. `environ` has the headers as WSGI names them."""
        if method not in {"GET", "HEAD"}:
            return plain("405 Method Not Allowed", ("Allow", "GET, HEAD"))
        if isinstance(target, Missing):
            return missing(method, target, environ.get("HTTP_ACCEPT_LANGUAGE", "")[:200])
        click_id = new_click_id()
        why = not_human(method, environ)
        host = referrer_host(environ.get("HTTP_REFERER", "")[:2048])
        self.clicks.append_line(click_log.write_line(click_id, target.place, why, host))
        # Who asks not to be followed is redirected with the post's code and without a click id.
        if environ.get("HTTP_SEC_GPC") == "1" or environ.get("HTTP_DNT") == "1":
            location = target.private
        else:
            location = click_id.join(target.pieces)
        return "302 Found", [("Location", location), *_HEADERS], []

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
            atexit.register(self.finish)
            self._pid = os.getpid()

    def ship(self) -> None:
        """Ship what has been logged, by this process and by those that are gone."""
        # One at a time, so that a process that ends waits for what is being shipped.
        with self._shipping:
            self.clicks.rotate()
            if self.clicks.lost > self._lost_said:
                lost = self.clicks.lost - self._lost_said
                log.error("clicks_lost", clicks=lost)
                self.app.extensions["counters"].count_lost_clicks(lost)
                self._lost_said += lost
            with self.app.app_context():
                for org_id in click_loader.ship(self.clicks.folder):
                    self.app.extensions["notifier"].announce(org_id)

    def finish(self) -> None:
        """Ship what is left before the process ends, once. Safe where it never began."""
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
    for name in PURPOSES:
        if (said := environ.get(name)) and _AHEAD.search(said):
            return "prefetch"
    return "" if is_person(environ.get("HTTP_USER_AGENT", "")[:LONGEST]) else "preview"


PURPOSES = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")
_AHEAD = re.compile("prefetch|prerender|preview|preload", re.IGNORECASE)


@lru_cache(maxsize=1024)
def referrer_host(referrer: str) -> str:
    """Return the host of a referrer and no more of it, without labels that may name a person."""
    host = host_of(referrer)
    return retained_host(host) if len(host) <= _LONGEST_HOST else ""


def missing(method: str, link: Missing, accepted: str) -> Answer:
    """Return the page for a link that leads nowhere, in the reader's language."""
    language = link_missing.language_of(accepted)
    page = link_missing.page(ended=link.ended, language=language, name=link.name, url=link.url)
    headers = [
        *link_missing.HEADERS,
        ("Content-Language", language),
        ("Content-Length", str(len(page))),
    ]
    status = "410 Gone" if link.ended else "404 Not Found"
    return status, headers, [] if method == "HEAD" else [page]


def plain(status: str, *headers: tuple[str, str]) -> Answer:
    """Return an answer that says its status in words."""
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
