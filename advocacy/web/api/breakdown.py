"""Activation by groups, of a campaign and of the organization, as JSON, CSV or XLSX."""

from __future__ import annotations

from flask import Response, g
from flask.views import MethodView
from flask_smorest import Blueprint

from advocacy.storage import organizations
from advocacy.web.api.breakdown_schemas import Groups
from advocacy.web.api.endpoint import endpoint, of_campaigns, requested_format
from advocacy.web.breakdowns import (
    BreakdownRequest,
    GroupsQuery,
    GroupsQueryOfOrganization,
    answer_for,
)
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.errors import Problem

organization = Blueprint(
    "organization_activation",
    __name__,
    url_prefix="/api/v1",
    description="Activation of the whole organization.",
)


@of_campaigns.route("/<slug>/activation/groups")
class GroupsOfCampaign(MethodView):
    """One campaign's activation by groups."""

    @endpoint(
        of_campaigns,
        Groups,
        "By post, platform, medium, author, kind, source or time",
        query=GroupsQuery,
        tagged=True,
        files=True,
        counted=True,
    )
    def get(self, query: BreakdownRequest, slug: str) -> Response:
        """Return the campaign's activation by groups, filtered, and compared with another period.

        The same range gives the same figures as `/activation`. Actions, money and clicks add up
        over groups; people do not. All filters must match.

        Without filters the response is immediate. With filters, by hour and with `gifts`, every
        action of the range is read. For many actions that happens in the background: the response
        is 202 until it is done, and `Last-Modified` is the time of the calculation.
        """
        campaign = campaign_or_404(slug)
        return answer_for(campaign, query, requested_format({"written": query.written}))


@organization.route("/activation")
class GroupsOfOrganization(MethodView):
    """The organization's activation by groups."""

    @endpoint(
        organization,
        Groups,
        "By campaign, post, platform, medium, author, kind, source or time",
        query=GroupsQueryOfOrganization,
        of_one=False,
        tagged=True,
        files=True,
        counted=True,
    )
    def get(self, query: BreakdownRequest) -> Response:
        """Return the same as for one campaign, over all of them; each person is counted once.

        Actions, money and clicks use days in their campaign's time zone; people use days in the
        organization's time zone, or by campaign in that campaign's. Grouping by post, medium,
        author or source reads every action of the range here, even without filters.
        """
        owner = organizations.find_organization(g.org_id)
        if owner is None:
            raise Problem(404, "Not Found", "There is no such organization.")
        return answer_for(owner, query, requested_format({"written": query.written}))
