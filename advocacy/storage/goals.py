"""Goals, and the figures by day that they are measured by.

Note: Supporters and donors are people, so their figures by day count each once, on the day of
their first action or gift. Supporters come from distinct counts; actions, calls and money from
totals. Donors and districts read the actions of the range, since a refunded gift makes no donor.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from advocacy.core.cells import GONE, UNIT
from advocacy.core.ids import new_id
from advocacy.storage import campaigns, totals
from advocacy.storage.campaigns import within
from advocacy.storage.db import db
from advocacy.storage.distinct_counts import campaign_scopes, own_scopes, read_first_days
from advocacy.storage.errors import NotFound, Taken
from advocacy.storage.models import Goal
from advocacy.storage.session import execute, run

_SAME = ("campaign_id", "measure", "currency", "first_on", "last_on")
"""The columns that identify a goal: no two goals have the same values."""


def put_goal(
    org_id: UUID, *, campaign_id: UUID | None = None, currency: str = "", **about: object
) -> Goal:
    """Make a goal; `about` has the other columns of `Goal`.

    Raises `Taken` if there is one with the same measure, scope and days.
    """
    # A two-number key, distinct from the locks of people and leases. A form that is submitted twice
    # at once creates one goal.
    execute("select pg_advisory_xact_lock(:key, 3)", key=org_id.int % (2**31))
    about |= {"campaign_id": campaign_id, "currency": currency}
    same = {name: about[name] for name in _SAME}
    if db.session.scalars(select(Goal.id).filter_by(org_id=org_id, **same)).first():
        raise Taken("there is already such a goal for this period")
    goal = Goal(org_id=org_id, id=new_id(), **about)
    db.session.add(goal)
    db.session.flush()
    return goal


def list_goals(org_id: UUID) -> Sequence[Goal]:
    """Return all goals, those that end first coming first."""
    return list(
        db.session.scalars(
            select(Goal).filter_by(org_id=org_id).order_by(Goal.last_on, Goal.created_at, Goal.id)
        )
    )


def remove_goal(org_id: UUID, goal_id: UUID) -> None:
    """Remove a goal. Raises `NotFound`."""
    goal = db.session.get(Goal, (org_id, goal_id))
    if goal is None:
        raise NotFound(f"there is no goal {goal_id}; see `advocacy goal list`")
    db.session.delete(goal)
    db.session.flush()


class OfDay(NamedTuple):
    """How many came on a day."""

    day: date
    number: int


class OfDistrict(NamedTuple):
    """How many calls went to a district, and by how many people."""

    district: str
    calls: int
    people: int


def read_supporters(org_id: UUID, campaign_id: UUID | None, last: date) -> list[OfDay]:
    """Return (day, number) of people by the day of their first action, up to `last`.

    For the organization it is a day of its own zone.
    """
    zones = campaigns.zones(org_id)
    scopes = campaign_scopes(zones, campaign_id) if campaign_id else own_scopes(zones)
    return [OfDay(*row) for row in read_first_days(org_id, scopes, date.min, last)]


def read_donors(org_id: UUID, campaign_id: UUID | None, first: date, last: date) -> list[OfDay]:
    """Return (day, number) of people by the day of their first gift within the range.

    A fully refunded gift does not count.
    """
    scopes = campaign_scopes(campaigns.zones(org_id), campaign_id)
    rows = read_first_days(
        org_id,
        scopes,
        first,
        last,
        lambda key: key.kind == "donation" and not key.flags & GONE,
    )
    return [OfDay(*row) for row in rows]


def read_sums(
    org_id: UUID,
    campaign_id: UUID | None,
    first: date,
    last: date,
    *,
    kind: str = "",
    currency: str = "",
) -> list[OfDay]:
    """Return (day, number) of actions, or of one kind; with a currency, its net minor units."""
    found = totals.summed(
        org_id,
        campaign_scopes(campaigns.zones(org_id), campaign_id),
        first,
        last,
        "last_touch",
        lambda _scope, day, key: (
            day if kind in {"", key.kind} and currency in {"", key.currency} else None
        ),
        by_day=True,
    )
    return [
        OfDay(day, gross - refunded if currency else units // UNIT)
        for day, (units, gross, refunded) in sorted(found.items())
    ]


def read_districts(
    org_id: UUID, campaign_id: UUID | None, first: date, last: date
) -> list[OfDistrict]:
    """Return (district, calls, people) of calls by reported target; '' is unknown."""
    return run(
        OfDistrict,
        f"""select target as district, count(*)::int8 as calls,
                   count(distinct supporter_id)::int8
                     + count(*) filter (where supporter_id is null)::int8 as people
            from actions
            where org_id = :o {within(campaign_id)} and counted and kind = 'call'
              and occurred_on between :first and :last
            group by target order by target""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
    )
