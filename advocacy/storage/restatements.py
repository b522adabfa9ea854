"""Restatements: changes to figures of days that were already complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from advocacy.core.ids import new_id
from advocacy.storage.session import execute, run


@dataclass(frozen=True, slots=True)
class Restatement:
    """A number of changed actions of a campaign, on days from `first_on` to `last_on`."""

    campaign_id: UUID
    why: str
    first_on: date
    last_on: date
    actions: int


def put_restatements(org_id: UUID, restated: Sequence[Restatement]) -> None:
    """Store restatements."""
    for each in restated:
        execute(
            """insert into restatements (org_id, id, campaign_id, why, first_on, last_on, actions)
               values (:o, :id, :c, :why, :first, :last, :actions)""",
            o=org_id,
            id=new_id(),
            c=each.campaign_id,
            why=each.why,
            first=each.first_on,
            last=each.last_on,
            actions=each.actions,
        )


class RestatedDay(NamedTuple):
    """Restatements made on a day for one reason."""

    on: date
    why: str
    first_on: date
    last_on: date
    actions: int


def list_restatements(
    org_id: UUID, campaign_id: UUID, first: date, last: date, days: int
) -> list[RestatedDay]:
    """Return restatements of these days made in the last `days` days, by the day they were made."""
    return run(
        RestatedDay,
        """select (at at time zone 'UTC')::date as "on", why,
                  min(first_on) as first_on, max(last_on) as last_on,
                  sum(actions)::int8 as actions
           from restatements
           where org_id = :o and campaign_id = :c and first_on <= :last and last_on >= :first
             and at > now() - make_interval(days => :days)
           group by 1, why order by 1 desc, why""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
        days=days,
    )
