"""Organizations."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from advocacy.core.ids import new_id
from advocacy.storage.db import db
from advocacy.storage.errors import NotFound, Taken
from advocacy.storage.models import (
    Organization,
)


def put_organization(slug: str, name: str, timezone: str = "UTC") -> Organization:
    """Make an organization. Raises `Taken`."""
    if db.session.scalar(select(Organization).filter_by(slug=slug)):
        raise Taken(f"there is already an organization {slug}")
    organization = Organization(id=new_id(), slug=slug, name=name, timezone=timezone)
    db.session.add(organization)
    db.session.flush()
    return organization


def set_fallback_url(organization: Organization, url: str) -> None:
    """Set the URL that the page for missing links offers; empty for none."""
    organization.fallback_url = url
    db.session.flush()


def get_organization(slug: str | None) -> Organization:
    """Return the organization; without a slug, the only one. Raises `NotFound`."""
    if slug:
        found: Organization | None = db.session.scalar(select(Organization).filter_by(slug=slug))
        if found is None:
            raise NotFound(f"there is no organization {slug}; see `advocacy org list`")
        return found
    every = list_organizations()
    if not every:
        raise NotFound("there is no organization yet; create one with `advocacy org create`")
    if len(every) > 1:
        raise NotFound("there are several organizations; choose one with --org")
    return every[0]


def list_organizations() -> Sequence[Organization]:
    """Return all organizations by slug."""
    return list(db.session.scalars(select(Organization).order_by(Organization.slug)))


def find_organization(org_id: UUID) -> Organization | None:
    """Return the organization with this id."""
    return db.session.get(Organization, org_id)
