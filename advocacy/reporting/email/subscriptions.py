"""Subscriptions to email reports and alerts, validated for the command and the page alike.

Note: a report before a meeting in the past would never be due, so it is rejected.
"""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from advocacy.core import periods
from advocacy.core.messages import say
from advocacy.storage import email_outbox
from advocacy.storage.models import Campaign, Organization

WHAT = ("weekly", "once", "alert")
"""The weekly report, the seven days before a meeting, and alerts when a post surges."""


class BadSubscription(ValueError):
    """The subscription is not valid; the message says what to do."""


def mail_address(text: str) -> str:
    """Return an email address as it is stored. Raises `BadSubscription`."""
    try:
        return validate_email(
            text, check_deliverability=False, allow_smtputf8=False
        ).normalized.lower()
    except EmailNotValidError:
        raise BadSubscription(
            say(
                "%(word)s is not a valid email address, e.g. someone@example.org",
                word=ascii(text),
            )
        ) from None


def clock(text: str) -> time:
    """Return a time of day. Raises `BadSubscription`."""
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 -- a time of day
    except ValueError:
        raise BadSubscription(
            say("%(word)s is not a time of day, e.g. 07:30", word=ascii(text))
        ) from None


def subscribe(
    organization: Organization,
    email: str,
    what: str,
    now: datetime,
    *,
    campaign: Campaign | None = None,
    weekday: int = 0,
    on: date | None = None,
    at: time = time(8),
    language: str = "en",
) -> UUID:
    """Store a subscription and return its id.

    `weekday` is for weekly reports, `on` for one before a meeting. Raises `BadSubscription`, and
    `Taken` if the same exists.
    """
    if what not in WHAT or not 0 <= weekday <= 6:
        raise BadSubscription(say("there is no report to send"))
    if what == "once" and on is None:
        raise BadSubscription(say("enter the date of the meeting"))
    if what == "once" and on and periods.instant(on, at, organization.timezone) <= now:
        raise BadSubscription(say("this date is in the past"))
    return email_outbox.put_subscription(
        organization.id,
        email_outbox.NewSubscription(
            what,
            mail_address(email),
            campaign.id if campaign else None,
            weekday if what == "weekly" else None,
            on if what == "once" else None,
            at,
            language,
        ),
    )
