"""What followed after posts were published: the first hours, and people who acted again.

Note: both read the actions of a whole campaign (by `actions_report_idx`). An action belongs to the
post of its last touch, whatever the model. Renewals are left out: nobody acts for them.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID

from advocacy.storage.session import run


class FirstHourRow(NamedTuple):
    """Actions of a post in an hour after it was published; 0 is the first."""

    post_id: UUID
    hour: int
    actions: int


def read_first_hours(org_id: UUID, campaign_id: UUID, hours: int) -> list[FirstHourRow]:
    """Return (post_id, hour, actions) of a campaign's posts, for their first hours."""
    return run(
        FirstHourRow,
        """select p.id as post_id,
                  floor(extract(epoch from a.occurred_at - p.published_at) / 3600)::int4 as hour,
                  count(*)::int8 as actions
           from posts p
           join actions a on a.org_id = :o and a.campaign_id = :c and a.post_id = p.id
           where p.org_id = :o and p.campaign_id = :c and a.counted and not a.renewal
             and a.occurred_at >= p.published_at
             and a.occurred_at < p.published_at + make_interval(hours => :hours)
           group by 1, 2""",
        o=org_id,
        c=campaign_id,
        hours=hours,
    )


class AgainRow(NamedTuple):
    """People who acted through a post, and those of them who acted again later."""

    people: int
    again: int


def count_again(
    org_id: UUID, campaign_id: UUID, post_id: UUID, first: date, last: date
) -> AgainRow:
    """Return how many acted through a post on these days, and how many of them acted again.

    Again is any later action in the organization, through whatever post.
    """
    (found,) = run(
        AgainRow,
        """with came as (
             select supporter_id, min(occurred_at) as at from actions
             where org_id = :o and campaign_id = :c and counted and not renewal
               and occurred_on between :first and :last and post_id = :post
               and supporter_id is not null
             group by supporter_id)
           select count(*)::int8 as people,
                  count(*) filter (where exists (
                    select from actions a
                    where a.org_id = :o and a.supporter_id = came.supporter_id
                      and a.occurred_at > came.at and a.counted and not a.renewal))::int8 as again
           from came""",
        o=org_id,
        c=campaign_id,
        post=post_id,
        first=first,
        last=last,
    )
    return found
