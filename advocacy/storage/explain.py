"""Read the data for receipts of actions, and find actions.

Note: no personal data leaves this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from advocacy.storage.session import run


class DeliveryRow(NamedTuple):
    """A delivery that reported an action."""

    id: UUID
    received_at: datetime
    test: bool
    source: str
    provider: str


def deliveries(org_id: UUID, delivery_ids: Iterable[UUID]) -> list[DeliveryRow]:
    """Return these deliveries, in the order of arrival."""
    return run(
        DeliveryRow,
        """select i.id, i.received_at, i.test, s.name as source, s.provider
           from inbox i join sources s on s.org_id = i.org_id and s.id = i.source_id
           where i.org_id = :o and i.id = any(cast(:ids as uuid[]))
           order by i.received_at, i.id""",
        o=org_id,
        ids=list(delivery_ids),
    )


class PaymentRow(NamedTuple):
    """A payment of a recurring gift, with its evidence."""

    id: UUID
    kind: str
    occurred_at: datetime
    renewal: bool
    code: str
    click_id: str
    utm: dict[str, str]
    referrer: str
    supporter_id: UUID | None
    delivery_ids: list[UUID]


def first_payments(org_id: UUID, source_id: UUID, recurs_as: str) -> list[PaymentRow]:
    """Return the payments that a recurring gift's renewals may inherit from, the earliest first.

    These are all that are not reported as renewals, or all if only renewals are known, each with
    its evidence.
    """
    return run(
        PaymentRow,
        """select a.id, a.kind, a.occurred_at, a.renewal, a.code, a.click_id, a.utm, a.referrer,
                  a.supporter_id, a.delivery_ids
           from actions a
           where a.org_id = :o and a.source_id = :s and a.recurs_as = :name
             and a.renewal = (select bool_and(b.renewal) from actions b
                              where b.org_id = :o and b.source_id = :s and b.recurs_as = :name)
           order by a.occurred_at, a.id""",
        o=org_id,
        s=source_id,
        name=recurs_as,
    )


class PostRow(NamedTuple):
    """A post and the slug of its campaign."""

    id: UUID
    platform: str
    title: str
    url: str
    campaign: str


def posts(org_id: UUID, ids: Iterable[UUID]) -> dict[UUID, PostRow]:
    """Return these posts, each with the slug of its campaign."""
    rows = run(
        PostRow,
        """select p.id, p.platform, p.title, p.url, c.slug as campaign
           from posts p join campaigns c on c.org_id = p.org_id and c.id = p.campaign_id
           where p.org_id = :o and p.id = any(cast(:ids as uuid[]))""",
        o=org_id,
        ids=list(ids),
    )
    return {row.id: row for row in rows}


class PlaceRow(NamedTuple):
    """The source and the campaign of an action."""

    source: str
    provider: str
    slug: str | None
    name: str | None
    timezone: str


def find_context(org_id: UUID, source_id: UUID, campaign_id: UUID | None) -> PlaceRow:
    """Return source and campaign: (source, provider, slug, name, timezone).

    Without a campaign its slug and name are null and the time zone is the organization's.
    """
    return run(
        PlaceRow,
        """select s.name as source, s.provider, c.slug, c.name,
                  coalesce(c.timezone, o.timezone) as timezone
           from organizations o
           join sources s on s.org_id = :o and s.id = :s
           left join campaigns c on c.org_id = :o and c.id = :c
           where o.id = :o""",
        o=org_id,
        s=source_id,
        c=campaign_id,
    )[0]


class ListedAction(NamedTuple):
    """An action in the list of a campaign's."""

    id: UUID
    kind: str
    occurred_at: datetime
    occurred_on: date
    counted: bool
    test: bool
    renewal: bool
    tier: str
    platform: str
    post_id: UUID | None
    title: str | None
    url: str | None
    gross_minor: int
    refunded_minor: int
    currency: str


def newest(
    org_id: UUID,
    campaign_id: UUID,
    *,
    post_id: UUID | None,
    kind: str,
    day: date | None,
    counted: bool,
    before: tuple[date, datetime, UUID] | None,
    limit: int,
) -> list[ListedAction]:
    """Return actions of a campaign, newest first, after the cursor `before`.

    Ordered by day first, to use the index on the days of counted actions.
    """
    which = "a.counted" if counted else "not a.counted"
    return run(
        ListedAction,
        f"""select a.id, a.kind, a.occurred_at, a.occurred_on, a.counted, a.test, a.renewal, a.tier,
                  a.platform, a.post_id, p.title, p.url, a.gross_minor, a.refunded_minor,
                  a.currency
           from actions a left join posts p on p.org_id = a.org_id and p.id = a.post_id
           where a.org_id = :o and a.campaign_id = :c and {which}
             and (cast(:post as uuid) is null or a.post_id = cast(:post as uuid))
             and (cast(:kind as text) = '' or a.kind = cast(:kind as text))
             and (cast(:day as date) is null or a.occurred_on = cast(:day as date))
             and (cast(:last as date) is null
                  or (a.occurred_on, a.occurred_at, a.id)
                     < (cast(:last as date), cast(:at as timestamptz), cast(:id as uuid)))
           order by a.occurred_on desc, a.occurred_at desc, a.id desc limit :limit""",
        o=org_id,
        c=campaign_id,
        post=post_id,
        kind=kind,
        day=day,
        last=before[0] if before else None,
        at=before[1] if before else None,
        id=before[2] if before else None,
        limit=limit,
    )
