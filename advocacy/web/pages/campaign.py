"""The first page of a campaign: a sentence, figures, a chart by day, the funnel, posts.

Figures stand beside those of an earlier period, by default of as many days before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from flask import g, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from advocacy.analytics.activation import MODELS, activation
from advocacy.analytics.figures import CampaignActivation, DayFigures, Money, PostFigures
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.analytics.goals import GoalProgress
from advocacy.analytics.result_cache import BeingCounted, NotCounted
from advocacy.core.dates import day_in
from advocacy.core.vocabulary import TIERS_MEAN, noun
from advocacy.reporting import formats
from advocacy.reporting.texts import post_named
from advocacy.reporting.timeline import Timeline, timeline
from advocacy.storage import inbox
from advocacy.storage.models import Campaign
from advocacy.web import auth
from advocacy.web.cached_figures import goals_of
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.dashboard import blueprint
from advocacy.web.errors import Problem
from advocacy.web.i18n import said
from advocacy.web.pages import live
from advocacy.web.periods import Period, menus_of, period_of

_MOST_POSTS = 25
"""How many posts a campaign's page lists; the page of posts has all."""

SORTS: Final[dict[str, Callable[[PostFigures], Any]]] = {
    "actions": lambda row: row.actions,
    "clicks": lambda row: row.clicks.human,
    "supporters": lambda row: row.supporters.distinct,
    "new": lambda row: row.supporters.new,
    "net": lambda row: max((sum_.net_minor or 0 for sum_ in row.money), default=0),
    "published": lambda row: (
        row.post.published_at.timestamp() if row.post and row.post.published_at else 0
    ),
}
"""By what posts can be ordered, the most or the newest first."""


@blueprint.get("/campaigns/<slug>")
@auth.needs_session
def campaign_page(slug: str) -> str:
    """Show one campaign: figures beside those before, a chart by day, the funnel, and posts."""
    campaign = campaign_or_404(slug)
    live_token = live.token_of(campaign)
    period = period_of(campaign)
    model = request.args.get("model") or MODELS[0]
    if model not in MODELS:
        raise Problem(
            422,
            _("No such model"),
            _("Available models: %(models)s.", models=", ".join(MODELS)),
        )
    report = activation(campaign, period.first, period.last, model)
    before = _before(campaign, period, model)
    sort = request.args.get("sort", "")
    sort = sort if sort in SORTS else "actions"
    platform = request.args.get("platform", "")
    posts = _posts(report.posts, sort, platform)
    drawn = timeline_of(report, before)
    return render_template(
        "campaign.html",
        report=report,
        before=before,
        sentences=sentences(report, before, period),
        menus=menus_of(period),
        posts=posts,
        most=_MOST_POSTS,
        has_more=sum(1 for row in report.posts if row.post) > sum(1 for row in posts if row.post),
        sort=sort,
        platform=platform,
        models=MODELS,
        live_token=live_token,
        unit=drawn.unit,
        chart=drawn_chart(drawn, period),
        kinds=[each.kind for each in drawn.series],
        gave=gave(report),
        goals=_goals(campaign),
        meaning=TIERS_MEAN,
        waiting=inbox.count_open(campaign.org_id),
        define=lambda name: _(DEFINITIONS[name]),
        net_before=lambda sum_: net_before(sum_, before),
        published=lambda row: day_in(row.post.published_at, campaign.timezone),
    )


def _before(campaign: Campaign, period: Period, model: str) -> CampaignActivation | None:
    """Return the report of the earlier period; None without a comparison or any figure in it."""
    if period.earlier is None:
        return None
    found = activation(campaign, *period.earlier, model)
    return found if found.actions or found.clicks.human else None


def _posts(rows: Sequence[PostFigures], sort: str, platform: str) -> list[PostFigures]:
    """Return the first posts in this order, of one platform if asked, then what has no post.

    Posts without a click or an action in these days are left out.
    """
    of_posts = [
        row
        for row in rows
        if row.post
        and platform in ("", row.post.platform)
        and (row.actions or row.clicks.human or row.money)
    ]
    of_posts.sort(key=SORTS[sort], reverse=True)
    rest = [] if platform else [row for row in rows if not row.post]
    return [*of_posts[:_MOST_POSTS], *rest]


def _goals(campaign: Campaign) -> list[GoalProgress]:
    """Return the goals of the campaign; none while they are being counted."""
    try:
        found, _at = goals_of(g.org_id)
    except (BeingCounted, NotCounted):
        return []
    return [each for each in found if each.campaign == campaign.slug]


def gave(report: CampaignActivation) -> int:
    """Return how many supporters gave."""
    return sum(each.supporters.distinct for each in report.by_kind if each.kind == "donation")


def net_before(sum_: Money, before: CampaignActivation | None) -> int | None:
    """Return the net amount of the earlier period in the currency of a sum."""
    if before is None:
        return None
    return next((each.net_minor for each in before.money if each.currency == sum_.currency), 0)


def sentences(
    report: CampaignActivation, before: CampaignActivation | None, period: Period | None = None
) -> list[str]:
    """Say in words who acted, how that differs from the earlier period, and which post led."""
    people = report.supporters
    if not people.distinct:
        return []
    found = [
        ngettext(
            "%(n)s person acted; %(new)s for the first time.",
            "%(n)s people acted; %(new)s for the first time.",
            people.distinct,
            n=formats.number(people.distinct),
            new=formats.number(people.new),
        )
    ]
    if before and before.supporters.distinct:
        found.append(_difference(people.distinct, before.supporters.distinct, period))
    first = next((row for row in report.posts if row.post and row.actions), None)
    if first and first.post:
        found.append(
            _(
                "The most actions came through %(post)s: %(n)s.",
                post=post_named(first.post.title, first.post.platform),
                n=formats.number(first.actions),
            )
        )
    return found


def _difference(now: int, then: int, period: Period | None) -> str:
    year = period is not None and period.compare == "year"
    if now == then:
        return str(
            _("As many as a year earlier.") if year else _("As many as in the period before.")
        )
    share = formats.percent(abs(now - then) / then)
    if now > then:
        return str(
            _("That is %(share)s more than a year earlier.", share=share)
            if year
            else _("That is %(share)s more than in the period before.", share=share)
        )
    return str(
        _("That is %(share)s fewer than a year earlier.", share=share)
        if year
        else _("That is %(share)s fewer than in the period before.", share=share)
    )


def timeline_of(report: CampaignActivation, before: CampaignActivation | None) -> Timeline:
    """Return the chart by day, with the earlier period and the days of published posts."""
    published = [
        (
            day_in(row.post.published_at, report.campaign.timezone),
            post_named(row.post.title, row.post.platform),
        )
        for row in report.posts
        if row.post and row.post.published_at
    ]
    earlier: Sequence[DayFigures] = before.by_day if before else ()
    return timeline(
        report.by_day,
        report.first,
        report.last,
        names=lambda kind: str(said(noun(kind))),
        before=earlier,
        before_first=before.first if before else None,
        marks=published,
    )


def drawn_chart(chart: Timeline, period: Period | None = None) -> dict[str, Any]:
    """Return what the script of the page draws."""
    year = period is not None and period.compare == "year"

    return chart.drawn(
        formats.month if chart.unit == "month" else formats.day_short,
        description=_("Actions by day, stacked by kind; the table below shows the same data."),
        actions=_("actions"),
        earlier=_("A year earlier") if year else _("Previous period"),
    )
