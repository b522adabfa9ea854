"""Requests that change something: one transaction each, once for each `Idempotency-Key`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps

from flask import Response, current_app, g, make_response, request
from sqlalchemy.exc import IntegrityError

from advocacy.core.link_codes import BadCode
from advocacy.storage import errors, idempotency
from advocacy.storage.session import transaction
from advocacy.tracking.links import BadLink
from advocacy.tracking.posts import BadPost
from advocacy.web.errors import Problem

_HEADER = "Idempotency-Key"
_LONGEST_KEY = 255
_IN_USE = "23505"  # PostgreSQL's unique_violation


def in_transaction(view: Callable[..., object], *, once: bool) -> Callable[..., object]:
    """Run a view in a transaction and turn what it raises into problems.

    With `once`, a request with an `Idempotency-Key` is carried out once; only responses to requests
    that succeeded are stored.
    """

    @wraps(view)
    def guarded(*args: object, **kwargs: object) -> object:
        key = _key() if once else ""
        try:
            with transaction():
                return _once(key, lambda: view(*args, **kwargs)) if key else view(*args, **kwargs)
        except errors.NotFound:
            raise Problem(404, "Not Found", "There is no such thing.") from None
        except errors.Taken as error:
            raise Problem(409, "Conflict", f"{error}.") from None
        except IntegrityError as error:
            if getattr(error.orig, "sqlstate", None) != _IN_USE:
                raise
            raise Problem(409, "Conflict", "This name was taken just now.") from None
        except BadPost as error:
            raise invalid(error.field, str(error)) from None
        except BadLink as error:
            raise invalid("destination", str(error)) from None
        except BadCode as error:
            raise invalid("code", str(error)) from None

    return guarded


def invalid(field: str, message: str) -> Problem:
    """Return the problem of a field with an invalid value."""
    return Problem(422, "Unprocessable Entity", errors=[{"field": field, "message": message}])


def _key() -> str:
    key = request.headers.get(_HEADER)
    if key is None:
        return ""
    if not (0 < len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable()):
        raise Problem(
            400, "Bad Request", f"{_HEADER} must be 1 to {_LONGEST_KEY} printable characters."
        )
    return key


def _once(key: str, work: Callable[[], object]) -> Response:
    master = current_app.extensions["settings"].secret_key.encode()
    named = f"{request.method} {request.full_path}\n".encode() + request.get_data()
    digest = hashlib.sha256(named).hexdigest()
    stored = idempotency.claim(master, g.org_id, key, digest, datetime.now(UTC))
    if stored is None:
        made = make_response(work())
        location = made.headers.get("Location", "")
        idempotency.put_response(master, g.org_id, key, made.status_code, location, made.get_data())
        return made
    if stored.digest != digest:
        raise Problem(
            422,
            "Unprocessable Entity",
            f"This {_HEADER} was used for another request. Use a new key for each request.",
        )
    headers = {"Idempotent-Replayed": "true"}
    if stored.location:
        headers["Location"] = stored.location
    return Response(stored.body, stored.status, headers, content_type="application/json")
