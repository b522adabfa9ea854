"""The links page: make tracking links, singly or from a spreadsheet, and list them.

Note: an uploaded spreadsheet is not stored. The page contains the result as a download; uploading
the same spreadsheet again gives the same links.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import segno
from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from advocacy.core.platforms import PLATFORMS
from advocacy.providers import PROVIDERS
from advocacy.storage import campaigns, links, posts, sources
from advocacy.storage.models import Link
from advocacy.storage.session import transaction, with_retries
from advocacy.tracking.link_sheet import (
    COLUMNS,
    MOST_ROWS,
    NEEDED,
    BadSheet,
    open_sheet,
    requests_of,
    result_csv,
    template,
    utm_shown,
)
from advocacy.tracking.links import MEDIA, BadLink, LinkMaker, LinkRequest, RowOutcome, count_errors
from advocacy.web import auth
from advocacy.web.errors import Problem
from advocacy.web.i18n import said
from advocacy.web.security import same_site

blueprint = Blueprint("linkmaker", __name__)

for_editors = auth.needs_role("editor")

_PAGE = 50
_FIELDS = COLUMNS
_CSV = "text/csv; charset=utf-8"


@blueprint.app_template_filter("utm")
def utm(words: dict[str, str]) -> str:
    """Format the UTM parameters of a link as in a URL."""
    return utm_shown(words)


@blueprint.get("/links")
@for_editors
def page() -> str:
    """List the links, with a form to make one, and show the link just made."""
    made = links.find_link(g.org_id, request.args.get("made", "").replace("\0", ""))
    return _page({"campaign": request.args.get("campaign", "")}, made=made)


@blueprint.post("/links")
@for_editors
def make() -> BaseResponse:
    """Make one link, or find an identical one, and show it."""
    same_site()
    asked = {name: request.form.get(name, "").replace("\0", "").strip() for name in _FIELDS}
    maker = _maker()

    def work(_again: bool) -> str:
        with transaction():
            code: str = maker.put(maker.check(LinkRequest(**asked))).link.code
            return code

    try:
        code = with_retries(work)
    except BadLink as error:
        return Response(_page(asked, trouble=said(error.args[0])), 422)
    return redirect(url_for("linkmaker.page", made=code, campaign=asked["campaign"]), 303)


@blueprint.get("/links/bulk")
@for_editors
def bulk_page() -> str:
    """Explain the spreadsheet, with a form to upload one."""
    return _bulk()


@blueprint.post("/links/bulk")
@for_editors
def bulk() -> BaseResponse:
    """Make the links of a spreadsheet: all or none, or on request only the valid rows."""
    same_site()
    sent = request.files.get("sheet")
    if sent is None or not sent.filename:
        return Response(_bulk(trouble=_("Choose a file first.")), 422)
    only_all = request.form.get("which") != "good"
    try:
        table = open_sheet(sent.read())
        asked = requests_of(table)
    except BadSheet as error:
        return Response(_bulk(trouble=f"{said(error.args[0])}."), 422)
    taken_for = said(table.described(len(asked)))
    if "preview" in request.form:
        return Response(_bulk(taken_for=taken_for, first=asked[:3], read=table.matched.known))
    maker = _maker()

    def work(_again: bool) -> list[RowOutcome]:
        with transaction():
            return maker.put_many(asked, only_all=only_all)

    outcomes = with_retries(work)
    status = 200 if any(each.made for each in outcomes) else 422
    return Response(_bulk(outcomes, taken_for=taken_for), status)


@blueprint.get("/links/template.csv")
@for_editors
def sheet() -> Response:
    """Download an empty spreadsheet."""
    headers = {"Content-Disposition": 'attachment; filename="links.csv"'}
    return Response(template(), content_type=_CSV, headers=headers)


@blueprint.get("/links/<code>/qr.<any(svg, png):written>")
@for_editors
def qr(code: str, written: str) -> Response:
    """Return a link as a QR code: dark on white in every theme, with the quiet zone."""
    if links.find_link(g.org_id, code) is None:
        raise Problem(404, _("Not Found"), _("There is no link %(code)s.", code=code))
    drawn, out = segno.make(_address(code), error="m"), io.BytesIO()
    if written == "svg":
        drawn.save(out, kind="svg", scale=8, border=4, light="#ffffff", xmldecl=False)
    else:
        drawn.save(out, kind="png", scale=20, border=4)
    kind = "image/svg+xml" if written == "svg" else "image/png"
    answer = Response(out.getvalue(), content_type=kind)
    # The image never changes: a code always belongs to the same link.
    answer.headers["Cache-Control"] = "private, max-age=86400"
    if "download" in request.args:
        answer.headers["Content-Disposition"] = f'attachment; filename="{code}.{written}"'
    return answer


def _page(asked: dict[str, str], trouble: str = "", made: Link | None = None) -> str:
    every = campaigns.list_active_campaigns(g.org_id)
    shown = next((each for each in every if each.slug == request.args.get("of")), None)
    rows = links.list_page(
        g.org_id,
        shown.id if shown else None,
        _PAGE + 1,
        _read_cursor(request.args.get("before", "")),
    )
    return render_template(
        "links.html",
        asked=asked,
        trouble=trouble,
        made=made,
        campaigns=every,
        shown=shown.slug if shown else "",
        rows=rows[:_PAGE],
        then=_cursor_of(rows[_PAGE - 1]) if len(rows) > _PAGE else "",
        begun="before" in request.args,
        sources=[each for each in sources.list_sources(g.org_id) if not each.archived_at],
        providers=sorted(
            (each for each in PROVIDERS if each.slug != "generic"), key=lambda each: each.title
        ),
        platforms=sorted({*PLATFORMS, "email", "sms", "web"}),
        media=sorted({*MEDIA, *posts.media(g.org_id)}),
        authors=posts.authors(g.org_id),
        address=_address,
    )


def _bulk(
    outcomes: list[RowOutcome] | None = None,
    trouble: str = "",
    taken_for: str = "",
    first: Sequence[tuple[int, LinkRequest]] = (),
    read: Sequence[str] = (),
) -> str:
    result = result_csv(outcomes, _public_url()) if outcomes else b""
    return render_template(
        "links_bulk.html",
        outcomes=outcomes,
        trouble=trouble,
        taken_for=taken_for,
        first=first,
        read=read,
        columns=COLUMNS,
        needed=NEEDED,
        most=MOST_ROWS,
        made=[each.made for each in outcomes or () if each.made],
        wrong=count_errors(outcomes or ()),
        result=base64.b64encode(result).decode(),
        address=_address,
    )


def _maker() -> LinkMaker:
    return LinkMaker(g.org_id, local=not current_app.extensions["settings"].https)


def _public_url() -> str:
    found: str = current_app.extensions["settings"].public_url
    return found


def _address(code: str) -> str:
    return f"{_public_url()}/r/{code}"


def _cursor_of(row: object) -> str:
    return f"{row.created_at.isoformat()}_{row.id}"  # type: ignore[attr-defined]


def _read_cursor(text: str) -> tuple[datetime, UUID] | None:
    """Read a cursor; an invalid one means the beginning of the list."""
    at, _underscore, link_id = text.partition("_")
    try:
        found = datetime.fromisoformat(at), UUID(link_id)
    except ValueError:
        return None
    return found if found[0].tzinfo else None
