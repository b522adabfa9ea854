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
from advocacy.storage.session import column, execute, exists

DERIVED_VERSION = 1
"""The version of the rules by which figures are made; raised where a rebuild gives other rows."""


def put_organization(slug: str, name: str, timezone: str = "UTC") -> Organization:
    """Make an organization. Raises `Taken`."""
    if db.session.scalar(select(Organization).filter_by(slug=slug)):
        raise Taken(f"there is already an organization {slug}")
    organization = Organization(
        id=new_id(), slug=slug, name=name, timezone=timezone, derived_version=DERIVED_VERSION
    )
    db.session.add(organization)
    db.session.flush()
    return organization


def is_outdated(org_id: UUID) -> bool:
    """Say whether an older version made this organization's figures."""
    return exists(
        "select 1 from organizations where id = :o and derived_version < :version",
        o=org_id,
        version=DERIVED_VERSION,
    )


def list_outdated() -> list[UUID]:
    """Return the organizations whose figures an older version made."""
    return column(
        UUID,
        "select id from organizations where derived_version < :version order by id",
        version=DERIVED_VERSION,
    )


def note_rebuilt(org_id: UUID) -> None:
    """Note that this version has made all figures of an organization."""
    execute(
        "update organizations set derived_version = :version where id = :org_id",
        org_id=org_id,
        version=DERIVED_VERSION,
    )


def set_fallback_url(organization: Organization, url: str) -> None:
    """Set the URL that the page for missing links offers; empty for none."""
    organization.fallback_url = url
    db.session.flush()


def update_organization(organization: Organization, *, name: str, rounding_base: int) -> None:
    """Change the name of an organization, and to what its figures are rounded for others."""
    organization.name, organization.rounding_base = name, rounding_base
    db.session.flush()


def rounding_base(org_id: UUID, least: int) -> int:
    """Return to what figures are rounded for others: the organization's base, or the least one."""
    found = column(int, "select rounding_base from organizations where id = :o", o=org_id)
    return max(least, *found) if found else least


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


def remove_organization(org_id: UUID) -> None:
    """Delete an organization and every row of it."""
    for table in reversed(db.metadata.sorted_tables):
        if "org_id" in table.columns:
            db.session.execute(table.delete().where(table.c.org_id == org_id))
    db.session.execute(Organization.__table__.delete().where(Organization.id == org_id))
