"""Answers in gzip, for whoever accepts it, and files that a browser need not ask for twice.

Compressed are the files of the software itself, which are the same for everybody, files to take
along, and what a program gets with a token.

Note: pages are never compressed. A page shows secrets of a session beside what its address says,
and from the length of such an answer the one can be guessed by trying the other (BREACH). No
browser sends a token by itself, and a file that is downloaded repeats nothing of the request.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, current_app, request

_FILES = frozenset({"static", "documentation.bundle", "api-docs.openapi_json"})
"""The endpoints whose answers are the same for everybody."""

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
_LEVEL, _LEVEL_KEPT = 5, 9
_KEPT: dict[tuple[str, str], bytes] = {}
"""The files of the software, compressed once in each process, by endpoint and mark."""

_YEAR = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    """Compress what may be compressed, and give files addresses that change with them."""
    app.after_request(compress)
    app.url_defaults(_add_version)


def compress(response: Response) -> Response:
    """Compress an answer where it may be, is large enough, and the client accepts it."""
    version = _version(request.endpoint, request.view_args or {})
    if version and request.args.get("v") == version and response.status_code == 200:
        # The address has another version once the file has: nobody needs to ask again. One that
        # was asked of a process of another version is not kept under that address.
        response.cache_control.max_age = _YEAR
        response.cache_control.public = True
        response.cache_control.no_cache = None
        response.cache_control.immutable = True
    if not _may_be(response):
        return response
    response.vary.add("Accept-Encoding")
    if request.method != "GET" or response.status_code != 200:
        return response
    if request.accept_encodings.quality("gzip") <= 0:
        return response
    whole = _compressed(response)
    if whole is None:
        return response
    response.direct_passthrough = False
    response.set_data(whole)
    response.headers["Content-Encoding"] = "gzip"
    response.headers.pop("Accept-Ranges", None)
    mark, _ = response.get_etag()
    if mark:
        # Not the same bytes as without: what is compared is the content.
        response.set_etag(mark, weak=True)
    return response


def _may_be(response: Response) -> bool:
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
    mark, _ = response.get_etag()
    key = (request.path, mark or "")
    if (kept := _KEPT.get(key)) is not None:
        response.response.close()  # type: ignore[union-attr]
        return kept
    response.direct_passthrough = False
    plain = response.get_data()
    if len(plain) < _LEAST_BYTES:
        return None
    if request.endpoint not in _FILES or not mark:
        return gzip.compress(plain, _LEVEL, mtime=0)
    whole = gzip.compress(plain, _LEVEL_KEPT, mtime=0)
    if len(_KEPT) < 100:
        _KEPT[key] = whole
    return whole


def _add_version(endpoint: str, values: dict[str, object]) -> None:
    if version := _version(endpoint, values):
        values.setdefault("v", version)


def _version(endpoint: str | None, values: Mapping[str, object]) -> str:
    """Return the version of a file of the software; empty for everything else."""
    if endpoint == "static" and current_app.static_folder and "filename" in values:
        path = Path(current_app.static_folder) / str(values["filename"])
        if path.is_file():
            return _version_of(path, path.stat().st_mtime_ns)
    return ""


@lru_cache(maxsize=64)
def _version_of(path: Path, _changed: int) -> str:
    return f"{zlib.crc32(path.read_bytes()):08x}"
