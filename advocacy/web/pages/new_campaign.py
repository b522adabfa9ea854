"""The page to create a campaign.

Note: the time zone of a campaign cannot be changed, because actions are counted by its days.
"""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from advocacy.core import dates
from advocacy.core.minimization import utm_comes_back
from advocacy.core.slugs import LONGEST_SLUG, is_slug, slug_of
from advocacy.storage import campaigns, errors, organizations
from advocacy.storage.session import transaction
from advocacy.web import auth

blueprint = Blueprint("founding", __name__)

_LONGEST_NAME = 200
_FIELDS = ("name", "slug", "timezone")
# Old names of zones that are also offered under their current names.
_NOT_OFFERED = "US/"


@blueprint.get("/new-campaign")
@auth.needs_role("editor")
def page() -> str:
    """Show the form for name, slug and time zone."""
    owner = organizations.find_organization(g.org_id)
    return _page({"timezone": owner.timezone if owner else "UTC"})


@blueprint.post("/new-campaign")
@auth.needs_role("editor")
def make() -> auth.Page:
    """Create the campaign and redirect to its page."""
    asked = {name: " ".join(request.form.get(name, "").split()) for name in _FIELDS}
    slug = (asked["slug"] or slug_of(asked["name"])).lower()
    if trouble := _trouble(asked, slug):
        return _page(asked, trouble), 422
    try:
        with transaction():
            campaigns.put_campaign(g.org_id, slug, asked["name"], asked["timezone"])
            auth.record_audit("campaign_made", slug)
    except errors.Taken:
        return _page(asked, _("There is already a campaign %(slug)s.", slug=slug)), 409
    return redirect(url_for("dashboard.campaign_page", slug=slug))


def _trouble(asked: dict[str, str], slug: str) -> str:
    """Return what is wrong with the form, or an empty string."""
    trouble: str = ""
    if not asked["name"] or len(asked["name"]) > _LONGEST_NAME or "\0" in asked["name"]:
        trouble = _("Enter a name of at most %(most)s characters.", most=_LONGEST_NAME)
    elif not is_slug(slug) or len(slug) > LONGEST_SLUG:
        trouble = _(
            "Enter a URL slug: at most %(most)s letters a to z, digits and dashes.",
            most=LONGEST_SLUG,
        )
    elif not utm_comes_back(slug):
        trouble = _(
            "Enter another URL slug: %(slug)s looks like a phone number or a digest and would not"
            " be recognized in utm_campaign. Use at most six digits.",
            slug=slug,
        )
    elif asked["timezone"] not in dates.accepted():
        meant = dates.likely(asked["timezone"])
        trouble = (
            _("Choose a time zone from the list, such as %(zone)s.", zone=meant)
            if meant
            else _("Choose a time zone from the list.")
        )
    return trouble


def _page(asked: dict[str, str], trouble: str = "") -> str:
    zones = {each for each in dates.accepted() if not each.startswith(_NOT_OFFERED)}
    return render_template(
        "new_campaign.html",
        asked=asked,
        trouble=trouble,
        zones=sorted(zones | {asked["timezone"]} & dates.accepted()),
        longest=_LONGEST_NAME,
        longest_slug=LONGEST_SLUG,
    )
