"""The actions of a campaign and their receipts, as JSON, without personal data."""

from __future__ import annotations

from uuid import UUID

from flask import Response, current_app, g, json
from flask.views import MethodView
from flask_smorest import Blueprint

from advocacy.analytics import receipt
from advocacy.analytics.explain import explain
from advocacy.analytics.latest_actions import BadCursor, find_actions
from advocacy.storage import errors
from advocacy.web.api import action_schemas as schemas
from advocacy.web.api.endpoint import Query, endpoint
from advocacy.web.downloads import tables_response
from advocacy.web.errors import Problem

blueprint = Blueprint(
    "actions", __name__, url_prefix="/api/v1", description="Single actions of supporters."
)


@blueprint.route("/actions/<uuid:action_id>/explain")
class Receipt(MethodView):
    """The receipt of one action."""

    @endpoint(blueprint, schemas.Receipt, "Why an action is credited as it is")
    def get(self, action_id: UUID) -> receipt.Receipt:
        """Return the evidence, each touch with its share by every model, and one plain sentence.

        Shares are exact fractions; for each model they sum to one over the touches in the path, and
        the amounts to the amount of the action. The response contains no personal data.
        """
        try:
            return explain(current_app.extensions["settings"], g.org_id, action_id)
        except errors.NotFound:
            raise Problem(404, "Not Found", f"There is no action {action_id}.") from None


@blueprint.route("/campaigns/<slug>/actions")
class OfCampaign(MethodView):
    """A campaign's actions."""

    @endpoint(
        blueprint,
        schemas.Actions,
        "The campaign's newest actions",
        query=schemas.ActionsQuery,
        tagged=True,
    )
    def get(self, query: Query, slug: str) -> Response:
        """Return counted actions, newest first; `next` is the cursor for earlier ones.

        Use the id of an action to get its receipt from `/actions/{action_id}/explain`.
        """
        try:
            found = find_actions(g.org_id, slug, **query)
        except errors.NotFound:
            raise Problem(404, "Not Found", f"There is no campaign {slug}.") from None
        except BadCursor as error:
            raise Problem(
                422, "Unprocessable Entity", errors=[{"field": "cursor", "message": str(error)}]
            ) from None
        return tables_response(
            (), lambda: json.dumps(schemas.Actions().dump(found)).encode(), "json"
        )
