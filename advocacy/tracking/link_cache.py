"""An in-memory copy of all links for the redirect, refreshed from PostgreSQL and saved on disk.

Note: links are stored as lines of JSON, as in the file: as objects they would take four times the
memory in every process. A redirect target is built when its code is first requested.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from advocacy.core.ids import new_click_id, new_id
from advocacy.core.urls import BadDestination, check_destination, with_query
from advocacy.providers import BY_SLUG, generic
from advocacy.storage import links as links_storage
from advocacy.storage.links import LinkRow, LinksVersion
from advocacy.tracking import click_log

log = structlog.get_logger()

_REFRESH_INTERVAL_SECONDS = 0.25
# A request does not wait longer than this for a refresh.
_REFRESH_TIMEOUT_SECONDS = 0.5
# After an error wait longer: each attempt may take as long as a connection timeout.
_RETRY_SECONDS = 5.0
# Temporary files that are older were left by a process that was killed.
_STALE_FILE_SECONDS = 3600.0
# A change has the time at which its transaction began, and is visible only once it has committed.
_LONGEST_TRANSACTION = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link leads.

    `log_columns` identify the link in the click log. `url_parts` are joined with the click id;
    there is only one if the tool takes no click id. `url_without_click_id` is the complete URL for
    supporters who ask not to be tracked.
    """

    log_columns: str
    url_parts: tuple[str, ...]
    url_without_click_id: str


@dataclass(frozen=True, slots=True)
class MissingLink:
    """A code that leads nowhere: whether its link was disabled, and its organization's website."""

    disabled: bool = False
    organization: str = ""
    url: str = ""


Organizations = Sequence[tuple[str, str, str]]
"""The id, name and fallback URL of each organization."""


class LinkSnapshot:
    """All links as of one moment. Of a disabled link only the organization is stored."""

    def __init__(
        self, links: Iterable[LinkRow], organizations: Organizations = (), *, local: bool
    ) -> None:
        self._rows: dict[str, str] = {}
        self._disabled: dict[str, str] = {}
        self._local = local
        self._organizations = {
            org_id: (name, self._valid_url(url)) for org_id, name, url in organizations
        }
        self._targets: dict[str, Target] = {}
        self._add(links)

    def __len__(self) -> int:
        return len(self._rows)

    def has_counts_of(self, version: LinksVersion) -> bool:
        """Return whether there are as many links as in this version, enabled and in total."""
        return (len(self._rows), len(self._rows) + len(self._disabled)) == version[:2]

    def to_json(self) -> str:
        """Return all links as JSON, one line each."""
        links = ",\n".join(self._rows.values())
        disabled, organizations = json.dumps(self._disabled), json.dumps(self._organizations)
        return f'{{"links": [{links}],\n"disabled": {disabled},\n"organizations": {organizations}}}'

    @classmethod
    def from_json(cls, text: str, *, local: bool) -> LinkSnapshot:
        """Read what `to_json` returned, or the plain list of links that older releases saved.

        Raises `ValueError`, `TypeError`, `LookupError` or `AttributeError` for anything else.
        """
        saved = json.loads(text)
        if isinstance(saved, list):
            saved = {"links": saved}
        links = [LinkRow(row[0], row[1], json.dumps(row)) for row in saved["links"]]
        disabled = saved.get("disabled", {}).items()
        links += [LinkRow(code, org_id, None) for code, org_id in disabled]
        organizations = saved.get("organizations", {}).items()
        return cls(links, [(each, name, url) for each, (name, url) in organizations], local=local)

    def find(self, code: str) -> Target | None:
        """Return where a code leads; None if it is unknown or its link is disabled or invalid."""
        return self._targets.get(code) or self._build(code)

    def missing(self, codes: Iterable[str]) -> MissingLink:
        """Return what is known about a link that leads nowhere."""
        for code in codes:
            if org_id := self._disabled.get(code):
                return MissingLink(True, *self._organizations.get(org_id, ()))
            if row := self._rows.get(code):
                with contextlib.suppress(LookupError, TypeError, ValueError):
                    return MissingLink(False, *self._organizations[json.loads(row)[1]])
        # An unknown code belongs to no organization, unless there is only one.
        (only, *others) = self._organizations.values() or ((),)
        return MissingLink() if others else MissingLink(False, *only)

    def with_changes(
        self, changed: Iterable[LinkRow], organizations: Organizations
    ) -> LinkSnapshot:
        """Return a new snapshot in which these links replace the older ones."""
        copy = LinkSnapshot((), organizations, local=self._local)
        copy._rows, copy._disabled = self._rows.copy(), self._disabled.copy()
        copy._targets = self._targets.copy()
        copy._add(changed)
        return copy

    def _valid_url(self, url: str) -> str:
        """Return the URL, or an empty string if it is invalid (stored without our checks)."""
        try:
            return check_destination(url, local=self._local) if url else ""
        except BadDestination:
            return ""

    def _add(self, links: Iterable[LinkRow]) -> None:
        for code, org_id, row in links:
            self._targets.pop(code, None)
            if row is None:
                self._rows.pop(code, None)
                self._disabled[code] = org_id
            else:
                self._disabled.pop(code, None)
                self._rows[code] = row

    def _build(self, code: str) -> Target | None:
        # An invalid row (stored without our checks) leads nowhere and does not affect other links.
        with contextlib.suppress(
            BadDestination, AttributeError, LookupError, TypeError, ValueError
        ):
            _, org_id, link_id, provider, destination, utm, query_template = json.loads(
                self._rows[code]
            )
            checked = check_destination(destination, local=self._local)
            utm_query = {f"utm_{name}": str(value) for name, value in utm.items()}
            url = with_query(checked, **utm_query) if utm_query else checked
            placeholder = new_click_id()
            self._targets[code] = Target(
                click_log.link_columns(org_id, link_id),
                tuple(
                    _tool_url(provider, url, code, placeholder, query_template).split(placeholder)
                ),
                _tool_url(provider, url, code, "", query_template),
            )
        return self._targets.get(code)


def _tool_url(
    provider: str, destination: str, code: str, click_id: str, query_template: Mapping[str, str]
) -> str:
    """Return a destination with the code and the click id, if its tool takes them."""
    if query_template:
        return generic.destination(destination, code, click_id, {"destination": query_template})
    adapter = BY_SLUG.get(provider)
    return adapter.destination(destination, code, click_id) if adapter else destination


class LinkCache:
    """The links of this process: read from memory, refreshed from PostgreSQL, saved in a file.

    `context` opens the application context in which the database can be used.
    """

    def __init__(
        self, context: Callable[[], AbstractContextManager[object]], file: Path, *, local: bool
    ) -> None:
        self._context, self._file, self._local = context, file, local
        self._snapshot = LinkSnapshot((), local=local)
        self._version: LinksVersion | None = None
        self._next_refresh_at = 0.0
        self._refresh_began = 0.0
        self._lock = threading.Lock()

    def find_cached(self, codes: Iterable[str]) -> Target | None:
        """Return the target of the first code that leads anywhere, from memory only."""
        snapshot = self._snapshot
        return next((target for code in codes if (target := snapshot.find(code))), None)

    def find(self, codes: Sequence[str]) -> Target | MissingLink:
        """Return the target of the first code that leads anywhere, else what is known about it.

        If no code is known, refresh first, at most a few times a second: a new link works at once.
        """
        target = self.find_cached(codes)
        if target is None and time.monotonic() > self._next_refresh_at:
            self._refresh_now()
            target = self.find_cached(codes)
        return target or self._snapshot.missing(codes)

    def _refresh_now(self) -> None:
        """Refresh, unless another thread's refresh hangs.

        A refresh that another thread began earlier is not enough: it may not see the newest link.
        """
        now = time.monotonic()
        if not self._lock.locked() or now - self._refresh_began < _REFRESH_TIMEOUT_SECONDS:
            self.refresh(_REFRESH_TIMEOUT_SECONDS, unless_begun_after=now)
            self._next_refresh_at = max(
                self._next_refresh_at, time.monotonic() + _REFRESH_INTERVAL_SECONDS
            )

    def load(self) -> bool:
        """Load the links from the file; return False if there are none."""
        with contextlib.suppress(OSError, ValueError, TypeError, LookupError, AttributeError):
            self._snapshot = LinkSnapshot.from_json(self._file.read_text(), local=self._local)
            log.info("links_loaded_from_disk", links=len(self._snapshot))
        return bool(self._snapshot)

    def refresh(self, timeout: float = 0.0, unless_begun_after: float | None = None) -> None:
        """Read the links from PostgreSQL; on an error keep the present ones. Never raises.

        If another thread is refreshing, wait for at most `timeout` seconds, and skip if a refresh
        began after `unless_begun_after` (on the monotonic clock).
        """
        if not self._lock.acquire(timeout=timeout):
            return
        try:
            if unless_begun_after is not None and self._refresh_began > unless_begun_after:
                return
            self._refresh_began = time.monotonic()
            with self._context():
                version = links_storage.links_version()
                if version == self._version:
                    return
                snapshot = self._read(version)
            self._snapshot = snapshot
            self._save(snapshot.to_json())
            self._version = version
        except SQLAlchemyError as error:
            self._next_refresh_at = time.monotonic() + _RETRY_SECONDS
            log.warning("links_not_refreshed", error=type(error).__name__)
        finally:
            self._lock.release()

    def _read(self, version: LinksVersion) -> LinkSnapshot:
        """Return a snapshot of this version: read what changed, or all if that is not enough.

        Links of organizations whose node is down stay as they are. When it is back, all are read.
        """
        before = self._version
        since = before.newest - _LONGEST_TRANSACTION if before and before.newest else None
        if not version.complete:
            changed = links_storage.reachable_links_for_redirect(since)
            return self._snapshot.with_changes(changed, version.organizations)
        if before and before.complete and since:
            changed = links_storage.links_for_redirect(since)
            snapshot = self._snapshot.with_changes(changed, version.organizations)
            if snapshot.has_counts_of(version):
                return snapshot
        return LinkSnapshot(
            links_storage.links_for_redirect(), version.organizations, local=self._local
        )

    def _save(self, text: str) -> None:
        with contextlib.suppress(OSError):
            folder = self._file.parent
            folder.mkdir(parents=True, exist_ok=True)
            for stale in folder.glob(f"{self._file.stem}.*.tmp"):
                with contextlib.suppress(OSError):
                    if time.time() - stale.stat().st_mtime > _STALE_FILE_SECONDS:
                        stale.unlink()
            # A random name: processes in several containers may share the disk and a process id.
            temporary = self._file.with_suffix(f".{new_id().hex}.tmp")
            try:
                temporary.write_text(text)
                temporary.replace(self._file)
            finally:
                temporary.unlink(missing_ok=True)
