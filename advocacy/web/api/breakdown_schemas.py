"""Schemas of the API for activation by groups."""

from __future__ import annotations

from marshmallow import Schema, fields

from advocacy.analytics.glossary import DEFINITIONS
from advocacy.web.api import schemas


def _described(name: str) -> dict[str, str]:
    return {"description": DEFINITIONS[name]}


def _described_or_null(name: str) -> dict[str, str]:
    return {"description": f"{DEFINITIONS[name]} Null: nothing to calculate it from."}


class GroupPeople(Schema):
    distinct = fields.Int(metadata=_described("supporters"))
    new = fields.Int(metadata=_described("new"))
    returning = fields.Int(metadata=_described("returning"))


class GroupMoney(Schema):
    currency = fields.Str(metadata={"description": "ISO 4217."})
    gross_minor = fields.Int()
    refunded_minor = fields.Int()
    net_minor = fields.Int(metadata=_described("raised"))
    donations = schemas.Count()
    renewals = fields.Nested(
        schemas.Renewals,
        metadata={"description": "Of these, the later payments of recurring gifts."},
    )
    average_gift_minor = fields.Int(allow_none=True, metadata=_described_or_null("average_gift"))
    recurring_share = fields.Float(allow_none=True, metadata=_described_or_null("recurring_share"))


class GroupFigures(Schema):
    """The figures of some days."""

    actions = schemas.Count(metadata=_described("actions"))
    supporters = fields.Nested(GroupPeople)
    clicks = fields.Nested(
        schemas.Clicks, allow_none=True, metadata={"description": DEFINITIONS["clicks"]}
    )
    conversion_rate = fields.Float(allow_none=True, metadata=_described_or_null("conversion_rate"))
    activation_rate = fields.Float(allow_none=True, metadata=_described_or_null("activation_rate"))
    money = fields.List(fields.Nested(GroupMoney))


class Changed(Schema):
    by = schemas.Count(allow_none=True, metadata={"description": "This minus the other."})
    share = fields.Float(
        allow_none=True, metadata={"description": "Of the other; null where that is zero."}
    )


class ChangedNet(Schema):
    currency = fields.Str()
    by = fields.Int(allow_none=True, metadata={"description": "In minor units."})
    share = fields.Float(allow_none=True, metadata={"description": "Of the other."})


class GroupChange(Schema):
    actions = fields.Nested(Changed)
    supporters = fields.Nested(Changed)
    new = fields.Nested(Changed)
    clicks = fields.Nested(Changed)
    conversion_rate = fields.Nested(Changed)
    net = fields.List(fields.Nested(ChangedNet))


class ComparedFigures(GroupFigures):
    earlier = fields.Nested(
        GroupFigures, allow_none=True, metadata={"description": "Of the period compared with."}
    )
    change = fields.Nested(GroupChange, allow_none=True)


class Group(ComparedFigures):
    key = fields.Str(metadata={"description": "For filters; `-` for what has none."})
    label = fields.Str(metadata={"description": "Its name; empty for `-`."})
    first = fields.Date(
        data_key="from",
        allow_none=True,
        metadata={"description": "Of a day, week or month, within the range."},
    )
    last = fields.Date(data_key="to", allow_none=True)


class GroupsAbout(Schema):
    campaign = fields.Str(allow_none=True, metadata={"description": "Null: the organization."})
    name = fields.Str()
    timezone = fields.Str()


class ComparedWith(Schema):
    how = fields.Str(data_key="with")
    first = fields.Date(data_key="from")
    last = fields.Date(data_key="to")


class Groups(Schema):
    about = fields.Nested(GroupsAbout)
    group_by = fields.Str()
    model = fields.Str()
    first = fields.Date(data_key="from")
    last = fields.Date(data_key="to")
    compare = fields.Nested(ComparedWith, allow_none=True)
    filters = fields.Dict(keys=fields.Str(), values=fields.List(fields.Str()))
    total = fields.Nested(
        ComparedFigures, metadata={"description": "Of all groups, also those of other pages."}
    )
    groups = fields.List(
        fields.Nested(Group),
        metadata={"description": "By time, or the most actions first."},
    )
    next = fields.Str(allow_none=True, metadata={"description": "Cursor; null at the end."})
