"""Emails that are due: claimed, created, sent, and stored.

    claimed (making) ─▶ figures stored (sending) ─▶ sent
         ▲                       │
         └──── waiting ◀── rejected           no answer: stays `sending`, for a person to decide

An email is sent at most once, and a failure is always visible. A claim is committed before anything
is created, "sending" before anything is sent to the mail server. What fails *before* is tried again
automatically, since nothing was sent. What fails *after* may have arrived: a leader who gets the
same report twice stops trusting its numbers, so only a person can send it again: `advocacy
subscription sent` shows it, and `resend` sends it under the same Message-ID, so that a mailbox can
recognize it.

Note: without `SMTP_URL` nothing is claimed, so that nothing is marked as done.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import NamedTuple
from uuid import UUID, uuid5

import msgspec
import structlog
from flask_babel import force_locale

from advocacy.analytics import weekly_figures
from advocacy.analytics.surges import SurgeFigures
from advocacy.analytics.weekly_figures import WeeklySummary
from advocacy.analytics.weekly_summary import summarize
from advocacy.core import periods
from advocacy.core.records import JsonObject
from advocacy.disclosure import Rounding, shared_summary, shared_surge
from advocacy.reporting.email import pdf, render, smtp
from advocacy.reporting.email.surge_alerts import surge_figures
from advocacy.reporting.email.surge_content import surge_sheet
from advocacy.reporting.email.weekly_content import weekly_sheet
from advocacy.storage import email_outbox, members, organizations, surges
from advocacy.storage.email_outbox import ListedMail, SentMail
from advocacy.storage.models import Organization, ReportSubscription
from advocacy.storage.session import transaction
from config.settings import Settings

log = structlog.get_logger()

PAUSES_MINUTES = (1, 2, 5, 15, 30, 60, 120, 240, 480, 480)
"""The pause after each rejected attempt; after about a day the email has failed."""

_ALERT_WITHIN = timedelta(hours=1)
_LATE = timedelta(days=7)


class Due(NamedTuple):
    """An email that is due: its subscription, its period, and since when."""

    subscription: ReportSubscription
    period: str
    since: datetime


def send_due(settings: Settings, org_id: UUID, now: datetime | None = None) -> int:
    """Send an organization's emails that are due, and those that can be tried again.

    Returns how many the mail server accepted. If it is unavailable, the others wait for the next
    call.
    """
    if not settings.smtp_url:
        return 0
    now = now or datetime.now(UTC)
    taken = 0
    for claim in _claims(org_id, now):
        try:
            taken += _send(settings, org_id, claim, now)
        except smtp.MailRejected:
            # The server is unavailable, for the others as well.
            break
    return taken


def resend(settings: Settings, org_id: UUID, report_id: UUID, now: datetime | None = None) -> str:
    """Send an email again with the same figures; return the outcome.

    Raises `NotFound`, and `Taken` if it is being sent.
    """
    now = now or datetime.now(UTC)
    with transaction():
        claim = email_outbox.claim_resend(org_id, report_id, now)
    try:
        return "sent" if _send(settings, org_id, claim, now) else "not sent"
    except smtp.MailRejected as rejected:
        return f"rejected by the mail server ({rejected.reason})"


def state(row: ListedMail, now: datetime) -> str:
    """Return the status of an email; one that the server did not confirm is *unsure*."""
    no_answer = row.error or row.claimed_at <= now - email_outbox.CLAIM_EXPIRES_AFTER
    return "unsure" if row.status == "sending" and no_answer else str(row.status)


def due(
    organization: Organization, subscriptions: list[ReportSubscription], now: datetime
) -> Iterator[Due]:
    """Yield the reports that are due; of weekly ones only the last.

    Reports that were due before the subscription are left out.
    """
    for each in subscriptions:
        if each.what == "weekly" and each.weekday is not None:
            since, period = periods.last_weekly(
                now, each.weekday, each.send_at, organization.timezone
            )
        elif each.what == "once" and each.on_date is not None:
            since, period = periods.before_meeting(
                each.on_date, each.send_at, organization.timezone
            )
        else:
            continue
        if each.created_at <= since <= now < since + _LATE:
            yield Due(each, period.name, since)


def _alerts_due(
    org_id: UUID, subscriptions: list[ReportSubscription], now: datetime
) -> Iterator[Due]:
    wanted = [each for each in subscriptions if each.what == "alert"]
    if not wanted:
        return
    for surge in surges.list_surges(org_id, now - _ALERT_WITHIN):
        for each in wanted:
            about = each.campaign_id in {None, surge.campaign_id}
            if about and each.created_at <= surge.noticed_at:
                yield Due(each, f"surge/{surge.id}", surge.noticed_at)


def _claims(org_id: UUID, now: datetime) -> Iterator[SentMail]:
    """Claim one email after the other, each right before it is created."""
    with transaction():
        organization = organizations.find_organization(org_id)
        if organization is None:
            return
        subscriptions = list(email_outbox.list_subscriptions(org_id))
        # Alerts first, as they are urgent.
        found = [
            (each.subscription.id, each.period)
            for each in (
                *_alerts_due(org_id, subscriptions, now),
                *due(organization, subscriptions, now),
            )
            if not email_outbox.is_handled(org_id, each.subscription.id, each.period)
        ]
    for subscription_id, period in found:
        # The id depends on subscription and period alone, and the Message-ID on the id.
        report_id = uuid5(subscription_id, period)
        with transaction():
            claim = email_outbox.claim_report(org_id, report_id, subscription_id, period, now)
        if claim is not None:
            yield claim
    while True:
        with transaction():
            claim = email_outbox.claim_again(org_id, now)
        if claim is None:
            return
        yield claim


def _send(settings: Settings, org_id: UUID, claim: SentMail, now: datetime) -> bool:
    """Create and send a claimed email and store the outcome; return whether it was accepted.

    Raises `MailRejected` if the server is unavailable, after postponing the email.
    """
    try:
        figures, mail = _email(settings, org_id, claim)
    except Exception as error:
        # A defect in one email must not stop the others; it is logged and tried again.
        log.exception("report_not_made", error=type(error).__name__)
        _postpone(org_id, claim, "not_made", now)
        return False
    with transaction():
        if not email_outbox.put_sending(org_id, claim.id, claim.attempts, figures):
            return False
    try:
        smtp.deliver(settings.smtp_url, mail)
    except smtp.MailUnconfirmed:
        log.warning("report_without_answer")
        _put_outcome(org_id, claim, "sending", "no_answer")
        return False
    except smtp.MailRejected as rejected:
        log.warning("report_not_taken", reason=rejected.reason)
        if rejected.permanent:
            _put_outcome(org_id, claim, "failed", rejected.reason)
        else:
            _postpone(org_id, claim, rejected.reason, now)
        if rejected.unavailable:
            raise
        return False
    _put_outcome(org_id, claim, "sent", sent_at=datetime.now(UTC))
    return True


def _put_outcome(
    org_id: UUID,
    claim: SentMail,
    status: str,
    reason: str = "",
    *,
    next_try_at: datetime | None = None,
    sent_at: datetime | None = None,
) -> None:
    with transaction():
        email_outbox.put_outcome(
            org_id, claim.id, claim.attempts, status, reason, next_try_at, sent_at
        )


def _postpone(org_id: UUID, claim: SentMail, reason: str, now: datetime) -> None:
    if claim.attempts > len(PAUSES_MINUTES):
        _put_outcome(org_id, claim, "failed", reason)
    else:
        pause = timedelta(minutes=PAUSES_MINUTES[claim.attempts - 1])
        _put_outcome(org_id, claim, "waiting", reason, next_try_at=now + pause)


def _email(settings: Settings, org_id: UUID, claim: SentMail) -> tuple[JsonObject, EmailMessage]:
    """Return the exact figures of an email as they are stored, and the email.

    If it was created before, it has the same figures again.
    """
    with transaction():
        organization = organizations.find_organization(org_id)
        assert organization is not None  # noqa: S101 -- the claim's foreign keys hold it
        rounding = rounding_for(settings, org_id, claim.email)
        figures = claim.figures or (
            msgspec.to_builtins(_surge(settings, org_id, claim))
            if claim.what == "alert"
            else weekly_figures.to_json(_week(organization, claim))
        )
    if claim.what == "alert":
        surge = msgspec.convert(figures, SurgeFigures)
        content = surge_email(settings, surge, claim.language, rounding)
    else:
        report = weekly_figures.from_json(figures)
        content = weekly_email(settings, report, claim.language, rounding)
    name = f"{claim.id.hex}.{claim.resent}"
    return figures, smtp.message(content, settings.mail_from, claim.email, name)


def rounding_for(settings: Settings, org_id: UUID, email: str) -> Rounding:
    """Return how figures are rounded for an address; members get exact ones."""
    least = settings.shared_rounding_base
    is_member = members.is_member(org_id, email)
    base = 0 if is_member else organizations.rounding_base(org_id, least)
    return Rounding.of(settings.secret_key, org_id, base)


def _week(organization: Organization, claim: SentMail) -> WeeklySummary:
    org_id, about = organization.id, claim.campaign_id
    last = email_outbox.last_figures(org_id, claim.subscription_id, claim.id)
    return summarize(
        organization,
        email_outbox.find_campaign_by_id(org_id, about) if about else None,
        periods.named(claim.period),
        weekly_figures.from_json(last) if last else None,
    )


def _surge(settings: Settings, org_id: UUID, claim: SentMail) -> SurgeFigures:
    surge_id = UUID(claim.period.partition("/")[2])
    every = surges.list_surges(org_id, datetime.now(UTC) - _LATE)
    surge = next(each for each in every if each.id == surge_id)
    return surge_figures(surge, settings.surge_quiet_hours)


def weekly_email(
    settings: Settings, report: WeeklySummary, language: str, rounding: Rounding
) -> smtp.EmailContent:
    """Return a report, rounded, as an email with charts and with the same as PDF."""
    shown = shared_summary(report, rounding)
    with force_locale(language):
        sheet = weekly_sheet(shown, settings.public_url)
        return render.email_content(sheet, shown, language, file_name(shown))


def stored_pdf(settings: Settings, report: WeeklySummary, language: str) -> bytes:
    """Return a stored report with its exact figures as PDF."""
    with force_locale(language):
        sheet = weekly_sheet(report, settings.public_url)
        return pdf.typeset_in_subprocess(render.to_set(sheet, report, language))


def surge_email(
    settings: Settings, surge: SurgeFigures, language: str, rounding: Rounding
) -> smtp.EmailContent:
    """Return a surge, its counts rounded, as an email."""
    with force_locale(language):
        sheet = surge_sheet(shared_surge(surge, rounding), settings.public_url)
        return render.email_content(sheet, None, language)


def file_name(report: WeeklySummary) -> str:
    """Return the file name of the PDF of a report."""
    about = report.campaign.slug if report.campaign else "all-campaigns"
    return f"{about}-{report.first}-{report.last}.pdf"
