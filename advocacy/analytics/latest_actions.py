"""List a campaign's newest actions page by page, without personal data."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from advocacy.analytics.receipt import ActionMoney
from advocacy.storage import campaigns
from advocacy.storage import explain as explain_storage
from advocacy.storage.explain import ListedAction

MAX_LIMIT = 200


class BadCursor(ValueError):
    """The cursor is not one of a previous answer."""


@dataclass(frozen=True, slots=True)
class ActionsCampaign:
    """The campaign of a list of actions."""

    slug: str
    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class ActionPost:
    """The post that an action is credited to."""

    id: UUID
    platform: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class ActionSummary:
    """An action in a list."""

    id: UUID
    kind: str
    at: datetime
    day: date
    counted: bool
    test: bool
    renewal: bool
    tier: str
    platform: str
    post: ActionPost | None
    money: ActionMoney | None


@dataclass(frozen=True, slots=True)
class ActionList:
    """A page of actions; `next` is the cursor of the page after it, or None."""

    campaign: ActionsCampaign
    actions: tuple[ActionSummary, ...]
    next: str | None


def find_actions(
    org_id: UUID,
    slug: str,
    *,
    post_id: UUID | None = None,
    kind: str = "",
    day: date | None = None,
    counted: bool = True,
    limit: int = 50,
    cursor: str = "",
) -> ActionList:
    """Return the newest actions of a campaign. Raises `NotFound` and `BadCursor`.

    `post_id` means credited by last touch; `day` is a day in the campaign's time zone; with
    `counted=False`, the actions are those that count in no report.
    """
    campaign = campaigns.get_campaign(org_id, slug)
    limit = max(1, min(limit, MAX_LIMIT))
    rows = explain_storage.newest(
        org_id,
        campaign.id,
        post_id=post_id,
        kind=kind,
        day=day,
        counted=counted,
        before=_read_cursor(cursor) if cursor else None,
        limit=limit + 1,
    )
    page = rows[:limit]
    return ActionList(
        campaign=ActionsCampaign(campaign.slug, campaign.name, campaign.timezone),
        actions=tuple(_summary(row) for row in page),
        next=_cursor(page[-1]) if len(rows) > limit else None,
    )


def _summary(row: ListedAction) -> ActionSummary:
    post = None
    if row.post_id:
        post = ActionPost(row.post_id, row.platform, row.title or "", row.url or "")
    money = None
    if row.currency:
        money = ActionMoney(row.currency, row.gross_minor, row.refunded_minor)
    return ActionSummary(
        id=row.id,
        kind=row.kind,
        at=row.occurred_at,
        day=row.occurred_on,
        counted=row.counted,
        test=row.test,
        renewal=row.renewal,
        tier=row.tier,
        platform=row.platform,
        post=post,
        money=money,
    )


def _cursor(row: ListedAction) -> str:
    text = f"{row.occurred_on}|{row.occurred_at.astimezone(UTC).isoformat()}|{row.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[date, datetime, UUID]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        day, at, action_id = base64.urlsafe_b64decode(padded).decode("ascii").split("|")
        return date.fromisoformat(day), datetime.fromisoformat(at), UUID(action_id)
    except (binascii.Error, ValueError):
        raise BadCursor("is not the cursor of a previous answer") from None
