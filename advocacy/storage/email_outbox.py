"""Subscriptions to email reports, and the mails sent for them.

Note: a row of `sent_reports` is claimed and committed before anything is sent, and its key is
(organization, subscription, period). So a mail is sent once, however many workers run. A mail whose
process died before the mail server responded is listed as such, and not sent again automatically.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from advocacy.core.ids import new_id
from advocacy.core.records import JsonObject
from advocacy.storage import totals
from advocacy.storage.db import db
from advocacy.storage.errors import NotFound, Taken
from advocacy.storage.models import Campaign, ReportSubscription
from advocacy.storage.session import column, execute, exists, run, scalar

CLAIM_EXPIRES_AFTER = timedelta(minutes=10)
"""A mail that has been in progress for longer than this has lost its process."""


class NewSubscription(NamedTuple):
    """A subscription to be made: see `ReportSubscription`."""

    what: str
    email: str
    campaign_id: UUID | None
    weekday: int | None
    on_date: date | None
    send_at: time
    language: str


def put_subscription(org_id: UUID, wanted: NewSubscription) -> UUID:
    """Store a subscription and return its id. Raises `Taken` if it exists already.

    Serialized by organization, or a form that is submitted twice at once would be stored twice.
    """
    execute("select pg_advisory_xact_lock(:key, 4)", key=org_id.int % (2**31))
    for each in list_subscriptions(org_id):
        if tuple(getattr(each, name) for name in NewSubscription._fields[:-2]) == wanted[:-2]:
            raise Taken(
                f"{wanted.email} already receives this report; see `advocacy subscription list`"
            )
    made = ReportSubscription(org_id=org_id, id=new_id(), **wanted._asdict())
    db.session.add(made)
    db.session.flush()
    return made.id


def list_subscriptions(org_id: UUID) -> Sequence[ReportSubscription]:
    """Return the subscriptions that have not ended, the oldest first."""
    return list(
        db.session.scalars(
            select(ReportSubscription)
            .filter_by(org_id=org_id, ended_at=None)
            .order_by(ReportSubscription.created_at, ReportSubscription.id)
        )
    )


def end_subscription(org_id: UUID, subscription_id: UUID, now: datetime) -> None:
    """End a subscription and delete its address; sent mails stay. Raises `NotFound`."""
    if not execute(
        """update report_subscriptions set ended_at = :now, email = ''
           where org_id = :o and id = :id and ended_at is null""",
        o=org_id,
        id=subscription_id,
        now=now,
    ):
        raise NotFound(
            f"there is no subscription {subscription_id}; see `advocacy subscription list`"
        )


_SENT = """r.id, r.subscription_id, r.period, r.status, r.attempts, r.resent, r.claimed_at,
           r.next_try_at, r.sent_at, r.error, r.figures, s.what, s.email, s.campaign_id,
           s.language, s.ended_at"""


def find_campaign_by_id(org_id: UUID, campaign_id: UUID) -> Campaign | None:
    """Return the campaign that a subscription is about."""
    return db.session.get(Campaign, (org_id, campaign_id))


class SentMail(NamedTuple):
    """A mail, with its subscription."""

    id: UUID
    subscription_id: UUID
    period: str
    status: str
    attempts: int
    resent: int
    claimed_at: datetime
    next_try_at: datetime | None
    sent_at: datetime | None
    error: str
    figures: JsonObject | None
    what: str
    email: str
    campaign_id: UUID | None
    language: str
    ended_at: datetime | None


def claim_report(
    org_id: UUID, report_id: UUID, subscription_id: UUID, period: str, now: datetime
) -> SentMail | None:
    """Claim the mail of a subscription for a period; return None if it was ever claimed."""
    rows = run(
        SentMail,
        f"""with r as (
              insert into sent_reports (org_id, id, subscription_id, period, claimed_at)
              values (:o, :id, :s, :period, :now)
              on conflict do nothing returning *)
            select {_SENT} from r
            join report_subscriptions s on s.org_id = :o and s.id = r.subscription_id""",
        o=org_id,
        id=report_id,
        s=subscription_id,
        period=period,
        now=now,
    )
    return rows[0] if rows else None


def claim_again(org_id: UUID, now: datetime) -> SentMail | None:
    """Claim one mail that can be tried again, or return None.

    That is one whose next attempt is due, or whose claim is older than `CLAIM_EXPIRES_AFTER`: its
    process died before it sent anything. Mails in state `sending` are never claimed again.
    """
    rows = run(
        SentMail,
        f"""with found as materialized (
              select r.id from sent_reports r
              join report_subscriptions s on s.org_id = r.org_id and s.id = r.subscription_id
              where r.org_id = :o and s.ended_at is null
                and (r.status = 'waiting' and r.next_try_at <= :now
                     or r.status = 'making' and r.claimed_at <= :dead)
              order by r.claimed_at, r.id limit 1 for update of r skip locked),
            r as (
              update sent_reports x
              set status = 'making', attempts = x.attempts + 1, claimed_at = :now,
                  next_try_at = null
              from found where x.org_id = :o and x.id = found.id returning x.*)
            select {_SENT} from r
            join report_subscriptions s on s.org_id = :o and s.id = r.subscription_id""",
        o=org_id,
        now=now,
        dead=now - CLAIM_EXPIRES_AFTER,
    )
    return rows[0] if rows else None


def find_sent(org_id: UUID, report_id: UUID) -> SentMail | None:
    """Return a mail with its figures and recipient."""
    rows = run(
        SentMail,
        f"""select {_SENT} from sent_reports r
            join report_subscriptions s on s.org_id = :o and s.id = r.subscription_id
            where r.org_id = :o and r.id = :id""",
        o=org_id,
        id=report_id,
    )
    return rows[0] if rows else None


def request_resend(org_id: UUID, report_id: UUID, now: datetime) -> None:
    """Mark a mail as due again, in any state.

    Raises as `claim_resend` does.
    """
    _lock_by_hand(org_id, report_id, now)
    execute(
        f"""update sent_reports set {_COUNTED_AGAIN}, status = 'waiting', next_try_at = :now,
                                    error = ''
            where org_id = :o and id = :id""",
        o=org_id,
        id=report_id,
        now=now,
    )


# How often a delivered mail was requested again. Its Message-ID differs then: mailboxes drop a
# second message with the same id.
_COUNTED_AGAIN = "resent = resent + case when status = 'sent' then 1 else 0 end"


def claim_resend(org_id: UUID, report_id: UUID, now: datetime) -> SentMail:
    """Claim a mail in any state. Raises `NotFound`, and `Taken` if it is being sent."""
    _lock_by_hand(org_id, report_id, now)
    return run(
        SentMail,
        f"""with r as (
              update sent_reports
              set {_COUNTED_AGAIN}, status = 'making', attempts = attempts + 1, claimed_at = :now,
                  next_try_at = null, error = ''
              where org_id = :o and id = :id returning *)
            select {_SENT} from r
            join report_subscriptions s on s.org_id = :o and s.id = r.subscription_id""",
        o=org_id,
        id=report_id,
        now=now,
    )[0]


class _MailState(NamedTuple):
    status: str
    claimed_at: datetime
    error: str
    ended_at: datetime | None


def _lock_by_hand(org_id: UUID, report_id: UUID, now: datetime) -> None:
    found = run(
        _MailState,
        """select r.status, r.claimed_at, r.error, s.ended_at from sent_reports r
           join report_subscriptions s on s.org_id = r.org_id and s.id = r.subscription_id
           where r.org_id = :o and r.id = :id for update of r""",
        o=org_id,
        id=report_id,
    )
    if not found:
        raise NotFound(f"nothing was sent as {report_id}; see `advocacy subscription sent`")
    (row,) = found
    if row.ended_at:
        raise NotFound("its subscription has ended, so its address was deleted")
    on_its_way = row.status == "making" or (row.status == "sending" and not row.error)
    if on_its_way and row.claimed_at > now - CLAIM_EXPIRES_AFTER:
        raise Taken("it is being sent; check again in a few minutes")


def put_sending(org_id: UUID, report_id: UUID, attempt: int, figures: Mapping[str, object]) -> bool:
    """Mark a mail as being sent, and store its figures; return False if the claim was lost."""
    return (
        execute(
            """update sent_reports
               set status = 'sending', figures = cast(:figures as jsonb), error = ''
               where org_id = :o and id = :id and status = 'making' and attempts = :attempt""",
            o=org_id,
            id=report_id,
            attempt=attempt,
            figures=json.dumps(figures),
        )
        == 1
    )


def put_outcome(
    org_id: UUID,
    report_id: UUID,
    attempt: int,
    status: str,
    error: str = "",
    next_try_at: datetime | None = None,
    sent_at: datetime | None = None,
) -> None:
    """Store the outcome of an attempt; do not overwrite that of a later one."""
    execute(
        """update sent_reports
           set status = :status, error = :error, next_try_at = :next,
               sent_at = coalesce(cast(:sent as timestamptz), sent_at)
           where org_id = :o and id = :id and attempts = :attempt""",
        o=org_id,
        id=report_id,
        attempt=attempt,
        status=status,
        error=error,
        next=next_try_at,
        sent=sent_at,
    )


class ListedMail(NamedTuple):
    """A mail in the list of those sent, without its figures."""

    id: UUID
    period: str
    status: str
    attempts: int
    claimed_at: datetime
    sent_at: datetime | None
    next_try_at: datetime | None
    error: str
    kept: bool
    what: str
    email: str
    ended_at: datetime | None
    campaign: str | None
    campaign_name: str | None


def list_sent(org_id: UUID, limit: int = 50) -> list[ListedMail]:
    """Return the latest mails with their subscriptions, the newest first, without figures."""
    return run(
        ListedMail,
        """select r.id, r.period, r.status, r.attempts, r.claimed_at, r.sent_at, r.next_try_at,
                  r.error, r.figures is not null as kept, s.what, s.email, s.ended_at,
                  c.slug as campaign, c.name as campaign_name
           from sent_reports r
           join report_subscriptions s on s.org_id = r.org_id and s.id = r.subscription_id
           left join campaigns c on c.org_id = s.org_id and c.id = s.campaign_id
           where r.org_id = :o order by r.claimed_at desc, r.id desc limit :limit""",
        o=org_id,
        limit=limit,
    )


def count_stuck(org_id: UUID, now: datetime) -> int:
    """Return how many mails need attention: failed, or sent without a confirmation."""
    return int(
        scalar(
            int,
            """select count(*) from sent_reports r
               join report_subscriptions s on s.org_id = r.org_id and s.id = r.subscription_id
               where r.org_id = :o and s.ended_at is null
                 and (r.status = 'failed' or r.status = 'sending'
                      and (r.error <> '' or r.claimed_at <= :dead))""",
            o=org_id,
            dead=now - CLAIM_EXPIRES_AFTER,
        )
    )


def is_handled(org_id: UUID, subscription_id: UUID, period: str) -> bool:
    """Return whether the mail of a subscription for a period was ever claimed."""
    return exists(
        """select 1 from sent_reports
               where org_id = :o and subscription_id = :s and period = :period""",
        o=org_id,
        s=subscription_id,
        period=period,
    )


def last_figures(org_id: UUID, subscription_id: UUID, report_id: UUID) -> JsonObject | None:
    """Return the figures of the last report sent for a subscription before this one."""
    rows = column(
        JsonObject,
        """select figures from sent_reports
           where org_id = :o and subscription_id = :s and id <> :id and sent_at is not null
           order by sent_at desc limit 1""",
        o=org_id,
        s=subscription_id,
        id=report_id,
    )
    return dict(rows[0]) if rows else None


def campaigns_with_data(org_id: UUID, first: date, last: date) -> set[UUID]:
    """Return the campaigns that have actions or clicks on these days; the nil UUID is for none."""
    clicked = column(
        UUID,
        """select distinct campaign_id from click_totals
           where org_id = :o and day between :first and :last""",
        o=org_id,
        first=first,
        last=last,
    )
    return totals.campaigns_with_actions(org_id, first, last).union(clicked)
