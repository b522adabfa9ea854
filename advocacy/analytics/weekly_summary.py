"""What is in a report that comes by itself: some days against as many before, as plain data.

The figures are those of `report.activation`, so mail and page say the same. What is returned can be
kept as JSON and made into words later, in any language.

Note: "what changed" compares the days of the *last* report as they were
told then with the same days as they are now. People do not add up over campaigns; for the whole
organization they are counted anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from advocacy.analytics.activation import MODELS, activation
from advocacy.analytics.engagement_ladder import climbing
from advocacy.core.events import TIERS, Tier
from advocacy.core.periods import Period
from advocacy.storage import campaigns, distinct_counts, email_outbox
from advocacy.storage.models import Campaign, Organization
from advocacy.storage.totals import NO_ID

TOP_POSTS = 5

_RENEWALS = ("donations", "gross_minor", "refunded_minor")
_MONEY = ("gross_minor", "refunded_minor", "net_minor", "donations")
_SUMMED = ("actions", "clicks")


def figures(
    organization: Organization,
    campaign: Campaign | None,
    period: Period,
    last_report: Mapping[str, Any] | None = None,
    model: str = MODELS[0],
) -> dict[str, Any]:
    """Return a report about a campaign, or the whole organization, as data that JSON can hold.

    `last_report` is what this returned for the report before, or None. Instants and days are
    ISO 8601, money is whole minor units, shares are from 0 to 1.
    """
    told = _within(last_report)
    found = _activations(organization.id, campaign, period, model)
    before = _activations(organization.id, campaign, period.before, model)
    slugs = sorted({*found, *before})
    now_sum = _together(organization.id, campaign, period, found)
    before_sum = _together(organization.id, campaign, period.before, before)
    return {
        "organization": organization.name,
        "timezone": campaign.timezone if campaign else organization.timezone,
        "campaign": campaign and {"slug": campaign.slug, "name": campaign.name},
        "model": model,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
        "before_first": period.before.first.isoformat(),
        "before_last": period.before.last.isoformat(),
        "now": now_sum,
        "before": before_sum,
        "campaigns": [
            {
                "slug": slug,
                "name": (found.get(slug) or before[slug])["campaign"]["name"],
                "now": _of(found.get(slug)),
                "before": _of(before.get(slug)),
            }
            for slug in slugs
        ],
        "kinds": _kinds(found.values(), before.values()),
        "evidence": _evidence(found.values()),
        "by_day": _by_day(found.values()),
        "posts": _posts(found.values()),
        "ladder": climbing(organization.id, campaign, period.first, period.last),
        "changed": _changed(
            organization.id,
            campaign,
            told or period.before,
            before if told in {None, period.before} else None,
            last_report,
            period,
            model,
        ),
    }


def _within(last_report: Mapping[str, Any] | None) -> Period | None:
    if not last_report:
        return None
    return Period(*(date.fromisoformat(last_report[name]) for name in ("first", "last")))


def _activations(
    org_id: UUID, campaign: Campaign | None, period: Period, model: str
) -> dict[str, dict[str, Any]]:
    """Return the activation of each campaign that has something on these days, by slug."""
    if campaign is not None:
        return {campaign.slug: activation(campaign, period.first, period.last, model)}
    with_data = email_outbox.campaigns_with_data(org_id, period.first, period.last)
    return {
        each.slug: activation(each, period.first, period.last, model)
        for each in campaigns.list_campaigns(org_id)
        if each.id in with_data and each.id != NO_ID
    }


def _of(found: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the figures of one activation that are compared; without one, all are nought."""
    people = found["supporters"] if found else {"distinct": 0, "new": 0, "returning": 0}
    kinds = found["by_kind"] if found else []
    return {
        "supporters": people["distinct"],
        "new": people["new"],
        "returning": people["returning"],
        "actions": found["actions"] if found else 0,
        "clicks": found["clicks"]["human"] if found else 0,
        "donors": sum(
            each["supporters"]["distinct"] for each in kinds if each["kind"] == "donation"
        ),
        "money": [dict(each) for each in found["money"]] if found else [],
    }


def _together(
    org_id: UUID, campaign: Campaign | None, period: Period, found: Mapping[str, Any]
) -> dict[str, Any]:
    each_of = [_of(each) for each in found.values()]
    if campaign is not None:
        return each_of[0]
    # Days of the organization's own zone, as in its activation everywhere else.
    counted = distinct_counts.read_people(
        org_id, [org_id], period.first, period.last, MODELS[0], ["all"]
    )
    people, new = (counted[0].supporters, counted[0].new) if counted else (0, 0)
    return {
        "supporters": people,
        "new": new,
        "returning": people - new,
        **{name: _number(sum(each[name] for each in each_of)) for name in _SUMMED},
        # Of several campaigns it is only known that there are no fewer than of one.
        "donors": max((each["donors"] for each in each_of), default=0),
        "money": _money(each["money"] for each in each_of),
    }


def _number(value: float) -> float:
    """Return a sum of actions: shares of one are told to the billionth, and add up to whole."""
    rounded = round(value, 9)
    return int(rounded) if rounded == int(rounded) else rounded


def _money(lists: Iterable[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    sums: dict[str, dict[str, Any]] = {}
    for each in (each for several in lists for each in several):
        total = sums.setdefault(
            each["currency"], {**dict.fromkeys(_MONEY, 0), "renewals": dict.fromkeys(_RENEWALS, 0)}
        )
        for name in _MONEY:
            total[name] = _number(total[name] + each[name])
        for name in _RENEWALS:
            total["renewals"][name] = _number(total["renewals"][name] + each["renewals"][name])
    return [{"currency": currency, **sums[currency]} for currency in sorted(sums)]


def _kinds(
    found: Iterable[Mapping[str, Any]], before: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    counted: dict[str, list[float]] = defaultdict(lambda: [0, 0])
    for index, reported in enumerate((found, before)):
        for each in (kind for one in reported for kind in one["by_kind"]):
            counted[each["kind"]][index] += each["actions"]
    return [
        {
            "kind": kind,
            "now": _number(now),
            "before": _number(then),
        }
        for kind, (now, then) in sorted(counted.items(), key=lambda item: (-item[1][0], item[0]))
    ]


def _evidence(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    counted: dict[str, float] = dict.fromkeys(TIERS, 0)
    for each in (tier for one in found for tier in one["evidence"]):
        counted[each["tier"]] += each["actions"]
    everything = sum(counted.values())
    return [
        {
            "tier": str(tier),
            "actions": _number(actions),
            "share": round(actions / everything, 4) if everything else 0.0,
        }
        for tier, actions in counted.items()
    ]


def attributed_share(evidence: Iterable[Mapping[str, Any]]) -> float:
    """Return the share of actions, from 0 to 1, for which anything says where they came from."""
    return float(sum(each["share"] for each in evidence if each["tier"] != Tier.UNATTRIBUTED))


def _by_day(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    counted: dict[tuple[date, str], float] = defaultdict(float)
    for each in (day for one in found for day in one["by_day"]):
        counted[each["day"], each["kind"]] += each["actions"]
    return [
        {"day": day.isoformat(), "kind": kind, "actions": _number(actions)}
        for (day, kind), actions in sorted(counted.items())
    ]


def _posts(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the strongest posts."""
    rows = [
        {
            "id": str(row["post"]["id"]),
            "campaign": one["campaign"]["name"],
            "title": row["post"]["title"],
            "platform": row["post"]["platform"],
            "url": row["post"]["url"],
            "clicks": row["clicks"]["human"],
            "actions": row["actions"],
            "supporters": row["supporters"]["distinct"],
            "new": row["supporters"]["new"],
            "by_kind": row["by_kind"],
            "money": row["money"],
        }
        for one in found
        for row in one["posts"]
        if row["post"] and (row["actions"] or row["clicks"]["human"])
    ]
    rows.sort(key=lambda row: (-row["actions"], -row["clicks"], row["title"], row["url"]))
    return rows[:TOP_POSTS]


def _changed(
    org_id: UUID,
    campaign: Campaign | None,
    told: Period,
    known: Mapping[str, Any] | None,
    last_report: Mapping[str, Any] | None,
    period: Period,
    model: str,
) -> dict[str, Any]:
    """Return what is other now than it was told, why, and whether there was a report before.

    `known` has the activations of the days that were told, where they are read already.
    """
    now = known if known is not None else _activations(org_id, campaign, told, model)
    since = (
        datetime.fromisoformat(last_report["made_at"]).astimezone(UTC).date()
        if last_report
        else period.first
    )
    rows = []
    for then in last_report["campaigns"] if last_report else ():
        current = _of(now.get(then["slug"]))
        rows += [
            {"campaign": then["name"], **difference}
            for difference in _differences(then["now"], current)
        ]
    return {
        "first": told.first.isoformat(),
        "last": told.last.isoformat(),
        "since": since.isoformat(),
        "compared": last_report is not None,
        "rows": rows,
        "why": [
            {
                "campaign": one["campaign"]["name"],
                "on": each["on"].isoformat(),
                "why": each["why"],
                "actions": each["actions"],
                "first_on": each["first_on"].isoformat(),
                "last_on": each["last_on"].isoformat(),
            }
            for one in now.values()
            for each in one["restated"]
            if each["on"] >= since
        ],
    }


def _differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Yield the figures that are other now; money by currency."""
    for name in ("actions", "supporters", "new"):
        if then[name] != now[name]:
            yield {"figure": name, "currency": "", "then": then[name], "now": now[name]}
    sums = [{each["currency"]: each["net_minor"] for each in side["money"]} for side in (then, now)]
    for currency in sorted({*sums[0], *sums[1]}):
        old, new = (side.get(currency, 0) for side in sums)
        if old != new:
            yield {"figure": "net_minor", "currency": currency, "then": old, "now": new}
