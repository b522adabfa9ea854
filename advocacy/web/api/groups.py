"""Activation by groups, of a campaign and of the organization: JSON, CSV or a workbook."""

from __future__ import annotations

from typing import Any

from flask import Response, g
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE

from advocacy.store import campaigns
from advocacy.web import schemas
from advocacy.web.api.activation import FILES, HEADERS, KNOWN, blueprint, wanted
from advocacy.web.auth import needs_token
from advocacy.web.errors import Problem
from advocacy.web.grouped import Groups, GroupsQuery, GroupsQueryOfOrganization, answer_for

organization = Blueprint(
    "organization_activation",
    __name__,
    url_prefix="/api/v1",
    description="What posts of the whole organization set in motion.",
)

_ANSWER: dict[int, Any] = {200: {"headers": HEADERS, "content": FILES}}


@blueprint.route("/<slug>/activation/groups")
class GroupsOfCampaign(MethodView):
    """One campaign's activation by groups."""

    @needs_token("reports")
    @blueprint.arguments(GroupsQuery, location="query", unknown=RAISE)
    @blueprint.response(200, Groups)
    @blueprint.alt_response(202, schema=schemas.BeingCounted, description=schemas.NOT_YET)
    @blueprint.alt_response(304, description=KNOWN)
    @blueprint.alt_response(401, "UNAUTHORIZED")
    @blueprint.alt_response(403, "FORBIDDEN")
    @blueprint.alt_response(404, "NOT_FOUND")
    @blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
    @blueprint.doc(
        summary="By post, platform, medium, author, kind, source or time",
        security=[{"bearer": []}],
        responses=_ANSWER,
    )
    def get(self, query: dict[str, Any], slug: str) -> Response:
        """Return the campaign's activation by groups, filtered, and beside another period.

        The same range gives the same figures as `/activation`. Actions, money and clicks add up
        over groups; people do not. Filters of several names all have to hold.

        Without filters the answer comes at once. With filters, by hour, with `gifts`, and where
        figures about few people are withheld, every action of the range is read. Of many it is done
        in the background: 202 says that it is not there yet, `Last-Modified` when it was counted.
        """
        campaign = campaigns.find_campaign(g.org_id, slug)
        if campaign is None:
            raise Problem(404, "Not Found", f"There is no campaign {slug}.")
        return answer_for(campaign, query, query.get("written") or wanted())


@organization.route("/activation")
class GroupsOfOrganization(MethodView):
    """The organization's activation by groups."""

    @needs_token("reports")
    @organization.arguments(GroupsQueryOfOrganization, location="query", unknown=RAISE)
    @organization.response(200, Groups)
    @organization.alt_response(202, schema=schemas.BeingCounted, description=schemas.NOT_YET)
    @organization.alt_response(304, description=KNOWN)
    @organization.alt_response(401, "UNAUTHORIZED")
    @organization.alt_response(403, "FORBIDDEN")
    @organization.alt_response(503, "SERVICE_UNAVAILABLE")
    @organization.doc(
        summary="By campaign, post, platform, medium, author, kind, source or time",
        security=[{"bearer": []}],
        responses=_ANSWER,
    )
    def get(self, query: dict[str, Any]) -> Response:
        """Return the same as for one campaign, over all of them; each person is counted once.

        Actions, money and clicks stand on the days of their campaigns' zones; people on days of the
        organization's own, and by campaign on its campaign's. Without filters, posts, media,
        authors and sources read every action of the range here, too.
        """
        owner = campaigns.find_organization(g.org_id)
        if owner is None:
            raise Problem(404, "Not Found", "There is no such organization.")
        return answer_for(owner, query, query.get("written") or wanted())
