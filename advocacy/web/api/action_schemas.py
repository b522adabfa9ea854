"""Schemas of the API for single actions and their receipts."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate

from advocacy.analytics.latest_actions import MAX_LIMIT
from advocacy.core.events import TIERS, ActionKind
from advocacy.web.api.schemas import CampaignAbout


class ActionsQuery(Schema):
    """Filters and a cursor for a campaign's actions."""

    class Meta:
        unknown = RAISE

    limit = fields.Int(
        load_default=50,
        validate=validate.Range(1, MAX_LIMIT),
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
    statements = fields.List(
        fields.Str(),
        data_key="said",
        metadata={"description": "made, returned, stands, ended, elsewhere."},
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
    text = fields.Str(data_key="says")


class ReceiptEvidence(Schema):
    tier = fields.Str(metadata={"description": "Strongest first."})
    received = fields.Bool(
        data_key="carried",
        metadata={"description": "The tool returned evidence of this kind."},
    )
    found = fields.Bool(metadata={"description": "It matches a known touch."})
    used = fields.Bool(metadata={"description": "A touch in the path is based on it."})
    text = fields.Str(data_key="says")


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
    rejection_reason = fields.Str(
        data_key="passed_over",
        metadata={"description": "Why it is not counted; empty: it is in the path."},
    )
    text = fields.Str(data_key="says")
    shares = fields.Dict(
        keys=fields.Str(),
        values=fields.Nested(ReceiptShare),
        metadata={"description": "By model; empty if it is not counted."},
    )


class ReceiptRestated(Schema):
    at = fields.AwareDateTime()
    reason = fields.Str(data_key="why")
    text = fields.Str(data_key="says")


class Receipt(Schema):
    action = fields.Nested(ReceiptAction)
    summary = fields.Str(metadata={"description": "One sentence."})
    counted = fields.Bool()
    not_counted_reason = fields.Str(data_key="not_counted_why")
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
