"""Schemas of the API, for validation and for the OpenAPI document."""

from __future__ import annotations

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from advocacy.analytics.activation import MODELS
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.reporting.exports.activation import GROUPS

NOT_YET = "The figures are being calculated in the background; retry after `Retry-After` seconds."


class BeingCounted(Schema):
    """The figures are not ready yet."""

    state = fields.Str(required=True, metadata={"description": "counting"})
    detail = fields.Str(required=True)


def counted_at(of: str = "") -> fields.DateTime:
    """Return the field with the time at which cached figures were calculated."""
    return fields.DateTime(
        allow_none=True,
        metadata={"description": f"When the figures were calculated; null: just now. {of}".strip()},
    )


class FormQuery(Schema):
    """The response format."""

    written = fields.Str(
        data_key="format",
        validate=validate.OneOf(["json", "csv", "xlsx"]),
        metadata={"description": "Default: as requested by `Accept`, else json."},
    )


class RangeQuery(Schema):
    """A range of days in the campaign's time zone, inclusive."""

    class Meta:
        unknown = RAISE

    first = fields.Date(
        data_key="from",
        metadata={"description": "First day, YYYY-MM-DD. Default: the first day with data."},
    )
    last = fields.Date(
        data_key="to", metadata={"description": "Last day, YYYY-MM-DD. Default: today."}
    )

    @validates_schema
    def _in_order(self, data: dict[str, object], **_: object) -> None:
        first, last = data.get("first"), data.get("last")
        if first and last and first > last:  # type: ignore[operator]
            raise ValidationError("must not be after `to`", "from")


class ReportQuery(RangeQuery):
    """A range of days and an attribution model."""

    model = fields.Str(
        load_default=MODELS[0],
        validate=validate.OneOf(MODELS),
        metadata={
            "description": "How actions with several touches are credited to posts. "
            + DEFINITIONS["window"]
        },
    )


class FiguresQuery(ReportQuery):
    """The figures of a report, or one table of them."""

    group = fields.Str(
        load_default="",
        validate=validate.OneOf(["", *GROUPS]),
        metadata={"description": "Only this table, flat in CSV. Default: all tables."},
    )


class DaysQuery(RangeQuery, FormQuery):
    """A range of days and the response format."""


class ActivationQuery(FiguresQuery, FormQuery):
    """Which figures, and the response format."""


class Count(fields.Float):
    """A number of actions: an integer unless the model divides actions among posts."""

    def _serialize(
        self, value: object, attr: str | None, obj: object, **kwargs: object
    ) -> str | float | None:
        return value if isinstance(value, int | float) else None


class People(Schema):
    distinct = fields.Int(metadata={"description": "Distinct supporters in this row."})
    new = fields.Int(
        metadata={"description": "First action in the organization is in the range."},
    )
    returning = fields.Int(metadata={"description": "Had acted before the range."})


class Clicks(Schema):
    human = fields.Int(metadata={"description": "Clicks by people."})
    other = fields.Int(metadata={"description": "Previews, prefetches and HEAD; not counted."})


class Renewals(Schema):
    donations = Count()
    gross_minor = fields.Int()
    refunded_minor = fields.Int()


class Money(Schema):
    currency = fields.Str(metadata={"description": "ISO 4217."})
    gross_minor = fields.Int(metadata={"description": "Given, in minor units."})
    refunded_minor = fields.Int(metadata={"description": "Refunded, in minor units."})
    net_minor = fields.Int(metadata={"description": "Gross minus refunded."})
    donations = Count(metadata={"description": "Number of donations."})
    renewals = fields.Nested(
        Renewals,
        metadata={
            "description": "Of these, later payments of recurring gifts. They are credited to the"
            " post that was credited with the first one."
        },
    )


class Evidence(Schema):
    tier = fields.Str(metadata={"description": "Strongest first; `unattributed` last."})
    actions = Count()
    share = fields.Float(metadata={"description": "Of all actions shown, 0 to 1."})


class ByKind(Schema):
    kind = fields.Str()
    actions = Count()
    supporters = fields.Nested(People)


class ByDay(Schema):
    day = fields.Date()
    kind = fields.Str()
    actions = Count()


class PostAbout(Schema):
    id = fields.UUID()
    platform = fields.Str()
    title = fields.Str()
    url = fields.Str()
    published_at = fields.AwareDateTime()


class Bounds(Schema):
    lower = Count(metadata={"description": "Credited by evidence that a tool returned."})
    upper = Count(metadata={"description": "Including inferred evidence."})


class Generations(Schema):
    direct = fields.Int(metadata={"description": "Actions by last touch of the post's own links."})
    first_share = fields.Int(metadata={"description": "Through a link that was shared once."})
    beyond = fields.Int(metadata={"description": "Through a link that was shared further."})
    factor = fields.Float(
        allow_none=True, metadata={"description": "All of them per direct action."}
    )


class OfPost(Schema):
    post = fields.Nested(
        PostAbout, allow_none=True, metadata={"description": "null: unattributed."}
    )
    clicks = fields.Nested(Clicks)
    actions = Count()
    by_kind = fields.Dict(keys=fields.Str(), values=Count())
    supporters = fields.Nested(People)
    money = fields.List(fields.Nested(Money))
    evidence = fields.List(fields.Nested(Evidence))
    bounds = fields.Nested(Bounds)
    generations = fields.Nested(Generations)


class OfPlatform(Schema):
    platform = fields.Str(metadata={"description": "Empty: no platform was found to credit."})
    clicks = fields.Nested(Clicks)
    actions = Count()
    supporters = fields.Nested(People)
    money = fields.List(fields.Nested(Money))


class CampaignAbout(Schema):
    slug = fields.Str()
    name = fields.Str()
    timezone = fields.Str()


class RestatedDays(Schema):
    on = fields.Date(metadata={"description": "When the figures were changed."})
    why = fields.Str(metadata={"description": "`late`, `correction` or `evidence`."})
    first_on = fields.Date(metadata={"description": "The first day that was changed."})
    last_on = fields.Date(metadata={"description": "The last day that was changed."})
    actions = fields.Int(metadata={"description": "How many actions were changed or came."})


class Activation(Schema):
    campaign = fields.Nested(CampaignAbout)
    model = fields.Str(metadata={"description": "The attribution model of these figures."})
    first = fields.Date(data_key="from")
    last = fields.Date(data_key="to")
    actions = Count()
    supporters = fields.Nested(People)
    clicks = fields.Nested(Clicks)
    by_kind = fields.List(fields.Nested(ByKind))
    money = fields.List(fields.Nested(Money))
    evidence = fields.List(fields.Nested(Evidence))
    bounds = fields.Nested(Bounds)
    restated = fields.List(
        fields.Nested(RestatedDays),
        metadata={"description": "Updates of completed days in the last 30 days."},
    )
    by_day = fields.List(fields.Nested(ByDay))
    posts = fields.List(fields.Nested(OfPost))
    platforms = fields.List(fields.Nested(OfPlatform))
