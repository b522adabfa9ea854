"""Shared reports: links that show one campaign's report to people without an account.

Note: these are not tracking links, which supporters follow. The link of a shared report (a *view
link* on the pages, table `view_links`) shows figures, expires, and can be revoked.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from advocacy.core.ids import new_id, new_key
from advocacy.core.records import JsonObject
from advocacy.storage.lookup_keys import find_owner, token_digest
from advocacy.storage.session import execute, run, scalar


def put_shared_report(
    org_id: UUID,
    campaign_id: UUID,
    *,
    name: str,
    model: str,
    made_by: str,
    lasts: timedelta,
    days: int | None = None,
    first_on: date | None = None,
    last_on: date | None = None,
) -> str:
    """Make a shared report; returns its token, which is not stored."""
    made, token = new_id(), new_key("view")
    execute(
        """insert into view_links (org_id, id, campaign_id, name, days, first_on, last_on, model,
                                   made_by, expires_at)
           values (:o, :id, :campaign_id, :name, :days, :first_on, :last_on, :model, :made_by,
                   now() + :lasts)""",
        o=org_id,
        id=made,
        campaign_id=campaign_id,
        name=name,
        days=days,
        first_on=first_on,
        last_on=last_on,
        model=model,
        made_by=made_by,
        lasts=lasts,
    )
    execute(
        """insert into addresses (kind, word, org_id, target_id)
           values ('view', :word, :org_id, :id)""",
        word=token_digest(token),
        org_id=org_id,
        id=made,
    )
    return token


class SharedReport(NamedTuple):
    """A shared report in a campaign's list."""

    id: UUID
    name: str
    days: int | None
    first_on: date | None
    last_on: date | None
    model: str
    made_by: str
    expires_at: datetime
    opened: int
    last_opened_on: date | None
    withdrawn_at: datetime | None
    open: bool


def list_shared_reports(org_id: UUID, campaign_id: UUID) -> list[SharedReport]:
    """Return the shared reports of a campaign, the newest first; `open` ones can be read."""
    return run(
        SharedReport,
        """select id, name, days, first_on, last_on, model, made_by, expires_at, opened,
                  last_opened_on, withdrawn_at, withdrawn_at is null and expires_at > now() as open
           from view_links where org_id = :o and campaign_id = :campaign_id
           order by created_at desc, id desc""",
        o=org_id,
        campaign_id=campaign_id,
    )


class OpenedReport(NamedTuple):
    """A valid shared report, with its last snapshot."""

    org_id: UUID
    id: UUID
    slug: str
    days: int | None
    first_on: date | None
    last_on: date | None
    model: str
    expires_at: datetime
    shown_on: date | None
    shown: JsonObject | None


def find_shared_report(token: str) -> OpenedReport | None:
    """Return the shared report with this token, if it is valid."""
    owner = find_owner("view", token)
    if owner is None:
        return None
    rows = run(
        OpenedReport,
        """select v.org_id, v.id, c.slug, v.days, v.first_on, v.last_on, v.model, v.expires_at,
                  v.shown_on, v.shown
           from view_links v
           join campaigns c on c.org_id = :o and c.id = v.campaign_id
           where v.org_id = :o and v.id = :id
             and v.withdrawn_at is null and v.expires_at > now()""",
        o=owner.org_id,
        id=owner.target_id,
    )
    return rows[0] if rows else None


def put_snapshot(org_id: UUID, view_link_id: UUID, day: date, shown: str) -> JsonObject:
    """Store the snapshot of a day as JSON, and return the stored one: the first of two wins.

    A snapshot of an earlier day does not replace one of a later day.
    """
    execute(
        """update view_links set shown_on = :day, shown = cast(:shown as jsonb)
           where org_id = :o and id = :id
             and (shown_on is null or shown_on < :day
                  or shown_on = :day
                  and shown -> 'as' is distinct from cast(:shown as jsonb) -> 'as')""",
        o=org_id,
        id=view_link_id,
        day=day,
        shown=shown,
    )
    return scalar(
        JsonObject,
        "select shown from view_links where org_id = :o and id = :id",
        o=org_id,
        id=view_link_id,
    )


def count_opening(org_id: UUID, view_link_id: UUID) -> None:
    """Count a visit."""
    execute(
        """update view_links set opened = opened + 1, last_opened_on = :today
           where org_id = :o and id = :id""",
        o=org_id,
        id=view_link_id,
        today=datetime.now(UTC).date(),
    )


def revoke_shared_report(org_id: UUID, campaign_id: UUID, view_link_id: UUID) -> bool:
    """Revoke a shared report; return False if there is no valid one with this id."""
    withdrawn = execute(
        """update view_links set withdrawn_at = now()
           where org_id = :o and campaign_id = :campaign_id and id = :id
             and withdrawn_at is null""",
        o=org_id,
        campaign_id=campaign_id,
        id=view_link_id,
    )
    return bool(withdrawn)
