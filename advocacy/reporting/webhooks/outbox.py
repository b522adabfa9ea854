"""Messages of outgoing webhooks: stored when something happened, sent, tried again, logged.

A message is sent at least once, with the same id and body each time (Standard Webhooks); a
receiver that has seen the id ignores it.
"""

from __future__ import annotations

import base64
import http.client
import secrets
import ssl
from datetime import UTC, datetime, time, timedelta
from uuid import UUID, uuid5

import structlog
from standardwebhooks import Webhook

from advocacy.analytics.weekly_summary import summarize
from advocacy.core import periods
from advocacy.disclosure import Rounding
from advocacy.reporting.email.surge_alerts import surge_figures
from advocacy.reporting.webhooks import events, http_client
from advocacy.reporting.webhooks.events import Reader
from advocacy.reporting.webhooks.http_client import BadAddress
from advocacy.storage import audit, organizations, outgoing_webhooks, surges
from advocacy.storage.models import OutgoingWebhook
from advocacy.storage.outgoing_webhooks import ClaimedMessage, NewWebhook
from advocacy.storage.session import transaction
from config.settings import Settings

log = structlog.get_logger()

PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The pause after each failed attempt, as Standard Webhooks recommends; then it has failed."""

DISABLED_AFTER = timedelta(days=5)
"""For how long a webhook may accept nothing before it is disabled."""

_GONE = 410
_AT_MOST = 20
_SURGE_WITHIN = timedelta(hours=1)
_WEEKLY_WITHIN = timedelta(days=7)
_MONDAY, _MORNING = 0, time(8)
_SYSTEM = "system"


def connect(
    settings: Settings,
    org_id: UUID,
    *,
    name: str,
    url: str,
    form: str,
    wanted: tuple[str, ...],
    language: str,
) -> tuple[OutgoingWebhook, str]:
    """Make a webhook; return it with its secret, which is shown once. Raises `BadAddress`."""
    target = http_client.target_of(url, private_hosts(settings))
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    new = NewWebhook(name, form, url, target.host, secret, wanted, language)
    return outgoing_webhooks.put_webhook(settings.secret_key.encode(), org_id, new), secret


def private_hosts(settings: Settings) -> frozenset[str]:
    """Return the hosts in the operator's own network that may be reached."""
    return frozenset(filter(None, settings.outgoing_private_hosts.split(",")))


def send_due(settings: Settings, org_id: UUID, now: datetime | None = None) -> int:
    """Store messages of what happened, and send those that are due; return how many arrived."""
    now = now or datetime.now(UTC)
    with transaction():
        if not outgoing_webhooks.list_webhooks(org_id):
            return 0
        store_due(settings, org_id, now)
    arrived = 0
    for _ in range(_AT_MOST):
        with transaction():
            message = outgoing_webhooks.claim_message(org_id, now)
        if message is None:
            break
        arrived += _send(settings, org_id, message, now)
    return arrived


def store_due(settings: Settings, org_id: UUID, now: datetime) -> None:
    """Store the messages of surges and of the last week that are not stored yet."""
    organization = organizations.find_organization(org_id)
    if organization is None:
        return
    due_since, week = periods.last_weekly(now, _MONDAY, _MORNING, organization.timezone)
    noticed = surges.list_surges(org_id, now - _SURGE_WITHIN)
    report = None
    for webhook in outgoing_webhooks.list_webhooks(org_id):
        if webhook.disabled_at:
            continue
        reader = _reader(settings, webhook)
        for surge in noticed if events.SURGE in webhook.events else ():
            message_id = uuid5(webhook.id, f"surge/{surge.id}")
            if webhook.created_at <= surge.noticed_at:
                figures = surge_figures(surge, settings.surge_quiet_hours)
                body = events.surge_body(figures, reader, settings.public_url)
                outgoing_webhooks.put_message(
                    org_id, message_id, webhook.id, events.SURGE, body, now
                )
        message_id = uuid5(webhook.id, f"weekly/{week.name}")
        is_due = webhook.created_at <= due_since <= now < due_since + _WEEKLY_WITHIN
        if (
            events.WEEKLY in webhook.events
            and is_due
            and not outgoing_webhooks.is_stored(org_id, message_id)
        ):
            report = report or summarize(organization, None, week)
            body = events.weekly_body(report, reader, settings.public_url)
            outgoing_webhooks.put_message(org_id, message_id, webhook.id, events.WEEKLY, body, now)


def store_test(settings: Settings, webhook: OutgoingWebhook, now: datetime) -> UUID:
    """Store a message with which staff try a webhook; return its id."""
    message_id = uuid5(webhook.id, f"test/{now.isoformat()}")
    body = events.check_body(_reader(settings, webhook), settings.public_url, now)
    outgoing_webhooks.put_message(webhook.org_id, message_id, webhook.id, events.TEST, body, now)
    return message_id


def _reader(settings: Settings, webhook: OutgoingWebhook) -> Reader:
    least = settings.shared_rounding_base
    exact = webhook.form == "standard"
    base = 0 if exact else organizations.rounding_base(webhook.org_id, least)
    rounding = Rounding.of(settings.secret_key, webhook.org_id, base)
    return Reader(webhook.form, webhook.language, rounding)


def _send(settings: Settings, org_id: UUID, message: ClaimedMessage, now: datetime) -> bool:
    """Send a claimed message, store what came of it, and return whether it arrived."""
    master = settings.secret_key.encode()
    with transaction():
        webhook = outgoing_webhooks.find_webhook(org_id, message.webhook_id)
        if webhook is None:
            return False
        url = outgoing_webhooks.url_of(master, webhook)
        secret = outgoing_webhooks.secret_of(master, webhook)
    status, error = _attempt(settings, url, secret, message)
    with transaction():
        webhook = outgoing_webhooks.find_webhook(org_id, message.webhook_id)
        if webhook is None:
            # Removed meanwhile, with its messages.
            return not error
        pause = PAUSES[message.attempts - 1] if message.attempts <= len(PAUSES) else None
        again = now + pause if error and pause else None
        outgoing_webhooks.put_attempt(org_id, message, status, error, now, again)
        if not error:
            outgoing_webhooks.note_success(webhook)
        elif status == _GONE or now - outgoing_webhooks.note_failure(webhook, now) > DISABLED_AFTER:
            outgoing_webhooks.disable_webhook(webhook, now)
            audit.record(org_id, _SYSTEM, "webhook_failed", webhook.name)
            log.warning("outgoing_webhook_disabled", status=status)
    return not error


def _attempt(settings: Settings, url: str, secret: str, message: ClaimedMessage) -> tuple[int, str]:
    """Return the status of the response, or 0, and what went wrong, or nothing."""
    at, named = datetime.now(UTC), f"msg_{message.id.hex}"
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "advocacy-webhooks/1",
        "webhook-id": named,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(named, at, message.body),
    }
    try:
        status = http_client.post(url, message.body.encode(), headers, private_hosts(settings))
    except BadAddress as error:
        return 0, str(error)
    except ssl.SSLError:
        return 0, "the certificate is not valid"
    except TimeoutError:
        return 0, "no response in time"
    except (OSError, http.client.HTTPException) as error:
        return 0, f"no connection ({type(error).__name__})"
    return status, "" if 200 <= status < 300 else f"status {status}"
