"""The first run: five steps in the browser, the checklist on the overview, and example data.

Note: the first step needs the address that `advocacy up` prints, and makes the first owner. The
others are pages of editors that can be left and taken up again.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from advocacy.core import dates
from advocacy.core.choices import ROLES
from advocacy.core.minimization import utm_comes_back
from advocacy.core.slugs import LONGEST_SLUG, slug_of
from advocacy.ingestion import example
from advocacy.storage import campaigns, errors, first_run, links, members, organizations
from advocacy.storage.connections import set_deadline
from advocacy.storage.first_run import Checklist
from advocacy.storage.members import BadEmail
from advocacy.storage.models import Organization
from advocacy.storage.session import transaction, with_retries
from advocacy.tracking.links import BadLink, LinkMaker, LinkRequest
from advocacy.web import auth
from advocacy.web.errors import Problem
from advocacy.web.i18n import said
from advocacy.web.pages.connections import tools
from advocacy.web.pages.members import clean_name, weakness
from advocacy.web.passwords import hash_password
from advocacy.web.setup_key import is_setup_key

blueprint = Blueprint("first_run", __name__)

for_editors = auth.needs_role("editor")

_LONGEST = 100
_PLATFORMS = (
    "instagram",
    "facebook",
    "tiktok",
    "x",
    "bluesky",
    "threads",
    "youtube",
    "linkedin",
    "whatsapp",
    "email",
    "sms",
    "web",
)
"""Where most first posts go; the page of links knows more."""
_FIELDS = ("organization", "name", "email", "timezone")


# You.


@blueprint.get("/setup")
def page() -> auth.Page:
    """Ask for the organization and its first owner."""
    if first_run.has_members():
        return redirect(url_for("dashboard.overview"))
    return _page(_key(), {"timezone": ""})


@blueprint.post("/setup")
def make() -> auth.Page:
    """Make the organization and its first owner, and sign them in."""
    key = _key()
    asked = {name: clean_name(request.form.get(name, "")) for name in _FIELDS}
    password = request.form.get("password", "")
    trouble = weakness(password, asked["email"], asked["name"])
    if not asked["organization"]:
        trouble = _("Enter the name of your organization.")
    elif asked["timezone"] not in dates.accepted():
        trouble = _("Choose a time zone from the list.")
    if trouble:
        return _page(key, asked, trouble), 422
    hashed = hash_password(password)
    master = current_app.extensions["settings"].secret_key.encode()
    try:
        with transaction():
            first_run.lock_first_run()
            if first_run.has_members():
                return redirect(url_for("dashboard.sign_in_page"))
            owner = _organization(asked["organization"], asked["timezone"])
            made = members.put_member(master, owner.id, asked["email"], ROLES[-1], asked["name"])
            members.set_password(owner.id, made.id, hashed)
    except BadEmail:
        return _page(key, asked, _("This is not a valid email address.")), 422
    auth.start_session(made.org_id, made.id)
    return redirect(url_for("first_run.campaign_page"))


def _organization(name: str, timezone: str) -> Organization:
    """Make the organization; if commands made one already, return that, with the name given."""
    existing = organizations.list_organizations()
    if existing:
        existing[0].name = name
        return existing[0]
    slug = slug_of(name)[:LONGEST_SLUG] or "organization"
    return organizations.put_organization(slug, name, timezone)


def _key() -> str:
    """Return the key that was sent, if it is valid."""
    key = request.values.get("key", "")
    if not is_setup_key(current_app.extensions["settings"], key):
        raise Problem(
            404,
            _("This address has expired"),
            _("It works once, within an hour. Start “advocacy up” again for a new one."),
            headers={"X-Robots-Tag": "noindex"},
        )
    return key


def _page(key: str, asked: dict[str, str], trouble: str = "") -> str:
    existing = organizations.list_organizations()
    if existing and "organization" not in asked:
        asked = {**asked, "organization": existing[0].name, "timezone": existing[0].timezone}
    return render_template(
        "setup.html", key=key, asked=asked, trouble=trouble, zones=_zones(), longest=_LONGEST
    )


def _zones() -> list[str]:
    return sorted(each for each in dates.accepted() if "/" in each or each == "UTC")


# Campaign, tool, link.


@blueprint.get("/setup/campaign")
@for_editors
def campaign_page() -> str:
    """Ask for the name of the first campaign."""
    return _campaign_page({"name": "", "timezone": _timezone()})


@blueprint.post("/setup/campaign")
@for_editors
def make_campaign() -> auth.Page:
    """Make the first campaign."""
    asked = {"name": clean_name(request.form.get("name", "")), "timezone": _timezone()}
    asked["timezone"] = request.form.get("timezone") or asked["timezone"]
    slug = slug_of(asked["name"])[:LONGEST_SLUG].strip("-")
    if not slug or not utm_comes_back(slug):
        return _campaign_page(asked, _("Enter a name with a few letters.")), 422
    if asked["timezone"] not in dates.accepted():
        return _campaign_page(asked, _("Choose a time zone from the list.")), 422
    try:
        with transaction():
            campaigns.put_campaign(g.org_id, slug, asked["name"], asked["timezone"])
            auth.record_audit("campaign_made", slug)
    except errors.Taken:
        return _campaign_page(asked, _("There is already a campaign %(slug)s.", slug=slug)), 409
    return redirect(url_for("first_run.tool_page"))


def _timezone() -> str:
    owner = organizations.find_organization(g.org_id)
    return owner.timezone if owner else "UTC"


def _campaign_page(asked: dict[str, str], trouble: str = "") -> str:
    return render_template(
        "setup_campaign.html", asked=asked, trouble=trouble, zones=_zones(), longest=_LONGEST
    )


@blueprint.get("/setup/tool")
@for_editors
def tool_page() -> str:
    """Offer the tools that can be connected."""
    return render_template("setup_tool.html", tools=tools())


@blueprint.get("/setup/link")
@for_editors
def link_page() -> auth.Page:
    """Ask for the page where people act, or show the link that was made for it."""
    if not campaigns.list_active_campaigns(g.org_id):
        return redirect(url_for("first_run.campaign_page"))
    return _link_page({"platform": "instagram"}, made=request.args.get("made", ""))


@blueprint.post("/setup/link")
@for_editors
def make_link() -> auth.Page:
    """Make a first link for a post."""
    asked = {
        name: request.form.get(name, "").replace("\0", "").strip()
        for name in ("campaign", "destination", "platform", "title")
    }
    maker = LinkMaker(g.org_id, local=not current_app.extensions["settings"].https)

    def work(_again: bool) -> str:
        with transaction():
            code: str = maker.put(maker.check(LinkRequest(**asked))).link.code
            return code

    try:
        code = with_retries(work)
    except BadLink as error:
        return _link_page(asked, trouble=said(error.args[0])), 422
    return redirect(url_for("first_run.link_page", made=code), 303)


def _link_page(asked: dict[str, str], *, trouble: str = "", made: str = "") -> str:
    link = links.find_link(g.org_id, made.replace("\0", "")) if made else None
    return render_template(
        "setup_link.html",
        asked=asked,
        trouble=trouble,
        campaigns=campaigns.list_active_campaigns(g.org_id),
        platforms=_PLATFORMS,
        link=link,
        address=f"{current_app.extensions['settings'].public_url}/r/{link.code}" if link else "",
    )


# The checklist, and example data.


@blueprint.app_template_global("checklist")
def checklist() -> Checklist | None:
    """Return what is left to set up; None for readers, in example data, and once it is done."""
    if g.get("role") not in {"editor", "owner"} or example_of():
        return None
    found = first_run.read_checklist(g.org_id)
    return found if found.is_new and not found.is_done else None


@blueprint.app_template_global("example_of")
def example_of() -> UUID | None:
    """Return whose example data this organization is; None if it is a real one."""
    return example.owner_of(organizations.find_organization(g.org_id))


@blueprint.post("/example")
@auth.needs_role("owner")
def show_example() -> auth.Page:
    """Make example data as an organization of its own, and go there."""
    if request.form.get("make") != "yes":
        raise Problem(422, _("Nothing selected"), _("Use the button on the overview."))
    if example_of() or not g.member:
        return redirect(url_for("dashboard.overview"))
    # Some seconds of statements: more than a page may take otherwise.
    set_deadline(None)
    settings = current_app.extensions["settings"]
    owner = g.member
    made = example.put_example(settings, g.org_id)
    with transaction():
        if not members.is_member(made.id, owner.email):
            there = members.put_member(
                settings.secret_key.encode(), made.id, owner.email, ROLES[-1], owner.name
            )
            # The same password; a member without one could not come back.
            if hashed := members.password_of(g.org_id, owner.id):
                members.set_password(made.id, there.id, hashed)
            auth.record_audit("example_made")
        there = members.get_member(made.id, owner.email)
    auth.step_into(made.id, there.id)
    return redirect(url_for("dashboard.overview"), 303)


@blueprint.post("/example/leave")
@auth.needs_session
def leave_example() -> auth.Page:
    """Go back to one's own organization; with `remove`, delete the example data first."""
    of = example_of()
    if of is None or not g.member:
        raise Problem(404, _("Not Found"), _("This organization is not an example."))
    if "remove" in request.form:
        if g.role != ROLES[-1]:
            raise Problem(403, _("Not allowed for your role"), _("Only owners can do this."))
        shown = organizations.find_organization(g.org_id)
        if shown is not None:
            set_deadline(None)
            example.remove_example(shown)
    there = "dashboard.overview" if auth.step_back(of) else "dashboard.sign_in_page"
    return redirect(url_for(there), 303)
