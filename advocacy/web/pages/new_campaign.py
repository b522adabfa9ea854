"""The page on which an editor makes a campaign.

Note: a campaign keeps its time zone for good, because the day of each
action that was counted is one of that zone.
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
# Old names, each of which has another that is offered.
_NOT_OFFERED = "US/"


@blueprint.get("/new-campaign")
@auth.needs_role("editor")
def page() -> str:
    """Ask what the campaign is called and where its days begin."""
    owner = organizations.find_organization(g.org_id)
    return _page({"timezone": owner.timezone if owner else "UTC"})


@blueprint.post("/new-campaign")
@auth.needs_role("editor")
def make() -> auth.Page:
    """Make the campaign and show its page."""
    asked = {name: " ".join(request.form.get(name, "").split()) for name in _FIELDS}
    slug = (asked["slug"] or slug_of(asked["name"])).lower()
    if trouble := _trouble(asked, slug):
        return _page(asked, trouble), 422
    try:
        with transaction():
            campaigns.put_campaign(g.org_id, slug, asked["name"], asked["timezone"])
            auth.note("campaign_made", slug)
    except errors.Taken:
        return _page(asked, _("There is already a campaign %(slug)s.", slug=slug)), 409
    return redirect(url_for("dashboard.campaign_page", slug=slug))


def _trouble(asked: dict[str, str], slug: str) -> str:
    """Say what is wrong, or nothing."""
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
