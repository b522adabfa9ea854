"""The redirect door as a process of its own, for WSGI servers and for ASGI ones.

It answers `/r/<code>`, `/live` and `/ready`, and nothing else. What it does for a click is what the
door in front of the application does; only the way in and out is another one.

What a stranger would get wrong: an event loop must not wait for the database. A code that is not in
memory is looked for in a thread; writing a line to the click log takes microseconds and is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from advocacy.store import database
from advocacy.web.links import PREFIX, PURPOSES, Answer, LinksDoor, code_in, plain
from config.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Message = MutableMapping[str, Any]

# The headers that a click is judged by, from their names in ASGI to those in WSGI.
_WANTED = {
    name.removeprefix("HTTP_").replace("_", "-").lower().encode(): name
    for name in ("HTTP_USER_AGENT", "HTTP_REFERER", "HTTP_SEC_GPC", "HTTP_DNT", *PURPOSES)
}


class LinksAlone:
    """ASGI: the redirect door with nothing behind it. `wsgi` is the same for WSGI servers."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self.wsgi = self._door = LinksDoor(self._elsewhere, app, settings)

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer a request, or start and finish with the server."""
        if scope["type"] == "http":
            status, headers, body = await self._answer(scope)
            encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
            await send(
                {"type": "http.response.start", "status": int(status[:3]), "headers": encoded}
            )
            await send({"type": "http.response.body", "body": b"".join(body)})
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    def finish(self) -> None:
        """Ship what is left before the process ends."""
        self._door.finish()

    async def _answer(self, scope: Message) -> Answer:
        path: str = scope["path"]
        if not path.startswith(PREFIX):
            return await asyncio.to_thread(self._other, path)
        code = code_in(path)
        target = self._door.links.known(code)
        if target is None:
            target = await asyncio.to_thread(self._door.links.find, code)
        environ = {
            known: value.decode("latin-1")
            for name, value in scope["headers"]
            if (known := _WANTED.get(name))
        }
        return self._door.answer(scope["method"], target, environ)

    async def _live(
        self,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        while True:
            kind = (await receive())["type"]
            await asyncio.to_thread(
                self._door.start if kind == "lifespan.startup" else self._door.finish
            )
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return

    def _elsewhere(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        status, headers, body = self._other(environ.get("PATH_INFO", ""))
        start_response(status, headers)
        return body

    def _other(self, path: str) -> Answer:
        """Say whether this process lives and can serve, as the web process does."""
        if path == "/live":
            return plain("200 OK")
        if path != "/ready":
            return plain("404 Not Found")
        try:
            with self._app.app_context():
                database.ping()
        except SQLAlchemyError:
            return plain("503 Service Unavailable", ("Retry-After", "5"))
        return plain("200 OK")
