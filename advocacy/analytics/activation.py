"""④ A campaign's activation: the figures that staff read, each defined once, here.

Definitions
- *action*: what a supporter did and a tool vouched for; test actions are left out.
- *supporters*: distinct people behind the actions, counted at the grain shown; they do not add up
  over posts or days. Actions without any hint of a person count as actions and as nobody.
- *new*: the person's first action in the whole organization lies in the range; else *returning*.
- *gross*, *refunded*, *net*: whole minor units of a currency; a refund counts on its own day.
- *renewals*: of the donations, the later payments of recurring gifts. They belong to the post that
  brought the first one.
- *evidence*: the share of actions at each tier, strongest first, so that no total looks more
  certain than it is.
- *generations*: actions by last touch through a post's own link, through one that a supporter
  passed on, and beyond; *factor* is all of them per direct one.
- *bounds*: credited actions without what is only inferred (from the same person's other clicks, or
  from the referring site), and with it. Unattributed actions are in neither.
- *restated*: that a day which was over has changed since, when and why: `late` (an action came
  late), `correction` (a tool corrected one), `evidence` (the credit of one moved).
- *clicks*: by people; previews, prefetches and HEAD requests are kept and shown apart.

A day is a calendar day in the campaign's time zone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from advocacy.attribution import RULES
from advocacy.core.dates import day_in
from advocacy.core.distinct import GRAINS_OF_ORGANIZATION
from advocacy.core.events import TIERS, Tier
from advocacy.core.messages import say
from advocacy.core.money import exponent
from advocacy.storage import campaigns, distinct_counts, restatements, totals
from advocacy.storage import posts as posts_storage
from advocacy.storage.models import Campaign, Organization, Post
from advocacy.storage.totals import NO_ID, UNIT

MODELS = tuple(RULES)
"""The attribution models that a report can be asked by; the first is the usual one."""


INFERRED = frozenset({Tier.REFERRER, Tier.IDENTITY})
"""Tiers at which a post or platform is inferred, and not told by what the tool carried back."""

GRAINS = ("all", "kind", "post", "platform")
"""What the people of an activation are counted by."""

RESTATED_DAYS = 30
"""How long a report says that a day which was over has been restated."""


class BadRange(ValueError):
    """The range of days is not one; the message says why."""


def activation(
    campaign: Campaign,
    first: date | None = None,
    last: date | None = None,
    model: str = "last_touch",
) -> dict[str, Any]:
    """Return the activation of a campaign from `first` to `last`, both included, by a model.

    Without a range it is from the campaign's first day with data to today. Numbers of actions are
    whole, but where the model shares actions out. Raises `BadRange`, and `KeyError` for a model
    that is none of `MODELS`.
    """
    if model not in MODELS:
        raise KeyError(model)
    org_id = campaign.org_id
    first, last = days_of(campaign, first, last)
    read = totals.read_totals(org_id, campaign.id, first, last, model)
    rows = [row for row in read if row.tier is None]
    tiers = [row for row in read if row.tier is not None]
    days = totals.read_days(org_id, campaign.id, first, last, model)
    people = _by_grain(
        distinct_counts.read_people(org_id, [campaign.id], first, last, model, GRAINS)
    )
    clicks = totals.read_clicks(org_id, campaign.id, first, last)
    passed_on = _grouped(
        totals.read_generations(org_id, campaign.id, first, last), lambda row: row.post_id
    )
    posts = {post.id: post for post in posts_storage.list_posts(org_id, campaign.id)}
    by_post = _grouped(rows, lambda row: row.post_id)
    tiers_of = _grouped(tiers, lambda row: row.post_id)
    clicks_of = _grouped(clicks, lambda row: row.post_id)
    seen_posts = [*posts, *(NO_ID for _ in [0] if NO_ID in by_post)]
    return {
        "campaign": {
            "slug": campaign.slug,
            "name": campaign.name,
            "timezone": campaign.timezone,
        },
        "model": model,
        "from": first,
        "to": last,
        "actions": _count(rows),
        "supporters": _people(people["all"].get("")),
        "clicks": _clicks(clicks),
        "by_kind": [
            {
                "kind": kind,
                "actions": number,
                "supporters": _people(people["kind"].get(kind)),
            }
            for kind, of_kind in sorted(_grouped(rows, lambda row: row.kind).items())
            if (number := _count(of_kind))
        ],
        "money": _money(rows),
        "evidence": _evidence(tiers),
        "bounds": _bounds(tiers),
        "restated": [
            row._asdict()
            for row in restatements.list_restatements(
                org_id, campaign.id, first, last, RESTATED_DAYS
            )
        ],
        "by_day": [
            {"day": row.day, "kind": row.kind, "actions": _written(row.units)} for row in days
        ],
        "posts": sorted(
            (
                _of_post(
                    posts.get(post_id),
                    by_post.get(post_id, []),
                    tiers_of.get(post_id, []),
                    clicks_of.get(post_id, []),
                    people["post"].get("" if post_id == NO_ID else str(post_id)),
                    passed_on.get(post_id, []),
                )
                for post_id in seen_posts
            ),
            key=lambda each: (each["post"] is None, -each["actions"], -each["clicks"]["human"]),
        ),
        "platforms": _platforms(rows, clicks, posts, people["platform"]),
    }


def _by_grain(rows: Iterable[Any]) -> dict[str, dict[str, Any]]:
    """Return rows of people by grain and value."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        found[row.grain][row.value] = row
    return found


def organization_activation(
    organization: Organization,
    first: date | None = None,
    last: date | None = None,
    model: str = "last_touch",
) -> dict[str, Any]:
    """Return what all campaigns of an organization set in motion together, and each of them.

    Supporters of the organization are distinct across campaigns; their days are those of its own
    time zone, while actions and each campaign's supporters stand on the days of the campaign's
    zone. Without a range it is from the first day with actions to today. Raises `BadRange`, and
    `KeyError` for a model that is none of `MODELS`.
    """
    if model not in MODELS:
        raise KeyError(model)
    org_id = organization.id
    every = campaigns.list_campaigns(org_id)
    ids = [*(campaign.id for campaign in every), NO_ID]
    earliest, latest = totals.span_of_actions(org_id, ids)
    first, last = days_meant(first, last, earliest, latest, organization.timezone)
    rows = totals.read_campaigns(org_id, ids, first, last, model)
    own = distinct_counts.read_people(org_id, [org_id], first, last, model, GRAINS_OF_ORGANIZATION)
    people = _by_grain(own)
    people_of = {
        row.scope: row
        for row in distinct_counts.read_people(org_id, ids, first, last, model, ["all"])
    }
    rows_of = _grouped(rows, lambda row: row.campaign_id)
    return {
        "organization": {
            "slug": organization.slug,
            "name": organization.name,
            "timezone": organization.timezone,
        },
        "model": model,
        "from": first,
        "to": last,
        "actions": _count(rows),
        "supporters": _people(people["all"].get("")),
        "by_kind": [
            {
                "kind": kind,
                "actions": number,
                "supporters": _people(people["kind"].get(kind)),
            }
            for kind, of_kind in sorted(_grouped(rows, lambda row: row.kind).items())
            if (number := _count(of_kind))
        ],
        "money": _money(rows),
        "platforms": [
            {
                "platform": platform,
                "actions": _count(same),
                "supporters": _people(people["platform"].get(platform)),
                "money": _money(same),
            }
            for platform, same in sorted(
                _grouped(rows, lambda row: row.platform).items(),
                key=lambda each: (not each[0], -_count(each[1])),
            )
        ],
        "campaigns": [
            {
                "slug": campaign.slug,
                "name": campaign.name,
                "actions": _count(rows_of.get(campaign.id, [])),
                "supporters": _people(people_of.get(campaign.id)),
                "money": _money(rows_of.get(campaign.id, [])),
            }
            for campaign in every
        ],
    }


def written_money(minor: int, currency: str) -> str:
    """Write minor units as people do: 1234 USD as 12.34 USD, 1234 JPY as 1,234 JPY."""
    places = exponent(currency)
    return f"{Decimal(minor).scaleb(-places):,.{places}f} {currency}".rstrip()


def recurring_share(recurring_minor: int, net_minor: int) -> float | None:
    """Return which part of the net money came from recurring gifts.

    None where there are no parts: nothing was raised, or more went back of one sort of gifts than
    was given.
    """
    if not net_minor or not 0 <= recurring_minor <= net_minor:
        return None
    return round(recurring_minor / net_minor, 4)


def days_of(campaign: Campaign, first: date | None, last: date | None) -> tuple[date, date]:
    """Return the range of days that is meant: without one, from the first with data to today."""
    earliest, latest = totals.span(campaign.org_id, campaign.id)
    return days_meant(first, last, earliest, latest, campaign.timezone)


def days_meant(
    first: date | None,
    last: date | None,
    earliest: date | None,
    latest: date | None,
    timezone: str,
) -> tuple[date, date]:
    """Return the range that is meant where data is from `earliest` to `latest`, if any.

    Raises `BadRange`.
    """
    today = day_in(datetime.now(UTC), timezone)
    last = last or max(today, latest or today)
    first = first or min(earliest or last, last)
    if first > last:
        raise BadRange(say("the first day is after the last"))
    return first, last


def _grouped(rows: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found


def _count(rows: Iterable[Any]) -> int | float:
    return _written(sum([row.units for row in rows]))


def _written(units: int) -> int | float:
    """Write a number of actions: whole where it is, else to the billionth."""
    whole, rest = divmod(units, UNIT)
    return round(units / UNIT, 9) if rest else whole


def _people(row: Any | None) -> dict[str, int]:
    distinct, new = (row.supporters, row.new) if row else (0, 0)
    return {"distinct": distinct, "new": new, "returning": distinct - new}


def _clicks(rows: Sequence[Any]) -> dict[str, int]:
    return {
        "human": sum(row.clicks for row in rows if row.human),
        "other": sum(row.clicks for row in rows if not row.human),
    }


def _money(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "currency": currency,
            "gross_minor": (gross := sum(row.gross_minor for row in same)),
            "refunded_minor": (refunded := sum(row.refunded_minor for row in same)),
            "net_minor": gross - refunded,
            "donations": _count(same),
            "renewals": {
                "donations": _count(later := [row for row in same if row.renewal]),
                "gross_minor": sum(row.gross_minor for row in later),
                "refunded_minor": sum(row.refunded_minor for row in later),
            },
        }
        for currency, same in sorted(
            _grouped((row for row in rows if row.kind == "donation"), lambda r: r.currency).items()
        )
    ]


def _evidence(rows: Sequence[Any]) -> list[dict[str, Any]]:
    everything = _count(rows)
    by_tier = _grouped(rows, lambda row: row.tier)
    return [
        {
            "tier": tier,
            "actions": (actions := _count(by_tier.get(tier, []))),
            "share": round(actions / everything, 4) if everything else 0.0,
        }
        for tier in TIERS
    ]


def _bounds(rows: Sequence[Any]) -> dict[str, int | float]:
    """Return how many actions are certain to be a post's, and how many may be."""
    credited = [row for row in rows if row.tier != Tier.UNATTRIBUTED]
    return {
        "lower": _count(row for row in credited if row.tier not in INFERRED),
        "upper": _count(credited),
    }


def _of_post(
    post: Post | None,
    rows: Sequence[Any],
    tiers: Sequence[Any],
    clicks: Sequence[Any],
    people: Any | None,
    passed_on: Sequence[Any],
) -> dict[str, Any]:
    return {
        "post": post
        and {
            "id": post.id,
            "platform": post.platform,
            "title": post.title,
            "url": post.url,
            "published_at": post.published_at,
        },
        "clicks": _clicks(clicks),
        "actions": _count(rows),
        "by_kind": {
            kind: number
            for kind, same in sorted(_grouped(rows, lambda row: row.kind).items())
            if (number := _count(same))
        },
        "supporters": _people(people),
        "money": _money(rows),
        "evidence": _evidence(tiers),
        "bounds": _bounds(tiers),
        "generations": _generations(passed_on),
    }


def _generations(rows: Sequence[Any]) -> dict[str, Any]:
    by_generation = {row.generation: row.actions for row in rows}
    direct, first, beyond = (by_generation.get(number, 0) for number in range(3))
    return {
        "direct": direct,
        "first_share": first,
        "beyond": beyond,
        "factor": round((direct + first + beyond) / direct, 4) if direct else None,
    }


def _platforms(
    rows: Sequence[Any],
    clicks: Sequence[Any],
    posts: Mapping[UUID, Post],
    people: Mapping[str, Any],
) -> list[dict[str, Any]]:
    by_platform = _grouped(rows, lambda row: row.platform)
    clicks_of = _grouped(
        clicks, lambda row: posts[row.post_id].platform if row.post_id in posts else ""
    )
    found = [
        {
            "platform": platform,
            "clicks": _clicks(clicks_of.get(platform, [])),
            "actions": _count(by_platform.get(platform, [])),
            "supporters": _people(people.get(platform)),
            "money": _money(by_platform.get(platform, [])),
        }
        for platform in {*by_platform, *clicks_of}
    ]
    return sorted(found, key=lambda each: (not each["platform"], -each["actions"]))
