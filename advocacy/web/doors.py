"""The two busy doors as a process of their own: the redirect and the webhooks, and no pages.

It answers `/r/<code>`, `POST /webhooks/<key>`, `/live`, `/ready` and `/metrics`, from an event loop
or from any WSGI server. What it does for a click or a delivery is what the doors in front of the
application do; only the way in and out is another one.

What a stranger would get wrong: an event loop must not wait for the database. A code that is not in
memory is looked for in a thread, and deliveries are kept in one; writing a line to the click log
takes microseconds and is done where it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from asgiref.wsgi import WsgiToAsgi
from flask import Flask

from advocacy.web import webhooks
from advocacy.web.links import PREFIX, Answer, LinksDoor, code_in, plain
from config.settings import Settings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_OTHERS = frozenset({"/live", "/ready", "/metrics"})


class Doors:
    """ASGI: the doors with nearly nothing behind them. `wsgi` is the same for WSGI servers."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._body_limit = settings.body_limit_bytes
        self.wsgi = self._links = LinksDoor(webhooks.WebhooksDoor(app.wsgi_app, app), app, settings)
        self._others: Any = WsgiToAsgi(app.wsgi_app)  # type: ignore[no-untyped-call]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or start and finish with the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path.startswith(PREFIX):
            answer = await self._redirect(scope, path)
        elif scope["method"] == "POST" and (found := webhooks.ADDRESS.fullmatch(path)):
            answer = await self._take(scope, found[1], receive)
        elif path in _OTHERS and scope["method"] in {"GET", "HEAD"}:
            await self._others(scope, receive, send)
            return
        else:
            answer = plain("404 Not Found")
        status, headers, body = answer
        encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": int(status[:3]), "headers": encoded})
        await send({"type": "http.response.body", "body": b"".join(body)})

    def finish(self) -> None:
        """Ship what is left before the process ends."""
        self._links.finish()

    async def _redirect(self, scope: Message, path: str) -> Answer:
        code = code_in(path)
        target = self._links.links.known(code)
        if target is None:
            target = await asyncio.to_thread(self._links.links.find, code)
        return self._links.answer(scope["method"], target, _as_wsgi(scope))

    async def _take(self, scope: Message, key: str, receive: Receive) -> Answer:
        sent = _headers(scope)
        body = await self._read(receive, sent.get("content-length", ""))
        status, text, headers = await webhooks.answer_in_loop(
            self._app, key, scope["query_string"], sent, body
        )
        return f"{status} {HTTPStatus(status).phrase}", headers, [text.encode()]

    async def _read(self, receive: Receive, said: str) -> bytes | None:
        """Return the whole body, or a byte over the limit of it; None where it is cut short."""
        if said.isdigit() and int(said) > self._body_limit:
            return bytes(self._body_limit + 1)
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            if len(body) > self._body_limit:
                return bytes(body[: self._body_limit + 1])
            if not message.get("more_body"):
                return None if said.isdigit() and int(said) != len(body) else bytes(body)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            kind = (await receive())["type"]
            await asyncio.to_thread(
                self._links.start if kind == "lifespan.startup" else self._links.finish
            )
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return


def _headers(scope: Message) -> dict[str, str]:
    """Return the headers by their names in lower case; what was sent twice is joined."""
    headers: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1"), value.decode("latin-1")
        headers[name] = f"{headers[name]},{text}" if name in headers else text
    return headers


def _as_wsgi(scope: Message) -> dict[str, str]:
    """Return the headers as WSGI names them."""
    return {_NAMES.get(name) or _wsgi(name): text for name, text in _headers(scope).items()}


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
