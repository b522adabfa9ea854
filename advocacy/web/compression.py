"""Compress responses with gzip, and let browsers cache static files.

Compressed are static files, downloads, and API responses to requests with a bearer token.

Note: pages are never compressed. A page contains both secrets of the session and text from its URL,
so the length of the compressed page would leak the secrets (BREACH). Downloads contain no text from
the request, and browsers do not send bearer tokens on their own.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, current_app, request

_FILES = frozenset({"static", "documentation.bundle", "api-docs.openapi_json"})
"""The endpoints whose responses are the same for everyone."""

_TYPES = frozenset(
    {
        "application/json",
        "application/javascript",
        "image/svg+xml",
        "text/css",
        "text/csv",
        "text/javascript",
    }
)
_LEAST_BYTES = 1024
_LEVEL, _LEVEL_CACHED = 5, 9
_CACHE: dict[tuple[str, str], bytes] = {}
"""Static files, compressed once per process, by path and ETag."""

_YEAR = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    """Compress responses, and add a version to the URLs of static files."""
    app.after_request(compress)
    app.url_defaults(_add_version)


def compress(response: Response) -> Response:
    """Compress a response if that is safe, it is large enough, and the client accepts it."""
    version = _version(request.endpoint, request.view_args or {})
    if version and request.args.get("v") == version and response.status_code == 200:
        # The URL changes with the file, so it can be cached for good. During a deployment a process
        # of the other version may answer: the versions differ, and its response is not cached.
        response.cache_control.max_age = _YEAR
        response.cache_control.public = True
        response.cache_control.no_cache = None
        response.cache_control.immutable = True
    if not _is_compressible(response):
        return response
    response.vary.add("Accept-Encoding")
    if request.method != "GET" or response.status_code != 200:
        return response
    if request.accept_encodings.quality("gzip") <= 0:
        return response
    compressed = _compressed(response)
    if compressed is None:
        return response
    response.direct_passthrough = False
    response.set_data(compressed)
    response.headers["Content-Encoding"] = "gzip"
    response.headers.pop("Accept-Ranges", None)
    etag, _ = response.get_etag()
    if etag:
        # Weak: the content is the same as without compression, the bytes are not.
        response.set_etag(etag, weak=True)
    return response


def _is_compressible(response: Response) -> bool:
    if response.mimetype not in _TYPES or "Content-Encoding" in response.headers:
        return False
    if response.is_streamed and not response.direct_passthrough:
        return False
    return (
        request.endpoint in _FILES
        or response.headers.get("Content-Disposition", "").startswith("attachment")
        or (request.path.startswith("/api/") and "Authorization" in request.headers)
    )


def _compressed(response: Response) -> bytes | None:
    etag, _ = response.get_etag()
    key = (request.path, etag or "")
    if (cached := _CACHE.get(key)) is not None:
        response.response.close()  # type: ignore[union-attr]
        return cached
    response.direct_passthrough = False
    plain = response.get_data()
    if len(plain) < _LEAST_BYTES:
        return None
    if request.endpoint not in _FILES or not etag:
        return gzip.compress(plain, _LEVEL, mtime=0)
    compressed = gzip.compress(plain, _LEVEL_CACHED, mtime=0)
    if len(_CACHE) < 100:
        _CACHE[key] = compressed
    return compressed


def _add_version(endpoint: str, values: dict[str, object]) -> None:
    if version := _version(endpoint, values):
        values.setdefault("v", version)


def _version(endpoint: str | None, values: Mapping[str, object]) -> str:
    """Return the version of a static file; empty for everything else."""
    if endpoint == "static" and current_app.static_folder and "filename" in values:
        path = Path(current_app.static_folder) / str(values["filename"])
        if path.is_file():
            return _version_of(path, path.stat().st_mtime_ns)
    return ""


@lru_cache(maxsize=64)
def _version_of(path: Path, _changed: int) -> str:
    return f"{zlib.crc32(path.read_bytes()):08x}"
