"""The actions of a campaign and the receipt of each, as JSON. Neither names a person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, current_app, g, json
from flask.views import MethodView
from flask_smorest import Blueprint

from advocacy.analytics.explain import BadCursor, explain, find_actions
from advocacy.storage import errors
from advocacy.web.api import schemas
from advocacy.web.api.endpoint import asked
from advocacy.web.downloads import answer_of
from advocacy.web.errors import Problem

blueprint = Blueprint(
    "actions", __name__, url_prefix="/api/v1", description="What supporters did, one by one."
)


@blueprint.route("/actions/<uuid:action_id>/explain")
class Receipt(MethodView):
    """The receipt of one action."""

    @asked(blueprint, schemas.Receipt, "Why an action is credited as it is")
    def get(self, action_id: UUID) -> dict[str, Any]:
        """Return the evidence, each touch with its share by every model, and one plain sentence.

        Shares are exact fractions; by each model they sum to one over the touches in the path, and
        the amounts to the action's. Nothing in the answer names a person.
        """
        try:
            return explain(current_app.extensions["settings"], g.org_id, action_id)
        except errors.NotFound:
            raise Problem(404, "Not Found", f"There is no action {action_id}.") from None


@blueprint.route("/campaigns/<slug>/actions")
class OfCampaign(MethodView):
    """A campaign's actions."""

    @asked(
        blueprint,
        schemas.Actions,
        "The campaign's newest actions",
        query=schemas.ActionsQuery,
        tagged=True,
    )
    def get(self, query: dict[str, Any], slug: str) -> Response:
        """Return what is counted, the newest first; `next` is the cursor of those before.

        Each has the id by which `/actions/{action_id}/explain` gives its receipt.
        """
        try:
            found = find_actions(g.org_id, slug, **query)
        except errors.NotFound:
            raise Problem(404, "Not Found", f"There is no campaign {slug}.") from None
        except BadCursor as error:
            raise Problem(
                422, "Unprocessable Entity", errors=[{"field": "cursor", "message": str(error)}]
            ) from None
        return answer_of((), lambda: json.dumps(schemas.Actions().dump(found)).encode(), "json")
