"""Reading on while a node of a cluster is down: leave out its organizations, and no others.

Note: Citus reports a node that it cannot reach as an error of class 08, over a connection to the
coordinator that is itself fine. On a single PostgreSQL a statement never ends with such an error.
The error ends the transaction. So these functions roll back, and are for reading only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from advocacy.storage.db import db
from advocacy.storage.session import column, run

Row = TypeVar("Row")
Part = TypeVar("Part")

log = structlog.get_logger()


def is_node_down(error: BaseException) -> bool:
    """Return whether a statement failed because a node of the cluster does not answer."""
    if not isinstance(error, DBAPIError) or error.connection_invalidated:
        return False
    # Without a connection there is no SQLSTATE.
    return str(getattr(error.orig, "sqlstate", None) or "").startswith("08")


@dataclass(frozen=True, slots=True)
class Found(Generic[Row]):
    """What was read; `complete` unless the organizations of a node are missing."""

    rows: list[Row]
    complete: bool = True


def of_each(org_ids: Iterable[UUID], read: Callable[[UUID], Sequence[Row]]) -> Found[Row]:
    """Return what is read of each organization, without those whose node is down.

    Raises if all of them are.
    """
    return _gather(sorted(set(org_ids)), read)


def of_all(read: Callable[[list[UUID] | None], Sequence[Row]]) -> Found[Row]:
    """Return what is read of all organizations, without those whose node is down.

    `read` is called with None, to ask for all in one statement; only if that fails for a node,
    again with the organizations of each node. Raises if all nodes are down.
    """
    try:
        return Found(list(read(None)))
    except DBAPIError as error:
        if not is_node_down(error):
            raise
        db.session.rollback()
    return _gather(_organizations_by_node(), read)


def _gather(parts: Sequence[Part], read: Callable[[Part], Sequence[Row]]) -> Found[Row]:
    found: list[Row] = []
    failed: DBAPIError | None = None
    answered = 0
    for part in parts:
        try:
            found += read(part)
            answered += 1
        except DBAPIError as error:
            if not is_node_down(error):
                raise
            db.session.rollback()
            failed = error
    if failed is not None:
        if not answered:
            raise failed
        log.warning("node_down", parts=len(parts), answered=answered)
    return Found(found, complete=failed is None)


class _Placed(NamedTuple):
    org_id: UUID
    node: int


def _organizations_by_node() -> list[list[UUID]]:
    """Return the organizations of each node, from the metadata that the coordinator has."""
    org_ids = column(UUID, "select id from organizations order by id")
    rows = run(
        _Placed,
        """select v.org_id, min(p.groupid) as node
           from unnest(cast(:ids as uuid[])) as v (org_id)
           join pg_dist_placement p
             on p.shardid = get_shard_id_for_distribution_column('sources', v.org_id)
           group by v.org_id""",
        ids=org_ids,
    )
    by_node: dict[int, list[UUID]] = {}
    for row in rows:
        by_node.setdefault(row.node, []).append(row.org_id)
    return list(by_node.values())
