"""Names of actions that another tool reports better, with the deliveries that say so.

A gift of ActBlue is told by two more tools under names of their own. Such a name is no action: it
counts for nothing until a delivery tells of the action itself, which is then not counted.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from advocacy.storage import packing
from advocacy.storage.session import column, copy, execute


def find_duplicates(org_id: UUID, names: Collection[UUID]) -> set[UUID]:
    """Return the deliveries which say that actions of these names are duplicates."""
    if not names:
        return set()
    found = column(
        UUID,
        """select delivery_id from duplicates
           where org_id = :o and name = any(cast(:names as uuid[]))""",
        o=org_id,
        names=packing.uuid_array(names),
    )
    return set(found)


def put_duplicates(org_id: UUID, said: Collection[tuple[UUID, UUID]]) -> None:
    """Store (name, delivery), each once."""
    if not said:
        return
    execute(
        """delete from duplicates
           where org_id = :o and name = any(cast(:names as uuid[]))
             and delivery_id = any(cast(:deliveries as uuid[]))""",
        o=org_id,
        names=packing.uuid_array(name for name, _ in said),
        deliveries=packing.uuid_array({delivery_id for _, delivery_id in said}),
    )
    copy(
        "duplicates",
        {
            "name": packing.uuids(name for name, _ in said),
            "delivery_id": packing.uuids(delivery_id for _, delivery_id in said),
        },
        org_id,
    )
