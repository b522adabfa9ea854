"""Credit one action: the rules behind both the stored credit and its receipt.

The pipeline applies them when an action is counted; `analytics/explain.py` applies them again to
prove the credit from the evidence. How touches share an action is in `rules.py`.

Note: all payments of a recurring gift have the credit of its first payment, see `first_payment`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from advocacy.attribution.eligibility import WINDOWS, path_of, window_bounds
from advocacy.attribution.rules import RULES, share_out
from advocacy.attribution.touchpoints import TouchLookup, collect_touchpoints, link_by_utm
from advocacy.core.events import ActionKind, Credit, Tier, Touch
from advocacy.core.platforms import platform_of_host

_WINDOWS: Mapping[str, timedelta] = {str(kind): window for kind, window in WINDOWS.items()}

RULE = RULES["last_touch"]
"""The rule by which an action is credited to one post; reports offer the others as well."""


class Evidence(Protocol):
    """What of an action decides its credit; actions and rows of queries both have it."""

    @property
    def kind(self) -> str:
        """An `ActionKind`."""

    @property
    def occurred_at(self) -> datetime:
        """Aware UTC."""

    @property
    def code(self) -> str:
        """The tracking code that came back, or ''."""

    @property
    def click_id(self) -> str:
        """The click id that came back, or ''."""

    @property
    def utm(self) -> Mapping[str, str]:
        """The UTM parameters that came back, without `utm_`."""

    @property
    def referrer(self) -> str:
        """The referring host, or ''."""

    @property
    def supporter_id(self) -> UUID | None:
        """Who acted, where that is known."""


class Payment(Protocol):
    """What of a payment decides which one is the first of a recurring gift."""

    @property
    def id(self) -> UUID:
        """The action's id."""

    @property
    def occurred_at(self) -> datetime:
        """Aware UTC."""

    @property
    def renewal(self) -> bool:
        """Whether the tool reports the payment as a renewal."""


SomePayment = TypeVar("SomePayment", bound=Payment)


@dataclass(frozen=True, slots=True)
class LookupKeys:
    """By what links and clicks have to be looked up to credit some actions."""

    codes: set[str]
    utm_campaigns: set[str]
    click_ids: set[str]
    supporter_ids: set[UUID]


def lookup_keys(actions: Iterable[Evidence]) -> LookupKeys:
    """Return the keys of everything that could be evidence for these actions."""
    actions = list(actions)
    return LookupKeys(
        codes={each.code for each in actions if each.code},
        utm_campaigns={each.utm["campaign"] for each in actions if each.utm.get("campaign")},
        click_ids={each.click_id for each in actions if each.click_id},
        supporter_ids={each.supporter_id for each in actions if each.supporter_id},
    )


def window_of(action: Evidence) -> timedelta:
    """Return how long before the action a touch may lie."""
    return WINDOWS[ActionKind(action.kind)]


def touches_of(action: Evidence, lookup: TouchLookup, *, in_window: bool = False) -> list[Touch]:
    """Return all touches of an action, in no order.

    With `in_window`, the supporter's other clicks are left out where they are outside the window:
    they cannot change the credit, and some people click a lot.
    """
    return collect_touchpoints(
        action.occurred_at,
        lookup,
        code=action.code,
        click_id=action.click_id,
        utm=action.utm,
        referrer=action.referrer,
        supporter_id=action.supporter_id,
        within=window_bounds(action.occurred_at, window_of(action)) if in_window else None,
    )


class Visit(NamedTuple):
    """What is stored of an action's credit."""

    tier: Tier
    post_id: UUID | None = None
    link_id: UUID | None = None
    platform: str = ""
    campaign_id: UUID | None = None


def visit_of(credit: Credit) -> Visit:
    """Return the credit that an action has where its touches share it otherwise."""
    touch = credit.touch
    if touch is None:
        return Visit(credit.tier)
    return Visit(credit.tier, touch.post_id, touch.link_id, touch.platform, touch.campaign_id)


def only_visit(action: Evidence, lookup: TouchLookup) -> Visit | None:
    """Return the credit of an action from the evidence that it carries; None if there is more.

    There is more where its supporter has another click in its window. Otherwise this is what
    `credit_action` gives: the strongest evidence that the action carries is the only touch.
    """
    first, last = window_bounds(action.occurred_at, _WINDOWS[action.kind])
    click = lookup.clicks.get(action.click_id) if action.click_id else None
    if action.supporter_id is not None:
        for each in lookup.clicks_of.get(action.supporter_id, ()):
            is_same = click is not None and each.click_id == action.click_id
            if first <= each.clicked_at <= last and not is_same:
                return None
    if click and first <= click.clicked_at <= last:
        return Visit(Tier.CLICK_ID, click.post_id, click.link_id, click.platform, click.campaign_id)
    if link := lookup.links.get(action.code):
        return Visit(Tier.CODE, link.post_id, link.link_id, link.platform, link.campaign_id)
    if action.utm and (tagged := link_by_utm(action.utm, lookup)):
        return Visit(Tier.UTM, tagged.post_id, tagged.link_id, tagged.platform, tagged.campaign_id)
    if action.referrer and (platform := platform_of_host(action.referrer)):
        return Visit(Tier.REFERRER, platform=platform)
    return Visit(Tier.UNATTRIBUTED)


def credit_action(action: Evidence, touches: Sequence[Touch]) -> tuple[Credit, list[Touch]]:
    """Return the credit of an action, and its path within the credited campaign.

    The path has the eligible touches in order of time; it is empty where nothing is credited.
    """
    path = path_of(action.occurred_at, touches, window_of(action))
    (credit,) = share_out(path, action.occurred_at, RULE)
    if len(path) > 1:
        own, _ = split_by_campaign(touches, credit)
        path = path_of(action.occurred_at, own, window_of(action))
    return credit, path


def split_by_campaign(touches: Iterable[Touch], credit: Credit) -> tuple[list[Touch], list[Touch]]:
    """Split touches into those of the credited campaign and those of other campaigns.

    A campaign shares its actions among its own posts only. Touches without a campaign belong to
    the credited one; where nothing is credited, all touches do.
    """
    touches = list(touches)
    if credit.touch is None:
        return touches, []
    own = {None, credit.touch.campaign_id}
    return (
        [each for each in touches if each.campaign_id in own],
        [each for each in touches if each.campaign_id not in own],
    )


def first_payment(
    payments: Iterable[SomePayment], has_evidence: Callable[[SomePayment], object]
) -> SomePayment:
    """Return the payment of a recurring gift whose credit all its payments inherit.

    That is the earliest payment that is not a renewal, or the earliest known where all are
    renewals; in either case, the earliest with evidence of its own if any has some.
    """
    ordered = sorted(payments, key=lambda each: (each.renewal, each.occurred_at, each.id))
    candidates = [each for each in ordered if each.renewal == ordered[0].renewal]
    return next(filter(has_evidence, candidates), candidates[0])
