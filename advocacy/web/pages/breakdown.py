"""The page that groups activation, filters it and compares it, and the same figures as files.

Note: the form's address is the question, in the words of the API; the
links to files have the same one, so that a file is what is on the screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import ValidationError

from advocacy.analytics.activation import MODELS
from advocacy.analytics.breakdown import (
    FILTERS,
    FILTERS_OF_ORGANIZATION,
    GROUPS,
    GROUPS_OF_ORGANIZATION,
    HOURS,
    NONE,
    TIMES,
    key_of_day,
)
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.core.dates import day_in
from advocacy.core.events import ActionKind
from advocacy.core.platforms import channel_of
from advocacy.core.vocabulary import noun, platform_named, post_named
from advocacy.reporting import charts, formats
from advocacy.storage import campaigns, organizations
from advocacy.storage import posts as posts_storage
from advocacy.storage import sources as sources_storage
from advocacy.storage.models import Campaign, Organization
from advocacy.web import auth
from advocacy.web.breakdowns import (
    USUAL_LIMIT,
    GroupsQuery,
    GroupsQueryOfOrganization,
    answer_for,
    report_for,
    shown_of,
)
from advocacy.web.cached_figures import when
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.downloads import files_at
from advocacy.web.errors import Problem
from advocacy.web.i18n import said

blueprint = Blueprint("explore", __name__)

_MOST_BARS = 40
_MOST_TIMES = 400
_FILES = ("csv", "xlsx", "json")


@blueprint.get("/campaigns/<slug>/explore")
@auth.needs_session
def page(slug: str) -> str:
    """Show a campaign's activation by groups."""
    return _page(campaign_or_404(slug))


@blueprint.get("/explore")
@auth.needs_session
def organization_page() -> str:
    """Show the organization's activation by groups."""
    return _page(_organization())


@blueprint.get("/campaigns/<slug>/explore.<any(csv, xlsx, json):written>")
@auth.needs_session
def file(slug: str, written: str) -> Response:
    """Hand over what the page shows, all of its groups."""
    return _file(campaign_or_404(slug), slug, written)


@blueprint.get("/explore.<any(csv, xlsx, json):written>")
@auth.needs_session
def organization_file(written: str) -> Response:
    """Hand over what the organization's page shows, all of its groups."""
    scope = _organization()
    return _file(scope, scope.slug, written)


def _file(scope: Campaign | Organization, slug: str, written: str) -> Response:
    query = _query(scope)
    answer = answer_for(scope, query, written)
    name = f"{slug}-by-{query['by']}.{written}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _page(scope: Campaign | Organization) -> str:
    query = _query(scope)
    try:
        report = report_for(scope, query)
        rows, after = shown_of(report, query.get("limit") or USUAL_LIMIT, query.get("cursor", ""))
    except Problem as problem:
        told = " ".join(_trouble(each["field"], each["message"]) for each in problem.errors)
        raise Problem(422, _("No such figures"), told) from None
    campaign = scope if isinstance(scope, Campaign) else None
    named = {each["key"]: _named(query["by"], each) for each in rows}
    asked = request.args.to_dict(flat=False)
    return render_template(
        "explore.html",
        report=report,
        only=_only(scope, query),
        counted=when(report["counted_at"], report["about"]["timezone"]),
        rows=rows,
        named=named,
        posts=_posts(scope) if query["by"] == "post" else {},
        campaign=campaign,
        by=query["by"],
        groups={by: _groups()[by] for by in (GROUPS if campaign else GROUPS_OF_ORGANIZATION)},
        models=MODELS,
        compare=query.get("compare", ""),
        gifts=query["gifts"],
        filters=_filters(scope, query),
        currencies=sorted(
            {
                sum_["currency"]
                for each in (report["total"], *rows)
                for sum_ in (*each["money"], *(each["earlier"] or {"money": ()})["money"])
            }
        ),
        define=lambda name: _(DEFINITIONS[name]),
        defined=_defined(query["gifts"]),
        chart=_chart(report, rows, named),
        more=after and _address(campaign, "page", {**asked, "cursor": [after]}),
        begins=bool(query.get("cursor", ""))
        and _address(campaign, "page", _without(asked, "cursor")),
        files=files_at(
            lambda written: _address(campaign, "file", _without(asked, "cursor", "limit"), written)
        ),
    )


def _trouble(field: str, message: str) -> str:
    """Say in the reader's language what the API says of a field."""
    match field:
        case "from":
            told = said(message)
            return f"{told[:1].upper()}{told[1:]}."
        case "cursor":
            return str(_("This link continues a different selection. Start again."))
    called = _groups().get(field, field)
    return str(
        _("%(what)s: the link contains a value that does not exist. Choose again.", what=called)
    )


def _query(scope: Campaign | Organization) -> dict[str, Any]:
    """Return what the address asks for; fields left empty are not asked for. Raises `Problem`."""
    several = set(FILTERS_OF_ORGANIZATION)
    asked: dict[str, Any] = {}
    for name, values in request.args.lists():
        if given := [value for value in values if value]:
            asked[name] = given if name in several else given[-1]
    schema = GroupsQuery() if isinstance(scope, Campaign) else GroupsQueryOfOrganization()
    try:
        found: dict[str, Any] = schema.load(asked)
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


def _address(
    campaign: Campaign | None, what: str, asked: dict[str, list[str]], written: str = ""
) -> str:
    where = {"slug": campaign.slug} if campaign else {}
    where |= {"written": written} if written else {}
    name = what if campaign else f"organization_{what}"
    return url_for(f"explore.{name}", **where, **asked)  # type: ignore[arg-type]


def _without(asked: dict[str, list[str]], *names: str) -> dict[str, list[str]]:
    return {name: values for name, values in asked.items() if name not in names}


def _groups() -> dict[str, str]:
    return {
        "campaign": _("Campaign"),
        "post": _("Post"),
        "platform": _("Platform"),
        "medium": _("Medium"),
        "author": _("Author"),
        "kind": _("Kind"),
        "source": _("Source"),
        "hour": _("Hour"),
        "day": _("Day"),
        "week": _("Week"),
        "month": _("Month"),
    }


def _named(by: str, row: dict[str, Any]) -> str:
    """Return what a row is called on the page."""
    if row["key"] == NONE:
        nothing: dict[str, str] = {
            "post": _("Unattributed"),
            "campaign": _("No campaign"),
            "medium": _("No medium given"),
            "author": _("No author given"),
        }
        return nothing.get(by) or str(_("unknown"))
    if by == "hour":
        day, _separator, clock = row["key"].partition("T")
        return f"{formats.day(day)} {clock[:5]} ({clock[5:]})"
    return _called(by, str(row["label"]))


def _called(by: str, label: str) -> str:
    match by:
        case "kind":
            return said(noun(label))
        case "platform":
            return platform_named(label)
        case "day":
            return formats.day(label)
    return label


def _only(scope: Campaign | Organization, query: dict[str, Any]) -> dict[str, str] | None:
    """Return what the page is about where it lets through one post or one platform alone.

    As {called, url}; the url is the post's own address, or ''.
    """
    wanted = {name: query[name] for name in FILTERS_OF_ORGANIZATION if query.get(name)}
    match wanted:
        case {"post": [key], **others} if not others and key != NONE:
            org_id = scope.org_id if isinstance(scope, Campaign) else scope.id
            post = posts_storage.get_post(org_id, UUID(key))
            called = said(post_named(post.title, post.platform, channel_of(post.platform)))
            url = post.url if post.url.startswith("https://") else ""
            return {"called": called[:1].upper() + called[1:], "url": url}
        case {"platform": [key], **others} if not others and key != NONE:
            return {"called": platform_named(key), "url": ""}
    return None


def _posts(scope: Campaign | Organization) -> dict[str, Any]:
    """Return the posts by the keys of their rows."""
    if isinstance(scope, Campaign):
        found = posts_storage.list_posts(scope.org_id, scope.id)
    else:
        found = posts_storage.list_posts(scope.id)
    return {str(post.id): post for post in found}


def _filters(scope: Campaign | Organization, query: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the filters with what can be chosen: (key, name) each."""
    is_campaign = isinstance(scope, Campaign)
    org_id = scope.org_id if isinstance(scope, Campaign) else scope.id
    posts = _posts(scope).values()
    sources = sources_storage.list_sources(org_id)
    nothing = (NONE, _("unknown"))
    choices: dict[str, list[tuple[str, str]]] = {
        "post": [(str(post.id), post.title or post.url or str(post.id)) for post in posts],
        "platform": [
            (key, platform_named(key)) for key, _name in _words(post.platform for post in posts)
        ],
        "medium": _words(post.medium for post in posts),
        "author": _words(post.author for post in posts),
        "kind": [(each.value, said(noun(each.value))) for each in ActionKind],
        "source": [(str(source.id), source.name) for source in sources],
        "hour": [(hour, f"{hour}:00–{hour}:59") for hour in HOURS],
        "campaign": []
        if is_campaign
        else [(each.slug, each.name) for each in campaigns.list_campaigns(org_id)],
    }
    for name in ("post", "platform", "medium", "author", "campaign"):
        choices[name].append(nothing)
    found = []
    for name in FILTERS if is_campaign else FILTERS_OF_ORGANIZATION:
        known = {key for key, _name in choices[name]}
        extra = [(key, key) for key in query[name] if key not in known]
        found.append(
            {
                "name": name,
                "called": _groups()[name],
                "chosen": query[name],
                "choices": [*choices[name], *extra],
            }
        )
    return found


def _words(written: Iterable[str]) -> list[tuple[str, str]]:
    return [(each, each) for each in sorted(set(written) - {""})]


def _defined(gifts: bool) -> list[tuple[str, str]]:
    found = [
        (_("Actions"), "actions"),
        (_("Supporters"), "supporters"),
        (_("New"), "new"),
        (_("Returning"), "returning"),
        (_("Human clicks"), "clicks"),
        (_("Conversion rate"), "conversion_rate"),
        (_("Activation rate"), "activation_rate"),
        (_("Net raised"), "raised"),
        (_("Credit"), "window"),
        (_("Previous period, a year earlier"), "compared"),
        (_("Days, weeks, months and hours"), "group_days"),
    ]
    if gifts:
        found += [(_("Average gift"), "average_gift"), (_("Recurring share"), "recurring_share")]
    return found


def _chart(
    report: dict[str, Any], rows: Sequence[dict[str, Any]], named: dict[str, str]
) -> dict[str, Any]:
    shown = [each for each in rows if each["actions"] is not None]
    if report["group_by"] not in TIMES:
        shown = shown[:_MOST_BARS]
    then = (
        {"before": _("previous period"), "year": _("a year earlier")}[report["compare"]["with"]]
        if report["compare"]
        else ""
    )
    now = _("these days")
    counted = {
        each["key"]: [
            {"group": named[each["key"]], "actions": figures["actions"], "period": period}
            for figures, period in ((each["earlier"], then), (each, now))
            if figures and figures["actions"] is not None
        ]
        for each in shown
    }
    values = [each for of_key in counted.values() for each in of_key]
    if keys := _without_gaps(report, rows):
        nothing = [{"actions": 0, "period": period} for period in (then, now) if period]
        values = [
            each
            for key in keys
            for each in counted.get(key)
            or (
                []
                if key in named
                else [{"group": _called(report["group_by"], key), **zero} for zero in nothing]
            )
        ]
    return charts.beside(
        values,
        ("group", "actions", "period"),
        [name for name in (then, now) if name],
        _("Actions by group; the table below shows the same data."),
        _("actions"),
    )


def _without_gaps(report: dict[str, Any], rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the keys of all time from the first row on; none where that is not apt.

    It ends with the range, today at the latest; where there are more rows, with the last of these.

    A day on which nothing was counted has no row, and is seen as such in a chart.
    """
    by = report["group_by"]
    if by not in {"day", "week", "month"} or not rows:
        return []
    last = rows[-1]["to"]
    if rows[-1]["key"] == report["groups"][-1]["key"]:
        today = day_in(datetime.now(UTC), report["about"]["timezone"])
        last = max(last, min(report["to"], today))
    days = range(rows[0]["from"].toordinal(), last.toordinal() + 1)
    found = list(dict.fromkeys(key_of_day(by, date.fromordinal(each)) for each in days))
    return found if len(found) <= _MOST_TIMES else []


def _organization() -> Organization:
    owner = organizations.find_organization(g.org_id)
    if owner is None:
        raise Problem(404, _("Not Found"), _("There is no such organization."))
    return owner
