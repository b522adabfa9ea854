"""A campaign's posts: as rows to sort, filter and compare, and each on a page of its own.

The same rows can be of platforms, media, authors, tools, kinds, or of days, weeks, months, hours.
A file has the figures of the page, with all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _

from advocacy.analytics.activation import activation
from advocacy.analytics.breakdown import GROUPS, NONE, TIMES, Breakdown, Group, Question
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.analytics.post_story import FIRST_HOURS
from advocacy.analytics.post_story import first_hours_of as first_hours_of_post
from advocacy.core.dates import day_in
from advocacy.reporting import formats, svg
from advocacy.reporting.exports.breakdown import currencies_of
from advocacy.storage import posts as posts_storage
from advocacy.storage.models import Campaign, Post
from advocacy.storage.post_story import count_again
from advocacy.web import auth
from advocacy.web.breakdowns import BreakdownRequest, answer_for, report_for
from advocacy.web.cached_figures import first_hours_of, ladder_of, when
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.downloads import files_at
from advocacy.web.errors import Problem
from advocacy.web.pages.breakdown_names import (
    defined_figures,
    error_text,
    group_names,
    name_of_group,
    posts_by_key,
)
from advocacy.web.pages.campaign_view import CampaignView, address, question_of, view_of
from advocacy.web.periods import Choice

blueprint = Blueprint("posts", __name__)

PAGE_ROWS = 50

_SHOWN_GROUPS = ("post", "platform", "medium", "author", "source")
_ICONS: Final = {"video": "video", "image": "image", "text": "type"}


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its name and address, the post it is of, and its figures."""

    name: str
    href: str
    post: Post | None
    figures: Group
    icon: str


@dataclass(frozen=True, slots=True)
class Column:
    """The heading of a column; `href` sorts by it, `sorted` is `descending`, `ascending` or ''."""

    name: str
    label: str
    href: str = ""
    sorted: str = ""


def _clicks(row: Group) -> float:
    return row.clicks.human if row.clicks else -1


_ORDERS: Mapping[str, Callable[[Group], float]] = {
    "actions": lambda row: row.actions,
    "supporters": lambda row: row.supporters.distinct,
    "new": lambda row: row.supporters.new,
    "clicks": _clicks,
    "rate": lambda row: row.conversion_rate if row.conversion_rate is not None else -1,
    "net": lambda row: sum(each.net_minor for each in row.money),
}


@blueprint.get("/campaigns/<slug>/posts")
@auth.needs_session
def page(slug: str) -> str:
    """Show a campaign's posts, or its other groups, by their figures."""
    campaign = campaign_or_404(slug)
    view, report = _requested(campaign)
    by, question = report.group_by, view.question
    sort = _sort(by)
    shown = [each for each in report.groups if _has_figures(each)]
    ordered = _ordered(shown, sort)
    number = request.args.get("page", 1, type=int)
    begin = max(0, number - 1) * PAGE_ROWS
    posts = posts_by_key(campaign) if by == "post" else {}
    rows = [_row(view, by, each, posts) for each in ordered[begin : begin + PAGE_ROWS]]
    return render_template(
        "posts.html",
        view=view,
        report=report,
        rows=rows,
        by=by,
        name_of=group_names()[by],
        columns=_columns(by, sort, currencies_of(report, shown), gifts=question.gifts),
        currencies=currencies_of(report, shown),
        most=max((each.actions for each in shown), default=0),
        kinds=report.total.by_kind,
        groups=[
            (label, _address_of_group(key), key == by) for key, label in _shown_groups().items()
        ],
        others=[
            Choice(group_names()[each], _address_of_group(each), each == by)
            for each in ("kind", "day", "week", "month", "hour")
        ],
        gifts=Choice(
            _("Average gift and recurring share"),
            address(gifts=None if question.gifts else "true"),
            question.gifts,
        ),
        all_rows=len(ordered),
        without=len(report.groups) - len(shown),
        begin=begin,
        earlier=address(page=number - 1) if begin else "",
        more=address(page=number + 1) if begin + PAGE_ROWS < len(ordered) else "",
        counted=when(report.counted_at, report.about.timezone),
        define=lambda name: _(DEFINITIONS[name]),
        defined=defined_figures(question.gifts),
        files=files_at(lambda written: _address_of_file(view, by, written)),
    )


@blueprint.get("/campaigns/<slug>/posts.<any(csv, xlsx, json):written>")
@auth.needs_session
def file(slug: str, written: str) -> Response:
    """Return what the page shows, with all of its rows, as a file."""
    campaign = campaign_or_404(slug)
    question = _question(campaign)
    answer = answer_for(campaign, BreakdownRequest(question, None, "", written), written)
    name = f"{slug}-by-{question.by}.{written}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _question(campaign: Campaign) -> Question:
    by = request.args.get("group_by") or "post"
    if by not in GROUPS:
        raise Problem(422, _("No such figures"), error_text("group_by", ""))
    return question_of(campaign, by, gifts=request.args.get("gifts") == "true")


def _requested(campaign: Campaign) -> tuple[CampaignView, Breakdown]:
    question = _question(campaign)
    try:
        report = report_for(campaign, question)
    except Problem as problem:
        text = " ".join(error_text(each["field"], each["message"]) for each in problem.errors)
        raise Problem(422, _("No such figures"), text) from None
    return view_of(campaign, question), report


def _has_figures(row: Group) -> bool:
    return bool(row.actions or row.supporters.distinct or (row.clicks and row.clicks.human))


# Rows and columns ---------------------------------------------------------------------------------


def _row(view: CampaignView, by: str, group: Group, posts: Mapping[str, Post]) -> Row:
    post = posts.get(group.key)
    return Row(
        name=name_of_group(by, group),
        href=_address_of_row(view, by, group, post),
        post=post,
        figures=group,
        icon=_ICONS.get(post.medium, "") if post else "",
    )


def _address_of_row(view: CampaignView, by: str, group: Group, post: Post | None) -> str:
    """Return where a row leads: to the page of a post, or to the posts that it stands for."""
    if by == "post":
        if post is None or post.campaign_id != view.campaign.id:
            return ""
        kept: dict[str, Any] = {
            "from": view.first,
            "to": view.last,
            "model": request.args.get("model"),
        }
        return url_for("posts.post_page", slug=view.campaign.slug, post_id=post.id, **kept)
    changes: dict[str, Any] = {"group_by": None, "sort": None}
    if by in TIMES:
        if group.first is None:
            return ""
        return address(**changes, **{"from": group.first, "to": group.last})
    return address(**changes, **{by: group.key})


def _columns(by: str, sort: str, currencies: Sequence[str], *, gifts: bool) -> list[Column]:
    labels = {
        "actions": _("Actions"),
        "supporters": _("Supporters"),
        "new": _("New"),
        "clicks": _("Clicks"),
        "rate": _("Conversion rate"),
        "net": _("Net raised"),
    }
    if not currencies:
        del labels["net"]
    if by in {"kind", "source"}:
        del labels["clicks"], labels["rate"]
    found = [_column(name, label, sort) for name, label in labels.items()]
    if gifts and currencies:
        found += [Column("average", _("Average gift")), Column("recurring", _("Recurring share"))]
    return found


def _column(name: str, label: str, sort: str) -> Column:
    """Return a column whose heading sorts: the most first, then by the least."""
    turned = sort == f"-{name}"
    sorted_ = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
    return Column(name, label, address(sort=name if turned else f"-{name}"), sorted_)


def _sort(by: str) -> str:
    """Return the order that is asked for, with a minus for the most first; '' is that of time."""
    found = request.args.get("sort") or ("" if by in TIMES else "-actions")
    if found and found.removeprefix("-") not in _ORDERS:
        raise Problem(422, _("No such figures"), error_text("sort", ""))
    return found


def _ordered(rows: Sequence[Group], sort: str) -> list[Group]:
    """Return rows in order; what has no key comes last, as in reports, unless sorted by time."""
    if not sort:
        return list(rows)
    value = _ORDERS[sort.removeprefix("-")]
    ordered = sorted(rows, key=value, reverse=sort.startswith("-"))
    return sorted(ordered, key=lambda row: row.key == NONE)


def _shown_groups() -> dict[str, str]:
    labels = (_("Posts"), _("Platforms"), _("Media"), _("Authors"), _("Tools"))
    return dict(zip(_SHOWN_GROUPS, labels, strict=True))


def _address_of_group(by: str) -> str:
    return address(group_by=None if by == "post" else by, sort=None)


def _address_of_file(view: CampaignView, by: str, written: str) -> str:
    parameters: dict[str, Any] = {
        name: values
        for name, values in request.args.to_dict(flat=False).items()
        if name not in {"page", "sort"} and any(values)
    }
    parameters |= {"group_by": by, "from": view.first, "to": view.last}
    return url_for("posts.file", slug=view.campaign.slug, written=written, **parameters)


# One post -----------------------------------------------------------------------------------------


@blueprint.get("/campaigns/<slug>/posts/<uuid:post_id>")
@auth.needs_session
def post_page(slug: str, post_id: UUID) -> str:
    """Show one post: its figures, its first hours, and what its supporters did next."""
    campaign = campaign_or_404(slug)
    posts = {post.id: post for post in posts_storage.list_posts(campaign.org_id, campaign.id)}
    post = posts.get(post_id)
    if post is None:
        raise Problem(404, _("Not Found"), _("There is no such post in this campaign."))
    question = question_of(campaign, "kind")
    question = replace(question, filters={"post": [str(post_id)]})
    view = view_of(campaign, replace(question, filters={}))
    try:
        report = report_for(campaign, question)
        by_day = report_for(campaign, replace(question, by="day", compare=""))
    except Problem as problem:
        text = " ".join(error_text(each["field"], each["message"]) for each in problem.errors)
        raise Problem(422, _("No such figures"), text) from None
    activated = activation(campaign, view.first, view.last, question.model)
    ranked = [row for row in activated.posts if row.post and row.actions]
    own = next((row for row in activated.posts if row.post and row.post.id == post_id), None)
    rank = next((n for n, row in enumerate(ranked, 1) if row.post and row.post.id == post_id), 0)
    climbs = ladder_of(campaign.org_id, campaign, view.first, view.last)
    climbed = next((row for row in climbs.posts if row.post and row.post.id == post_id), None)
    hours = first_hours_of_post(campaign, post_id, first_hours_of(campaign))
    return render_template(
        "post_page.html",
        view=view,
        post=post,
        called=post.title or post.url or str(post.id),
        report=report,
        own=own,
        rank=rank,
        ranked=len(ranked),
        days=_days_without_gaps(by_day, view),
        by_day=by_day.groups,
        again=count_again(campaign.org_id, campaign.id, post_id, view.first, view.last),
        climbed=climbed,
        hours=hours,
        curves=svg.curves([hours.actions, hours.median], FIRST_HOURS),
        counted=when(report.counted_at, report.about.timezone),
        define=lambda name: _(DEFINITIONS[name]),
        defined=defined_figures(False),
        files=files_at(
            lambda written: url_for(
                "posts.file",
                slug=slug,
                written=written,
                post=post_id,
                group_by="day",
                **{"from": view.first, "to": view.last},  # type: ignore[arg-type]
            )
        ),
    )


@blueprint.app_template_filter("local_day")
def local_day(at: datetime, timezone: str) -> str:
    """Format the day of an instant in a time zone."""
    return formats.day(day_in(at, timezone))


def _days_without_gaps(report: Breakdown, view: CampaignView) -> list[float]:
    """Return the actions of each day of the range, up to today."""
    actions = {each.key: each.actions for each in report.groups}
    today = day_in(datetime.now(UTC), view.campaign.timezone)
    days = range(view.first.toordinal(), min(view.last, today).toordinal() + 1)
    return [actions.get(date.fromordinal(each).isoformat(), 0) for each in days]
