"""What a new installation and a new organization need to know: is anybody there, what is set up."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from advocacy.core.crypto import NO_ORGANIZATION
from advocacy.storage import locks
from advocacy.storage.session import exists, run


def has_members() -> bool:
    """Return whether any organization has a member."""
    return exists("select 1 from addresses where kind = 'member' limit 1")


def lock_first_run() -> None:
    """Let one transaction at a time make the first member; it ends with the transaction."""
    locks.lock_organization(NO_ORGANIZATION)


class Checklist(NamedTuple):
    """What is set up in an organization."""

    campaign: bool
    tool: bool
    click: bool
    action: bool
    weekly: bool
    is_new: bool

    @property
    def is_done(self) -> bool:
        """Return whether nothing is left to set up."""
        return all((self.campaign, self.tool, self.click, self.action, self.weekly))


def read_checklist(org_id: UUID) -> Checklist:
    """Return what is set up; `is_new` if the organization was made in the last 60 days."""
    (row,) = run(
        Checklist,
        """select exists (select 1 from campaigns where org_id = :o) as campaign,
                  exists (select 1 from sources where org_id = :o and archived_at is null) as tool,
                  exists (select 1 from touches where org_id = :o) as click,
                  exists (select 1 from actions where org_id = :o and not test) as action,
                  exists (select 1 from report_subscriptions where org_id = :o
                          and ended_at is null) as weekly,
                  coalesce((select created_at > now() - interval '60 days'
                            from organizations where id = :o), false) as is_new""",
        o=org_id,
    )
    return row
