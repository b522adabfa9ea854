"""Activation of a campaign and of the organization: the figures that staff read, defined once.

Definitions
- *action*: what a supporter did, as reported by a tool; test actions are left out.
- *supporters*: distinct people behind the actions, counted separately in each row; they do not add
  up over posts or days. Actions without any identifier of a person count as actions only.
- *new*: the person's first action in the whole organization is in the range; else *returning*.
- *gross*, *refunded*, *net*: whole minor units of a currency; a refund counts on its own day.
- *renewals*: of the donations, the later payments of recurring gifts. They are credited to the post
  that was credited with the first one.
- *evidence*: the share of actions at each tier, strongest first.
- *generations*: actions by last touch through a post's own link, through one that a supporter
  shared, and through one shared further; *factor* is all of them per direct action.
- *bounds*: credited actions without those credited by inference only (from the same person's other
  clicks, or from the referring site), and with them. Unattributed actions are in neither.
- *restated*: a completed day has changed since, when and why: `late` (an action arrived late),
  `correction` (a tool corrected one), `evidence` (the credit of one moved).
- *clicks*: by people; previews, prefetches and HEAD requests are shown separately.

A day is a calendar day in the campaign's time zone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TypeVar
from uuid import UUID

from advocacy.analytics.figures import (
    CampaignAbout,
    CampaignActivation,
    Clicks,
    DayFigures,
    Evidence,
    Generations,
    KindFigures,
    Money,
    Number,
    OrganizationAbout,
    OrganizationActivation,
    OrganizationCampaign,
    OrganizationPlatform,
    People,
    PlatformFigures,
    PostAbout,
    PostFigures,
    Renewals,
    RestatedDays,
    with_shares,
)
from advocacy.attribution import RULES
from advocacy.core.cells import NO_ID, UNIT
from advocacy.core.dates import day_in
from advocacy.core.events import TIERS
from advocacy.core.messages import say
from advocacy.storage import campaigns, distinct_counts, restatements, totals
from advocacy.storage import posts as posts_storage
from advocacy.storage.models import Campaign, Organization, Post
from advocacy.storage.totals import (
    CampaignTotal,
    GenerationActions,
    PostClicks,
    TotalRow,
)

MODELS = tuple(RULES)
"""The attribution models that a report can be asked for; the first is the default."""

GRAINS = ("all", "kind", "post", "platform")
"""The dimensions by which people are counted."""

RESTATED_DAYS = 30
"""How long a report says that a completed day was restated."""

Row = TypeVar("Row")
Key = TypeVar("Key")
Totals = Sequence[TotalRow | CampaignTotal]
PeopleRow = distinct_counts.PeopleRow


class BadRange(ValueError):
    """The range of days is not valid; the message says why."""


def activation(
    campaign: Campaign,
    first: date | None = None,
    last: date | None = None,
    model: str = "last_touch",
) -> CampaignActivation:
    """Return the activation of a campaign from `first` to `last`, both included, by a model.

    The default range is from the campaign's first day with data to today. Numbers of actions are
    integers, unless the model divides actions among posts. Raises `BadRange`, and `KeyError` for a
    model that is not one of `MODELS`.
    """
    if model not in MODELS:
        raise KeyError(model)
    org_id = campaign.org_id
    first, last = days_of(campaign, first, last)
    read = totals.read_totals(org_id, campaign.id, first, last, model)
    rows = [row for row in read if row.tier is None]
    tiers = [row for row in read if row.tier is not None]
    people = _by_grain(
        distinct_counts.read_people(org_id, [campaign.id], first, last, model, GRAINS)
    )
    clicks = totals.read_clicks(org_id, campaign.id, first, last)
    posts = {post.id: post for post in posts_storage.list_posts(org_id, campaign.id)}
    restated = restatements.list_restatements(org_id, campaign.id, first, last, RESTATED_DAYS)
    days = totals.read_days(org_id, campaign.id, first, last, model)
    generations = totals.read_generations(org_id, campaign.id, first, last)
    return CampaignActivation(
        campaign=CampaignAbout(campaign.slug, campaign.name, campaign.timezone),
        model=model,
        first=first,
        last=last,
        actions=_count(rows),
        supporters=_people(people["all"].get("")),
        clicks=_clicks(clicks),
        by_kind=_by_kind(rows, people["kind"]),
        money=_money(rows),
        evidence=_evidence(tiers),
        restated=tuple(RestatedDays(*row) for row in restated),
        by_day=tuple(DayFigures(row.day, row.kind, _actions(row.units)) for row in days),
        posts=_posts(posts, rows, tiers, clicks, people["post"], generations),
        platforms=_platforms(rows, clicks, posts, people["platform"]),
    )


def organization_activation(
    organization: Organization,
    first: date | None = None,
    last: date | None = None,
    model: str = "last_touch",
) -> OrganizationActivation:
    """Return the activation of all campaigns of an organization together, and of each.

    Supporters of the organization are distinct across campaigns, and their days are those of its
    own time zone; actions, and each campaign's supporters, are on the days of the campaign's zone.
    Archived campaigns are listed if they have actions in the range. The default range is from the
    first day with actions to today. Raises `BadRange`, and `KeyError` for a model that is not one
    of `MODELS`.
    """
    if model not in MODELS:
        raise KeyError(model)
    org_id = organization.id
    every = campaigns.list_campaigns(org_id)
    ids = [*(campaign.id for campaign in every), NO_ID]
    earliest, latest = totals.span_of_actions(org_id, ids)
    first, last = days_meant(first, last, earliest, latest, organization.timezone)
    rows = totals.read_campaigns(org_id, ids, first, last, model)
    people = _by_grain(
        distinct_counts.read_people(
            org_id, [org_id], first, last, model, distinct_counts.GRAINS_OF_ORGANIZATION
        )
    )
    people_of = {
        row.scope: row
        for row in distinct_counts.read_people(org_id, ids, first, last, model, ["all"])
    }
    rows_of = _grouped(rows, lambda row: row.campaign_id)
    platforms = [
        OrganizationPlatform(
            platform, _count(same), _people(people["platform"].get(platform)), _money(same)
        )
        for platform, same in _grouped(rows, lambda row: row.platform).items()
    ]
    return OrganizationActivation(
        organization=OrganizationAbout(organization.slug, organization.name, organization.timezone),
        model=model,
        first=first,
        last=last,
        actions=_count(rows),
        supporters=_people(people["all"].get("")),
        by_kind=_by_kind(rows, people["kind"]),
        money=_money(rows),
        platforms=tuple(
            sorted(platforms, key=lambda each: (not each.platform, -each.actions, each.platform))
        ),
        campaigns=tuple(
            OrganizationCampaign(
                campaign.slug,
                campaign.name,
                _count(rows_of.get(campaign.id, [])),
                _people(people_of.get(campaign.id)),
                _money(rows_of.get(campaign.id, [])),
            )
            for campaign in every
            if campaign.archived_at is None or campaign.id in rows_of
        ),
    )


def recurring_share(recurring_minor: int, net_minor: int) -> float | None:
    """Return the share of recurring gifts in the net amount.

    None if there is no share: nothing was raised, or refunds exceed the gifts of one sort.
    """
    if not net_minor or not 0 <= recurring_minor <= net_minor:
        return None
    return round(recurring_minor / net_minor, 4)


def days_of(campaign: Campaign, first: date | None, last: date | None) -> tuple[date, date]:
    """Return the range of days; by default from the first day with data to today."""
    earliest, latest = totals.span(campaign.org_id, campaign.id)
    return days_meant(first, last, earliest, latest, campaign.timezone)


def days_meant(
    first: date | None,
    last: date | None,
    earliest: date | None,
    latest: date | None,
    timezone: str,
) -> tuple[date, date]:
    """Return the range of days, by default all days with data (`earliest` to `latest`) to today.

    Raises `BadRange`.
    """
    today = day_in(datetime.now(UTC), timezone)
    last = last or max(today, latest or today)
    first = first or min(earliest or last, last)
    if first > last:
        raise BadRange(say("the first day is after the last"))
    return first, last


def _by_grain(rows: Iterable[PeopleRow]) -> Mapping[str, Mapping[str, PeopleRow]]:
    """Return rows of people by grain and value."""
    found: dict[str, dict[str, PeopleRow]] = defaultdict(dict)
    for row in rows:
        found[row.grain][row.value] = row
    return found


def _grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    found: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found


def _count(rows: Totals) -> Number:
    return _actions(sum(row.units for row in rows))


def _actions(units: int) -> Number:
    """Return a number of actions: an integer if it is one, else to the billionth."""
    integer, rest = divmod(units, UNIT)
    return round(units / UNIT, 9) if rest else integer


def _people(row: PeopleRow | None) -> People:
    return People(row.supporters, row.new, row.supporters - row.new) if row else People()


def _clicks(rows: Sequence[PostClicks]) -> Clicks:
    human = sum(row.clicks for row in rows if row.human)
    return Clicks(human, sum(row.clicks for row in rows) - human)


def _by_kind(rows: Totals, people: Mapping[str, PeopleRow]) -> tuple[KindFigures, ...]:
    return tuple(
        KindFigures(kind, actions, _people(people.get(kind)))
        for kind, actions in _actions_by_kind(rows).items()
    )


def _actions_by_kind(rows: Totals) -> dict[str, Number]:
    units: dict[str, int] = defaultdict(int)
    for row in rows:
        if row.kind is not None:
            units[row.kind] += row.units
    return {kind: _actions(of_kind) for kind, of_kind in sorted(units.items()) if of_kind}


def _money(rows: Totals) -> tuple[Money, ...]:
    donations = [row for row in rows if row.kind == "donation"]
    return tuple(
        _sum(currency, [row for row in donations if row.currency == currency])
        for currency in sorted({row.currency or "" for row in donations})
    )


def _sum(currency: str, rows: Totals) -> Money:
    renewals = [row for row in rows if row.renewal]
    gross = sum(row.gross_minor for row in rows)
    refunded = sum(row.refunded_minor for row in rows)
    return Money(
        currency,
        gross,
        refunded,
        gross - refunded,
        _count(rows),
        Renewals(
            _count(renewals),
            sum(row.gross_minor for row in renewals),
            sum(row.refunded_minor for row in renewals),
        ),
    )


def _evidence(rows: Sequence[TotalRow]) -> tuple[Evidence, ...]:
    by_tier = _grouped(rows, lambda row: row.tier)
    return with_shares(Evidence(tier, _count(by_tier.get(tier, [])), 0.0) for tier in TIERS)


def _posts(
    posts: Mapping[UUID, Post],
    rows: Iterable[TotalRow],
    tiers: Iterable[TotalRow],
    clicks: Iterable[PostClicks],
    people: Mapping[str, PeopleRow],
    generations: Iterable[GenerationActions],
) -> tuple[PostFigures, ...]:
    """Return the figures of each post, the most actions first; those without a post are last."""
    rows_of = _grouped(rows, lambda row: row.post_id)
    tiers_of = _grouped(tiers, lambda row: row.post_id)
    clicks_of = _grouped(clicks, lambda row: row.post_id)
    generations_of = _grouped(generations, lambda row: row.post_id)
    found = [
        PostFigures(
            post=_about(posts.get(post_id)),
            clicks=_clicks(clicks_of.get(post_id, [])),
            actions=_count(rows_of.get(post_id, [])),
            by_kind=_actions_by_kind(rows_of.get(post_id, [])),
            supporters=_people(people.get("" if post_id == NO_ID else str(post_id))),
            money=_money(rows_of.get(post_id, [])),
            evidence=_evidence(tiers_of.get(post_id, [])),
            generations=_generations(generations_of.get(post_id, [])),
        )
        for post_id in (*posts, *([NO_ID] if NO_ID in rows_of else []))
    ]
    return tuple(sorted(found, key=lambda row: (row.post is None, -row.actions, -row.clicks.human)))


def _about(post: Post | None) -> PostAbout | None:
    return post and PostAbout(post.id, post.platform, post.title, post.url, post.published_at)


def _generations(rows: Iterable[GenerationActions]) -> Generations:
    by_generation = {row.generation: row.actions for row in rows}
    return Generations(*(by_generation.get(number, 0) for number in range(3)))


def _platforms(
    rows: Iterable[TotalRow],
    clicks: Iterable[PostClicks],
    posts: Mapping[UUID, Post],
    people: Mapping[str, PeopleRow],
) -> tuple[PlatformFigures, ...]:
    rows_of = _grouped(rows, lambda row: row.platform or "")
    clicks_of = _grouped(
        clicks, lambda row: posts[row.post_id].platform if row.post_id in posts else ""
    )
    found = [
        PlatformFigures(
            platform,
            _clicks(clicks_of.get(platform, [])),
            _count(rows_of.get(platform, [])),
            _people(people.get(platform)),
            _money(rows_of.get(platform, [])),
        )
        for platform in {*rows_of, *clicks_of}
    ]
    return tuple(sorted(found, key=lambda each: (not each.platform, -each.actions, each.platform)))
