"""The shapes of the API, from which validation and OpenAPI both come."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from advocacy.report import MODELS


class RangeQuery(Schema):
    """A range of days in the campaign's time zone, both included."""

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
    """A range of days, and the model by which actions are shared out."""

    model = fields.Str(
        load_default=MODELS[0],
        validate=validate.OneOf(MODELS),
        metadata={"description": "How actions with several touches are shared out among posts."},
    )


class Count(fields.Float):
    """A number of actions: whole, but where the model shares actions out among posts."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value


class People(Schema):
    distinct = fields.Int(metadata={"description": "Distinct supporters at this grain."})
    new = fields.Int(metadata={"description": "First action in the organization is in the range."})
    returning = fields.Int(metadata={"description": "Acted before the range already."})


class Clicks(Schema):
    human = fields.Int(metadata={"description": "Clicks by people."})
    other = fields.Int(metadata={"description": "Previews, prefetches and HEAD; not counted."})


class Money(Schema):
    currency = fields.Str(metadata={"description": "ISO 4217."})
    gross_minor = fields.Int(metadata={"description": "Given, in minor units."})
    refunded_minor = fields.Int(metadata={"description": "Went back, in minor units."})
    net_minor = fields.Int(metadata={"description": "Gross less refunded."})
    donations = Count(metadata={"description": "Number of donations."})


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


class OfPost(Schema):
    post = fields.Nested(
        PostAbout, allow_none=True, metadata={"description": "null: no post was found to credit."}
    )
    clicks = fields.Nested(Clicks)
    actions = Count()
    by_kind = fields.Dict(keys=fields.Str(), values=Count())
    supporters = fields.Nested(People)
    money = fields.List(fields.Nested(Money))
    evidence = fields.List(fields.Nested(Evidence))


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


class Activation(Schema):
    campaign = fields.Nested(CampaignAbout)
    model = fields.Str(metadata={"description": "The attribution model of these figures."})
    first = fields.Date(attribute="from", data_key="from")
    last = fields.Date(attribute="to", data_key="to")
    actions = Count()
    supporters = fields.Nested(People)
    clicks = fields.Nested(Clicks)
    by_kind = fields.List(fields.Nested(ByKind))
    money = fields.List(fields.Nested(Money))
    evidence = fields.List(fields.Nested(Evidence))
    by_day = fields.List(fields.Nested(ByDay))
    posts = fields.List(fields.Nested(OfPost))
    platforms = fields.List(fields.Nested(OfPlatform))
