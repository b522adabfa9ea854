"""Aliases: further ids of an action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from advocacy.storage.session import column, execute, run


class _AliasRow(NamedTuple):
    name: UUID
    action_id: UUID


def find_aliases(org_id: UUID, names: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return the ids of the actions that have these aliases."""
    rows = run(
        _AliasRow,
        "select name, action_id from action_names where org_id = :o and name = any(:names)",
        o=org_id,
        names=list(names),
    )
    return {row.name: row.action_id for row in rows}


def aliases_of(org_id: UUID, action_id: UUID) -> set[UUID]:
    """Return the aliases of an action."""
    rows = column(
        UUID,
        "select name from action_names where org_id = :o and action_id = :id",
        o=org_id,
        id=action_id,
    )
    return set(rows)


def put_aliases(org_id: UUID, names: Mapping[UUID, UUID]) -> None:
    """Store aliases of actions; aliases of their former ids are changed too."""
    if not names:
        return
    ordered = sorted(names)
    execute(
        """update action_names n set action_id = v.action_id
           from unnest(cast(:names as uuid[]), cast(:ids as uuid[])) as v (name, action_id)
           where n.org_id = :o and n.action_id = v.name and n.action_id <> v.action_id""",
        o=org_id,
        names=ordered,
        ids=[names[name] for name in ordered],
    )
    execute(
        """insert into action_names (org_id, name, action_id)
           select :o, v.name, v.action_id
           from unnest(cast(:names as uuid[]), cast(:ids as uuid[])) as v (name, action_id)
           order by v.name
           on conflict (org_id, name) do update set action_id = excluded.action_id
             where action_names.action_id <> excluded.action_id""",
        o=org_id,
        names=ordered,
        ids=[names[name] for name in ordered],
    )
