"""The pages of members: who there is, how one comes in, and what each may change about themselves.

Note: an invitation and a forgotten password are one thing, a one-time
link with which a member sets their password. It is shown to the owner who made it, once.
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


# Coming in.


@blueprint.get("/sign-in/organization")
def choose_page() -> auth.Page:
    """Ask in which organization to be, where one person is a member of several."""
    found = auth.offered()
    if not found:
        return redirect(url_for("dashboard.sign_in_page"))
    organizations = [organizations_storage.find_organization(org_id) for org_id in found]
    return render_template("choose.html", organizations=[each for each in organizations if each])


@blueprint.post("/sign-in/organization")
def choose() -> auth.Page:
    """Begin a session in the organization that was chosen."""
    after = session.get("choices_after") or url_for("dashboard.overview")
    try:
        org_id = UUID(request.form.get("organization", ""))
        begun = auth.begin(org_id, auth.offered()[org_id])
    except (ValueError, KeyError):
        begun = False
    return redirect(after if begun else url_for("dashboard.sign_in_page"))


@blueprint.get("/set-password/<word>")
def set_password_page(word: str) -> Response:
    """Let a member set their password, with a one-time link."""
    return _set_password_page(_member_of(word), "", 200)


@blueprint.post("/set-password/<word>")
def set_password(word: str) -> auth.Page:
    """Keep the password, end the link and every session, and begin a new one."""
    member = _member_of(word)
    name = _name(request.form.get("name", member.name))
    password = request.form.get("password", "")
    if trouble := _weakness(password, member.email, name):
        return _set_password_page(member, trouble, 422)
    kept = hash_password(password)
    with transaction():
        if not members.use_one_time_token(member.org_id, member.id, word, kept):
            raise _no_such_link()
        members.set_profile(member.org_id, member.id, name, member.language)
        did = "password_set" if member.joined else "joined"
        audit.record(member.org_id, member.email, did)
    auth.begin(member.org_id, member.id)
    return redirect(url_for("dashboard.overview"))


def _member_of(word: str) -> Member:
    member = members.find_by_one_time_token(word)
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
    # The address lets in whoever has it. Its Referrer-Policy stays same-origin: with no-referrer a
    # browser sends this page's own form as if it came from nowhere.
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


# Oneself.


@blueprint.get("/account")
@auth.needs_session
def account_page() -> auth.Page:
    """Show what a member may change of herself."""
    return _account_page()


@blueprint.post("/account")
@auth.needs_session
def set_about() -> auth.Page:
    """Keep name and language."""
    member = _oneself()
    language = request.form.get("language", "")
    if language and language not in LANGUAGES:
        raise Problem(422, _("No such language"), _("Choose one from the list."))
    with transaction():
        members.set_profile(member.org_id, member.id, _name(request.form.get("name", "")), language)
    session.pop("language", None)
    if language:
        session["language"] = language
    return redirect(url_for("members.account_page", kept="about"))


@blueprint.post("/account/password")
@auth.needs_session
def change_password() -> auth.Page:
    """Change one's own password; all their other sessions end."""
    member = _oneself()
    if seconds := auth.wait_for(member.email):
        page = _account_page(_("Too many attempts. Try again later."))
        return page, 429, {"Retry-After": str(seconds)}
    if not is_password(
        members.password_of(member.org_id, member.id), request.form.get("before", "")
    ):
        return _account_page(_("The current password is incorrect.")), 422
    password = request.form.get("password", "")
    if trouble := _weakness(password, member.email, member.name):
        return _account_page(trouble), 422
    kept = hash_password(password)
    with transaction():
        members.set_password(member.org_id, member.id, kept, keep=auth.session_word())
        auth.note("password_changed")
    return redirect(url_for("members.account_page", kept="password"))


@blueprint.post("/account/end-others")
@auth.needs_session
def end_other_sessions() -> auth.Page:
    """End every session of oneself but this one."""
    member = _oneself()
    with transaction():
        sessions.end_sessions(member.org_id, member.id, keep=auth.session_word())
        auth.note("sessions_ended", member.email)
    return redirect(url_for("members.account_page", kept="sessions"))


def _oneself() -> Member:
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
        "account.html", member=_oneself(), trouble=trouble, kept=request.args.get("kept", "")
    )


# All of them, for owners.


@blueprint.get("/members")
@auth.needs_role("owner")
def members_page() -> auth.Page:
    """List the members, and what was done."""
    return _members_page()


@blueprint.post("/members")
@auth.needs_role("owner")
def invite() -> auth.Page:
    """Make a member and show their one-time link."""
    email, role = request.form.get("email", ""), _role()
    master = current_app.extensions["settings"].secret_key.encode()
    try:
        with transaction():
            member = members.put_member(master, g.org_id, email, role)
            word = members.put_one_time_token(g.org_id, member.id)
            auth.note("invited", f"{member.email}, {role}")
    except BadEmail:
        return _members_page(trouble=_("This is not a valid email address."), email=email), 422
    except errors.Taken:
        trouble = _("There is already a member with this email address.")
        return _members_page(trouble=trouble, email=email), 422
    return _members_page(made=(member, one_time_url(word)))


@blueprint.post("/members/<uuid:member_id>/one-time-link")
@auth.needs_role("owner")
def make_one_time_link(member_id: UUID) -> auth.Page:
    """Show a new one-time link of a member who lost theirs, or their password."""
    member = _member(member_id)
    with transaction():
        word = members.put_one_time_token(g.org_id, member.id)
        auth.note("one_time_link_made", member.email)
    return _members_page(made=(member, one_time_url(word)))


@blueprint.post("/members/<uuid:member_id>/role")
@auth.needs_role("owner")
def set_role(member_id: UUID) -> auth.Page:
    """Let a member do more or less."""
    member, role = _member(member_id), _role()
    try:
        with transaction():
            members.set_role(g.org_id, member.id, role)
            auth.note("role_changed", f"{member.email}, {role}")
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
        auth.note("sessions_ended", member.email)
    return redirect(url_for("members.members_page"))


@blueprint.post("/members/<uuid:member_id>/remove")
@auth.needs_role("owner")
def remove(member_id: UUID) -> auth.Page:
    """Remove a member."""
    member = _member(member_id)
    try:
        with transaction():
            members.remove_member(g.org_id, member.id)
            auth.note("removed", member.email)
    except LastOwner:
        return _last_owner()
    return redirect(url_for("members.members_page"))


def one_time_url(word: str) -> str:
    """Return where a one-time word lets its member in."""
    return f"{current_app.extensions['settings'].public_url}/set-password/{word}"


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
        deeds=_deeds(),
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


def _name(written: str) -> str:
    return " ".join(written.replace("\0", "").split())[:_LONGEST_NAME]


def _weakness(password: str, *about: str) -> str:
    """Say what is wrong with a new password, or nothing."""
    trouble: str = ""
    if request.form.get("again", password) != password:
        trouble = _("The passwords do not match.")
    else:
        try:
            check_password(password, *about)
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


def _deeds() -> dict[str, str]:
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
        "view_link_made": _("created a view link"),
        "view_link_withdrawn": _("revoked a view link"),
        "source_disabled": _("disabled the source"),
        "source_enabled": _("enabled the source"),
        "link_disabled": _("disabled the link"),
        "link_enabled": _("enabled the link"),
    }
