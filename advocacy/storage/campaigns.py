"""Campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from advocacy.core.ids import new_id
from advocacy.storage.db import db
from advocacy.storage.errors import NotFound, Taken
from advocacy.storage.models import (
    Campaign,
)
from advocacy.storage.session import execute, run, scalar


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
