"""The jobs, a few lines each. Their arguments are ids, and which figures were asked for.

What a stranger would get wrong: a job carries no work. It says that there may be some; what there
is to do stands in PostgreSQL, and a job that is lost or run twice changes nothing.
"""

from __future__ import annotations

from functools import partial
from uuid import UUID

from advocacy.ingestion import drain as drain_ingestion
from advocacy.ingestion import erasure, postponement
from advocacy.ingestion.wakeup import enqueue_drain, hold_slot, slots_of
from advocacy.reporting.email import outbox, surge_alerts
from advocacy.storage import inbox, organizations
from advocacy.storage.session import transaction
from workers.context import application, connection, others_wait


def drain(org_id: str, slot: str = "") -> None:
    """Work through what waits for one organization; go behind the others where there is more."""
    own, settings, redis = UUID(org_id), application().extensions["settings"], connection()
    slot = slot or slots_of(settings.queue, own)[0]
    with (
        hold_slot(redis, slot, settings.lease_seconds),
        postponement.on_outage(redis, settings.queue, own),
    ):
        if drain_ingestion.drain_backlog(
            settings, own, application().app_context, partial(others_wait, own)
        ):
            enqueue_drain(redis, settings.queue, own)


def sweep() -> None:
    """Find what no hint announced: deliveries that wait, actions whose click came late.

    And fold what changed of people where it grew long.
    """
    with application().app_context():
        settings = application().extensions["settings"]
        with transaction():
            waiting = inbox.organizations_with_work()
            every = [organization.id for organization in organizations.list_organizations()]
        for org_id in waiting:
            enqueue_drain(connection(), settings.queue, org_id)
        for org_id in every:
            drain_ingestion.restate_waiting(org_id, drain_ingestion.Drained())
            drain_ingestion.compact_distinct_deltas(org_id)


def retire() -> None:
    """Remove bodies that have been kept for their time."""
    with application().app_context():
        settings = application().extensions["settings"]
        with transaction():
            every = [organization.id for organization in organizations.list_organizations()]
        for org_id in every:
            erasure.drop_old_bodies(settings, org_id)
            drain_ingestion.compact_distinct_deltas(org_id, above=0)


def mail_reports() -> None:
    """Send the reports and alerts that are due, one organization after the other."""
    with application().app_context():
        settings = application().extensions["settings"]
        with transaction():
            every = [organization.id for organization in organizations.list_organizations()]
        for org_id in every:
            outbox.send_due(settings, org_id)


def count(org_id: str, question: str) -> None:
    """Count figures that somebody waits for, or that grew old."""
    with application().app_context():
        application().extensions["counting"].count(UUID(org_id), question)


def watch() -> None:
    """Look for posts that run far above their usual; tell whoever wants to know."""
    with application().app_context():
        settings = application().extensions["settings"]
        with transaction():
            every = [organization.id for organization in organizations.list_organizations()]
        for org_id in every:
            if surge_alerts.watch(settings, org_id):
                outbox.send_due(settings, org_id)
