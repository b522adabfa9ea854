"""Who asks: bearer tokens at the API, a session made of one at the dashboard.

What a stranger would get wrong: the session cookie holds only which token it was made of; the token
is looked up at each request, so that revoking it ends the session too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar
from uuid import UUID

from flask import g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from advocacy.models import Token
from advocacy.store import campaigns
from advocacy.web.errors import Problem

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def needs_token(
    scope: str = "reports",
) -> Callable[[Callable[Arguments, Answer]], Callable[Arguments, Answer]]:
    """Let a view be called only with a bearer token of this scope; `admin` may all."""

    def decorate(view: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
        @wraps(view)
        def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
            scheme, _, word = request.headers.get("Authorization", "").partition(" ")
            token = campaigns.find_token(word.strip()) if scheme.lower() == "bearer" else None
            if token is None:
                raise Problem(
                    401,
                    "Unauthorized",
                    "Send a valid token: `Authorization: Bearer aat_…`.",
                    headers={"WWW-Authenticate": "Bearer"},
                )
            if token.scope not in {scope, "admin"}:
                raise Problem(403, "Forbidden", f"This needs a token of scope {scope}.")
            g.org_id = token.org_id
            return view(*args, **kwargs)

        return guarded

    return decorate


def sign_in(word: str) -> bool:
    """Begin a session with a token's text; False where it is not valid."""
    token = campaigns.find_token(word)
    if token is None:
        return False
    session.clear()
    session.permanent = True
    session["token"] = [str(token.org_id), str(token.id)]
    return True


def find_session_token() -> Token | None:
    """Return the token that this session was made of, if it is still valid."""
    try:
        org_id, token_id = (UUID(part) for part in session["token"])
    except (KeyError, TypeError, ValueError):
        return None
    return campaigns.find_token_by_id(org_id, token_id)


def needs_session(
    view: Callable[Arguments, Response | str],
) -> Callable[Arguments, Response | str]:
    """Let a page be seen only by who is signed in; others are sent to sign in."""

    @wraps(view)
    def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Response | str:
        token = find_session_token()
        if token is None:
            session.clear()
            return redirect(url_for("dashboard.sign_in_page", next=request.path))
        g.org_id = token.org_id
        return view(*args, **kwargs)

    return guarded
