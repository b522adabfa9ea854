"""Activation by groups, of a campaign and of the organization: JSON, CSV or a workbook."""

from __future__ import annotations

from typing import Any

from flask import Response, g
from flask.views import MethodView
from flask_smorest import Blueprint

from advocacy.storage import organizations
from advocacy.web.api.endpoint import asked, campaign_asked, form_asked, of_campaigns
from advocacy.web.breakdowns import Groups, GroupsQuery, GroupsQueryOfOrganization, answer_for
from advocacy.web.errors import Problem

organization = Blueprint(
    "organization_activation",
    __name__,
    url_prefix="/api/v1",
    description="What posts of the whole organization set in motion.",
)


@of_campaigns.route("/<slug>/activation/groups")
class GroupsOfCampaign(MethodView):
    """One campaign's activation by groups."""

    @asked(
        of_campaigns,
        Groups,
        "By post, platform, medium, author, kind, source or time",
        query=GroupsQuery,
        tagged=True,
        files=True,
        counted=True,
    )
    def get(self, query: dict[str, Any], slug: str) -> Response:
        """Return the campaign's activation by groups, filtered, and beside another period.

        The same range gives the same figures as `/activation`. Actions, money and clicks add up
        over groups; people do not. Filters of several names all have to hold.

        Without filters the answer comes at once. With filters, by hour and with `gifts`, every
        action of the range is read. Of many it is done in the background: 202 says that it is not
        there yet, `Last-Modified` when it was counted.
        """
        campaign = campaign_asked(slug)
        return answer_for(campaign, query, form_asked(query))


@organization.route("/activation")
class GroupsOfOrganization(MethodView):
    """The organization's activation by groups."""

    @asked(
        organization,
        Groups,
        "By campaign, post, platform, medium, author, kind, source or time",
        query=GroupsQueryOfOrganization,
        of_one=False,
        tagged=True,
        files=True,
        counted=True,
    )
    def get(self, query: dict[str, Any]) -> Response:
        """Return the same as for one campaign, over all of them; each person is counted once.

        Actions, money and clicks stand on the days of their campaigns' zones; people on days of the
        organization's own, and by campaign on its campaign's. Without filters, posts, media,
        authors and sources read every action of the range here, too.
        """
        owner = organizations.find_organization(g.org_id)
        if owner is None:
            raise Problem(404, "Not Found", "There is no such organization.")
        return answer_for(owner, query, form_asked(query))
