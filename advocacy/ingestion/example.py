"""Example data: an organization of invented people beside one's own, removed with one call.

Note: it is an organization of its own, so no invented figure ever mixes with a real one. Its slug
names the organization for which it was made, and only an organization with such a slug is removed.
"""

from __future__ import annotations

from uuid import UUID

from advocacy.ingestion import sample_data
from advocacy.storage import organizations
from advocacy.storage.errors import NotFound
from advocacy.storage.models import Organization
from advocacy.storage.session import transaction
from config.settings import Settings

NAME = "Example data"
_PREFIX = "example-"
_ACTIONS = 1_500
_DAYS = 120


def put_example(settings: Settings, org_id: UUID) -> Organization:
    """Return the example organization of an organization; make it if there is none."""
    slug = _PREFIX + org_id.hex
    try:
        return organizations.get_organization(slug)
    except NotFound:
        pass
    try:
        sample_data.fill(settings, slug, _ACTIONS, days=_DAYS)
    except Exception:
        # What was made by then would be taken for the whole example.
        _remove(slug)
        raise
    with transaction():
        made = organizations.get_organization(slug)
        made.name = NAME
    return organizations.get_organization(slug)


def _remove(slug: str) -> None:
    with transaction():
        for each in organizations.list_organizations():
            if each.slug == slug:
                organizations.remove_organization(each.id)


def owner_of(example: Organization | None) -> UUID | None:
    """Return the organization for which this one is the example; None if it is a real one."""
    if example is None or not example.slug.startswith(_PREFIX):
        return None
    try:
        return UUID(example.slug.removeprefix(_PREFIX))
    except ValueError:
        return None


def remove_example(example: Organization) -> None:
    """Delete an example organization with all its rows. Raises `ValueError` for a real one."""
    if owner_of(example) is None:
        raise ValueError("only example data is removed")
    with transaction():
        organizations.remove_organization(example.id)
