"""Erased people, as keyed digests, so that later deliveries do not bring them back."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from advocacy.storage.session import column, execute, exists


def find_erased(org_id: UUID, marks: Iterable[str]) -> set[str]:
    """Return those of these digests that belong to erased people."""
    rows = column(
        str,
        "select mark from suppressed where org_id = :o and mark = any(cast(:marks as text[]))",
        o=org_id,
        marks=list(marks),
    )
    return set(rows)


def has_erased(org_id: UUID) -> bool:
    """Return whether anyone was ever erased from this organization."""
    return exists("select 1 from suppressed where org_id = :o limit 1", o=org_id)


def put_erased(org_id: UUID, marks: Iterable[str]) -> None:
    """Store the digests of erased people."""
    execute(
        """insert into suppressed (org_id, mark)
           select :o, mark from unnest(cast(:marks as text[])) as v (mark) order by 2
           on conflict do nothing""",
        o=org_id,
        marks=list(marks),
    )
