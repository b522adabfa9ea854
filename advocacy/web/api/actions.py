"""The actions of a campaign and the receipt of each, as JSON. Neither names a person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, current_app, g, json
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE

from advocacy.explain import BadCursor, explain, find_actions
from advocacy.store import campaigns
from advocacy.web import schemas
from advocacy.web.api.activation import HEADERS, KNOWN
from advocacy.web.auth import needs_token
from advocacy.web.errors import Problem
from advocacy.web.exports import answer_of

blueprint = Blueprint(
    "actions", __name__, url_prefix="/api/v1", description="What supporters did, one by one."
)


@blueprint.route("/actions/<uuid:action_id>/explain")
class Receipt(MethodView):
    """The receipt of one action."""

    @needs_token("reports")
    @blueprint.response(200, schemas.Receipt)
    @blueprint.alt_response(401, "UNAUTHORIZED")
    @blueprint.alt_response(403, "FORBIDDEN")
    @blueprint.alt_response(404, "NOT_FOUND")
    @blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
    @blueprint.doc(summary="Why an action is credited as it is", security=[{"bearer": []}])
    def get(self, action_id: UUID) -> dict[str, Any]:
        """Return the evidence, each touch with its share by every model, and one plain sentence.

        Shares are exact fractions; by each model they sum to one over the touches in the path, and
        the amounts to the action's. Nothing in the answer names a person.
        """
        try:
            return explain(current_app.extensions["settings"], g.org_id, action_id)
        except campaigns.NotFound:
            raise Problem(404, "Not Found", f"There is no action {action_id}.") from None


@blueprint.route("/campaigns/<slug>/actions")
class OfCampaign(MethodView):
    """A campaign's actions."""

    @needs_token("reports")
    # Said here too: for a query the parser would pass over what it does not know.
    @blueprint.arguments(schemas.ActionsQuery, location="query", unknown=RAISE)
    @blueprint.response(200, schemas.Actions)
    @blueprint.alt_response(304, description=KNOWN)
    @blueprint.alt_response(401, "UNAUTHORIZED")
    @blueprint.alt_response(403, "FORBIDDEN")
    @blueprint.alt_response(404, "NOT_FOUND")
    @blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
    @blueprint.doc(
        summary="The campaign's newest actions",
        security=[{"bearer": []}],
        responses={200: {"headers": HEADERS}},
    )
    def get(self, query: dict[str, Any], slug: str) -> Response:
        """Return what is counted, the newest first; `next` is the cursor of those before.

        Each has the id by which `/actions/{action_id}/explain` gives its receipt.
        """
        try:
            found = find_actions(g.org_id, slug, **query)
        except campaigns.NotFound:
            raise Problem(404, "Not Found", f"There is no campaign {slug}.") from None
        except BadCursor as error:
            raise Problem(
                422, "Unprocessable Entity", errors=[{"field": "cursor", "message": str(error)}]
            ) from None
        return answer_of((), lambda: json.dumps(schemas.Actions().dump(found)).encode(), "json")
