"""The goals of the organization and its campaigns, as JSON."""

from __future__ import annotations

from flask import Response, g, json
from flask.views import MethodView
from marshmallow import Schema, fields

from advocacy.analytics.glossary import DEFINITIONS
from advocacy.reporting.exports.goals import tables_of_goals
from advocacy.web.api import schemas
from advocacy.web.api.endpoint import Query, endpoint, of_organization, requested_format
from advocacy.web.cached_figures import goals_of
from advocacy.web.downloads import tables_response


class Forecast(Schema):
    low = fields.Int()
    middle = fields.Int()
    high = fields.Int()
    weeks = fields.Int(metadata={"description": "Number of full weeks it is based on."})


class GoalPoint(Schema):
    day = fields.Date()
    reached = fields.Int()
    pace = fields.Int(allow_none=True)


class District(Schema):
    district = fields.Str(
        metadata={"description": "As reported by the tool; empty: none reported."}
    )
    calls = fields.Int()
    left = fields.Int(
        allow_none=True, metadata={"description": "Null: the goal has no target per district."}
    )


class Goal(Schema):
    id = fields.UUID()
    campaign = fields.Str(
        allow_none=True, metadata={"description": "Null: the whole organization."}
    )
    about = fields.Str(metadata={"description": "Name of the campaign or organization."})
    name = fields.Str()
    measure = fields.Str(metadata={"description": DEFINITIONS["goal_measures"]})
    currency = fields.Str(metadata={"description": "If set, figures are in its minor units."})
    growth_percent = fields.Float(allow_none=True)
    first = fields.Date(data_key="from")
    last = fields.Date(data_key="to")
    timezone = fields.Str()
    days_left = fields.Int(metadata={"description": "Including today and the last day."})
    start = fields.Int(metadata={"description": "The starting value."})
    target = fields.Int(allow_none=True, metadata={"description": "Null: nothing to grow from."})
    reached = fields.Int()
    share = fields.Float(allow_none=True, metadata={"description": "Reached divided by target."})
    pace = fields.Int(allow_none=True, metadata={"description": DEFINITIONS["goal_pace"]})
    ahead = fields.Int(
        allow_none=True, metadata={"description": "Difference from the pace; below 0 if behind."}
    )
    state = fields.Str(
        metadata={
            "description": "not_begun, too_early (for a forecast), likely, open, unlikely, reached,"
            " missed, nothing_to_grow_over."
        }
    )
    forecast = fields.Nested(
        Forecast, allow_none=True, metadata={"description": DEFINITIONS["goal_forecast"]}
    )
    points = fields.List(fields.Nested(GoalPoint))
    districts = fields.List(
        fields.Nested(District), metadata={"description": DEFINITIONS["countdown"]}
    )
    each_district = fields.Int()


class Goals(Schema):
    goals = fields.List(fields.Nested(Goal))
    counted_at = schemas.counted_at("The oldest figure among them.")


@of_organization.route("/goals")
class AllGoals(MethodView):
    """Goals with their pace and forecast."""

    @endpoint(
        of_organization,
        Goals,
        "Goals with pace and forecast",
        query=schemas.FormQuery,
        of_one=False,
        tagged=True,
        files=True,
        counted=True,
    )
    def get(self, query: Query) -> Response:
        """Return all goals of the organization and its campaigns, by last day."""
        found, at = goals_of(g.org_id)
        return tables_response(
            tables_of_goals(found),
            lambda: json.dumps(Goals().dump({"goals": found, "counted_at": at})).encode(),
            requested_format(query),
        )
