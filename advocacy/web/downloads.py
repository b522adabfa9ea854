"""Downloads of a campaign's activation as CSV, XLSX or JSON, with the figures of the page.

Note: the API uses the same functions, so that a file from a page and one from the API are the same
bytes. Responses are not cached (`no-store`); `ETag` is for programs that ask whether their copy is
still current.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flask import Blueprint, Response, json, request
from flask_babel import gettext as _
from marshmallow import ValidationError

from advocacy.analytics.activation import BadRange, activation
from advocacy.analytics.figures import CampaignActivation
from advocacy.reporting.exports.activation import GROUPS, tables_of
from advocacy.reporting.exports.writers import Table, digest_of, written_csv, written_workbook
from advocacy.web import auth
from advocacy.web.api import schemas
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.errors import Problem

blueprint = Blueprint("exports", __name__)

TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

# What a group is called in the JSON of a report, where it is another word or several.
_PARTS: Mapping[str, tuple[str, ...]] = {
    "summary": ("actions", "supporters", "clicks", "bounds", "restated"),
}
_CALLED = {"xlsx": "Excel", "csv": "CSV", "json": "JSON"}
_ABOUT = ("campaign", "model", "from", "to")


@blueprint.get("/campaigns/<slug>/activation.<any(csv, xlsx, json):written>")
@auth.needs_session
def activation_file(slug: str, written: str) -> Response:
    """Return the figures of a campaign's page as a file."""
    campaign = campaign_or_404(slug)
    asked = {name: value for name, value in request.args.items() if value}
    try:
        query = schemas.FiguresQuery().load(asked)
        report = activation(campaign, query.get("first"), query.get("last"), query["model"])
    except (BadRange, ValidationError):
        raise Problem(
            422,
            _("No such figures"),
            _(
                "Enter from and to as YYYY-MM-DD, with the first not after the last; a "
                "model from the list on this page; and a group from %(groups)s, or "
                "none.",
                groups=", ".join(GROUPS),
            ),
        ) from None
    answer = answer_with(report, written, query["group"])
    name = f"{slug}-{report.first}-{report.last}-{report.model}"
    name += f"-{query['group']}" if query["group"] else ""
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{written}"'
    return answer


def answer_with(report: CampaignActivation, written: str, group: str = "") -> Response:
    """Return a report, or one group of it, as `json`, `csv` or `xlsx`; 304 if it is unchanged."""
    every = tables_of(report)
    chosen = [table for table in every if group in {"", table.name}]
    return answer_of(chosen, lambda: _written_json(report, group), written)


def answer_of(tables: Sequence[Table], told: Callable[[], bytes], written: str) -> Response:
    """Return tables as `csv` or `xlsx`, or what is `told` as `json`; 304 where it is known."""
    match written:
        case "csv":
            body, mark = written_csv(tables), digest_of(tables, "csv")
        case "xlsx":
            body, mark = written_workbook(tables), digest_of(tables, "xlsx")
        case _:
            body = told()
            mark = digest_of((), "json", body.decode())
    answer = Response(body, content_type=TYPES[written])
    answer.headers["Vary"] = "Accept, Authorization, Cookie"
    answer.set_etag(mark)
    # Only what a program has asked for by this mark is left out; nothing is cut into ranges.
    answer.make_conditional(request)
    return answer


def files_at(address: Callable[[str], str]) -> list[tuple[str, str]]:
    """Return what a page offers to take along, as (called, address)."""
    return [(called, address(each)) for each, called in _CALLED.items()]


def file_of(tables: Sequence[Table], told: object, written: str, name: str) -> Response:
    """Hand tables over as a file of this name; `told` is the same as data that JSON can hold."""
    answer = answer_of(tables, lambda: json.dumps(told).encode(), written)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{written}"'
    return answer


def _written_json(report: CampaignActivation, group: str) -> bytes:
    told = schemas.Activation().dump(report)
    if group:
        parts = {*_ABOUT, *_PARTS.get(group, (group,))}
        told = {name: value for name, value in told.items() if name in parts}
    return json.dumps(told).encode()
