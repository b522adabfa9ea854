"""List, make, change and archive campaigns."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import g, url_for
from flask.views import MethodView
from marshmallow import Schema, ValidationError, fields

from advocacy.core import dates
from advocacy.core.minimization import utm_comes_back
from advocacy.core.slugs import LONGEST_SLUG, is_slug, slug_of
from advocacy.storage import campaigns, organizations
from advocacy.storage.models import Campaign
from advocacy.web import auth
from advocacy.web.api import pages
from advocacy.web.api.endpoint import Query, endpoint, of_setup
from advocacy.web.api.transactions import invalid
from advocacy.web.campaigns import campaign_or_404

LONGEST_NAME = 200


def _is_zone(zone: str) -> None:
    if zone not in dates.accepted():
        raise ValidationError("must be a time zone such as America/New_York")


class CampaignSetup(Schema):
    """A campaign."""

    slug = fields.Str()
    name = fields.Str()
    timezone = fields.Str(metadata={"description": "Where its days begin."})
    created_at = fields.DateTime()
    archived_at = fields.DateTime(
        allow_none=True,
        metadata={"description": "Archived campaigns leave lists; their links go on redirecting."},
    )


class CampaignPage(pages.Page):
    campaigns = fields.List(fields.Nested(CampaignSetup))


class NewCampaign(Schema):
    name = pages.text(LONGEST_NAME, shortest=1, required=True)
    slug = pages.text(
        LONGEST_SLUG,
        "Its name in URLs and in utm_campaign. Default: from the name.",
        load_default="",
    )
    timezone = fields.Str(
        load_default="",
        validate=lambda zone: _is_zone(zone) if zone else None,
        metadata={"description": "Cannot be changed later. Default: the organization's."},
    )


class CampaignChange(Schema):
    """What to change; what is not sent stays."""

    name = pages.text(LONGEST_NAME, shortest=1)
    archived = fields.Bool()


@of_setup.route("/campaigns")
class Campaigns(MethodView):
    """Campaigns."""

    @endpoint(of_setup, CampaignPage, "Campaigns", query=pages.PageQuery, of_one=False)
    def get(self, query: Query) -> dict[str, object]:
        """Return the campaigns, newest first."""
        rows, after = pages.page(
            campaigns.list_campaign_page(g.org_id, **pages.wanted(query)), query
        )
        return {"campaigns": rows, "next": after}

    @endpoint(
        of_setup,
        CampaignSetup,
        "Make a campaign",
        body=NewCampaign,
        once=True,
        scope="write",
        status=201,
        of_one=False,
    )
    def post(self, asked: Query) -> tuple[Campaign, int, dict[str, str]]:
        """Make a campaign. A slug that is in use is refused (409)."""
        slug = (asked["slug"] or slug_of(asked["name"])).lower()
        if not is_slug(slug):
            raise invalid("slug", "must be letters a to z, digits and dashes")
        if not utm_comes_back(slug):
            raise invalid("slug", "looks like a phone number or a digest; use at most six digits")
        owner = organizations.find_organization(g.org_id)
        zone = asked["timezone"] or (owner.timezone if owner else "UTC")
        made = campaigns.put_campaign(g.org_id, slug, asked["name"], zone)
        auth.record_audit("campaign_made", slug)
        return made, 201, {"Location": url_for("setup.OneCampaign", slug=slug)}


@of_setup.route("/campaigns/<slug>")
class OneCampaign(MethodView):
    """A campaign."""

    @endpoint(of_setup, CampaignSetup, "A campaign")
    def get(self, slug: str) -> Campaign:
        """Return a campaign, archived or not."""
        return campaign_or_404(slug)

    @endpoint(
        of_setup, CampaignSetup, "Change or archive a campaign", body=CampaignChange, scope="write"
    )
    def patch(self, asked: Query, slug: str) -> Campaign:
        """Rename, archive or restore a campaign. Its figures stay, and its links redirect."""
        campaign = campaign_or_404(slug)
        if "name" in asked:
            campaigns.rename_campaign(campaign, asked["name"])
            auth.record_audit("campaign_changed", slug)
        if "archived" in asked:
            at = datetime.now(UTC) if asked["archived"] else None
            campaigns.archive_campaign(campaign, at)
            auth.record_audit("campaign_archived" if at else "campaign_restored", slug)
        return campaign
