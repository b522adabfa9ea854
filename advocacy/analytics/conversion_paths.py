"""④ Influence beyond the credited click, over a whole campaign.

Markov and Shapley models, assisted actions, the ways people took, the time from click to action,
and what social did for other channels. Definitions are in `docs/attribution.md`.

Note: these figures look at all paths at once. They have a cut-off date,
they change when data comes, and they are never the attribution of one action.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from advocacy.analytics.activation import days_of
from advocacy.attribution import RULES
from advocacy.attribution import path_analysis as beyond
from advocacy.attribution.campaign_models import MODELS, Journey, TooManyStates, merge
from advocacy.attribution.proration import in_whole_units
from advocacy.storage import conversion_paths as store
from advocacy.storage import posts
from advocacy.storage.models import Campaign
from advocacy.storage.totals import ALL_MODELS, UNIT

GRAINS = ("platform", "post", "channel")
CAMPAIGN_MODELS = tuple(MODELS)

PLACES = 6
"""Shares of actions are written in so many."""


def influence(
    campaign: Campaign,
    first: date | None = None,
    last: date | None = None,
    by: str = "platform",
    currency: str = "",
    models: Sequence[str] = CAMPAIGN_MODELS,
) -> dict[str, Any]:
    """Return the influence of posts, platforms or channels in a campaign.

    `models` are those of a whole campaign that are wanted; each takes its time.
    Money is net, in one currency: the one given, else the most used. A model whose chain is too
    large for its data says so in place of figures. Raises `BadRange`.
    """
    return influences(campaign, first, last, (by,), currency, models)[by]


def influences(
    campaign: Campaign,
    first: date | None,
    last: date | None,
    grains: Sequence[str],
    currency: str = "",
    models: Sequence[str] = CAMPAIGN_MODELS,
) -> dict[str, dict[str, Any]]:
    """Return `influence` by several of `GRAINS`, from paths that are read once.

    It reads all actions and clicks of the range: some four seconds for 200,000 actions.
    """
    first, last = days_of(campaign, first, last)
    days = (campaign.org_id, campaign.id, first, last)
    currencies = store.read_currencies(*days)
    currency = currency or next(iter(currencies), "")
    rows = store.read_paths(*days, currency, campaign.timezone)
    idle = store.read_idle_clicks(*days, campaign.timezone)
    channels = _journeys(rows, [], "channel")
    same = {
        "campaign": {
            "slug": campaign.slug,
            "name": campaign.name,
            "timezone": campaign.timezone,
        },
        "from": first,
        "to": last,
        "currency": currency,
        "currencies": currencies,
        "clicks_without_action": sum(row.clicks for row in idle),
        "seconds_to_action": _delays(days),
        "helped": [
            {
                "channel": channel,
                "actions": found.actions,
                "helped_by_social": found.helped,
                "share": round(float(found.share), 4) if found.share is not None else None,
            }
            for channel in ("email", "sms", "web")
            if (found := beyond.helped(channels, channel)).actions
        ],
    }
    return {
        by: same
        | _by_grain(
            by,
            _journeys(rows, idle, by),
            sum(row.actions for row in rows),
            models,
            store.read_credits(*days, by, currency),
            _names(campaign, by),
        )
        for by in grains
    }


def _by_grain(
    by: str,
    journeys: list[Journey[str]],
    actions: int,
    models: Sequence[str],
    credits: list[Any],
    names: Mapping[str, str],
) -> dict[str, Any]:
    # Merged once: each model does it again, and it is cheap then.
    merged = merge(journeys)
    with_path = sum(journey.actions for journey in merged)
    return {
        "by": by,
        "actions": with_path,
        "actions_without_path": actions - with_path,
        "models": [_model(name, merged, names) for name in models],
        "rules": _rules(credits, names),
        "assists": [
            {
                "id": key,
                "key": names.get(key, key),
                "credited": found.credited,
                "assisted": found.assisted,
                "ratio": round(float(found.ratio), 4) if found.ratio is not None else None,
            }
            for key, found in beyond.assists(journeys).items()
        ],
        "paths": [
            {
                "path": [names.get(key, key) for key in each.path],
                "actions": each.actions,
                "amount_minor": each.amount_minor,
                "share": round(float(each.share), 4),
            }
            for each in beyond.top_paths(merged)
        ],
    }


def _delays(days: tuple[Any, ...]) -> dict[str, Any]:
    delays = store.read_delays(*days)
    return {
        "known": delays.known,
        "quarter": _seconds(delays.quarter),
        "half": _seconds(delays.half),
        "three_quarters": _seconds(delays.three_quarters),
        "steps": _steps(store.read_delay_steps(*days)),
    }


def _journeys(rows: list[Any], idle: list[Any], by: str) -> list[Journey[str]]:
    """Lay paths out in one grain; what is not known at that grain is no touch of it."""
    place = store.GRAINS.index(by)
    told: dict[str, str] = {}

    def key(touch: str) -> str:
        if touch not in told:
            told[touch] = touch.split(store.APART)[place]
        return told[touch]

    acted = [
        Journey(path, row.actions, row.amount_minor, 0, key(row.credited) or None)
        for row in rows
        if (path := tuple(name for touch in row.path if (name := key(touch))))
    ]
    return acted + [Journey((name,), 0, 0, row.clicks) for row in idle if (name := key(row.key))]


def _model(name: str, journeys: list[Journey[str]], names: Mapping[str, str]) -> dict[str, Any]:
    try:
        shared = MODELS[name](journeys)
    except TooManyStates as error:
        return {"model": name, "reason": error.reason, "rows": []}
    return {
        "model": name,
        "reason": "",
        "rows": [
            {
                "id": key,
                "key": names.get(key, key),
                "actions": actions,
                "amount_minor": shared.amount_minor[key],
            }
            for key, actions in _written(
                sorted(shared.actions.items(), key=lambda item: (-item[1], str(item[0])))
            )
        ],
    }


def _rules(rows: list[Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Lay out what each model of one action gives to each key; the empty key is nobody's."""
    found: list[dict[str, Any]] = []
    for model in RULES:
        sums: dict[str, list[int]] = {}
        for row in rows:
            if row.model in {ALL_MODELS, model}:
                units, amount = sums.get(row.key, (0, 0))
                sums[row.key] = [units + row.units, amount + row.amount_minor]
        actions = dict(_written([(key, Fraction(units, UNIT)) for key, (units, _) in sums.items()]))
        found.append(
            {
                "model": model,
                "reason": "",
                "rows": [
                    {
                        "id": key,
                        "key": names.get(key, key),
                        "actions": actions[key],
                        "amount_minor": amount,
                    }
                    for key, (units, amount) in sorted(
                        sums.items(), key=lambda item: (-item[1][0], item[0])
                    )
                    if units or amount
                ],
            }
        )
    return found


def _written(shares: Sequence[tuple[str, Fraction]]) -> list[tuple[str, int | float]]:
    """Write shares of actions by key in `PLACES`, whole where they are, so that they still sum up.

    Shares of one action are kept in billionths, so that a third of 1,200 of them is not quite 400.
    """
    parts = in_whole_units([share * 10**PLACES for _, share in shares])
    return [
        (key, part // 10**PLACES if part % 10**PLACES == 0 else part / 10**PLACES)
        for (key, _), part in zip(shares, parts, strict=True)
    ]


def _steps(rows: Sequence[Any]) -> list[dict[str, Any]]:
    actions = {row.step: row.actions for row in rows}
    ends = [*store.DELAY_STEPS, None]
    return [
        {"from_seconds": begin, "to_seconds": end, "actions": actions.get(step, 0)}
        for step, (begin, end) in enumerate(zip([0, *store.DELAY_STEPS], ends, strict=True))
    ]


def _names(campaign: Campaign, by: str) -> dict[str, str]:
    if by != "post":
        return {}
    return {
        str(post.id): f"{post.platform}: {post.title or post.id}"
        for post in posts.list_posts(campaign.org_id, campaign.id)
    }


def _seconds(value: Any) -> int | None:
    return None if value is None else round(float(value))
