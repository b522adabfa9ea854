"""Send one request to an address that a customer chose, and to the public internet only.

Note: the name is resolved once, every address is checked, and the connection is made to one that
was checked: a name that resolves to another address a moment later gains nothing. Redirects are
not followed.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from advocacy.core.public_addresses import is_public

SECONDS = 15.0
"""How long a whole attempt may take."""

_LONGEST = 2048


class BadAddress(ValueError):
    """A request to this address is not allowed; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address to send to, taken apart."""

    https: bool
    host: str
    port: int
    path: str


def target_of(url: str, private_hosts: frozenset[str]) -> Target:
    """Return what to connect to. Raises `BadAddress`; names are not resolved yet."""
    if len(url) > _LONGEST or not url.isascii() or any(ord(letter) <= 0x20 for letter in url):
        raise BadAddress("must be a URL of at most 2048 characters, without spaces")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadAddress("cannot be read as a URL") from None
    host = (parts.hostname or "").rstrip(".")
    own = host in private_hosts
    if parts.scheme != "https" and not (own and parts.scheme == "http"):
        raise BadAddress("must begin with https://")
    if not host or "@" in parts.netloc or "\\" in url:
        raise BadAddress("must name a host, and no user name")
    path = f"{parts.path or '/'}?{parts.query}".rstrip("?")
    https = parts.scheme == "https"
    return Target(https, host, port or (443 if https else 80), path)


def post(url: str, body: bytes, headers: Mapping[str, str], private_hosts: frozenset[str]) -> int:
    """Send a POST and return the status of the response.

    Raises `BadAddress`, and `OSError` or `http.client.HTTPException` without a response.
    """
    target = target_of(url, private_hosts)
    address = _address(target, private_hosts)
    connection = _Connection(target, address)
    # Limits the whole attempt: a server could send its response byte by byte for ever.
    timer = threading.Timer(SECONDS, connection.abort)
    timer.daemon = True
    timer.start()
    try:
        connection.request("POST", target.path, body, dict(headers))
        return connection.getresponse().status
    finally:
        timer.cancel()
        connection.close()


def _address(target: Target, private_hosts: frozenset[str]) -> str:
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in found]
    if target.host not in private_hosts and not all(map(is_public, addresses)):
        raise BadAddress("leads into a private network")
    return addresses[0]


class _Connection(http.client.HTTPConnection):
    """A connection to one address, with the name of the host in TLS and in `Host`."""

    def __init__(self, target: Target, address: str) -> None:
        self.default_port = 443 if target.https else 80
        super().__init__(target.host, target.port, timeout=SECONDS)
        self._https, self._address = target.https, address

    def connect(self) -> None:
        """Connect to the address that was checked."""
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._https:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)

    def abort(self) -> None:
        """End the attempt from another thread."""
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return
