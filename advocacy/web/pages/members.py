"""The pages of members: the list for owners, one-time links, and each member's own account.

Note: invitations and forgotten passwords work alike: with a one-time link a member sets a password.
The link is shown once, to the owner who made it.
"""

from __future__ import annotations

from uuid import UUID

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _

from advocacy.core.choices import LANGUAGES, ROLES
from advocacy.storage import audit, errors, members, sessions
from advocacy.storage import organizations as organizations_storage
from advocacy.storage.members import BadEmail, LastOwner, Member
from advocacy.storage.session import transaction
from advocacy.web import auth
from advocacy.web.errors import Problem
from advocacy.web.passwords import WeakPassword, check_password, hash_password, is_password

blueprint = Blueprint("members", __name__)

_LONGEST_NAME = 100


# Signing in.


@blueprint.get("/sign-in/organization")
def choose_page() -> auth.Page:
    """Let a member of several organizations choose one."""
    found = auth.offered_members()
    if not found:
        return redirect(url_for("dashboard.sign_in_page"))
    organizations = [organizations_storage.find_organization(org_id) for org_id in found]
    return render_template("choose.html", organizations=[each for each in organizations if each])


@blueprint.post("/sign-in/organization")
def choose() -> auth.Page:
    """Start a session in the chosen organization."""
    after = session.get("choices_after") or url_for("dashboard.overview")
    try:
        org_id = UUID(request.form.get("organization", ""))
        begun = auth.start_session(org_id, auth.offered_members()[org_id])
    except (ValueError, KeyError):
        begun = False
    return redirect(after if begun else url_for("dashboard.sign_in_page"))


@blueprint.get("/set-password/<token>")
def set_password_page(token: str) -> Response:
    """Show the form to set a password with a one-time link."""
    return _set_password_page(_member_of(token), "", 200)


@blueprint.post("/set-password/<token>")
def set_password(token: str) -> auth.Page:
    """Store the password, invalidate the link, and replace all sessions with a new one."""
    member = _member_of(token)
    name = clean_name(request.form.get("name", member.name))
    password = request.form.get("password", "")
    if trouble := weakness(password, member.email, name):
        return _set_password_page(member, trouble, 422)
    hashed = hash_password(password)
    with transaction():
        if not members.use_one_time_token(member.org_id, member.id, token, hashed):
            raise _no_such_link()
        members.set_profile(member.org_id, member.id, name, member.language)
        action = "password_set" if member.joined else "joined"
        audit.record(member.org_id, member.email, action)
    auth.start_session(member.org_id, member.id)
    return redirect(url_for("dashboard.overview"))


def _member_of(token: str) -> Member:
    member = members.find_by_one_time_token(token)
    if member is None:
        raise _no_such_link()
    return member


def _no_such_link() -> Problem:
    return Problem(
        404,
        _("This link has expired"),
        _("It works once, within seven days. Ask an owner of your organization for a new one."),
        headers={"X-Robots-Tag": "noindex"},
    )


def _set_password_page(member: Member, trouble: str, status: int) -> Response:
    organization = organizations_storage.find_organization(member.org_id)
    page = render_template(
        "set_password.html", member=member, organization=organization, trouble=trouble
    )
    answer = make_response(page, status)
    # The URL is a secret, but its Referrer-Policy stays same-origin: with no-referrer browsers send
    # the form of this page without an origin, and it would be rejected.
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


# The own account.


@blueprint.get("/account")
@auth.needs_session
def account_page() -> auth.Page:
    """Show the account page of the signed-in member."""
    return _account_page()


@blueprint.post("/account")
@auth.needs_session
def set_profile() -> auth.Page:
    """Store the member's name and language."""
    member = _signed_in_member()
    language = request.form.get("language", "")
    if language and language not in LANGUAGES:
        raise Problem(422, _("No such language"), _("Choose one from the list."))
    with transaction():
        members.set_profile(
            member.org_id, member.id, clean_name(request.form.get("name", "")), language
        )
    session.pop("language", None)
    if language:
        session["language"] = language
    return redirect(url_for("members.account_page", kept="about"))


@blueprint.post("/account/password")
@auth.needs_session
def change_password() -> auth.Page:
    """Change the password of the signed-in member, and end their other sessions."""
    member = _signed_in_member()
    if seconds := auth.seconds_to_wait(member.email):
        page = _account_page(_("Too many attempts. Try again later."))
        return page, 429, {"Retry-After": str(seconds)}
    if not is_password(
        members.password_of(member.org_id, member.id), request.form.get("before", "")
    ):
        return _account_page(_("The current password is incorrect.")), 422
    password = request.form.get("password", "")
    if trouble := weakness(password, member.email, member.name):
        return _account_page(trouble), 422
    hashed = hash_password(password)
    with transaction():
        members.set_password(member.org_id, member.id, hashed, keep=auth.session_token())
        auth.record_audit("password_changed")
    return redirect(url_for("members.account_page", kept="password"))


@blueprint.post("/account/end-others")
@auth.needs_session
def end_other_sessions() -> auth.Page:
    """End all other sessions of the signed-in member."""
    member = _signed_in_member()
    with transaction():
        sessions.end_sessions(member.org_id, member.id, keep=auth.session_token())
        auth.record_audit("sessions_ended", member.email)
    return redirect(url_for("members.account_page", kept="sessions"))


def _signed_in_member() -> Member:
    if g.member is None:
        raise Problem(
            403,
            _("Not allowed for your role"),
            _("A token has no account. Sign in with your email address and password."),
        )
    member: Member = g.member
    return member


def _account_page(trouble: str = "") -> str:
    return render_template(
        "account.html",
        member=_signed_in_member(),
        trouble=trouble,
        kept=request.args.get("kept", ""),
    )


# The list of members, for owners.


@blueprint.get("/members")
@auth.needs_role("owner")
def members_page() -> auth.Page:
    """Show the members and the audit log."""
    return _members_page()


@blueprint.post("/members")
@auth.needs_role("owner")
def invite() -> auth.Page:
    """Add a member and show their one-time link."""
    email, role = request.form.get("email", ""), _role()
    master = current_app.extensions["settings"].secret_key.encode()
    try:
        with transaction():
            member = members.put_member(master, g.org_id, email, role)
            token = members.put_one_time_token(g.org_id, member.id)
            auth.record_audit("invited", f"{member.email}, {role}")
    except BadEmail:
        return _members_page(trouble=_("This is not a valid email address."), email=email), 422
    except errors.Taken:
        trouble = _("There is already a member with this email address.")
        return _members_page(trouble=trouble, email=email), 422
    return _members_page(made=(member, one_time_url(token)))


@blueprint.post("/members/<uuid:member_id>/one-time-link")
@auth.needs_role("owner")
def make_one_time_link(member_id: UUID) -> auth.Page:
    """Make a new one-time link, e.g. for a forgotten password."""
    member = _member(member_id)
    with transaction():
        token = members.put_one_time_token(g.org_id, member.id)
        auth.record_audit("one_time_link_made", member.email)
    return _members_page(made=(member, one_time_url(token)))


@blueprint.post("/members/<uuid:member_id>/role")
@auth.needs_role("owner")
def set_role(member_id: UUID) -> auth.Page:
    """Change the role of a member."""
    member, role = _member(member_id), _role()
    try:
        with transaction():
            members.set_role(g.org_id, member.id, role)
            auth.record_audit("role_changed", f"{member.email}, {role}")
    except LastOwner:
        return _last_owner()
    return redirect(url_for("members.members_page"))


@blueprint.post("/members/<uuid:member_id>/end-sessions")
@auth.needs_role("owner")
def end_sessions(member_id: UUID) -> auth.Page:
    """Sign a member out everywhere."""
    member = _member(member_id)
    with transaction():
        sessions.end_sessions(g.org_id, member.id)
        auth.record_audit("sessions_ended", member.email)
    return redirect(url_for("members.members_page"))


@blueprint.post("/members/<uuid:member_id>/remove")
@auth.needs_role("owner")
def remove(member_id: UUID) -> auth.Page:
    """Remove a member."""
    member = _member(member_id)
    try:
        with transaction():
            members.remove_member(g.org_id, member.id)
            auth.record_audit("removed", member.email)
    except LastOwner:
        return _last_owner()
    return redirect(url_for("members.members_page"))


def one_time_url(token: str) -> str:
    """Return the URL of a one-time link."""
    return f"{current_app.extensions['settings'].public_url}/set-password/{token}"


def _member(member_id: UUID) -> Member:
    member = members.find_member(g.org_id, member_id)
    if member is None:
        raise Problem(404, _("Not Found"), _("There is no such member."))
    return member


def _members_page(
    trouble: str = "", email: str = "", made: tuple[Member, str] | None = None
) -> str:
    organization = organizations_storage.find_organization(g.org_id)
    return render_template(
        "members.html",
        members=members.list_members(g.org_id),
        audit=audit.list_entries(g.org_id),
        actions=_actions(),
        roles=_roles(),
        trouble=trouble,
        email=email,
        made=made,
        timezone=organization.timezone if organization else "UTC",
    )


def _last_owner() -> auth.Page:
    trouble = _("You can't remove the last owner. Make someone else an owner first.")
    return _members_page(trouble=trouble), 409


def _role() -> str:
    role = request.form.get("role", "")
    if role not in ROLES:
        raise Problem(422, _("No such role"), _("Choose one from the list."))
    return role


def clean_name(written: str) -> str:
    """Return a name without superfluous spaces, and not too long."""
    return " ".join(written.replace("\0", "").split())[:_LONGEST_NAME]


def weakness(password: str, *personal: str) -> str:
    """Return why a new password is not acceptable, or an empty string."""
    trouble: str = ""
    if request.form.get("again", password) != password:
        trouble = _("The passwords do not match.")
    else:
        try:
            check_password(password, *personal)
        except WeakPassword as weak:
            trouble = {
                "too_short": _("Use at least 12 characters; a short phrase is easy to remember."),
                "too_long": _("Use at most 256 characters."),
                "too_plain": _("Use a wider mix of characters."),
                "too_near": _("This is too similar to your name or email address."),
            }[str(weak)]
    return trouble


def _roles() -> dict[str, str]:
    return {
        "reader": _("reader: views reports"),
        "editor": _(
            "editor: creates campaigns, links, goals and email reports, runs "
            "tests, retries deliveries"
        ),
        "owner": _("owner: everything, including members"),
    }


def _actions() -> dict[str, str]:
    return {
        "invited": _("invited a member"),
        "joined": _("joined"),
        "one_time_link_made": _("created a one-time link for"),
        "password_set": _("set a password with a one-time link"),
        "password_changed": _("changed their password"),
        "role_changed": _("changed the role of"),
        "sessions_ended": _("ended the sessions of"),
        "removed": _("removed the member"),
        "mail_subscribed": _("added email reports"),
        "mail_ended": _("stopped email reports"),
        "mail_sent_again": _("sent a report again"),
        "goal_set": _("set the goal"),
        "goal_removed": _("deleted a goal"),
        "campaign_made": _("created the campaign"),
        "campaign_changed": _("changed the campaign"),
        "campaign_archived": _("archived the campaign"),
        "campaign_restored": _("restored the campaign"),
        "post_made": _("created the post"),
        "post_changed": _("changed the post"),
        "post_archived": _("archived the post"),
        "post_restored": _("restored the post"),
        "link_made": _("created the link"),
        "link_changed": _("changed where this link leads:"),
        "link_archived": _("archived the link"),
        "link_restored": _("restored the link"),
        "organization_changed": _("changed the settings of the organization"),
        "token_made": _("created the API token"),
        "token_revoked": _("revoked the API token"),
        "webhook_made": _("added the outgoing webhook"),
        "webhook_changed": _("changed the outgoing webhook"),
        "webhook_removed": _("removed the outgoing webhook"),
        "webhook_failed": _("disabled the outgoing webhook, which failed for days:"),
        "view_link_made": _("created a view link"),
        "view_link_withdrawn": _("revoked a view link"),
        "example_made": _("made example data"),
        "source_connected": _("connected the tool"),
        "source_renamed": _("renamed the tool"),
        "source_removed": _("removed the tool"),
        "source_secret_rotated": _("set a new secret of the tool"),
        "source_address_replaced": _("made a new address of the tool"),
        "source_disabled": _("paused the tool"),
        "source_enabled": _("resumed the tool"),
        "link_disabled": _("disabled the link"),
        "link_enabled": _("enabled the link"),
    }
