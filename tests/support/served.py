"""A process that serves webhooks or pages, and requests to it."""

from __future__ import annotations

import http.client
import socket
from datetime import UTC, datetime

from advocacy.providers.signatures import standard

PERSON = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0"}
BODY = b'{"type": "signature", "timestamp": "2026-05-01T12:00:00Z", "data": {}}'


class Served:
    """A serving process, with methods to send requests to it."""

    def __init__(self, world, port: int) -> None:
        self.world, self.port = world, port

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            return self.ask("GET", "/live")[0] == 200
        except OSError:
            return False

    def send(self, message_id: str, body: bytes = BODY) -> int:
        signed = standard(body, message_id, self.world.secret, datetime.now(UTC))
        path = f"/webhooks/{self.world.keys['standard']}"
        return self.ask("POST", path, body, **signed)[0]

    def raw(self, sent: bytes, *, end: bool) -> bytes:
        """Send raw bytes, then optionally close; return the first line of the response."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as wire:
            wire.sendall(sent)
            if end:
                wire.shutdown(socket.SHUT_WR)
            return wire.makefile("rb").readline()
