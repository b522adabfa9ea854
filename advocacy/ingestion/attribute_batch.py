"""Credit the actions of a batch, and place each in its campaign and on its day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from advocacy.attribution import shares_of
from advocacy.attribution.credit import (
    credit_action,
    first_payment,
    only_visit,
    touches_of,
    visit_of,
)
from advocacy.attribution.touchpoints import TouchLookup
from advocacy.core.dates import day_in
from advocacy.core.events import Tier, Touch
from advocacy.core.records import StoredTouch
from advocacy.ingestion.batch import Batch
from advocacy.storage.actions import Action


def attribute(batch: Batch) -> None:
    """Set credit, campaign and day of each action from the evidence."""
    for action in batch.actions:
        _credit(action, batch.lookup)
    _inherit(batch.actions)
    for action in batch.actions:
        _place(batch, action)


def _credit(action: Action, lookup: TouchLookup) -> None:
    """Set the credit of an action, and its path where several touches share it."""
    action.path = None
    visit = only_visit(action, lookup)
    if visit is None:
        credit, path = credit_action(action, touches_of(action, lookup, in_window=True))
        if len(path) > 1:
            action.path = _stored_path(path, action.occurred_at)
        visit = visit_of(credit)
    action.tier, action.post_id, action.link_id, action.platform, action.campaign_id = visit


def _stored_path(path: Sequence[Touch], occurred_at: datetime) -> list[StoredTouch]:
    """Return the touches of a path as they are stored, each with its share by model."""
    return [
        {
            "post_id": str(touch.post_id) if touch.post_id else None,
            "link_id": str(touch.link_id) if touch.link_id else None,
            "platform": touch.platform,
            "channel": touch.channel,
            "tier": touch.tier,
            "at": touch.at.isoformat(),
            "shares": {name: str(share) for name, share in shares.items() if share},
        }
        for touch, shares in zip(path, shares_of(path, occurred_at), strict=True)
    ]


def _inherit(todo: Sequence[Action]) -> None:
    """Give all payments of a recurring gift the credit of its first payment."""
    mandates: dict[tuple[UUID, str], list[Action]] = {}
    for action in todo:
        if action.recurs_as:
            mandates.setdefault((action.source_id, action.recurs_as), []).append(action)
    for payments in mandates.values():
        first = first_payment(payments, lambda each: each.tier != Tier.UNATTRIBUTED)
        for payment in payments:
            for name in ("tier", "post_id", "link_id", "platform", "campaign_id", "path"):
                setattr(payment, name, getattr(first, name))


def _place(batch: Batch, action: Action) -> None:
    """Set the campaign (the source's where no post is credited) and the day of an action."""
    action.campaign_id = action.campaign_id or batch.sources[action.source_id].campaign_id
    zone = batch.zones.get(action.campaign_id) or batch.zones[None]
    action.occurred_on = day_in(action.occurred_at, zone)
