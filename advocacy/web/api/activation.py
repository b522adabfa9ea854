"""Activation of a campaign, as JSON, CSV or XLSX."""

from __future__ import annotations

from flask import Response
from flask.views import MethodView

from advocacy.analytics.activation import BadRange, activation
from advocacy.web.api import schemas
from advocacy.web.api.endpoint import Query, endpoint, of_campaigns, requested_format
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.downloads import activation_response
from advocacy.web.errors import Problem


@of_campaigns.route("/<slug>/activation")
class OfCampaign(MethodView):
    """One campaign's activation."""

    @endpoint(
        of_campaigns,
        schemas.Activation,
        "Activation of a campaign",
        query=schemas.ActivationQuery,
        tagged=True,
        files=True,
    )
    def get(self, query: Query, slug: str) -> Response:
        """Return supporters, actions, money and evidence, whole and by post, platform and day.

        A day is a calendar day in the campaign's time zone. People are counted separately in each
        row and do not add up over posts or days; actions and money do.

        With `format` or `Accept`, the response is CSV (UTF-8 with a byte order mark) or an XLSX
        workbook with the same figures. Its `ETag` stays the same until a figure changes.
        """
        campaign = campaign_or_404(slug)
        try:
            found = activation(campaign, query.get("first"), query.get("last"), query["model"])
        except BadRange as error:
            raise Problem(
                422, "Unprocessable Entity", errors=[{"field": "from", "message": str(error)}]
            ) from None
        return activation_response(found, requested_format(query), query["group"])
