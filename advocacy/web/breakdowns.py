"""Requests for activation by groups, and the answers: JSON, CSV or a workbook.

Note: pages, files and the API take the same parameters and are answered here, so that they agree. A
file has all groups unless a limit is given; JSON comes in pages. The `ETag` changes whenever a
figure, a name or the order does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import Response, json, request
from marshmallow import RAISE, fields, post_load, validate

from advocacy.analytics.activation import BadRange
from advocacy.analytics.breakdown import (
    COMPARED,
    FILTERS_OF_ORGANIZATION,
    GROUPS,
    GROUPS_OF_ORGANIZATION,
    HOURS,
    BadCursor,
    BadFilter,
    Breakdown,
    Group,
    Question,
    page_of,
)
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.core.events import ActionKind
from advocacy.reporting.exports.breakdown import table_of_groups
from advocacy.reporting.exports.writers import digest_of, written_csv, written_workbook
from advocacy.storage.models import Campaign, Organization
from advocacy.web.api import schemas
from advocacy.web.api.breakdown_schemas import Groups
from advocacy.web.api.endpoint import Query
from advocacy.web.cached_figures import groups_of
from advocacy.web.downloads import TYPES
from advocacy.web.errors import Problem

DEFAULT_LIMIT = 100
_MAX_LIMIT = 1000


_TEXT = (validate.Length(1, 200), validate.ContainsNoneOf("\0"))


def _keys(description: str, allowed: Sequence[str] = ()) -> fields.List[str]:
    return fields.List(
        fields.Str(validate=validate.OneOf(allowed) if allowed else _TEXT),
        load_default=list,
        validate=validate.Length(max=100),
        metadata={"description": f"{description} Repeat it to include several."},
    )


@dataclass(frozen=True, slots=True)
class BreakdownRequest:
    """A question, and how the answer is wanted; an empty `written` is not specified."""

    question: Question
    limit: int | None
    cursor: str
    written: str


class GroupsQuery(schemas.ReportQuery, schemas.FormQuery):
    """Grouping, days, filters, and the period to compare with."""

    class Meta:
        unknown = RAISE

    by = fields.Str(
        data_key="group_by",
        load_default="post",
        validate=validate.OneOf(GROUPS),
        metadata={"description": f"What the rows are. {DEFINITIONS['group_days']}"},
    )
    post = _keys("Only what is credited to this post, by its id; `-`: to no post.")
    platform = _keys("Only this platform; `-`: not known.")
    medium = _keys("Only posts of this medium, as video, image or text; `-`: none given.")
    author = _keys("Only posts of this author; `-`: none given.")
    kind = _keys("Only actions of this kind.", [each.value for each in ActionKind])
    source = _keys("Only actions that came through this source, by its id.")
    hour = _keys(
        "Only what happened in this hour of the clock, in the zone of the groups.",
        HOURS,
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
        validate=validate.Range(1, _MAX_LIMIT),
        metadata={"description": f"At most this many. Default: {DEFAULT_LIMIT}; in files, all."},
    )
    cursor = fields.Str(
        validate=validate.Length(1, 1000),
        metadata={"description": "`next` of the previous answer to the same question."},
    )

    @post_load
    def _request(self, data: Query, **_: object) -> BreakdownRequest:
        question = Question(
            by=data["by"],
            first=data.get("first"),
            last=data.get("last"),
            model=data["model"],
            compare=data.get("compare", ""),
            filters={name: data[name] for name in FILTERS_OF_ORGANIZATION if name in data},
            gifts=data["gifts"],
        )
        return BreakdownRequest(
            question, data.get("limit"), data.get("cursor", ""), data.get("written", "")
        )


class GroupsQueryOfOrganization(GroupsQuery):
    """The same for the whole organization, whose groups can be its campaigns."""

    by = fields.Str(
        data_key="group_by",
        load_default="campaign",
        validate=validate.OneOf(GROUPS_OF_ORGANIZATION),
        metadata={"description": f"What the rows are. {DEFINITIONS['group_days']}"},
    )
    campaign = _keys("Only this campaign, by its slug; `-`: without one.")


def report_for(scope: Campaign | Organization, question: Question) -> Breakdown:
    """Return the answer to a question, with all groups. Raises `Problem` with the fields."""
    try:
        return groups_of(scope, question)
    except BadRange as error:
        raise _invalid("from", error) from None
    except BadFilter as error:
        raise _invalid(error.field, error) from None


def page_for(
    report: Breakdown, limit: int | None, cursor: str
) -> tuple[Sequence[Group], str | None]:
    """Return the groups after a cursor, and the next cursor. Raises `Problem`."""
    try:
        return page_of(report, limit or len(report.groups) or 1, cursor)
    except BadCursor as error:
        raise _invalid("cursor", error) from None


def answer_for(scope: Campaign | Organization, wanted: BreakdownRequest, written: str) -> Response:
    """Answer as `json`, `csv` or `xlsx`; with 304 if the client has the current version."""
    report = report_for(scope, wanted.question)
    limit = wanted.limit or (DEFAULT_LIMIT if written == "json" else None)
    groups, after = page_for(report, limit, wanted.cursor)
    if written == "json":
        content = Groups().dump(replace(report, groups=tuple(groups)))
        body = json.dumps({**content, "next": after}).encode()
        etag = digest_of((), written, body.decode())
    else:
        tables = [table_of_groups(report, groups)]
        body = written_csv(tables) if written == "csv" else written_workbook(tables)
        etag = digest_of(tables, written)
    answer = Response(body, content_type=TYPES[written])
    answer.headers["Vary"] = "Accept, Authorization, Cookie"
    answer.last_modified = report.counted_at
    answer.set_etag(etag)
    answer.make_conditional(request)
    return answer


def _invalid(field: str, error: Exception) -> Problem:
    return Problem(422, "Unprocessable Entity", errors=[{"field": field, "message": error.args[0]}])
