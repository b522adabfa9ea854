"""The organization's page that groups activation, filters and compares it, and its files.

A campaign's own figures by groups are on `pages/posts.py`; its former addresses here lead there.

Note: the form has the parameters of the API, and the links to files have those of the page, so that
a file has what is on the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import ValidationError
from werkzeug.wrappers import Response as WerkzeugResponse

from advocacy.analytics.activation import MODELS
from advocacy.analytics.breakdown import (
    FILTERS_OF_ORGANIZATION,
    GROUPS_OF_ORGANIZATION,
    TIMES,
    Breakdown,
    Group,
    key_of_day,
)
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.core.dates import day_in
from advocacy.reporting import charts
from advocacy.reporting.exports.breakdown import currencies_of
from advocacy.storage import organizations
from advocacy.storage.models import Organization
from advocacy.web import auth
from advocacy.web.breakdowns import (
    DEFAULT_LIMIT,
    BreakdownRequest,
    GroupsQueryOfOrganization,
    answer_for,
    page_for,
    report_for,
)
from advocacy.web.cached_figures import when
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.downloads import files_at
from advocacy.web.errors import Problem
from advocacy.web.pages.breakdown_names import (
    defined_figures,
    error_text,
    filters_of,
    group_names,
    name_of_group,
    name_of_label,
    posts_by_key,
    subject_of,
)
from advocacy.web.periods import NO_COMPARISON

blueprint = Blueprint("explore", __name__)

_MAX_BARS = 40
_MAX_TIMES = 400


@blueprint.get("/campaigns/<slug>/explore")
@auth.needs_session
def page(slug: str) -> WerkzeugResponse:
    """Redirect from the former address of a campaign's posts, or of one post."""
    campaign_or_404(slug)
    parameters: dict[str, Any] = request.args.to_dict(flat=False)
    match parameters:
        case {"post": [post_id], "group_by": ["day"]} if found := _uuid(post_id):
            del parameters["post"], parameters["group_by"]
            return redirect(url_for("posts.post_page", slug=slug, post_id=found, **parameters), 301)
    return redirect(url_for("posts.page", slug=slug, **parameters), 301)


@blueprint.get("/campaigns/<slug>/explore.<any(csv, xlsx, json):written>")
@auth.needs_session
def file(slug: str, written: str) -> WerkzeugResponse:
    """Redirect from the former address of the same file."""
    campaign_or_404(slug)
    parameters: dict[str, Any] = request.args.to_dict(flat=False)
    return redirect(url_for("posts.file", slug=slug, written=written, **parameters), 301)


@blueprint.get("/explore")
@auth.needs_session
def organization_page() -> str:
    """Show the organization's activation by groups."""
    return _page(_organization())


@blueprint.get("/explore.<any(csv, xlsx, json):written>")
@auth.needs_session
def organization_file(written: str) -> Response:
    """Return what the organization's page shows, with all of its groups, as a file."""
    return _file(_organization(), written)


def _file(scope: Organization, written: str) -> Response:
    wanted = _request()
    answer = answer_for(scope, wanted, written)
    name = f"{scope.slug}-by-{wanted.question.by}.{written}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _page(scope: Organization) -> str:
    wanted = _request()
    question = wanted.question
    try:
        report = report_for(scope, question)
        rows, after = page_for(report, wanted.limit or DEFAULT_LIMIT, wanted.cursor)
    except Problem as problem:
        text = " ".join(error_text(each["field"], each["message"]) for each in problem.errors)
        raise Problem(422, _("No such figures"), text) from None
    names = {each.key: name_of_group(question.by, each) for each in rows}
    parameters = request.args.to_dict(flat=False)
    return render_template(
        "explore.html",
        report=report,
        only=subject_of(scope, question),
        counted=when(report.counted_at, report.about.timezone),
        rows=rows,
        named=names,
        posts=posts_by_key(scope) if question.by == "post" else {},
        by=question.by,
        groups={by: group_names()[by] for by in GROUPS_OF_ORGANIZATION},
        models=MODELS,
        compare=question.compare,
        gifts=question.gifts,
        filters=filters_of(scope, question),
        currencies=currencies_of(report, rows),
        define=lambda name: _(DEFINITIONS[name]),
        defined=defined_figures(question.gifts),
        chart=_chart(report, rows, names),
        more=after and _address("page", {**parameters, "cursor": [after]}),
        begins=bool(wanted.cursor) and _address("page", _without(parameters, "cursor")),
        files=files_at(
            lambda written: _address("file", _without(parameters, "cursor", "limit"), written)
        ),
    )


def _request() -> BreakdownRequest:
    """Return what the query asks for; empty fields are left out. Raises `Problem`."""
    parameters: dict[str, str | list[str]] = {}
    for name, values in request.args.lists():
        if given := [
            value for value in values if value and (name, value) != ("compare", NO_COMPARISON)
        ]:
            parameters[name] = given if name in FILTERS_OF_ORGANIZATION else given[-1]
    try:
        found: BreakdownRequest = GroupsQueryOfOrganization().load(parameters)
    except ValidationError as error:
        names = ", ".join(map(str, error.messages))
        raise Problem(
            422,
            _("No such figures"),
            _(
                "The link contains invalid values: %(names)s. Enter dates as "
                "YYYY-MM-DD, with the first not after the last, and choose everything "
                "else in the form.",
                names=names,
            ),
        ) from None
    return found


def _address(view: str, parameters: dict[str, list[str]], written: str = "") -> str:
    path = {"written": written} if written else {}
    return url_for(f"explore.organization_{view}", **path, **parameters)  # type: ignore[arg-type]


def _without(parameters: dict[str, list[str]], *names: str) -> dict[str, list[str]]:
    return {name: values for name, values in parameters.items() if name not in names}


def _chart(report: Breakdown, rows: Sequence[Group], names: dict[str, str]) -> charts.Definition:
    shown = rows if report.group_by in TIMES else rows[:_MAX_BARS]
    then = (
        {"before": _("previous period"), "year": _("a year earlier")}[report.compare.how]
        if report.compare
        else ""
    )
    now = _("these days")
    bars = {
        each.key: [
            {"group": names[each.key], "actions": figures.actions, "period": period}
            for figures, period in ((each.earlier, then), (each, now))
            if figures
        ]
        for each in shown
    }
    values = [each for of_key in bars.values() for each in of_key]
    if keys := _keys_without_gaps(report, rows):
        nothing = [{"actions": 0, "period": period} for period in (then, now) if period]
        values = [
            each
            for key in keys
            for each in bars.get(key)
            or (
                []
                if key in names
                else [{"group": name_of_label(report.group_by, key), **zero} for zero in nothing]
            )
        ]
    return charts.beside(
        values,
        ("group", "actions", "period"),
        [name for name in (then, now) if name],
        _("Actions by group; the table below shows the same data."),
        _("actions"),
    )


def _keys_without_gaps(report: Breakdown, rows: Sequence[Group]) -> list[str]:
    """Return the keys of all days, weeks or months from the first row on; none for other groups.

    They end with the range, today at the latest; if there are more rows, with the last of these.
    A day without any figure has no row, and is shown as a gap in a chart.
    """
    by = report.group_by
    if by not in {"day", "week", "month"} or not rows:
        return []
    first, last = rows[0].first, rows[-1].last
    if first is None or last is None:
        return []
    if rows[-1].key == report.groups[-1].key:
        today = day_in(datetime.now(UTC), report.about.timezone)
        last = max(last, min(report.last, today))
    days = range(first.toordinal(), last.toordinal() + 1)
    found = list(dict.fromkeys(key_of_day(by, date.fromordinal(each)) for each in days))
    return found if len(found) <= _MAX_TIMES else []


def _organization() -> Organization:
    owner = organizations.find_organization(g.org_id)
    if owner is None:
        raise Problem(404, _("Not Found"), _("There is no such organization."))
    return owner


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
