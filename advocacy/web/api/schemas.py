"""Schemas of the API, for validation and for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from advocacy.analytics.activation import MODELS
from advocacy.analytics.explain import MOST
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.core.events import TIERS, ActionKind
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

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value


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
    first = fields.Date(attribute="from", data_key="from")
    last = fields.Date(attribute="to", data_key="to")
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


class ActionsQuery(Schema):
    """Filters and a cursor for a campaign's actions."""

    class Meta:
        unknown = RAISE

    limit = fields.Int(
        load_default=50,
        validate=validate.Range(1, MOST),
        metadata={"description": "Maximum number of actions."},
    )
    cursor = fields.Str(
        load_default="",
        validate=validate.Length(max=200),
        metadata={"description": "`next` of the previous response. Default: the newest."},
    )
    post_id = fields.UUID(
        data_key="post",
        metadata={"description": "Only actions credited to this post by last touch."},
    )
    kind = fields.Str(validate=validate.OneOf([each.value for each in ActionKind]))
    day = fields.Date(metadata={"description": "One day in the campaign's time zone."})
    counted = fields.Bool(
        load_default=True,
        metadata={
            "description": "false: actions that count in no report, such as tests and duplicates."
        },
    )


class ActionMoney(Schema):
    currency = fields.Str(metadata={"description": "ISO 4217."})
    gross_minor = fields.Int()
    refunded_minor = fields.Int()
    net_minor = fields.Int()


class ActionPost(Schema):
    id = fields.UUID()
    platform = fields.Str()
    title = fields.Str()
    url = fields.Str()


class ActionAbout(Schema):
    id = fields.UUID()
    kind = fields.Str()
    at = fields.AwareDateTime()
    day = fields.Date(metadata={"description": "The day on which it counts."})
    counted = fields.Bool()
    test = fields.Bool()
    renewal = fields.Bool(metadata={"description": "A later payment of a recurring gift."})
    tier = fields.Str(validate=validate.OneOf(TIERS))
    platform = fields.Str()
    post = fields.Nested(ActionPost, allow_none=True)
    money = fields.Nested(ActionMoney, allow_none=True)


class Actions(Schema):
    campaign = fields.Nested(CampaignAbout)
    actions = fields.List(fields.Nested(ActionAbout))
    next = fields.Str(
        allow_none=True, metadata={"description": "Cursor for earlier actions; null at the end."}
    )


class ReceiptCampaign(Schema):
    slug = fields.Str()
    name = fields.Str()


class ReceiptSource(Schema):
    name = fields.Str()
    provider = fields.Str()


class ReceiptAction(Schema):
    id = fields.UUID()
    kind = fields.Str()
    at = fields.AwareDateTime()
    day = fields.Date()
    timezone = fields.Str(metadata={"description": "Time zone of its day."})
    campaign = fields.Nested(ReceiptCampaign, allow_none=True)
    source = fields.Nested(ReceiptSource)
    renewal = fields.Bool()
    ended_at = fields.AwareDateTime(
        allow_none=True, metadata={"description": "When the recurring gift stopped."}
    )
    page = fields.Str(metadata={"description": "URL of the receipt page."})


class ReceiptDelivery(Schema):
    id = fields.UUID()
    source = fields.Nested(ReceiptSource)
    received_at = fields.AwareDateTime()
    counted_at = fields.AwareDateTime(allow_none=True)
    said = fields.List(
        fields.Str(), metadata={"description": "made, returned, stands, ended, elsewhere."}
    )


class ReceiptReturn(Schema):
    at = fields.AwareDateTime()
    amount_minor = fields.Int()


class ReceiptMoney(ActionMoney):
    returns = fields.List(fields.Nested(ReceiptReturn))


class ReceiptPost(ActionPost):
    campaign = fields.Str(metadata={"description": "Slug of its campaign."})


class ReceiptCredit(Schema):
    tier = fields.Str(validate=validate.OneOf(TIERS))
    platform = fields.Str()
    post = fields.Nested(ReceiptPost, allow_none=True)


class ReceiptInherits(Schema):
    action_id = fields.UUID(metadata={"description": "The payment whose credit it inherits."})
    at = fields.AwareDateTime()
    says = fields.Str()


class ReceiptEvidence(Schema):
    tier = fields.Str(metadata={"description": "Strongest first."})
    carried = fields.Bool(metadata={"description": "The tool returned evidence of this kind."})
    found = fields.Bool(metadata={"description": "It matches a known touch."})
    used = fields.Bool(metadata={"description": "A touch in the path is based on it."})
    says = fields.Str()


class ReceiptShare(Schema):
    share = fields.Str(metadata={"description": "Exact: 0, 1 or a fraction such as 1/3."})
    percent = fields.Float()
    gross_minor = fields.Int()
    refunded_minor = fields.Int()
    net_minor = fields.Int()


class ReceiptTouch(Schema):
    number = fields.Int(
        allow_none=True, metadata={"description": "Position in the path; null: not counted."}
    )
    post = fields.Nested(ReceiptPost, allow_none=True)
    platform = fields.Str()
    channel = fields.Str(metadata={"description": "social, email, sms or web."})
    tier = fields.Str()
    at = fields.AwareDateTime()
    timed = fields.Bool(
        metadata={"description": "Whether `at` is the time of a click; else of the action."}
    )
    passed_over = fields.Str(
        metadata={"description": "Why it is not counted; empty: it is in the path."}
    )
    says = fields.Str()
    shares = fields.Dict(
        keys=fields.Str(),
        values=fields.Nested(ReceiptShare),
        metadata={"description": "By model; empty if it is not counted."},
    )


class ReceiptRestated(Schema):
    at = fields.AwareDateTime()
    why = fields.Str()
    says = fields.Str()


class Receipt(Schema):
    action = fields.Nested(ReceiptAction)
    summary = fields.Str(metadata={"description": "One sentence."})
    counted = fields.Bool()
    not_counted_why = fields.Str()
    current = fields.Bool(
        metadata={
            "description": "false: new information has arrived that reports do not include yet."
        }
    )
    deliveries = fields.List(fields.Nested(ReceiptDelivery))
    money = fields.Nested(ReceiptMoney, allow_none=True)
    credit = fields.Nested(ReceiptCredit)
    inherits = fields.Nested(ReceiptInherits, allow_none=True)
    evidence = fields.List(fields.Nested(ReceiptEvidence))
    touches = fields.List(
        fields.Nested(ReceiptTouch), metadata={"description": "In chronological order."}
    )
    restated = fields.List(
        fields.Nested(ReceiptRestated),
        metadata={"description": "Changes after it was first counted."},
    )
