"""The overview: a sentence, figures and their course, campaigns, what needs attention, posts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from flask import g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from advocacy.analytics.activation import MODELS
from advocacy.analytics.breakdown import Breakdown, GroupFigures, Question
from advocacy.analytics.figures import Clicks, Number, People, whole
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.analytics.goals import GoalProgress
from advocacy.analytics.result_cache import BeingCounted, NotCounted
from advocacy.analytics.tracking_loss import (
    BEFORE_DAYS,
    LATELY_DAYS,
    Carried,
    in_words,
    lost_sources,
)
from advocacy.core.cells import NO_ID, UNIT
from advocacy.core.dates import day_in
from advocacy.core.messages import Phrase
from advocacy.providers import BY_SLUG
from advocacy.reporting import formats
from advocacy.reporting.email.surge_alerts import SHOWN
from advocacy.storage import (
    campaigns,
    email_outbox,
    inbox,
    organizations,
    source_health,
    surges,
    totals,
)
from advocacy.storage import posts as posts_storage
from advocacy.storage.models import Campaign, Organization, Post
from advocacy.web import auth
from advocacy.web.cached_figures import goals_of, groups_of
from advocacy.web.dashboard import blueprint
from advocacy.web.i18n import said
from advocacy.web.periods import Period, menus_of, period_of

_COURSE_WEEKS: Final = 8
_OLD_DAYS: Final = frozenset({7, 30, 90})
"""Numbers of days that links to this page used to have."""

_TOP_DAYS: Final = 7
_TOP_POSTS: Final = 5
_MOST_CAMPAIGNS: Final = 30
"""Campaigns with a line of their course; further ones have figures only."""

_NOTHING: Final = GroupFigures(
    actions=0,
    supporters=People(),
    clicks=Clicks(),
    conversion_rate=None,
    activation_rate=None,
    money=(),
)

SILENT: Final = timedelta(days=7)
"""A source that delivered within a month, but not for so long, is worth a look."""


@dataclass(frozen=True, slots=True)
class TopPost:
    """A post with its actions of the last days."""

    post: Post
    slug: str
    campaign: str
    actions: Number
    by_kind: dict[str, Number]


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that needs somebody's attention: what it is, and where to look after it."""

    icon: str
    text: str
    href: str
    action: str
    urgent: bool = True


@blueprint.get("/")
@auth.needs_session
def overview() -> auth.Page:
    """Show all campaigns beside the period before, and what needs attention."""
    now = datetime.now(UTC)
    owner = organizations.find_organization(g.org_id)
    if owner and (days := request.args.get("days", type=int)) in _OLD_DAYS:
        today = day_in(now, owner.timezone)
        first = today - timedelta(days=days - 1)
        return redirect(f"{url_for('dashboard.overview')}?from={first}&to={today}")
    period = period_of(owner) if owner else None
    lately = _lately(owner, period) if owner and period else None
    found = campaigns.list_campaigns(g.org_id)
    goals = _goals()
    return render_template(
        "overview.html",
        lately=lately,
        period=period,
        menus=period and menus_of(period),
        sentences=_sentences(lately) if lately else [],
        weeks=_weeks(owner, period) if owner and period and lately and lately.groups else [],
        courses=_courses(found, lately) if lately else {},
        goals=_by_campaign(goals),
        attention=_attention(now, goals),
        surges=surges.list_surges(g.org_id, now - SHOWN),
        top=_top_posts(found, lately, now) if lately else [],
        define=lambda name: _(DEFINITIONS[name]),
    )


def _lately(owner: Organization, period: Period) -> Breakdown:
    """Return the activation of the period by campaign, beside the one before."""
    question = Question("campaign", period.first, period.last, compare=period.compare)
    return groups_of(owner, question)


def _sentences(lately: Breakdown) -> list[str]:
    people, change = lately.total.supporters, lately.total.change
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
    if change and change.supporters.share:
        share = formats.percent(abs(change.supporters.share))
        found.append(
            _("That is %(share)s more than in the period before.", share=share)
            if change.supporters.share > 0
            else _("That is %(share)s fewer than in the period before.", share=share)
        )
    first = max(lately.groups, key=lambda each: each.actions, default=None)
    if first and first.actions and first.label and len(lately.groups) > 1:
        found.append(
            _(
                "The most actions were for “%(campaign)s”: %(n)s.",
                campaign=first.label,
                n=formats.number(first.actions),
            )
        )
    return found


def _weeks(owner: Organization, period: Period) -> Sequence[GroupFigures]:
    """Return the last eight weeks up to the end of the period, for the course of each figure."""
    monday = period.last - timedelta(days=min(period.last.weekday(), (period.last - date.min).days))
    back = min(_COURSE_WEEKS - 1, (monday - date.min).days // 7)
    first = monday - timedelta(weeks=back)
    found = groups_of(owner, Question("week", first, period.last)).groups
    by_week = {(each.first - first).days // 7: each for each in found if each.first}
    return [by_week.get(number, _NOTHING) for number in range(back + 1)]


def _courses(found: Iterable[Campaign], lately: Breakdown) -> dict[str, list[Number]]:
    """Return the actions by day of each campaign that has some, by slug."""
    active = [each.key for each in lately.groups if each.actions][:_MOST_CAMPAIGNS]
    length = (lately.last - lately.first).days + 1
    if length > 400:
        return {}
    courses: dict[str, list[Number]] = {}
    for campaign in found:
        if campaign.slug not in active:
            continue
        values = [0.0] * length
        for row in totals.read_days(g.org_id, campaign.id, lately.first, lately.last, lately.model):
            values[(row.day - lately.first).days] += row.units / UNIT
        courses[campaign.slug] = _thinned(values)
    return courses


def _thinned(values: Sequence[float], most: int = 31) -> list[Number]:
    """Return the sums of equal stretches of days, so that a small line can be read."""
    size = -(-len(values) // most)
    return [whole(sum(values[at : at + size])) for at in range(0, len(values), size)]


def _top_posts(found: Sequence[Campaign], lately: Breakdown, now: datetime) -> list[TopPost]:
    """Return the posts with the most actions of the last seven days, over all campaigns."""
    active = {each.key for each in lately.groups if each.actions}
    candidates: list[TopPost] = []
    for campaign in [each for each in found if each.slug in active][:_MOST_CAMPAIGNS]:
        today = day_in(now, campaign.timezone)
        first = today - timedelta(days=_TOP_DAYS - 1)
        kinds: dict[UUID, dict[str, float]] = defaultdict(lambda: defaultdict(int))
        for row in totals.read_totals(g.org_id, campaign.id, first, today, MODELS[0]):
            if row.tier is None and row.kind and row.post_id != NO_ID:
                kinds[row.post_id][row.kind] += row.units / UNIT
        if not kinds:
            continue
        posts = {post.id: post for post in posts_storage.list_posts(g.org_id, campaign.id)}
        candidates += [
            TopPost(
                posts[post_id],
                campaign.slug,
                campaign.name,
                whole(sum(by_kind.values(), 0.0)),
                {kind: whole(n) for kind, n in by_kind.items()},
            )
            for post_id, by_kind in kinds.items()
            if post_id in posts and any(by_kind.values())
        ]
    return sorted(candidates, key=lambda each: -each.actions)[:_TOP_POSTS]


def _goals() -> Sequence[GoalProgress]:
    """Return all goals; none while they are being counted."""
    try:
        return goals_of(g.org_id)[0]
    except (BeingCounted, NotCounted):
        return ()


def _by_campaign(goals: Iterable[GoalProgress]) -> dict[str, GoalProgress]:
    """Return the goal of each campaign that ends first of those that run."""
    shown: dict[str, GoalProgress] = {}
    for goal in goals:
        if goal.campaign and goal.days_left >= 0 and goal.state != "not_begun":
            shown.setdefault(goal.campaign, goal)
    return shown


def _attention(now: datetime, goals: Iterable[GoalProgress]) -> list[Attention]:
    """Return what needs attention: lost codes, unreadable messages, silent tools, goals, mails."""
    to_sources = url_for("connections.page")
    found = []
    for name, words in _lost():
        text = _("%(source)s has stopped returning tracking codes.", source=name)
        found.append(Attention("unlink", f"{text} {said(words)}", to_sources, _("View details")))
    if quarantined := inbox.count_open(g.org_id).quarantined:
        text = ngettext(
            "%(n)s delivery could not be read.",
            "%(n)s deliveries could not be read.",
            quarantined,
            n=formats.number(quarantined),
        )
        found.append(Attention("file-x", text, url_for("quarantine.page"), _("Review and retry")))
    if stuck := email_outbox.count_stuck(g.org_id, now):
        text = ngettext(
            "%(num)s report could not be sent.", "%(num)s reports could not be sent.", stuck
        )
        href = url_for("reports.page", _anchor="sent") if g.role in ("editor", "owner") else ""
        found.append(Attention("mail-warning", text, href, _("View details")))
    for health in source_health.read_health(g.org_id):
        if health.disabled or health.newest is None or now - health.newest < SILENT:
            continue
        days = (now - health.newest).days
        text = ngettext(
            "%(source)s has sent nothing for %(days)s day.",
            "%(source)s has sent nothing for %(days)s days.",
            days,
            source=health.name,
            days=formats.number(days),
        )
        found.append(Attention("plug-zap", text, to_sources, _("View details"), urgent=False))
    for goal in goals:
        if goal.state == "unlikely":
            text = _("“%(goal)s” is behind its pace.", goal=goal.name or goal.about)
            found.append(
                Attention("trending-down", text, url_for("goals.page"), _("View details"), False)
            )
    return found


def _lost() -> list[tuple[str, Phrase]]:
    """Return the sources that stopped returning codes, with what to do."""
    figures = totals.carried_codes(g.org_id, LATELY_DAYS, BEFORE_DAYS)
    return [
        (each.source, in_words(each, adapter.CODE_PARAMETERS, adapter.title))
        for each in lost_sources(Carried(*row) for row in figures)
        if (adapter := BY_SLUG[each.provider])
    ]
