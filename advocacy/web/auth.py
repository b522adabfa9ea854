"""Authentication: bearer tokens for the API; for pages, sessions of members or of a token.

Note: the cookie contains the token of a row in `sessions`, which is looked up at each request. So
signing out also ends copied cookies, and changed roles, ended sessions and revoked API tokens take
effect at the next request. A session that was started with an API token is read-only.
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
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from advocacy.core import crypto
from advocacy.core.choices import ROLES, SCOPES
from advocacy.core.contacts import normalise_email
from advocacy.core.crypto import organization_key
from advocacy.storage import audit, lookup_keys, members, sessions, tokens
from advocacy.storage.members import Member
from advocacy.storage.session import transaction
from advocacy.web.errors import Problem
from advocacy.web.login_throttle import LoginThrottle
from advocacy.web.passwords import hash_password, is_outdated, is_password

_CHOICE_SECONDS = 300

login = LoginManager()

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Page = Response | str | tuple[str, int] | tuple[str, int, dict[str, str]]


@dataclass(frozen=True, eq=False)
class SignedIn(UserMixin):  # type: ignore[misc]
    """Who is signed in: a member, or an API token with the role of a reader."""

    org_id: UUID
    session_token: str
    role: str
    called: str
    member: Member | None

    def get_id(self) -> str:
        """Return the value of the cookie."""
        return f"{self.org_id}:{self.session_token}"


def init_app(app: Flask) -> None:
    """Set up sessions and the login throttle."""
    settings = app.extensions["settings"]
    login.session_protection = None
    # The error page for a database outage must not query the database for the session.
    login.init_app(app, add_context_processor=False)
    key = organization_key(settings.secret_key.encode(), crypto.NO_ORGANIZATION, "guesses")
    app.extensions["login_throttle"] = LoginThrottle(settings.redis_url, key)
    app.before_request(forget_visitor)


def forget_visitor() -> None:
    """Start the request signed out: `g` may be older than the request."""
    for name in ("_login_user", "org_id", "role", "member", "called"):
        g.pop(name, None)


def bearer_token() -> str:
    """Return the bearer token that was sent, or an empty string."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def needs_token(
    scope: str = "reports",
) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Require a bearer token with this scope, or one that includes it.

    Sets `g.org_id`, and `g.called` for the audit log.
    """

    def decorate(view: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @wraps(view)
        def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            bearer = bearer_token()
            token = tokens.find_token(bearer) if bearer else None
            if token is None:
                raise Problem(
                    401,
                    "Unauthorized",
                    "Send a valid token: `Authorization: Bearer aat_…`.",
                    headers={"WWW-Authenticate": "Bearer"},
                )
            if SCOPES.index(token.scope) < SCOPES.index(scope):
                raise Problem(403, "Forbidden", f"This needs a token of scope {scope}.")
            g.org_id, g.called, g.member = token.org_id, token.name, None
            return view(*args, **kwargs)

        return guarded

    return decorate


def needs_role(
    role: str,
) -> Callable[[Callable[Arguments, Page]], Callable[Arguments, Page]]:
    """Require this role or a higher one for a page; redirect visitors to the sign-in page.

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
"""Require a session for a page; redirect visitors to the sign-in page."""


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
    """Return whose session this is; None if it has ended."""
    org, _colon, token = cookie.partition(":")
    try:
        org_id = UUID(org)
    except ValueError:
        return None
    row = sessions.find_session(org_id, token)
    if row is None:
        return None
    if not row.noted:
        with transaction():
            sessions.record_session_use(org_id, token)
    if row.id is None:
        return SignedIn(org_id, token, ROLES[0], row.token, None)
    member = Member(org_id, row.id, row.email, row.name, row.role, row.language, joined=True)
    return SignedIn(org_id, token, member.role, member.called, member)


def sign_in(bearer: str) -> bool:
    """Start a read-only session with an API token; return False if the token is not valid."""
    token = tokens.find_token(bearer)
    if token is None:
        return False
    with transaction():
        session_token = sessions.put_session(token.org_id, token_id=token.id)
    _replace_session(SignedIn(token.org_id, session_token, ROLES[0], token.name, None))
    return True


def seconds_to_wait(email: str) -> int:
    """Count a password attempt; return 0 if it is allowed, else the seconds until the next."""
    return _throttle().seconds_to_wait(_account(email), request.remote_addr or "")


def find_accounts(email: str, password: str) -> list[tuple[UUID, str, UUID]]:
    """Return the accounts with this email address and password: organization, its name, member."""
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
        _throttle().forget(_account(email), request.remote_addr or "")
    return [(row.org_id, row.org_name, row.id) for row in found]


def offer_organizations(found: list[tuple[UUID, str, UUID]], after: str) -> None:
    """Remember in the session the organizations among which a signed-in person may choose.

    The choice expires when the password changes.
    """
    session["offered"] = {
        str(org_id): [str(member_id), _password_digest(org_id, member_id)]
        for org_id, _name, member_id in found
    }
    session["choices_until"] = time.time() + _CHOICE_SECONDS
    session["choices_after"] = after


def offered_members() -> dict[UUID, UUID]:
    """Return the members that may be chosen, by organization; empty once the choice expired."""
    if session.get("choices_until", 0) < time.time():
        return {}
    found = {
        UUID(org): (UUID(id), digest) for org, (id, digest) in session.get("offered", {}).items()
    }
    return {
        org_id: member_id
        for org_id, (member_id, digest) in found.items()
        if digest == _password_digest(org_id, member_id)
    }


def _password_digest(org_id: UUID, member_id: UUID) -> str:
    """Return a digest that changes with the member's password."""
    return lookup_keys.token_digest(members.password_of(org_id, member_id) or "")[:16]


def start_session(org_id: UUID, member_id: UUID) -> bool:
    """Start a session of a member; return False if the member no longer exists."""
    member = members.find_member(org_id, member_id)
    if member is None:
        return False
    with transaction():
        session_token = sessions.put_session(org_id, member_id=member_id)
    _replace_session(SignedIn(org_id, session_token, member.role, member.called, member))
    return True


def step_into(org_id: UUID, member_id: UUID) -> None:
    """Start a session in another organization; `step_back` returns to this one.

    For that a session of its own is begun here, which ends like any other: by an owner, with a new
    password, or when the member is removed.
    """
    home = current_user.org_id
    with transaction():
        token = sessions.put_session(home, member_id=current_user.member.id)
    start_session(org_id, member_id)
    session["home"] = f"{home}:{token}"


def step_back(org_id: UUID) -> bool:
    """Return to the organization from which `step_into` led; False if that session has ended."""
    found = find_signed_in(session.pop("home", ""))
    if found is None or found.org_id != org_id:
        sign_out()
        return False
    _replace_session(found)
    return True


def sign_out() -> None:
    """End the session, including every copy of its cookie."""
    for cookie in (session.get("_user_id", ""), session.get("home", "")):
        _end(str(cookie))
    session.clear()


def _end(cookie: str) -> None:
    org, _colon, token = cookie.partition(":")
    if token:
        try:
            org_id = UUID(org)
        except ValueError:
            pass
        else:
            with transaction():
                sessions.end_session(org_id, token)


def session_token() -> str:
    """Return the token of this session, to keep it when all others end."""
    return str(current_user.session_token)


def record_audit(action: str, detail: str = "") -> None:
    """Add an action of the signed-in person to the audit log; call it inside a transaction."""
    audit.record(g.org_id, g.member.email if g.member else g.called, action, detail)


def _replace_session(signed_in: SignedIn) -> None:
    language = (signed_in.member.language if signed_in.member else "") or session.get("language")
    sign_out()
    session.permanent = True
    if language:
        session["language"] = language
    login_user(signed_in)


def _account(email: str) -> str:
    return normalise_email(email) or email.strip().casefold()


def _throttle() -> LoginThrottle:
    throttle: LoginThrottle = current_app.extensions["login_throttle"]
    return throttle
