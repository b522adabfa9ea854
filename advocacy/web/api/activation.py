"""Activation of a campaign, as JSON."""

from __future__ import annotations

from typing import Any

from flask import g
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE

from advocacy.report import BadRange, activation
from advocacy.store import campaigns
from advocacy.web import schemas
from advocacy.web.auth import needs_token
from advocacy.web.errors import Problem

blueprint = Blueprint(
    "campaigns", __name__, url_prefix="/api/v1/campaigns", description="What posts set in motion."
)


@blueprint.route("/<slug>/activation")
class OfCampaign(MethodView):
    """One campaign's activation."""

    @needs_token("reports")
    # Said here too: for a query the parser would pass over what it does not know.
    @blueprint.arguments(schemas.ReportQuery, location="query", unknown=RAISE)
    @blueprint.response(200, schemas.Activation)
    @blueprint.alt_response(401, "UNAUTHORIZED")
    @blueprint.alt_response(403, "FORBIDDEN")
    @blueprint.alt_response(404, "NOT_FOUND")
    @blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
    @blueprint.doc(summary="What the campaign's posts set in motion", security=[{"bearer": []}])
    def get(self, query: dict[str, Any], slug: str) -> dict[str, Any]:
        """Return supporters, actions, money and evidence, whole and by post, platform and day.

        A day is a calendar day in the campaign's time zone. People are counted at each grain and do
        not add up over posts or days; actions and money do.
        """
        campaign = campaigns.find_campaign(g.org_id, slug)
        if campaign is None:
            raise Problem(404, "Not Found", f"There is no campaign {slug}.")
        try:
            return activation(campaign, query.get("first"), query.get("last"), query["model"])
        except BadRange as error:
            raise Problem(
                422, "Unprocessable Entity", errors=[{"field": "from", "message": str(error)}]
            ) from None
