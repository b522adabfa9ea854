"""Find what has to be done without a notification, and do it for one organization after another.

Note: on a cluster one machine may be away. What is asked of all organizations in one statement
fails then, and is asked of each; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from uuid import UUID

import structlog

from advocacy.core.prefetch import background_thread
from advocacy.ingestion import drain, figures
from advocacy.ingestion.lease_renewal import renewing
from advocacy.storage import idempotency, inbox, organizations, outages, outgoing_webhooks
from advocacy.storage.session import transaction
from config.settings import Settings

log = structlog.get_logger()


def organizations_to_drain() -> list[UUID]:
    """Return the organizations with pending deliveries, the longest waiting first."""
    try:
        with transaction():
            return inbox.organizations_with_work()
    except Exception as error:
        if not outages.name_of(error):
            raise
    found: list[UUID] = []

    def look(org_id: UUID) -> None:
        with transaction():
            if inbox.has_work(org_id):
                found.append(org_id)

    for_each_organization(look)
    return found


def organizations_to_rebuild() -> list[UUID]:
    """Return the organizations whose figures an older version made."""
    with transaction():
        return organizations.list_outdated()


def for_each_organization(work: Callable[[UUID], object]) -> None:
    """Do this for each organization; an outage that only some of them have keeps no other.

    Raises the last outage where all have it.
    """
    with transaction():
        every = [organization.id for organization in organizations.list_organizations()]
    _for_each(every, work)


def _for_each(every: Iterable[UUID], work: Callable[[UUID], object]) -> None:
    failed: Exception | None = None
    succeeded = False
    for org_id in every:
        try:
            work(org_id)
            succeeded = True
        except Exception as error:
            if not (name := outages.name_of(error)):
                raise
            failed = error
            log.warning("organization_left_out", reason=name)
    if failed and not succeeded:
        raise failed


def tidy(org_id: UUID) -> None:
    """Attribute actions whose click came late, and fold pending changes of distinct people."""
    drain.restate_waiting(org_id, drain.Drained())
    figures.fold_news(org_id)


def delete_expired(org_id: UUID) -> None:
    """Delete idempotency keys, and messages of outgoing webhooks, whose time is over."""
    now = datetime.now(UTC)
    with transaction():
        idempotency.delete_old_keys(org_id, now)
        outgoing_webhooks.delete_old_messages(org_id, now)


def rebuild_once(
    settings: Settings,
    org_id: UUID,
    within: Callable[[], AbstractContextManager[object]],
    beat: Callable[[], None],
) -> None:
    """Rebuild an organization whose figures an older version made; `beat` as in `drain_backlog`."""
    with (
        within(),
        renewing(org_id, settings.lease_seconds, within, beat),
        background_thread(within) as begin,
    ):
        drain.rebuild_outdated(settings, org_id, begin)
