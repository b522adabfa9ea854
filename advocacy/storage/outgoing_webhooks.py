"""Outgoing webhooks, their messages, and the attempts to send these.

Note: the id of a message is derived from its webhook and what happened, so that it is stored once,
however often the event is seen. A message is claimed by moving its next attempt into the future:
if the process dies, it is sent again, and the receiver recognizes it by its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from advocacy.core.crypto import seal, unseal
from advocacy.core.ids import new_id
from advocacy.storage.db import db
from advocacy.storage.errors import NotFound
from advocacy.storage.models import OutgoingWebhook
from advocacy.storage.session import execute, exists, run

CLAIM_EXPIRES_AFTER = timedelta(minutes=2)
"""When a message is sent again whose process did not say what came of it."""

LOGGED_FOR = timedelta(days=30)
"""How long messages and attempts are stored."""


class NewWebhook(NamedTuple):
    """A webhook to be made. `form` is standard, slack or teams."""

    name: str
    form: str
    url: str
    host: str
    secret: str
    events: Sequence[str]
    language: str


def put_webhook(master: bytes, org_id: UUID, wanted: NewWebhook) -> OutgoingWebhook:
    """Store a webhook with its encrypted URL and secret."""
    webhook_id = new_id()
    made = OutgoingWebhook(
        org_id=org_id,
        id=webhook_id,
        name=wanted.name,
        form=wanted.form,
        host=wanted.host,
        sealed_url=seal(master, org_id, f"outgoing_url:{webhook_id}", wanted.url.encode()),
        sealed_secret=seal(master, org_id, f"outgoing:{webhook_id}", wanted.secret.encode()),
        events=list(wanted.events),
        language=wanted.language,
    )
    db.session.add(made)
    db.session.flush()
    return made


def list_webhooks(org_id: UUID) -> Sequence[OutgoingWebhook]:
    """Return the organization's webhooks, the oldest first."""
    query = select(OutgoingWebhook).filter_by(org_id=org_id)
    return list(db.session.scalars(query.order_by(OutgoingWebhook.created_at, OutgoingWebhook.id)))


def find_webhook(org_id: UUID, webhook_id: UUID) -> OutgoingWebhook | None:
    """Return a webhook of the organization."""
    return db.session.get(OutgoingWebhook, (org_id, webhook_id))


def get_webhook(org_id: UUID, webhook_id: UUID) -> OutgoingWebhook:
    """Return a webhook. Raises `NotFound`."""
    found = find_webhook(org_id, webhook_id)
    if found is None:
        raise NotFound(f"there is no webhook {webhook_id}")
    return found


def url_of(master: bytes, webhook: OutgoingWebhook) -> str:
    """Return the URL of a webhook."""
    name = f"outgoing_url:{webhook.id}"
    return unseal(master, webhook.org_id, name, webhook.sealed_url).decode()


def secret_of(master: bytes, webhook: OutgoingWebhook) -> str:
    """Return the secret of a webhook."""
    name = f"outgoing:{webhook.id}"
    return unseal(master, webhook.org_id, name, webhook.sealed_secret).decode()


def set_events(webhook: OutgoingWebhook, events: Sequence[str]) -> None:
    """Set which events a webhook receives."""
    webhook.events = list(events)
    db.session.flush()


def disable_webhook(webhook: OutgoingWebhook, now: datetime) -> None:
    """Send nothing more to a webhook."""
    webhook.disabled_at = webhook.disabled_at or now
    db.session.flush()


def enable_webhook(webhook: OutgoingWebhook) -> None:
    """Send to a webhook again, what waits included."""
    webhook.disabled_at = webhook.failing_since = None
    db.session.flush()


def delete_webhook(webhook: OutgoingWebhook) -> None:
    """Delete a webhook with its messages."""
    db.session.delete(webhook)
    db.session.flush()


def is_stored(org_id: UUID, message_id: UUID) -> bool:
    """Return whether a message was stored before."""
    return exists(
        "select 1 from outgoing_messages where org_id = :o and id = :id", o=org_id, id=message_id
    )


def put_message(
    org_id: UUID, message_id: UUID, webhook_id: UUID, event: str, body: str, now: datetime
) -> bool:
    """Store a message that is due now; return False if it is stored already."""
    return bool(
        execute(
            """insert into outgoing_messages (org_id, id, webhook_id, event, body, next_try_at,
                                              created_at)
               values (:o, :id, :w, :event, :body, :now, :now) on conflict do nothing""",
            o=org_id,
            id=message_id,
            w=webhook_id,
            event=event,
            body=body,
            now=now,
        )
    )


class ClaimedMessage(NamedTuple):
    """A message to be sent; `attempts` counts this one."""

    id: UUID
    webhook_id: UUID
    body: str
    attempts: int


def claim_message(org_id: UUID, now: datetime) -> ClaimedMessage | None:
    """Claim the message that has been due longest, of a webhook that is not disabled."""
    rows = run(
        ClaimedMessage,
        """with found as materialized (
             select m.id from outgoing_messages m
             join outgoing_webhooks w on w.org_id = m.org_id and w.id = m.webhook_id
             where m.org_id = :o and m.status = 'waiting' and m.next_try_at <= :now
               and w.disabled_at is null
             order by m.next_try_at, m.id limit 1 for update of m skip locked)
           update outgoing_messages x set attempts = x.attempts + 1, next_try_at = :lost
           from found where x.org_id = :o and x.id = found.id
           returning x.id, x.webhook_id, x.body, x.attempts""",
        o=org_id,
        now=now,
        lost=now + CLAIM_EXPIRES_AFTER,
    )
    return rows[0] if rows else None


def put_attempt(
    org_id: UUID,
    message: ClaimedMessage,
    status: int,
    error: str,
    now: datetime,
    next_try_at: datetime | None,
) -> None:
    """Store what came of an attempt. Without a next one, the message is sent, or has failed."""
    outcome = "waiting" if next_try_at else "failed" if error else "sent"
    execute(
        """update outgoing_messages set status = :outcome, next_try_at = :next
           where org_id = :o and id = :id""",
        o=org_id,
        id=message.id,
        outcome=outcome,
        next=next_try_at,
    )
    execute(
        """insert into outgoing_attempts (org_id, id, message_id, at, status, error)
           values (:o, :id, :m, :now, :status, :error)""",
        o=org_id,
        id=new_id(),
        m=message.id,
        now=now,
        status=status,
        error=error,
    )


def note_success(webhook: OutgoingWebhook) -> None:
    """Note that a webhook accepted a message."""
    webhook.failing_since = None
    db.session.flush()


def note_failure(webhook: OutgoingWebhook, now: datetime) -> datetime:
    """Note that a webhook accepted no message; return since when."""
    webhook.failing_since = webhook.failing_since or now
    db.session.flush()
    return webhook.failing_since


class ListedAttempt(NamedTuple):
    """An attempt, with its message; `outcome` is the message's state."""

    id: UUID
    message_id: UUID
    event: str
    at: datetime
    status: int
    error: str
    outcome: str


def list_attempts(org_id: UUID, webhook_id: UUID, limit: int = 50) -> list[ListedAttempt]:
    """Return the newest attempts to send to a webhook."""
    return run(
        ListedAttempt,
        """select a.id, a.message_id, m.event, a.at, a.status, a.error, m.status as outcome
           from outgoing_messages m
           join outgoing_attempts a on a.org_id = m.org_id and a.message_id = m.id
           where m.org_id = :o and m.webhook_id = :w
           order by a.at desc, a.id desc limit :limit""",
        o=org_id,
        w=webhook_id,
        limit=limit,
    )


def delete_old_messages(org_id: UUID, now: datetime) -> int:
    """Delete messages and attempts whose time is over; return how many messages."""
    return execute(
        "delete from outgoing_messages where org_id = :o and created_at < :before",
        o=org_id,
        before=now - LOGGED_FOR,
    )
