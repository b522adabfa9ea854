"""Who gets what by mail: checked and kept, for the command and the page by the same rules.

Note: a mail before a meeting that is over would never be due, so it is
refused here; what was due before somebody subscribed is not for them (`subscriptions.due`).
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
"""What can be had: the week, the seven days before a meeting, an alert when a post surges."""


class BadSubscription(ValueError):
    """It cannot be sent so; the message says what to do."""


def mail_address(written: str) -> str:
    """Return an e-mail address as it is kept. Raises `BadSubscription`."""
    try:
        return validate_email(
            written, check_deliverability=False, allow_smtputf8=False
        ).normalized.lower()
    except EmailNotValidError:
        raise BadSubscription(
            say(
                "%(word)s is not a valid email address, e.g. someone@example.org",
                word=ascii(written),
            )
        ) from None


def clock(written: str) -> time:
    """Return a time of day. Raises `BadSubscription`."""
    try:
        return datetime.strptime(written, "%H:%M").time()  # noqa: DTZ007 -- a clock's time
    except ValueError:
        raise BadSubscription(
            say("%(word)s is not a time of day, e.g. 07:30", word=ascii(written))
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
    """Keep who gets what, and return its id; `weekday` is of weekly ones, `on` of one meeting.

    Raises `BadSubscription`, and `Taken` where there is the same already.
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
