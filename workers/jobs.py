"""The RQ jobs. Their arguments are ids, or the question of a report.

Note: a job carries no data. It says that there may be work; what there is to do is in PostgreSQL,
and a job that is lost or run twice changes nothing.
"""

from __future__ import annotations

from functools import partial
from uuid import UUID

from advocacy.ingestion import drain as drain_ingestion
from advocacy.ingestion import erasure, figures, postponement
from advocacy.ingestion import sweep as sweeping
from advocacy.ingestion.counters import note_drain
from advocacy.ingestion.wakeup import enqueue_drain, enqueue_rebuild, hold_slot, slots_of
from advocacy.reporting.email import outbox, surge_alerts
from advocacy.reporting.webhooks import outbox as outgoing
from workers.context import application, connection, others_wait


def drain(org_id: str, slot: str = "") -> None:
    """Process pending deliveries of one organization; enqueue again if there are more."""
    own, settings, redis = UUID(org_id), application().extensions["settings"], connection()
    slot = slot or slots_of(settings.queue, own)[0]
    with (
        hold_slot(redis, slot, settings.lease_seconds) as beat,
        postponement.on_outage(redis, settings.queue, own),
    ):
        context, others = application().app_context, partial(others_wait, own)
        if drain_ingestion.drain_backlog(settings, own, context, others, beat):
            enqueue_drain(redis, settings.queue, own)
        note_drain(redis, settings.queue, own)


def rebuild(org_id: str, slot: str = "") -> None:
    """Rebuild an organization once after an upgrade, then drain it."""
    own, settings, redis = UUID(org_id), application().extensions["settings"], connection()
    with (
        hold_slot(redis, slot, settings.lease_seconds) as beat,
        postponement.on_outage(redis, settings.queue, own),
    ):
        sweeping.rebuild_once(settings, own, application().app_context, beat)
        enqueue_drain(redis, settings.queue, own)


def sweep() -> None:
    """Find work without a notification: pending deliveries, and actions whose click came late.

    Also folds news into cells where many have accumulated.
    """
    with application().app_context():
        settings = application().extensions["settings"]
        for org_id in sweeping.organizations_to_rebuild():
            enqueue_rebuild(connection(), settings.queue, org_id)
        for org_id in sweeping.organizations_to_drain():
            enqueue_drain(connection(), settings.queue, org_id)
        sweeping.for_each_organization(sweeping.tidy)


def retire() -> None:
    """Delete bodies, idempotency keys and sent messages whose retention time is over."""
    with application().app_context():
        settings = application().extensions["settings"]

        def retire_own(org_id: UUID) -> None:
            erasure.drop_old_bodies(settings, org_id)
            figures.fold_news(org_id, above=0)
            sweeping.delete_expired(org_id)

        sweeping.for_each_organization(retire_own)


def mail_reports() -> None:
    """Send the reports and alerts that are due, one organization after the other."""
    with application().app_context():
        settings = application().extensions["settings"]
        sweeping.for_each_organization(partial(outbox.send_due, settings))


def send_webhooks() -> None:
    """Send the messages of outgoing webhooks that are due, one organization after the other."""
    with application().app_context():
        settings = application().extensions["settings"]
        sweeping.for_each_organization(partial(outgoing.send_due, settings))


def count(org_id: str, question: str, slot: str = "") -> None:
    """Compute a report that a page waits for, or whose cached result is old."""
    lease_seconds = application().extensions["settings"].lease_seconds
    # An older version enqueued without a slot.
    slot = slot or f"{org_id}-no-slot"
    with application().app_context(), hold_slot(connection(), slot, lease_seconds):
        application().extensions["counting"].count(UUID(org_id), question)


def watch() -> None:
    """Look for posts far above their usual activity, and alert those who subscribed."""
    with application().app_context():
        settings = application().extensions["settings"]

        def watch_own(org_id: UUID) -> None:
            if surge_alerts.watch(settings, org_id):
                outbox.send_due(settings, org_id)

        sweeping.for_each_organization(watch_own)
