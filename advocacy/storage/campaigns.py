"""Campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, tuple_

from advocacy.core.ids import new_id
from advocacy.storage.db import db
from advocacy.storage.errors import NotFound, Taken
from advocacy.storage.models import (
    Campaign,
)
from advocacy.storage.session import execute, run, scalar

Cursor = tuple[datetime, UUID]
"""When the last row of a page was made, and its id: the next page begins after it."""


def put_campaign(org_id: UUID, slug: str, name: str, timezone: str) -> Campaign:
    """Make a campaign. Raises `Taken`."""
    if db.session.scalar(select(Campaign).filter_by(org_id=org_id, slug=slug)):
        raise Taken(f"there is already a campaign {slug}")
    campaign = Campaign(org_id=org_id, id=new_id(), slug=slug, name=name, timezone=timezone)
    db.session.add(campaign)
    db.session.flush()
    return campaign


def find_campaign(org_id: UUID, slug: str) -> Campaign | None:
    """Return the organization's campaign of this slug."""
    return db.session.scalar(select(Campaign).filter_by(org_id=org_id, slug=slug))


def get_campaign(org_id: UUID, slug: str) -> Campaign:
    """Return the organization's campaign of this slug. Raises `NotFound`."""
    found = find_campaign(org_id, slug)
    if found is None:
        raise NotFound(f"there is no campaign {slug}; see `advocacy campaign list`")
    return found


def list_campaigns(org_id: UUID) -> Sequence[Campaign]:
    """Return all campaigns, the newest first."""
    return list(
        db.session.scalars(
            select(Campaign).filter_by(org_id=org_id).order_by(Campaign.created_at.desc())
        )
    )


def list_active_campaigns(org_id: UUID) -> Sequence[Campaign]:
    """Return the campaigns that are not archived, the newest first."""
    return [each for each in list_campaigns(org_id) if each.archived_at is None]


def list_campaign_page(
    org_id: UUID, limit: int, *, archived: bool | None = False, before: Cursor | None = None
) -> list[Campaign]:
    """Return campaigns, newest first, after this cursor; `archived` is None for all."""
    query = select(Campaign).filter_by(org_id=org_id)
    if archived is not None:
        query = query.where(Campaign.archived_at.is_not(None) == archived)
    if before:
        query = query.where(tuple_(Campaign.created_at, Campaign.id) < before)
    query = query.order_by(Campaign.created_at.desc(), Campaign.id.desc()).limit(limit)
    return list(db.session.scalars(query))


def rename_campaign(campaign: Campaign, name: str) -> None:
    """Give a campaign another name."""
    campaign.name = name
    db.session.flush()


def archive_campaign(campaign: Campaign, at: datetime | None) -> None:
    """Archive a campaign, unless it is archived already; restore it with None."""
    campaign.archived_at = at and (campaign.archived_at or at)
    db.session.flush()


class _ZoneRow(NamedTuple):
    id: UUID
    timezone: str


def zones(org_id: UUID) -> dict[UUID | None, str]:
    """Return the time zone of every campaign; under None, the organization's own."""
    found: dict[UUID | None, str] = {
        None: scalar(str, "select timezone from organizations where id = :o", o=org_id)
    }
    found.update(
        (row.id, row.timezone)
        for row in run(_ZoneRow, "select id, timezone from campaigns where org_id = :o", o=org_id)
    )
    return found


def lock_campaign(org_id: UUID, campaign_id: UUID) -> None:
    """Lock the campaign until the transaction ends, so that no one else makes links of it."""
    execute(
        "select 1 from campaigns where org_id = :o and id = :c for no key update",
        o=org_id,
        c=campaign_id,
    )


def within(campaign_id: UUID | None, own: str = "") -> str:
    """Return the SQL condition for rows of a campaign (`:c`), or for all of the organization's.

    `own` is the prefix of the column, if it needs one.
    """
    return "" if campaign_id is None else f"and {own}campaign_id = :c"
