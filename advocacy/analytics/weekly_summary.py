"""The weekly report: the figures of some days compared with as many before.

The figures are those of `activation`, so emails and pages show the same.

Note: "what changed" compares the days of the *last* report, as they were reported then, with the
same days as they are now. People do not add up over campaigns; for the whole organization they are
counted separately.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from uuid import UUID

from advocacy.analytics.activation import MODELS, activation
from advocacy.analytics.engagement_ladder import climbing
from advocacy.analytics.figures import (
    CampaignActivation,
    DayFigures,
    Evidence,
    Money,
    Number,
    PostAbout,
    PostFigures,
    Renewals,
    whole,
    with_shares,
)
from advocacy.analytics.weekly_figures import (
    CampaignComparison,
    CampaignName,
    CampaignRestatement,
    Changes,
    FigureChange,
    KindComparison,
    PeriodFigures,
    TopPost,
    WeeklySummary,
)
from advocacy.core.cells import NO_ID
from advocacy.core.events import TIERS
from advocacy.core.periods import Period
from advocacy.storage import campaigns, distinct_counts, email_outbox
from advocacy.storage.models import Campaign, Organization

TOP_POSTS = 5

Activations = Mapping[str, CampaignActivation]
"""The activations of campaigns, by slug."""


def summarize(
    organization: Organization,
    campaign: Campaign | None,
    period: Period,
    last_report: WeeklySummary | None = None,
    model: str = MODELS[0],
) -> WeeklySummary:
    """Return the report about a campaign, or about the whole organization."""
    found = _activations(organization.id, campaign, period, model)
    before = _activations(organization.id, campaign, period.before, model)
    reported = Period(last_report.first, last_report.last) if last_report else period.before
    then = (
        before
        if reported == period.before
        else _activations(organization.id, campaign, reported, model)
    )
    return WeeklySummary(
        organization=organization.name,
        timezone=campaign.timezone if campaign else organization.timezone,
        campaign=CampaignName(campaign.slug, campaign.name) if campaign else None,
        model=model,
        made_at=datetime.now(UTC).replace(microsecond=0),
        first=period.first,
        last=period.last,
        before_first=period.before.first,
        before_last=period.before.last,
        now=_together(organization.id, campaign, period, found),
        before=_together(organization.id, campaign, period.before, before),
        campaigns=_campaigns(found, before),
        kinds=_kinds(found, before),
        evidence=_evidence(found),
        by_day=_by_day(found),
        posts=_top_posts(found),
        ladder=climbing(organization.id, campaign, period.first, period.last),
        changed=_changed(reported, then, last_report, period),
    )


def _activations(
    org_id: UUID, campaign: Campaign | None, period: Period, model: str
) -> Activations:
    """Return the activation of each campaign with data on these days."""
    if campaign is not None:
        return {campaign.slug: activation(campaign, period.first, period.last, model)}
    with_data = email_outbox.campaigns_with_data(org_id, period.first, period.last)
    return {
        each.slug: activation(each, period.first, period.last, model)
        for each in campaigns.list_campaigns(org_id)
        if each.id in with_data and each.id != NO_ID
    }


def _of(found: CampaignActivation | None) -> PeriodFigures:
    """Return the figures of one activation that are compared; zeros without one."""
    if found is None:
        return PeriodFigures()
    people = found.supporters
    return PeriodFigures(
        supporters=people.distinct,
        new=people.new,
        returning=people.returning,
        actions=found.actions,
        clicks=found.clicks.human,
        donors=sum(each.supporters.distinct for each in found.by_kind if each.kind == "donation"),
        money=found.money,
    )


def _together(
    org_id: UUID, campaign: Campaign | None, period: Period, found: Activations
) -> PeriodFigures:
    figures = [_of(each) for each in found.values()]
    if campaign is not None:
        return figures[0]
    # Days of the organization's own time zone, as in its activation everywhere else.
    rows = distinct_counts.read_people(
        org_id, [org_id], period.first, period.last, MODELS[0], ["all"]
    )
    people, new = (rows[0].supporters, rows[0].new) if rows else (0, 0)
    return PeriodFigures(
        supporters=people,
        new=new,
        returning=people - new,
        actions=whole(sum(each.actions for each in figures)),
        clicks=sum(each.clicks for each in figures),
        # Somebody can give to several campaigns: there are no fewer donors than in one of them.
        donors=max((each.donors for each in figures), default=0),
        money=_total(sum_ for each in figures for sum_ in each.money),
    )


def _total(sums: Iterable[Money]) -> tuple[Money, ...]:
    by_currency: dict[str, list[Money]] = defaultdict(list)
    for each in sums:
        by_currency[each.currency].append(each)
    return tuple(
        Money(
            currency,
            gross_minor=sum(each.gross_minor or 0 for each in same),
            refunded_minor=sum(each.refunded_minor or 0 for each in same),
            net_minor=sum(each.net_minor or 0 for each in same),
            donations=whole(sum(each.donations for each in same)),
            renewals=Renewals(
                whole(sum(each.renewals.donations for each in same)),
                sum(each.renewals.gross_minor or 0 for each in same),
                sum(each.renewals.refunded_minor or 0 for each in same),
            ),
        )
        for currency, same in sorted(by_currency.items())
    )


def _campaigns(found: Activations, before: Activations) -> tuple[CampaignComparison, ...]:
    names = {slug: each.campaign.name for slug, each in (*before.items(), *found.items())}
    return tuple(
        CampaignComparison(slug, names[slug], _of(found.get(slug)), _of(before.get(slug)))
        for slug in sorted(names)
    )


def _kinds(found: Activations, before: Activations) -> tuple[KindComparison, ...]:
    now, then = _actions_by_kind(found), _actions_by_kind(before)
    kinds = sorted({*now, *then}, key=lambda kind: (-now.get(kind, 0), kind))
    return tuple(
        KindComparison(kind, whole(now.get(kind, 0)), whole(then.get(kind, 0))) for kind in kinds
    )


def _actions_by_kind(found: Activations) -> Mapping[str, Number]:
    actions: dict[str, Number] = defaultdict(int)
    for each in (kind for one in found.values() for kind in one.by_kind):
        actions[each.kind] += each.actions
    return actions


def _evidence(found: Activations) -> tuple[Evidence, ...]:
    actions: dict[str, Number] = dict.fromkeys(TIERS, 0)
    for each in (tier for one in found.values() for tier in one.evidence):
        actions[each.tier] += each.actions
    return with_shares(Evidence(tier, whole(actions[tier]), 0.0) for tier in TIERS)


def _by_day(found: Activations) -> tuple[DayFigures, ...]:
    actions: dict[tuple[date, str], Number] = defaultdict(int)
    for each in (day for one in found.values() for day in one.by_day):
        actions[each.day, each.kind] += each.actions
    return tuple(
        DayFigures(day, kind, whole(number)) for (day, kind), number in sorted(actions.items())
    )


def _top_posts(found: Activations) -> tuple[TopPost, ...]:
    """Return the posts with the most actions."""
    posts = [
        _top_post(one.campaign.name, row, row.post)
        for one in found.values()
        for row in one.posts
        if row.post and (row.actions or row.clicks.human)
    ]
    posts.sort(key=lambda post: (-post.actions, -post.clicks, post.title, post.url))
    return tuple(posts[:TOP_POSTS])


def _top_post(campaign: str, row: PostFigures, post: PostAbout) -> TopPost:
    return TopPost(
        id=str(post.id),
        campaign=campaign,
        title=post.title,
        platform=post.platform,
        url=post.url,
        clicks=row.clicks.human,
        actions=row.actions,
        supporters=row.supporters.distinct,
        new=row.supporters.new,
        by_kind=row.by_kind,
        money=row.money,
    )


def _changed(
    reported: Period, now: Activations, last_report: WeeklySummary | None, period: Period
) -> Changes:
    """Return which figures of the last report are different now, and why."""
    since = last_report.made_at.astimezone(UTC).date() if last_report else period.first
    return Changes(
        first=reported.first,
        last=reported.last,
        since=since,
        compared=last_report is not None,
        rows=tuple(
            change
            for then in (last_report.campaigns if last_report else ())
            for change in _differences(then.name, then.now, _of(now.get(then.slug)))
        ),
        why=tuple(
            CampaignRestatement(
                one.campaign.name, each.on, each.why, each.actions, each.first_on, each.last_on
            )
            for one in now.values()
            for each in one.restated
            if each.on >= since
        ),
    )


def _differences(campaign: str, then: PeriodFigures, now: PeriodFigures) -> Iterable[FigureChange]:
    """Yield the figures that are different now; amounts by currency."""
    for name in ("actions", "supporters", "new"):
        old, new = getattr(then, name), getattr(now, name)
        if old != new:
            yield FigureChange(campaign, name, "", old, new)
    sums = [{each.currency: each.net_minor or 0 for each in side.money} for side in (then, now)]
    for currency in sorted({*sums[0], *sums[1]}):
        old, new = (side.get(currency, 0) for side in sums)
        if old != new:
            yield FigureChange(campaign, "net_minor", currency, old, new)
