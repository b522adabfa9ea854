"""Supporters: the people who acted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from advocacy.storage import packing
from advocacy.storage.session import execute


def put_supporters(org_id: UUID, firsts: Mapping[UUID, datetime]) -> None:
    """Store people with the instant of an action, keeping the earliest."""
    if not firsts:
        return
    execute(
        """insert into supporters (org_id, id, first_acted_at)
           select :o, v.id, v.at
           from unnest(cast(:ids as uuid[]), cast(:ats as timestamptz[])) as v (id, at)
           on conflict (org_id, id) do update
             set first_acted_at = least(supporters.first_acted_at, excluded.first_acted_at)
             where supporters.first_acted_at is null
                or excluded.first_acted_at < supporters.first_acted_at""",
        o=org_id,
        ids=packing.uuid_array(firsts),
        ats=list(firsts.values()),
    )


def refresh_first_acted(org_id: UUID, supporters: Iterable[UUID]) -> None:
    """Recompute when these people first acted, after one of their actions changed."""
    ids = set(supporters)
    if not ids:
        return
    execute(
        """update supporters s set first_acted_at = (
             select min(a.occurred_at) from actions a
             where a.org_id = :o and a.supporter_id = s.id and a.counted)
           where s.org_id = :o and s.id = any(cast(:ids as uuid[]))""",
        o=org_id,
        ids=packing.uuid_array(ids),
    )


def drop_idle_supporters(org_id: UUID, supporters: Iterable[UUID]) -> None:
    """Remove those of these people who have no actions."""
    if ids := list(supporters):
        execute(
            """delete from supporters
               where org_id = :o and id = any(cast(:ids as uuid[])) and first_acted_at is null""",
            o=org_id,
            ids=ids,
        )
