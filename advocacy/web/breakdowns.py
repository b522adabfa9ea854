"""Activation by groups as JSON, CSV or a workbook: what pages and the API both hand over.

Note: pages, files and the API ask by the same words and are answered
here, so that they cannot differ. A file has all groups unless a limit is asked for; JSON comes in
pages. `ETag` is another one whenever a figure, a name or a place is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Response, json, request
from marshmallow import RAISE, Schema, fields, validate

from advocacy.analytics.activation import BadRange
from advocacy.analytics.breakdown import (
    COMPARED,
    FILTERS_OF_ORGANIZATION,
    GROUPS,
    GROUPS_OF_ORGANIZATION,
    HOURS,
    BadCursor,
    BadFilter,
    Question,
    page_of,
)
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.core.events import ActionKind
from advocacy.core.spreadsheets import Cell
from advocacy.reporting.exports.writers import (
    Table,
    digest_of,
    major,
    written_csv,
    written_workbook,
)
from advocacy.storage.models import Campaign, Organization
from advocacy.web.api import schemas
from advocacy.web.cached_figures import groups_of
from advocacy.web.downloads import TYPES
from advocacy.web.errors import Problem

USUAL_LIMIT = 100
_MOST = 1000


_WORD = (validate.Length(1, 200), validate.ContainsNoneOf("\0"))


def _keys(described: str, **more: Any) -> Any:
    return fields.List(
        fields.Str(validate=more.get("validate", _WORD)),
        load_default=list,
        validate=validate.Length(max=100),
        metadata={"description": f"{described} Repeat it to let through several."},
    )


class GroupsQuery(schemas.ReportQuery, schemas.FormQuery):
    """By what, of which days, which of it, and beside which other period."""

    class Meta:
        unknown = RAISE

    by = fields.Str(
        data_key="group_by",
        load_default="post",
        validate=validate.OneOf(GROUPS),
        metadata={"description": f"What a row is of. {DEFINITIONS['group_days']}"},
    )
    post = _keys("Only what is credited to this post, by its id; `-`: to no post.")
    platform = _keys("Only this platform; `-`: not known.")
    medium = _keys("Only posts of this medium, as video, image or text; `-`: none given.")
    author = _keys("Only posts of this author; `-`: none given.")
    kind = _keys(
        "Only actions of this kind.", validate=validate.OneOf([each.value for each in ActionKind])
    )
    source = _keys("Only actions that came through this source, by its id.")
    hour = _keys(
        "Only what happened in this hour of the clock, in the zone of the groups.",
        validate=validate.OneOf(HOURS),
    )
    compare = fields.Str(
        validate=validate.OneOf(COMPARED),
        metadata={"description": DEFINITIONS["compared"]},
    )
    gifts = fields.Bool(
        load_default=False,
        metadata={"description": "Also the average gift and the recurring share; takes longer."},
    )
    limit = fields.Int(
        validate=validate.Range(1, _MOST),
        metadata={"description": f"So many groups at most. Default: {USUAL_LIMIT}; in files, all."},
    )
    cursor = fields.Str(
        validate=validate.Length(1, 1000),
        metadata={"description": "`next` of the answer before, to the same question."},
    )


class GroupsQueryOfOrganization(GroupsQuery):
    """The same for the whole organization, whose groups can be its campaigns."""

    by = fields.Str(
        data_key="group_by",
        load_default="campaign",
        validate=validate.OneOf(GROUPS_OF_ORGANIZATION),
        metadata={"description": f"What a row is of. {DEFINITIONS['group_days']}"},
    )
    campaign = _keys("Only this campaign, by its slug; `-`: what is of none.")


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
    by = schemas.Count(allow_none=True, metadata={"description": "This less the other."})
    share = fields.Float(
        allow_none=True, metadata={"description": "Of the other; null where that is nought."}
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
    label = fields.Str(metadata={"description": "What people call it; empty for `-`."})
    first = fields.Date(
        attribute="from",
        data_key="from",
        allow_none=True,
        metadata={"description": "Of a day, week or month, within the range."},
    )
    last = fields.Date(attribute="to", data_key="to", allow_none=True)


class GroupsAbout(Schema):
    campaign = fields.Str(allow_none=True, metadata={"description": "Null: the organization."})
    name = fields.Str()
    timezone = fields.Str()


class ComparedWith(Schema):
    how = fields.Str(attribute="with", data_key="with")
    first = fields.Date(attribute="from", data_key="from")
    last = fields.Date(attribute="to", data_key="to")


class Groups(Schema):
    about = fields.Nested(GroupsAbout)
    group_by = fields.Str()
    model = fields.Str()
    first = fields.Date(attribute="from", data_key="from")
    last = fields.Date(attribute="to", data_key="to")
    compare = fields.Nested(ComparedWith, allow_none=True)
    filters = fields.Dict(keys=fields.Str(), values=fields.List(fields.Str()))
    total = fields.Nested(
        ComparedFigures, metadata={"description": "Of all groups, also those of other pages."}
    )
    groups = fields.List(
        fields.Nested(Group),
        metadata={"description": "Time in its order; else the most actions first."},
    )
    next = fields.Str(allow_none=True, metadata={"description": "Cursor; null at the end."})


def report_for(scope: Campaign | Organization, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked for, with all of its groups. Raises `Problem` with the fields."""
    question = Question(
        by=query["by"],
        first=query.get("first"),
        last=query.get("last"),
        model=query["model"],
        compare=query.get("compare", ""),
        filters={name: query[name] for name in FILTERS_OF_ORGANIZATION if name in query},
        gifts=query["gifts"],
    )
    try:
        return groups_of(scope, question)
    except BadRange as error:
        raise _wrong("from", error) from None
    except BadFilter as error:
        raise _wrong(error.field, error) from None


def shown_of(
    report: Mapping[str, Any], limit: int | None, cursor: str
) -> tuple[list[dict[str, Any]], str | None]:
    """Return the groups behind a cursor, and the next one. Raises `Problem`."""
    try:
        return page_of(report, limit or len(report["groups"]) or 1, cursor)
    except BadCursor as error:
        raise _wrong("cursor", error) from None


def answer_for(scope: Campaign | Organization, query: Mapping[str, Any], written: str) -> Response:
    """Answer as `json`, `csv` or `xlsx`; with 304 where that is known."""
    report = report_for(scope, query)
    limit = query.get("limit") or (USUAL_LIMIT if written == "json" else None)
    groups, after = shown_of(report, limit, query.get("cursor", ""))
    if written == "json":
        told = {**report, "groups": groups, "next": after}
        body = json.dumps(Groups().dump(told)).encode()
        mark = digest_of((), written, body.decode())
    else:
        tables = [table_of(report, groups)]
        body = written_csv(tables) if written == "csv" else written_workbook(tables)
        mark = digest_of(tables, written)
    answer = Response(body, content_type=TYPES[written])
    answer.headers["Vary"] = "Accept, Authorization, Cookie"
    answer.last_modified = report["counted_at"]
    answer.set_etag(mark)
    answer.make_conditional(request)
    return answer


def table_of(report: Mapping[str, Any], groups: Sequence[Mapping[str, Any]]) -> Table:
    """Lay the total and these groups out flat, the total first."""
    currencies = sorted(
        {
            sum_["currency"]
            for row in (report["total"], *groups)
            for each in (row, row["earlier"] or {})
            for sum_ in each.get("money", ())
        }
    )
    beside = report["compare"] is not None
    names = [name for name, _ in _cells(report["total"], currencies)]
    headings = ["of", "key", "label", "from", "to", *names]
    if beside:
        headings += [f"earlier_{name}" for name in names]
        headings += [name for name, _ in _changes(report["total"], currencies)]
    rows = []
    for of, row in (("total", report["total"]), *(("group", each) for each in groups)):
        begins = report["from"] if of == "total" else row["from"]
        ends = report["to"] if of == "total" else row["to"]
        cells: list[Cell] = [
            of,
            row.get("key", ""),
            row.get("label", ""),
            begins,
            ends,
            *(cell for _, cell in _cells(row, currencies)),
        ]
        if beside:
            cells += [cell for _, cell in _cells(row["earlier"], currencies)]
            cells += [cell for _, cell in _changes(row, currencies)]
        rows.append(tuple(cells))
    return Table("groups", tuple(headings), tuple(rows))


_CHANGES = ("actions", "supporters", "new", "clicks", "conversion_rate")


def _changes(row: Mapping[str, Any], currencies: Sequence[str]) -> Iterator[tuple[str, Cell]]:
    """Yield by how much figures of a row changed, then by what part of the other period's."""
    nets = {each["currency"]: each for each in row["change"]["net"]}
    for name in _CHANGES:
        yield f"change_{name}", row["change"][name]["by"]
    for currency in currencies:
        # Where neither period has money of it, nothing changed.
        by = nets[currency]["by"] if currency in nets else 0
        yield f"change_net_{currency}", None if by is None else major(by, currency)
    for name in _CHANGES:
        yield f"change_share_{name}", row["change"][name]["share"]
    for currency in currencies:
        yield f"change_share_net_{currency}", nets[currency]["share"] if currency in nets else None


def _cells(row: Mapping[str, Any], currencies: Sequence[str]) -> Iterator[tuple[str, Cell]]:
    """Yield the figures of a row by their headings; money in major units, exact."""
    yield "actions", row["actions"]
    yield "supporters", row["supporters"]["distinct"]
    yield "new", row["supporters"]["new"]
    yield "returning", row["supporters"]["returning"]
    yield "clicks", row["clicks"] and row["clicks"]["human"]
    yield "other_clicks", row["clicks"] and row["clicks"]["other"]
    yield "conversion_rate", row["conversion_rate"]
    yield "activation_rate", row["activation_rate"]
    money = {sum_["currency"]: sum_ for sum_ in row["money"]}
    for currency in currencies:
        sums = money.get(currency)
        for part in ("gross", "refunded", "net", "average_gift"):
            minor = sums[f"{part}_minor"] if sums else None if part == "average_gift" else 0
            yield f"{part}_{currency}", None if minor is None else major(minor, currency)
        yield f"donations_{currency}", sums["donations"] if sums else 0
        renewals = sums["renewals"] if sums else None
        yield f"renewals_{currency}", renewals["donations"] if renewals else None if sums else 0
        yield f"recurring_share_{currency}", sums and sums["recurring_share"]


def _wrong(field: str, error: Exception) -> Problem:
    return Problem(422, "Unprocessable Entity", errors=[{"field": field, "message": error.args[0]}])
