"""Activation of a campaign, as JSON, CSV or a workbook."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, g, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE

from advocacy.report import BadRange, activation
from advocacy.store import campaigns
from advocacy.web import schemas
from advocacy.web.auth import needs_token
from advocacy.web.errors import Problem
from advocacy.web.exports import TYPES, answer_with
from advocacy.withholding import withheld_report

blueprint = Blueprint(
    "campaigns", __name__, url_prefix="/api/v1/campaigns", description="What posts set in motion."
)

HEADERS = {
    "ETag": {
        "description": "Another one whenever a figure is; send it as `If-None-Match`.",
        "schema": {"type": "string"},
    }
}
FILES: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    TYPES["xlsx"]: {"schema": {"type": "string", "format": "binary"}},
}
KNOWN = "What `If-None-Match` names is still so."


@blueprint.route("/<slug>/activation")
class OfCampaign(MethodView):
    """One campaign's activation."""

    @needs_token("reports")
    # Said here too: for a query the parser would pass over what it does not know.
    @blueprint.arguments(schemas.ActivationQuery, location="query", unknown=RAISE)
    @blueprint.response(200, schemas.Activation)
    @blueprint.alt_response(304, description=KNOWN)
    @blueprint.alt_response(401, "UNAUTHORIZED")
    @blueprint.alt_response(403, "FORBIDDEN")
    @blueprint.alt_response(404, "NOT_FOUND")
    @blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
    @blueprint.doc(
        summary="What the campaign's posts set in motion",
        security=[{"bearer": []}],
        responses={200: {"headers": HEADERS, "content": FILES}},
    )
    def get(self, query: dict[str, Any], slug: str) -> Response:
        """Return supporters, actions, money and evidence, whole and by post, platform and day.

        A day is a calendar day in the campaign's time zone. People are counted at each grain and do
        not add up over posts or days; actions and money do. Where the installation withholds
        figures about few people they are null, and `folded` rows stand for several.

        With `format` or `Accept` it is CSV (UTF-8 with a byte order mark) or an XLSX workbook of
        the same figures. Its `ETag` stays the same until a figure changes.
        """
        campaign = campaigns.find_campaign(g.org_id, slug)
        if campaign is None:
            raise Problem(404, "Not Found", f"There is no campaign {slug}.")
        try:
            found = activation(campaign, query.get("first"), query.get("last"), query["model"])
        except BadRange as error:
            raise Problem(
                422, "Unprocessable Entity", errors=[{"field": "from", "message": str(error)}]
            ) from None
        least = current_app.extensions["settings"].small_group
        report = {"withheld": "", **withheld_report(found, least)}
        return answer_with(report, query.get("written") or wanted(), query["group"])


_BARE = {kind.partition(";")[0]: written for written, kind in TYPES.items()}


def wanted() -> str:
    """Return what `Accept` asks for of what there is; JSON where it asks for nothing of it."""
    return _BARE[request.accept_mimetypes.best_match(list(_BARE), TYPES["json"])]
