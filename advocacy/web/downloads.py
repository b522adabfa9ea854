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

# The fields of a group in the JSON of a report, where they have other names.
_PARTS: Mapping[str, tuple[str, ...]] = {
    "summary": ("actions", "supporters", "clicks", "bounds", "restated"),
}
_FORMAT_NAMES = {"xlsx": "Excel", "csv": "CSV", "json": "JSON"}
_ABOUT = ("campaign", "model", "from", "to")


@blueprint.get("/campaigns/<slug>/activation.<any(csv, xlsx, json):written>")
@auth.needs_session
def activation_file(slug: str, written: str) -> Response:
    """Return the figures of a campaign's page as a file."""
    campaign = campaign_or_404(slug)
    given = {name: value for name, value in request.args.items() if value}
    try:
        query = schemas.FiguresQuery().load(given)
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
    response = activation_response(report, written, query["group"])
    name = f"{slug}-{report.first}-{report.last}-{report.model}"
    name += f"-{query['group']}" if query["group"] else ""
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{written}"'
    return response


def activation_response(report: CampaignActivation, file_format: str, group: str = "") -> Response:
    """Return a report, or one group of it, as `json`, `csv` or `xlsx`; 304 if it is unchanged."""
    every = tables_of(report)
    chosen = [table for table in every if group in {"", table.name}]
    return tables_response(chosen, lambda: _activation_json(report, group), file_format)


def tables_response(
    tables: Sequence[Table], as_json: Callable[[], bytes], file_format: str
) -> Response:
    """Return tables as `csv` or `xlsx`, or the same as `json`; 304 if it is unchanged."""
    match file_format:
        case "csv":
            body, etag = written_csv(tables), digest_of(tables, "csv")
        case "xlsx":
            body, etag = written_workbook(tables), digest_of(tables, "xlsx")
        case _:
            body = as_json()
            etag = digest_of((), "json", body.decode())
    response = Response(body, content_type=TYPES[file_format])
    response.headers["Vary"] = "Accept, Authorization, Cookie"
    response.set_etag(etag)
    response.make_conditional(request)
    return response


def files_at(address: Callable[[str], str]) -> list[tuple[str, str]]:
    """Return the downloads that a page offers, as (name, address)."""
    return [(name, address(each)) for each, name in _FORMAT_NAMES.items()]


def file_of(tables: Sequence[Table], content: object, file_format: str, name: str) -> Response:
    """Return tables as a file of this name; `content` is the same for JSON."""
    response = tables_response(tables, lambda: json.dumps(content).encode(), file_format)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{file_format}"'
    return response


def _activation_json(report: CampaignActivation, group: str) -> bytes:
    content = schemas.Activation().dump(report)
    if group:
        parts = {*_ABOUT, *_PARTS.get(group, (group,))}
        content = {name: value for name, value in content.items() if name in parts}
    return json.dumps(content).encode()
