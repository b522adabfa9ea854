r"""Validate where a tracking link may lead: when it is made, and before every redirect.

Pure.

Note: an open redirect is a gift to phishers, and browsers and parsers disagree on what
`https:/\\evil` means. So one parser decides, everything unusual is rejected, and what was parsed is
what is stored.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, unquote_plus, urlencode, urlsplit, urlunsplit

from advocacy.core.messages import say

LONGEST = 2048
_LOCAL = frozenset({"localhost", "127.0.0.1"})


class BadDestination(ValueError):
    """The URL is not allowed as a destination; the message says why."""


def check_destination(url: str, *, local: bool = False) -> str:
    """Return the URL as it is stored. Raises `BadDestination`.

    `local` also allows http and this machine, for trying things out.
    """
    if len(url) > LONGEST:
        raise BadDestination(say("is longer than %(most)s characters", most=LONGEST))
    if any(ord(letter) <= 0x20 or ord(letter) >= 0x7F or letter in '\\<>"`{}|^' for letter in url):
        raise BadDestination(
            say("contains spaces, control characters or characters that must be encoded")
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadDestination(say("cannot be read as a URL")) from None
    host = (parts.hostname or "").rstrip(".")
    is_local = local and host in _LOCAL
    if parts.scheme != "https" and not (is_local and parts.scheme == "http"):
        raise BadDestination(say("must begin with https://"))
    if not url.lower().startswith(f"{parts.scheme}://") or not host:
        raise BadDestination(say("must name a host, e.g. https://example.org/page"))
    if "@" in parts.netloc:
        raise BadDestination(say("must not contain a user name"))
    if port is not None and not is_local:
        raise BadDestination(say("must not contain a port"))
    if not is_local:
        _check_host(host)
    netloc = host if port is None else f"{host}:{port}"
    # What the parser silently ignored (brackets, a colon without a port) is unusual too.
    if parts.netloc.lower() not in {netloc, f"{host}."}:
        raise BadDestination(say("has an invalid host name"))
    return urlunsplit(SplitResult(parts.scheme, netloc, parts.path, parts.query, parts.fragment))


def _check_host(host: str) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        raise BadDestination(say("must name a host, not an address"))
    labels = host.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or labels[-1].startswith("0x"):
        raise BadDestination(say("must name a public host, e.g. https://example.org/page"))
    for label in labels:
        if not label or len(label) > 63 or label.strip("-") != label:
            raise BadDestination(say("has an invalid host name"))
        if not all(letter.isalnum() or letter == "-" for letter in label):
            raise BadDestination(say("has an invalid host name"))


def host_of(referrer: str) -> str:
    """Return the host of a referrer (URL or host), or '' if it cannot be read."""
    try:
        return urlsplit(referrer if "//" in referrer else f"//{referrer}").hostname or ""
    except ValueError:
        return ""


def with_query(url: str, /, **parameters: str) -> str:
    """Return the URL with these query parameters set once each; empty ones are left out.

    Everything else in the URL stays exactly as it is, except parameters of the same names.
    """
    parts = urlsplit(url)
    kept = [
        pair
        for pair in parts.query.split("&")
        if pair and unquote_plus(pair.partition("=")[0]) not in parameters
    ]
    added = urlencode([(name, value) for name, value in parameters.items() if value])
    return urlunsplit(parts._replace(query="&".join([*kept, *filter(None, [added])])))
