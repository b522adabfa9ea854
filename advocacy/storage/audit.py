"""The audit log: what staff did."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from advocacy.core.ids import new_id
from advocacy.storage.session import execute, run


def record(org_id: UUID, who: str, did: str, what: str = "") -> None:
    """Record what a staff member did. `did` is a keyword; nothing about supporters."""
    execute(
        "insert into audit (org_id, id, who, did, what) values (:o, :id, :who, :did, :what)",
        o=org_id,
        id=new_id(),
        who=who,
        did=did,
        what=what,
    )


class AuditEntry(NamedTuple):
    """What a staff member did, and when."""

    at: datetime
    who: str
    did: str
    what: str


def list_entries(org_id: UUID, limit: int = 100) -> list[AuditEntry]:
    """Return the newest entries: at, who, did, what."""
    return run(
        AuditEntry,
        """select at, who, did, what from audit where org_id = :o
           order by at desc, id desc limit :limit""",
        o=org_id,
        limit=limit,
    )
