"""Conversion paths of a campaign, as JSON."""

from __future__ import annotations

from flask import Response, json
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from advocacy.analytics.activation import BadRange
from advocacy.analytics.conversion_paths import CAMPAIGN_MODELS, GRAINS
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.reporting.exports.conversion_paths import tables_of_paths
from advocacy.web.api import schemas
from advocacy.web.api.endpoint import Query, endpoint, of_campaigns, requested_format
from advocacy.web.cached_figures import influences_of
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.downloads import tables_response
from advocacy.web.errors import Problem


class InfluenceQuery(schemas.DaysQuery):
    """A range of days, the unit of the paths (post or platform), and a currency."""

    by = fields.Str(
        load_default=GRAINS[0],
        validate=validate.OneOf(GRAINS),
        metadata={"description": "Unit of the paths."},
    )
    currency = fields.Str(
        load_default="",
        validate=validate.Regexp(r"^([A-Z]{3})?$"),
        metadata={"description": "ISO 4217. Default: the most frequent."},
    )


class Share(Schema):
    id = fields.Str(
        metadata={"description": "The post's id, or the key itself; empty: unattributed."}
    )
    key = fields.Str()
    actions = fields.Float(metadata={"description": "Actions that the model gives to it."})
    amount_minor = fields.Int(metadata={"description": "Net money that the model gives to it."})


class OfModel(Schema):
    model = fields.Str(metadata={"description": "A rule, markov_1 to markov_3, or shapley."})
    reason = fields.Str(
        metadata={"description": "Why there are no figures, in one word, or empty."}
    )
    rows = fields.List(fields.Nested(Share))


class AssistsOf(Schema):
    id = fields.Str(metadata={"description": "The post's id, or the key itself."})
    key = fields.Str()
    credited = fields.Int(metadata={"description": "Actions it has by last touch."})
    assisted = fields.Int(metadata={"description": "Other actions with it in their path."})
    ratio = fields.Float(allow_none=True, metadata={"description": "Assisted per credited."})


class Path(Schema):
    path = fields.List(fields.Str())
    actions = fields.Int()
    amount_minor = fields.Int()
    share = fields.Float(metadata={"description": "Of all actions with a path, 0 to 1."})


class DelayStep(Schema):
    from_seconds = fields.Int()
    to_seconds = fields.Int(allow_none=True, metadata={"description": "Null: no upper limit."})
    actions = fields.Int()


class Delay(Schema):
    known = fields.Int(metadata={"description": "Actions whose click is known."})
    quarter = fields.Int(allow_none=True)
    half = fields.Int(allow_none=True, metadata={"description": "The median, in seconds."})
    three_quarters = fields.Int(allow_none=True)
    steps = fields.List(
        fields.Nested(DelayStep),
        metadata={"description": "Number of actions by time to action; intervals grow."},
    )


class HelpedChannel(Schema):
    channel = fields.Str()
    actions = fields.Int(metadata={"description": "Actions with this channel in their path."})
    helped_by_social = fields.Int(
        metadata={"description": "Actions with a social touch before the last touch."}
    )
    share = fields.Float(allow_none=True)


class Influence(Schema):
    campaign = fields.Nested(schemas.CampaignAbout)
    first = fields.Date(data_key="from")
    last = fields.Date(data_key="to")
    by = fields.Str()
    currency = fields.Str()
    currencies = fields.List(fields.Str())
    actions = fields.Int(metadata={"description": "Actions with a path, without renewals."})
    actions_without_path = fields.Int(metadata={"description": "Unattributed in every model."})
    clicks_without_action = fields.Int()
    models = fields.List(
        fields.Nested(OfModel), metadata={"description": DEFINITIONS["campaign_models"]}
    )
    rules = fields.List(fields.Nested(OfModel), metadata={"description": DEFINITIONS["rules"]})
    assists = fields.List(
        fields.Nested(AssistsOf), metadata={"description": DEFINITIONS["assists"]}
    )
    paths = fields.List(fields.Nested(Path), metadata={"description": DEFINITIONS["sequences"]})
    seconds_to_action = fields.Nested(
        Delay, metadata={"description": DEFINITIONS["time_to_action"]}
    )
    helped = fields.List(
        fields.Nested(HelpedChannel), metadata={"description": DEFINITIONS["social_help"]}
    )
    counted_at = schemas.counted_at()


@of_campaigns.route("/<slug>/influence")
class InfluenceIn(MethodView):
    """Conversion paths of a campaign."""

    @endpoint(
        of_campaigns,
        Influence,
        "Conversion paths of a campaign",
        query=InfluenceQuery,
        tagged=True,
        files=True,
        counted=True,
    )
    def get(self, query: Query, slug: str) -> Response:
        """Return Markov and Shapley shares, assists, paths, time to action, and effects of social.

        These consider all paths together and change as data arrives; they do not attribute a single
        action.
        """
        campaign = campaign_or_404(slug)
        try:
            found = influences_of(
                campaign,
                query.get("first"),
                query.get("last"),
                grains=[query["by"]],
                currency=query["currency"],
                models=list(CAMPAIGN_MODELS),
            )
        except BadRange as error:
            raise Problem(
                422, "Unprocessable Entity", errors=[{"field": "from", "message": str(error)}]
            ) from None
        return tables_response(
            tables_of_paths(found),
            lambda: json.dumps(Influence().dump(found[query["by"]])).encode(),
            requested_format(query),
        )
