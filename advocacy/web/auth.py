"""Who asks: bearer tokens at the API; at the pages a session, of a member or made of a token.

Note: the cookie holds the word of a row in `sessions`, and the row is
looked up at each request. So signing out ends a copied cookie too, and a member's role, an ended
session and a revoked token count from the next request on. A session made of a token only reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar
from uuid import UUID

from flask import Flask, current_app, g, redirect, request, session, url_for
from flask_babel import gettext as _
from flask_login import UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from advocacy.core import crypto
from advocacy.core.choices import ROLES
from advocacy.core.contacts import normalise_email
from advocacy.core.crypto import organization_key
from advocacy.storage import audit, lookup_keys, members, sessions, tokens
from advocacy.storage.db import login
from advocacy.storage.members import Member
from advocacy.storage.session import transaction
from advocacy.web.errors import Problem
from advocacy.web.login_throttle import Guesses
from advocacy.web.passwords import hash_password, is_outdated, is_password

_CHOICE_SECONDS = 300

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
Page = Response | str | tuple[str, int] | tuple[str, int, dict[str, str]]


@dataclass(frozen=True, eq=False)
class SignedIn(UserMixin):  # type: ignore[misc]
    """Who is signed in: a member, or a token that stands for a reader."""

    org_id: UUID
    word: str
    role: str
    called: str
    member: Member | None

    def get_id(self) -> str:
        """Return what the cookie holds of it."""
        return f"{self.org_id}:{self.word}"


def init_app(app: Flask) -> None:
    """Let pages know who is signed in."""
    settings = app.extensions["settings"]
    login.session_protection = None
    # A page that says that the database is down must not ask it who is signed in.
    login.init_app(app, add_context_processor=False)
    key = organization_key(settings.secret_key.encode(), crypto.NO_ORGANIZATION, "guesses")
    app.extensions["guesses"] = Guesses(settings.redis_url, key)
    app.before_request(know_nobody)


def know_nobody() -> None:
    """Begin without a visitor: `g` outlives a request where a context was there before it."""
    for name in ("_login_user", "org_id", "role", "member", "called"):
        g.pop(name, None)


def bearer_token() -> str:
    """Return the bearer token that was sent, or an empty string."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def needs_token(
    scope: str = "reports",
) -> Callable[[Callable[Arguments, Answer]], Callable[Arguments, Answer]]:
    """Let a view be called only with a bearer token of this scope; `admin` may all."""

    def decorate(view: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
        @wraps(view)
        def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
            sent = bearer_token()
            token = tokens.find_token(sent) if sent else None
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


def needs_role(
    role: str,
) -> Callable[[Callable[Arguments, Page]], Callable[Arguments, Page]]:
    """Let a page be seen only by who has this role or more; others are sent to sign in.

    Sets `g.org_id`, `g.role`, `g.called`, and `g.member`, which is None for a token.
    """
    needed = ROLES.index(role)

    def decorate(view: Callable[Arguments, Page]) -> Callable[Arguments, Page]:
        @wraps(view)
        def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Page:
            if not current_user.is_authenticated:
                logout_user()
                after = request.path if request.method == "GET" else None
                return redirect(url_for("dashboard.sign_in_page", next=after))
            g.org_id, g.role = current_user.org_id, current_user.role
            g.member, g.called = current_user.member, current_user.called
            if ROLES.index(g.role) < needed:
                raise Problem(403, _("Not allowed for your role"), _why_not(role))
            return view(*args, **kwargs)

        return guarded

    return decorate


needs_session = needs_role("reader")
"""Let a page be seen only by who is signed in; others are sent to sign in."""


def _why_not(role: str) -> str:
    why: str
    if g.member is None:
        why = _("A token gives read access only. Sign in with your email address and password.")
    elif role == "owner":
        why = _("Only owners can do this. Ask an owner of your organization.")
    else:
        why = _("Only editors can do this. Ask an owner of your organization for this role.")
    return why


@login.user_loader  # type: ignore[untyped-decorator,unused-ignore]
def find_signed_in(cookie: str) -> SignedIn | None:
    """Return whose session this is, if it is still open."""
    org, _colon, word = cookie.partition(":")
    try:
        org_id = UUID(org)
    except ValueError:
        return None
    row = sessions.find_session(org_id, word)
    if row is None:
        return None
    if not row.noted:
        with transaction():
            sessions.record_session_use(org_id, word)
    if row.id is None:
        return SignedIn(org_id, word, ROLES[0], row.token, None)
    member = Member(org_id, row.id, row.email, row.name, row.role, row.language, joined=True)
    return SignedIn(org_id, word, member.role, member.called, member)


def sign_in(word: str) -> bool:
    """Begin a session with a token's text, which only reads; False where it is not valid."""
    token = tokens.find_token(word)
    if token is None:
        return False
    with transaction():
        begun = sessions.put_session(token.org_id, token_id=token.id)
    _begin(SignedIn(token.org_id, begun, ROLES[0], token.name, None))
    return True


def wait_for(email: str) -> int:
    """Count a try at a password; returns in how many seconds there may be another, 0 for now."""
    return _guesses().seconds_to_wait(_account(email), request.remote_addr or "")


def accounts(email: str, password: str) -> list[tuple[UUID, str, UUID]]:
    """Return whose e-mail address and password these are: organization, its name, member."""
    master = current_app.extensions["settings"].secret_key.encode()
    rows = members.find_by_email(master, email)
    if not rows:
        is_password(None, password)
    found = [row for row in rows if is_password(row.password, password)]
    for row in found:
        if row.password and is_outdated(row.password):
            with transaction():
                members.update_hash(row.org_id, row.id, row.password, hash_password(password))
    if found:
        _guesses().forget(_account(email), request.remote_addr or "")
    return [(row.org_id, row.org_name, row.id) for row in found]


def offer(found: list[tuple[UUID, str, UUID]], after: str) -> None:
    """Keep between which organizations someone may choose who proved to be each one's member.

    What was proved is a password: with another one the choice is none any more.
    """
    session["offered"] = {
        str(org_id): [str(member_id), _mark(org_id, member_id)]
        for org_id, _name, member_id in found
    }
    session["choices_until"] = time.time() + _CHOICE_SECONDS
    session["choices_after"] = after


def offered() -> dict[UUID, UUID]:
    """Return the members that may be chosen, by organization; nothing where it took too long."""
    if session.get("choices_until", 0) < time.time():
        return {}
    found = {UUID(org): (UUID(id), mark) for org, (id, mark) in session.get("offered", {}).items()}
    return {
        org_id: member_id
        for org_id, (member_id, mark) in found.items()
        if mark == _mark(org_id, member_id)
    }


def _mark(org_id: UUID, member_id: UUID) -> str:
    """Return another word whenever a member has another password."""
    return lookup_keys.token_digest(members.password_of(org_id, member_id) or "")[:16]


def begin(org_id: UUID, member_id: UUID) -> bool:
    """Begin a session of a member; False where there is none any more."""
    member = members.find_member(org_id, member_id)
    if member is None:
        return False
    with transaction():
        word = sessions.put_session(org_id, member_id=member_id)
    _begin(SignedIn(org_id, word, member.role, member.called, member))
    return True


def sign_out() -> None:
    """End the session, and with it every copy of its cookie."""
    org, _colon, word = str(session.get("_user_id", "")).partition(":")
    if word:
        try:
            org_id = UUID(org)
        except ValueError:
            pass
        else:
            with transaction():
                sessions.end_session(org_id, word)
    session.clear()


def session_word() -> str:
    """Return the word of this session, which alone goes on where all others end."""
    return str(current_user.word)


def note(did: str, what: str = "") -> None:
    """Write into the audit what who is signed in did; to be called inside a transaction."""
    audit.record(g.org_id, g.member.email if g.member else g.called, did, what)


def _begin(signed_in: SignedIn) -> None:
    language = (signed_in.member.language if signed_in.member else "") or session.get("language")
    sign_out()
    session.permanent = True
    if language:
        session["language"] = language
    login_user(signed_in)


def _account(email: str) -> str:
    return normalise_email(email) or email.strip().casefold()


def _guesses() -> Guesses:
    found: Guesses = current_app.extensions["guesses"]
    return found
