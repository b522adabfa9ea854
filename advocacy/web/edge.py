"""The edge server: the redirect and the webhook endpoint in a process of their own, without pages.

It answers `/r/<code>`, `POST /webhooks/<key>`, `/live`, `/ready` and `/metrics`, from granian's
event loop (RSGI) or from any WSGI server. What it does for a click or a delivery is what the doors
in front of the application do; only the way in and out is another one.

Note: an event loop must not wait for the database. A code that is not in
memory is looked for in a thread, and deliveries are kept in one; writing a line to the click log
takes microseconds and is done where it is.
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
from advocacy.web import webhooks
from advocacy.web.redirect import Answer, Missing, Redirector, Target, plain
from config.garbage import tune_garbage_collection
from config.settings import Settings

_OTHERS = frozenset({"/live", "/ready", "/metrics"})


class Headers(Protocol):
    """What was sent beside the body, by names in lower case; a name may come twice."""

    def items(self) -> list[tuple[str, str]]:
        """Return names and values, in the order of the request."""
        ...


class Scope(Protocol):
    """What RSGI says of a request."""

    proto: str
    method: str
    path: str
    query_string: str

    @property
    def headers(self) -> Headers:
        """The headers of the request."""
        ...


class Wire(Protocol):
    """RSGI's way to the body of a request, in pieces, and back to whoever asked."""

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
        self.wsgi = self._links = Redirector(
            webhooks.WebhookEndpoint(app.wsgi_app, app), app, settings
        )

    def __rsgi_init__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Load the links before the first request."""
        self._links.start()
        tune_garbage_collection()
        # A redirect must not wait 5 ms for a thread that ships.
        sys.setswitchinterval(0.0005)

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Load the remaining clicks before the process ends; its disk may be temporary."""
        self._links.finish()

    async def __rsgi__(self, scope: Scope, wire: Wire) -> None:
        """Answer a request."""
        path = scope.path
        if is_link(path):
            status, headers, body = await self._redirect(scope, path)
        elif scope.method == "POST" and (found := webhooks.ADDRESS.fullmatch(path)):
            status, headers, body = await self._take(scope, found[1], wire)
        elif path in _OTHERS and scope.method in {"GET", "HEAD"}:
            status, headers, body = await asyncio.to_thread(self._other, scope)
        else:
            status, headers, body = plain("404 Not Found")
        wire.response_bytes(
            int(status[:3]), [(name.lower(), value) for name, value in headers], b"".join(body)
        )

    async def _redirect(self, scope: Scope, path: str) -> Answer:
        codes = codes_in(path)
        found: Target | Missing | None = self._links.links.known(codes)
        if found is None:
            found = await asyncio.to_thread(self._links.links.find, codes)
        return self._links.answer(scope.method, found, _as_wsgi(scope))

    async def _take(self, scope: Scope, key: str, wire: Wire) -> Answer:
        sent = _headers(scope)
        body = await self._read(wire, sent.get("content-length", ""))
        status, text, headers = await webhooks.answer_in_loop(
            self._app, key, scope.path, scope.query_string.encode(), sent, body
        )
        return str(status), headers, [text.encode()]

    async def _read(self, wire: Wire, said: str) -> bytes | None:
        """Return the whole body, or a byte over the limit of it; None where it is cut short.

        Note: granian's iterator does not raise where a connection ends within a chunked body. A
        body that is whole ends with one empty piece, one that is cut short with two, and so does
        one with trailers, which no tool sends: both are refused. To await the whole body would
        raise, but reads without a limit.
        """
        if said.isdigit():
            if int(said) > self._body_limit:
                return bytes(self._body_limit + 1)
            try:
                whole = await wire()
            except ProtocolClosed:
                return None
            return whole if len(whole) == int(said) else None
        body = bytearray()
        empty_pieces = 0
        async for piece in wire:
            body += piece
            empty_pieces += not piece
            if len(body) > self._body_limit:
                return bytes(body[: self._body_limit + 1])
        return bytes(body) if empty_pieces == 1 else None

    def _other(self, scope: Scope) -> Answer:
        """Answer as the application does."""
        environ = create_environ(scope.path, method=scope.method, headers=scope.headers.items())
        answer = Response.from_app(self._app.wsgi_app, environ)
        return answer.status, list(answer.headers), [answer.get_data()]


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers by their names in lower case; what was sent twice is joined."""
    headers: dict[str, str] = {}
    for name, text in scope.headers.items():
        headers[name] = f"{headers[name]},{text}" if name in headers else text
    return headers


def _as_wsgi(scope: Scope) -> dict[str, str]:
    """Return the headers as WSGI names them."""
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
