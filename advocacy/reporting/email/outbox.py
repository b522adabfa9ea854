"""Mails that are due: claimed, made, sent, kept.

    claimed (making) ─▶ figures kept (sending) ─▶ sent
         ▲                       │
         └──── waiting ◀── not taken          no answer: stays `sending`, for a person to decide

At most once, and never lost in silence. A claim is committed before anything is made, "sending"
before anything is said to the mail server. What dies or fails *before* is tried again by itself,
since nothing was sent. What dies *after* may have arrived: a leader who gets the same report twice
stops trusting its numbers, so nobody but a person sends it again: `advocacy subscription sent`
shows it, and `resend` sends it under the same Message-ID, by which a mailbox that has it knows it.

Note: without `SMTP_URL` nothing is claimed, so that nothing is "done".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import structlog
from flask_babel import force_locale

from advocacy.analytics import weekly_summary
from advocacy.core import periods
from advocacy.disclosure import Rounding, shared_summary, shared_surge
from advocacy.reporting.email import pdf, render, smtp, weekly_content
from advocacy.reporting.email.surge_alerts import surge_figures
from advocacy.storage import email_outbox, members, organizations
from advocacy.storage import surges as kept_surges
from advocacy.storage.models import Campaign, Organization, ReportSubscription
from advocacy.storage.session import transaction
from config.settings import Settings

log = structlog.get_logger()

PAUSES_MINUTES = (1, 2, 5, 15, 30, 60, 120, 240, 480, 480)
"""How long to wait after each attempt that was not taken: about a day, then it has failed."""

_ALERT_WITHIN = timedelta(hours=1)
_LATE = timedelta(days=7)


class Due(NamedTuple):
    """A mail that ought to be on its way: for whom, about what, since when."""

    subscription: ReportSubscription
    period: str
    since: datetime


def send_due(settings: Settings, org_id: UUID, now: datetime | None = None) -> int:
    """Send an organization's mails that are due and those that can be tried again.

    Returns how many were taken by the mail server. Where the server is away, the rest waits for
    the next call.
    """
    if not settings.smtp_url:
        return 0
    now = now or datetime.now(UTC)
    taken = 0
    for claim in _claims(org_id, now):
        try:
            taken += _send(settings, org_id, claim, now)
        except smtp.NotTaken:
            # It was put off; nothing else would fare better.
            break
    return taken


def resend(settings: Settings, org_id: UUID, report_id: UUID, now: datetime | None = None) -> str:
    """Send a mail again with the figures it had; returns what became of it.

    Raises `NotFound`, and `Taken` where it is on its way.
    """
    now = now or datetime.now(UTC)
    with transaction():
        claim = email_outbox.claim_resend(org_id, report_id, now)
    try:
        return "sent" if _send(settings, org_id, claim, now) else "not sent"
    except smtp.NotTaken as refused:
        return f"not taken by the mail server ({refused.word})"


def state(row: Any, now: datetime) -> str:
    """Say in a word where a mail is; one without an answer is *unsure*."""
    no_answer = row.error or row.claimed_at <= now - email_outbox.CLAIM_EXPIRES_AFTER
    return "unsure" if row.status == "sending" and no_answer else str(row.status)


def due(
    organization: Organization, subscriptions: list[ReportSubscription], now: datetime
) -> Iterator[Due]:
    """Yield the reports that ought to have been sent by now; of weekly ones only the last.

    What was due before somebody subscribed is not for them.
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
    for surge in kept_surges.list_surges(org_id, now - _ALERT_WITHIN):
        for each in wanted:
            about = each.campaign_id in {None, surge.campaign_id}
            if about and each.created_at <= surge.noticed_at:
                yield Due(each, f"surge/{surge.id}", surge.noticed_at)


def _claims(org_id: UUID, now: datetime) -> Iterator[Any]:
    """Claim one mail after the other, each right before it is made."""
    with transaction():
        organization = organizations.find_organization(org_id)
        if organization is None:
            return
        subscriptions = list(email_outbox.list_subscriptions(org_id))
        # Alerts first: they are what cannot wait.
        found = [
            (each.subscription.id, each.period)
            for each in (
                *_alerts_due(org_id, subscriptions, now),
                *due(organization, subscriptions, now),
            )
            if not email_outbox.is_handled(org_id, each.subscription.id, each.period)
        ]
    for subscription_id, period in found:
        # The id follows from what it is of, and the Message-ID from the id.
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


def _send(settings: Settings, org_id: UUID, claim: Any, now: datetime) -> bool:
    """Make and send a claimed mail and keep what became of it; True where it was taken.

    Raises `NotTaken` where the server is away, after it was put off.
    """

    def came(status: str, error: str = "", **more: Any) -> None:
        with transaction():
            email_outbox.put_outcome(org_id, claim.id, claim.attempts, status, error, **more)

    try:
        figures, make = _made(settings, org_id, claim)
        mail = make()
    except Exception as error:
        # Whatever stops this one must not stop the others; it says so and is tried again.
        log.exception("report_not_made", error=type(error).__name__)
        _put_off(came, claim, "not_made", now)
        return False
    with transaction():
        if not email_outbox.put_sending(org_id, claim.id, claim.attempts, figures):
            return False
    try:
        smtp.deliver(settings.smtp_url, mail)
    except smtp.NotKnown:
        log.warning("report_without_answer")
        came("sending", "no_answer")
        return False
    except smtp.NotTaken as refused:
        log.warning("report_not_taken", reason=refused.word)
        if refused.for_good:
            came("failed", refused.word)
        else:
            _put_off(came, claim, refused.word, now)
        if refused.server_away:
            raise
        return False
    came("sent", sent_at=datetime.now(UTC))
    return True


def _put_off(came: Callable[..., None], claim: Any, word: str, now: datetime) -> None:
    if claim.attempts > len(PAUSES_MINUTES):
        came("failed", word)
    else:
        pause = timedelta(minutes=PAUSES_MINUTES[claim.attempts - 1])
        came("waiting", word, next_try_at=now + pause)


def _made(
    settings: Settings, org_id: UUID, claim: Any
) -> tuple[dict[str, Any], Callable[[], EmailMessage]]:
    """Return a mail's figures, those it had where it was made before, and what makes the mail."""
    with transaction():
        organization = organizations.find_organization(org_id)
        assert organization is not None  # noqa: S101 -- the claim's foreign keys hold it
        figures = claim.figures or (
            _surge(settings, org_id, claim)
            if claim.what == "alert"
            else _week(org_id, organization, claim)
        )
        rounding = rounding_for(settings, org_id, claim.email)
    letter = weekly_letter if claim.what != "alert" else surge_letter
    name = f"{claim.id.hex}.{claim.resent}"
    return figures, lambda: smtp.message(
        letter(settings, figures, claim.language, rounding), settings.mail_from, claim.email, name
    )


def rounding_for(settings: Settings, org_id: UUID, email: str) -> Rounding:
    """Return how figures are rounded for an address; a member's gets exact ones."""
    base = 0 if members.is_member(org_id, email) else settings.shared_rounding_base
    return Rounding.of(settings.secret_key, org_id, base)


def _week(org_id: UUID, organization: Organization, claim: Any) -> dict[str, Any]:
    about = claim.campaign_id
    return weekly_summary.figures(
        organization,
        email_outbox.find_campaign_by_id(org_id, about) if about else None,
        periods.named(claim.period),
        email_outbox.last_figures(org_id, claim.subscription_id, claim.id),
    )


def _surge(settings: Settings, org_id: UUID, claim: Any) -> dict[str, Any]:
    surge_id = UUID(claim.period.partition("/")[2])
    every = kept_surges.list_surges(org_id, datetime.now(UTC) - _LATE)
    row = next(row for row in every if row.id == surge_id)
    return surge_figures(row, settings.surge_quiet_hours)


def weekly_letter(
    settings: Settings, figures: dict[str, Any], language: str, rounding: Rounding
) -> smtp.Letter:
    """Put a report's exact figures, rounded, into a letter with charts, and the same as PDF."""
    figures = shared_summary(figures, rounding)
    with force_locale(language):
        sheet = weekly_content.weekly_sheet(figures, settings.public_url)
        return render.letter(sheet, figures, language, file_name(figures))


def kept_pdf(settings: Settings, figures: dict[str, Any], language: str) -> bytes:
    """Set a stored report with its exact figures as PDF, in a process that the caller waits for."""
    with force_locale(language):
        sheet = weekly_content.weekly_sheet(figures, settings.public_url)
        return pdf.apart(render.to_set(sheet, figures, language))


def surge_letter(
    settings: Settings, figures: dict[str, Any], language: str, rounding: Rounding
) -> smtp.Letter:
    """Put a surge, its counts rounded, into a letter."""
    figures = shared_surge(figures, rounding)
    with force_locale(language):
        sheet = weekly_content.surge_sheet(figures, settings.public_url)
        return render.letter(sheet, figures, language)


def file_name(figures: dict[str, Any]) -> str:
    """Return what the PDF of a report is called."""
    about = figures["campaign"]["slug"] if figures["campaign"] else "all-campaigns"
    return f"{about}-{figures['first']}-{figures['last']}.pdf"


def figures_now(
    organization: Organization, campaign: Campaign | None, period: periods.Period
) -> dict[str, Any]:
    """Return a report's figures at once, for no subscription."""
    return weekly_summary.figures(organization, campaign, period)
