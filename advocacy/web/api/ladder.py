"""The engagement ladder of a campaign and of the organization, as JSON."""

from __future__ import annotations

from flask import Response, g, json
from flask.views import MethodView
from marshmallow import Schema, fields

from advocacy.analytics.activation import BadRange
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.reporting.exports.ladder import tables_of_ladder
from advocacy.storage.models import Campaign
from advocacy.web.api import schemas
from advocacy.web.api.endpoint import (
    Query,
    endpoint,
    of_campaigns,
    of_organization,
    requested_format,
)
from advocacy.web.cached_figures import ladder_of
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.downloads import tables_response
from advocacy.web.errors import Problem


def _people(meaning: str = "") -> fields.Int:
    return fields.Int(metadata={"description": meaning} if meaning else {})


class LadderAbout(Schema):
    campaign = fields.Str(
        allow_none=True, metadata={"description": "Null: the whole organization."}
    )
    name = fields.Str()
    timezone = fields.Str()


class Rung(Schema):
    rung = fields.Str(metadata={"description": "clicked, signed, called, gave, gives_monthly."})
    people = _people("People whose highest rung it is.")
    joined = _people("Of these, people on no rung before the range.")
    climbed = _people("Of these, people on a lower rung before the range.")


class Climb(Schema):
    lower = fields.Str(data_key="from")
    higher = fields.Str(data_key="to")
    people = _people()


class LadderPost(Schema):
    id = fields.UUID()
    platform = fields.Str()
    title = fields.Str()


class ClimbedFrom(Schema):
    post = fields.Nested(
        LadderPost, allow_none=True, metadata={"description": "Null: unattributed."}
    )
    climbed = _people(DEFINITIONS["climbed_from"])
    joined = _people("The same, for people on no rung before.")


class CohortMonth(Schema):
    since = fields.Int(metadata={"description": "Months after the month of the first action."})
    people = _people()
    share = fields.Float(allow_none=True)


class Cohort(Schema):
    month = fields.Str(metadata={"description": "Of the first action, YYYY-MM."})
    people = _people()
    months = fields.List(fields.Nested(CohortMonth))


class Repeat(Schema):
    days = fields.Int()
    people = _people()
    again = _people()
    share = fields.Float(allow_none=True)


class Gifts(Schema):
    currency = fields.Str()
    gifts = _people("One-time gifts.")
    average_minor = fields.Int(
        allow_none=True, metadata={"description": DEFINITIONS["average_gift"]}
    )
    net_minor = fields.Int()
    recurring_net_minor = fields.Int()
    recurring_share = fields.Float(
        allow_none=True, metadata={"description": DEFINITIONS["recurring_share"]}
    )


class Ladder(Schema):
    about = fields.Nested(LadderAbout)
    first = fields.Date(data_key="from")
    last = fields.Date(data_key="to")
    people = _people("Everyone on a rung by the last day.")
    joined = _people("Of these, people on no rung before the range.")
    climbed = _people(DEFINITIONS["climbed"])
    rungs = fields.List(fields.Nested(Rung), metadata={"description": DEFINITIONS["ladder"]})
    still_monthly = _people("People on the highest rung whose recurring gift has not ended.")
    climbs = fields.List(fields.Nested(Climb))
    posts = fields.List(fields.Nested(ClimbedFrom))
    retention = fields.List(
        fields.Nested(Cohort), metadata={"description": DEFINITIONS["retention"]}
    )
    repeat = fields.Nested(Repeat, metadata={"description": DEFINITIONS["repeat"]})
    gifts = fields.List(fields.Nested(Gifts))
    counted_at = schemas.counted_at()


@of_campaigns.route("/<slug>/ladder")
class LadderOfCampaign(MethodView):
    """Engagement ladder of a campaign."""

    @endpoint(
        of_campaigns,
        Ladder,
        "Engagement ladder of a campaign",
        query=schemas.DaysQuery,
        tagged=True,
        files=True,
        counted=True,
    )
    def get(self, query: Query, slug: str) -> Response:
        """Return rungs, climbs and the posts behind them, retention, repeats and gifts.

        Only the campaign's own actions count. The default range is the last 30 days.
        """
        campaign = campaign_or_404(slug)
        return _ladder(query, campaign)


@of_organization.route("/ladder")
class LadderOfOrganization(MethodView):
    """Engagement ladder of the organization."""

    @endpoint(
        of_organization,
        Ladder,
        "Engagement ladder of the organization",
        query=schemas.DaysQuery,
        of_one=False,
        tagged=True,
        files=True,
        counted=True,
    )
    def get(self, query: Query) -> Response:
        """Return the same as for one campaign, over all actions of the organization."""
        return _ladder(query, None)


def _ladder(query: Query, campaign: Campaign | None) -> Response:
    try:
        found = ladder_of(g.org_id, campaign, query.get("first"), query.get("last"))
    except BadRange as error:
        raise Problem(
            422, "Unprocessable Entity", errors=[{"field": "from", "message": str(error)}]
        ) from None
    return tables_response(
        tables_of_ladder(found),
        lambda: json.dumps(Ladder().dump(found)).encode(),
        requested_format(query),
    )
