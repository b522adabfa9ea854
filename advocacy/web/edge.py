"""The edge server: redirect and webhooks in a process of their own, without the pages.

It serves `/r/<code>`, `POST /webhooks/<key>`, `/live`, `/ready` and `/metrics` on granian's event
loop (RSGI) or on any WSGI server. Clicks and deliveries are handled by the same code as in front of
the full application.

Note: an event loop must not wait for the database. Codes that are not in memory are looked up in a
thread, and deliveries are stored in one. Appending to the click log takes microseconds and is done
on the loop.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Protocol

from flask import Flask, Response
from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]
from werkzeug.test import create_environ

from advocacy.core.link_codes import codes_in, is_link
from advocacy.tracking.link_cache import MissingLink, Target
from advocacy.web import webhooks
from advocacy.web.redirect import Answer, Redirector, plain
from config.garbage import tune_garbage_collection
from config.settings import Settings

_APPLICATION_PATHS = frozenset({"/live", "/ready", "/metrics"})


class Headers(Protocol):
    """The headers of a request, with names in lower case; a name may occur twice."""

    def items(self) -> list[tuple[str, str]]:
        """Return names and values, in the order of the request."""
        ...


class Scope(Protocol):
    """The RSGI scope of a request."""

    proto: str
    method: str
    path: str
    query_string: str

    @property
    def headers(self) -> Headers:
        """The headers of the request."""
        ...


class Wire(Protocol):
    """The RSGI protocol object: reads the body in chunks and sends the response."""

    async def __call__(self) -> bytes:
        """Return the whole body."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Send the whole response."""
        ...


class EdgeServer:
    """RSGI application for redirect and webhooks. `wsgi` is the same for WSGI servers."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._body_limit = settings.body_limit_bytes
        self.wsgi = self._redirector = Redirector(
            webhooks.WebhookEndpoint(app.wsgi_app, app), app, settings
        )

    def __rsgi_init__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Load the links before the first request."""
        self._redirector.start()
        tune_garbage_collection()
        # A redirect must not wait 5 ms (the default) for a thread that loads clicks.
        sys.setswitchinterval(0.0005)

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Load the remaining clicks before the process ends; its disk may be temporary."""
        self._redirector.finish()

    async def __rsgi__(self, scope: Scope, wire: Wire) -> None:
        """Handle a request."""
        path = scope.path
        if is_link(path):
            status, headers, body = await self._redirect(scope, path)
        elif scope.method == "POST" and (found := webhooks.ADDRESS.fullmatch(path)):
            status, headers, body = await self._receive(scope, found[1], wire)
        elif path in _APPLICATION_PATHS and scope.method in {"GET", "HEAD"}:
            status, headers, body = await asyncio.to_thread(self._application_response, scope)
        else:
            status, headers, body = plain("404 Not Found")
        wire.response_bytes(
            int(status[:3]), [(name.lower(), value) for name, value in headers], b"".join(body)
        )

    async def _redirect(self, scope: Scope, path: str) -> Answer:
        codes = codes_in(path)
        found: Target | MissingLink | None = self._redirector.links.find_cached(codes)
        if found is None:
            found = await asyncio.to_thread(self._redirector.links.find, codes)
        return self._redirector.answer(scope.method, found, _as_wsgi(scope))

    async def _receive(self, scope: Scope, key: str, wire: Wire) -> Answer:
        headers = _headers(scope)
        body = await self._read(wire, headers.get("content-length", ""))
        status, text, response_headers = await webhooks.answer_in_loop(
            self._app, key, scope.path, scope.query_string.encode(), headers, body
        )
        return str(status), response_headers, [text.encode()]

    async def _read(self, wire: Wire, content_length: str) -> bytes | None:
        """Return the body, or its first bytes up to one over the limit; None if it is truncated.

        Note: granian's iterator does not raise if the connection closes within a chunked body. A
        complete body ends with one empty chunk. A truncated one ends with two, and so does a body
        with trailers, which no tool sends: both are refused. `await wire()` would raise, but it
        reads without a limit.
        """
        if content_length.isdigit():
            if int(content_length) > self._body_limit:
                return bytes(self._body_limit + 1)
            try:
                complete = await wire()
            except ProtocolClosed:
                return None
            return complete if len(complete) == int(content_length) else None
        body = bytearray()
        empty_chunks = 0
        async for chunk in wire:
            body += chunk
            empty_chunks += not chunk
            if len(body) > self._body_limit:
                return bytes(body[: self._body_limit + 1])
        return bytes(body) if empty_chunks == 1 else None

    def _application_response(self, scope: Scope) -> Answer:
        """Return the response of the Flask application."""
        environ = create_environ(scope.path, method=scope.method, headers=scope.headers.items())
        response = Response.from_app(self._app.wsgi_app, environ)
        return response.status, list(response.headers), [response.get_data()]


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers by name in lower case; values of a repeated header are joined."""
    headers: dict[str, str] = {}
    for name, text in scope.headers.items():
        headers[name] = f"{headers[name]},{text}" if name in headers else text
    return headers


def _as_wsgi(scope: Scope) -> dict[str, str]:
    """Return the headers under their WSGI names."""
    return {_NAMES.get(name) or _wsgi(name): text for name, text in scope.headers.items()}


def _wsgi(name: str) -> str:
    return f"HTTP_{name.upper().replace('-', '_')}"


_NAMES = {
    name: _wsgi(name)
    for name in (
        "host",
        "user-agent",
        "referer",
        "accept",
        "accept-encoding",
        "accept-language",
        "connection",
        "content-type",
        "content-length",
        "sec-gpc",
        "dnt",
    )
}
