"""Influence beyond the credited click, over a whole campaign.

Markov and Shapley models, assisted actions, the most frequent paths, the time from click to
action, and what social posts did for other channels. Definitions are in `docs/attribution.md`.

Note: these figures look at all paths at once. They have a cut-off date, they change as data
arrives, and they are never the attribution of one action.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import TypeAlias
from uuid import UUID

from advocacy.analytics.activation import days_of
from advocacy.analytics.figures import CampaignAbout
from advocacy.attribution import RULES, path_analysis
from advocacy.attribution.campaign_models import MODELS, Journey, TooManyStates, merge
from advocacy.attribution.proration import in_whole_units
from advocacy.core.cells import UNIT
from advocacy.storage import conversion_paths as store
from advocacy.storage import posts
from advocacy.storage.models import Campaign
from advocacy.storage.totals import ALL_MODELS

GRAINS = ("platform", "post", "channel")
CAMPAIGN_MODELS = tuple(MODELS)

DECIMALS = 6
"""Decimals of a number of actions that a model divides."""

_CHANNELS = ("email", "sms", "web")

_Days: TypeAlias = tuple[UUID, UUID, date, date]


@dataclass(frozen=True, slots=True)
class ModelShare:
    """What a model gives to a key: a post's id, a platform or a channel; an empty id is nobody's.

    `key` is the name to show.
    """

    id: str
    key: str
    actions: int | float
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ModelCredits:
    """What a model gives to each key, or the reason, in one word, why it has no figures."""

    model: str
    reason: str
    rows: tuple[ModelShare, ...]


@dataclass(frozen=True, slots=True)
class AssistedActions:
    """Actions that are credited to a key by last touch, and others that it assisted."""

    id: str
    key: str
    credited: int
    assisted: int
    ratio: float | None


@dataclass(frozen=True, slots=True)
class TopPath:
    """A frequent path by the names of its touches; `share` is of all actions with a path."""

    path: tuple[str, ...]
    actions: int
    amount_minor: int
    share: float


@dataclass(frozen=True, slots=True)
class DelayStep:
    """Actions within an interval of time after their click; without an upper limit in the last."""

    from_seconds: int
    to_seconds: int | None
    actions: int


@dataclass(frozen=True, slots=True)
class Delays:
    """The time from click to action: number of actions, quartiles in seconds, and intervals."""

    known: int
    quarter: int | None
    half: int | None
    three_quarters: int | None
    steps: tuple[DelayStep, ...]


@dataclass(frozen=True, slots=True)
class HelpedChannel:
    """Actions with a channel in their path, and those of them with a social touch before it."""

    channel: str
    actions: int
    helped_by_social: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Influence:
    """The influence of posts, platforms or channels (`by`) on the actions of a campaign.

    `rules` are the models of single actions, `models` those of the whole campaign.
    """

    campaign: CampaignAbout
    first: date
    last: date
    by: str
    currency: str
    currencies: tuple[str, ...]
    actions: int
    actions_without_path: int
    clicks_without_action: int
    models: tuple[ModelCredits, ...]
    rules: tuple[ModelCredits, ...]
    assists: tuple[AssistedActions, ...]
    paths: tuple[TopPath, ...]
    seconds_to_action: Delays
    helped: tuple[HelpedChannel, ...]
    counted_at: datetime | None = None


def influence(
    campaign: Campaign,
    first: date | None = None,
    last: date | None = None,
    by: str = "platform",
    currency: str = "",
    models: Sequence[str] = CAMPAIGN_MODELS,
) -> Influence:
    """Return the influence of posts, platforms or channels in a campaign.

    `models` are the wanted models of a whole campaign; each takes its time. Money is net, in one
    currency: the given one, else the most used. A model whose chain is too large for its data has
    a reason in place of figures. Raises `BadRange`.
    """
    return influences(campaign, first, last, (by,), currency, models)[by]


def influences(
    campaign: Campaign,
    first: date | None,
    last: date | None,
    grains: Sequence[str],
    currency: str = "",
    models: Sequence[str] = CAMPAIGN_MODELS,
) -> dict[str, Influence]:
    """Return `influence` by several of `GRAINS`, from paths that are read once.

    It reads all actions and clicks of the range: some four seconds for 200,000 actions.
    """
    first, last = days_of(campaign, first, last)
    days = (campaign.org_id, campaign.id, first, last)
    currencies = store.read_currencies(*days)
    currency = currency or next(iter(currencies), "")
    rows = store.read_paths(*days, currency, campaign.timezone)
    idle = store.read_idle_clicks(*days, campaign.timezone)
    delays = _delays(days)
    helped = _helped(_journeys(rows, [], "channel"))
    found = {}
    for by in grains:
        names = _names(campaign, by)
        journeys = _journeys(rows, idle, by)
        # Merged once: each model merges again, which is cheap then.
        merged = merge(journeys)
        with_path = sum(journey.actions for journey in merged)
        found[by] = Influence(
            campaign=CampaignAbout(campaign.slug, campaign.name, campaign.timezone),
            first=first,
            last=last,
            by=by,
            currency=currency,
            currencies=tuple(currencies),
            actions=with_path,
            actions_without_path=sum(row.actions for row in rows) - with_path,
            clicks_without_action=sum(row.clicks for row in idle),
            models=tuple(_model(name, merged, names) for name in models),
            rules=_rules(store.read_credits(*days, by, currency), names),
            assists=_assists(journeys, names),
            paths=_top_paths(merged, names),
            seconds_to_action=delays,
            helped=helped,
        )
    return found


def _assists(
    journeys: Sequence[Journey[str]], names: Mapping[str, str]
) -> tuple[AssistedActions, ...]:
    return tuple(
        AssistedActions(
            id=key,
            key=names.get(key, key),
            credited=found.credited,
            assisted=found.assisted,
            ratio=round(float(found.ratio), 4) if found.ratio is not None else None,
        )
        for key, found in path_analysis.assists(journeys).items()
    )


def _top_paths(merged: Sequence[Journey[str]], names: Mapping[str, str]) -> tuple[TopPath, ...]:
    return tuple(
        TopPath(
            path=tuple(names.get(key, key) for key in each.path),
            actions=each.actions,
            amount_minor=each.amount_minor,
            share=round(float(each.share), 4),
        )
        for each in path_analysis.top_paths(merged)
    )


def _helped(channels: Sequence[Journey[str]]) -> tuple[HelpedChannel, ...]:
    return tuple(
        HelpedChannel(
            channel=channel,
            actions=found.actions,
            helped_by_social=found.helped,
            share=round(float(found.share), 4) if found.share is not None else None,
        )
        for channel in _CHANNELS
        if (found := path_analysis.helped(channels, channel)).actions
    )


def _delays(days: _Days) -> Delays:
    delays = store.read_delays(*days)
    actions = {row.step: row.actions for row in store.read_delay_steps(*days)}
    begins, ends = [0, *store.DELAY_STEPS], [*store.DELAY_STEPS, None]
    return Delays(
        known=delays.known,
        quarter=_seconds(delays.quarter),
        half=_seconds(delays.half),
        three_quarters=_seconds(delays.three_quarters),
        steps=tuple(
            DelayStep(begin, end, actions.get(step, 0))
            for step, (begin, end) in enumerate(zip(begins, ends, strict=True))
        ),
    )


def _journeys(
    rows: Sequence[store.PathRow], idle: Sequence[store.IdleClicks], by: str
) -> list[Journey[str]]:
    """Return the paths in one grain; a touch that is not known at that grain is left out."""
    index = store.GRAINS.index(by)
    keys: dict[str, str] = {}

    def key(touch: str) -> str:
        if touch not in keys:
            keys[touch] = touch.split(store.APART)[index]
        return keys[touch]

    acted = [
        Journey(path, row.actions, row.amount_minor, 0, key(row.credited) or None)
        for row in rows
        if (path := tuple(name for touch in row.path if (name := key(touch))))
    ]
    return acted + [Journey((name,), 0, 0, row.clicks) for row in idle if (name := key(row.key))]


def _model(name: str, journeys: Sequence[Journey[str]], names: Mapping[str, str]) -> ModelCredits:
    try:
        shared = MODELS[name](journeys)
    except TooManyStates as error:
        return ModelCredits(name, error.reason, ())
    ordered = sorted(shared.actions.items(), key=lambda item: (-item[1], str(item[0])))
    return ModelCredits(
        name,
        "",
        tuple(
            ModelShare(key, names.get(key, key), actions, shared.amount_minor[key])
            for key, actions in _rounded(ordered)
        ),
    )


def _rules(rows: Sequence[store.CreditRow], names: Mapping[str, str]) -> tuple[ModelCredits, ...]:
    """Return what each model of single actions gives to each key; the empty key is nobody's."""
    found = []
    for model in RULES:
        sums: dict[str, tuple[int, int]] = {}
        for row in rows:
            if row.model in {ALL_MODELS, model}:
                units, amount = sums.get(row.key, (0, 0))
                sums[row.key] = units + row.units, amount + row.amount_minor
        actions = dict(_rounded([(key, Fraction(units, UNIT)) for key, (units, _) in sums.items()]))
        ordered = sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))
        shares = tuple(
            ModelShare(key, names.get(key, key), actions[key], amount)
            for key, (units, amount) in ordered
            if units or amount
        )
        found.append(ModelCredits(model, "", shares))
    return tuple(found)


def _rounded(shares: Sequence[tuple[str, Fraction]]) -> list[tuple[str, int | float]]:
    """Round shares of actions to `DECIMALS`, so that they still have the same sum.

    Shares of one action are stored in billionths, so that a third of 1,200 of them is not quite
    400; it is 400 here.
    """
    parts = in_whole_units([share * 10**DECIMALS for _, share in shares])
    return [
        (key, part // 10**DECIMALS if part % 10**DECIMALS == 0 else part / 10**DECIMALS)
        for (key, _), part in zip(shares, parts, strict=True)
    ]


def _names(campaign: Campaign, by: str) -> dict[str, str]:
    if by != "post":
        return {}
    return {
        str(post.id): f"{post.platform}: {post.title or post.id}"
        for post in posts.list_posts(campaign.org_id, campaign.id)
    }


def _seconds(value: float | None) -> int | None:
    return None if value is None else round(float(value))
