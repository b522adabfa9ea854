"""What a report by groups reads: sums, clicks, and people counted from the actions themselves.

Note: Totals and distinct counts answer at once, however many actions there are; `count_people`,
`read_single` and `read_shared` read every action of the range (by `actions_report_idx`), about a
second for each half million. They are for what is not aggregated: people behind several filters,
hours, and gifts apart from recurring ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from advocacy.core.buckets import NO_DAYS, cut
from advocacy.core.records import StoredReturn, StoredTouch
from advocacy.storage import distinct_counts, time_zones
from advocacy.storage.distinct_counts import ActionFilter, KeyPeople
from advocacy.storage.money_movements import movements_sql
from advocacy.storage.session import run

# What people are counted by, where the actions themselves are read.
_OF_ACTIONS = {
    "": "''",
    "campaign": "coalesce(a.campaign_id::text, '')",
    "post": "coalesce(t.post_id::text, '')",
    "platform": "t.platform",
    "medium": "coalesce(p.medium, '')",
    "author": "coalesce(p.author, '')",
    "kind": "a.kind",
    "source": "a.source_id::text",
    "hour": f"{time_zones.hour('a.occurred_at', time_zones.OWN)}::text",
    "range": "b.number::text",
}

TOUCHES_OF_MODEL = """cross join lateral (
                select a.post_id, a.platform where a.path is null
                union all
                select cast(each ->> 'post_id' as uuid), each ->> 'platform'
                from jsonb_array_elements(a.path) as each
                where each -> 'shares' ? :model) as t
              left join posts p on p.org_id = :o and p.id = t.post_id"""


def values_of(asked: ActionFilter) -> dict[str, object]:
    """Return what the conditions of `conditions` are bound to."""
    no_id = UUID(int=0)
    return {
        "o": asked.org_id,
        "c": asked.campaign_id,
        "model": asked.model,
        "posts": [each or no_id for each in asked.posts or ()],
        "platforms": list(asked.platforms or ()),
        "kinds": list(asked.kinds or ()),
        "sources": list(asked.sources or ()),
        "campaigns": [each or no_id for each in asked.campaigns or ()],
        "hours": list(asked.hours or ()),
    }


def conditions(asked: ActionFilter, post: str, platform: str, own: str = "") -> str:
    """Return the conditions on which actions or totals are meant; `own` names their table."""
    no_id = "cast('00000000-0000-0000-0000-000000000000' as uuid)"
    found = []
    if asked.campaign_id is not None:
        found.append(f"{own}campaign_id = :c")
    if asked.posts is not None:
        found.append(f"coalesce({post}, {no_id}) = any(cast(:posts as uuid[]))")
    if asked.platforms is not None:
        found.append(f"{platform} = any(cast(:platforms as text[]))")
    if asked.kinds is not None:
        found.append(f"{own}kind = any(cast(:kinds as text[]))")
    if asked.sources is not None:
        found.append(f"{own}source_id = any(cast(:sources as uuid[]))")
    if asked.campaigns is not None:
        found.append(f"coalesce({own}campaign_id, {no_id}) = any(cast(:campaigns as uuid[]))")
    return "".join(f" and {each}" for each in found)


def _at_hours(asked: ActionFilter, at: str) -> str:
    """Return the condition on the hour of the clock that an instant is in."""
    if asked.hours is None:
        return ""
    shown = time_zones.local(at, time_zones.OWN)
    return f" and extract(hour from {shown}) = any(cast(:hours as int4[]))"


class ClickRow(NamedTuple):
    """Clicks on a post, on a day or on all days."""

    campaign_id: UUID
    post_id: UUID
    day: date | None
    human: bool
    clicks: int


def read_clicks(asked: ActionFilter, by_day: bool) -> list[ClickRow]:
    """Return (campaign_id, post_id, day, human, clicks); `day` is None unless they are by day.

    All clicks on the posts asked for: a click has no kind and comes through no source. Of no hours.
    """
    pieces = cut(asked.first, asked.last)
    if by_day:
        pieces = pieces._replace(spans=NO_DAYS, head=(asked.first, asked.last), tail=NO_DAYS)
    clicks = asked._replace(platforms=None, kinds=None, sources=None)
    where = f"where org_id = :o{conditions(clicks, 'post_id', '')}"
    day = "day" if by_day else "null::date"
    return run(
        ClickRow,
        f"""select campaign_id, post_id, day, human, sum(clicks)::int8 as clicks
            from (
              select campaign_id, post_id, null::date as day, human, clicks
              from click_span_totals {where} and starts_on between :spans_from and :spans_to
              union all
              select campaign_id, post_id, {day}, human, clicks
              from click_totals {where} and day between :head_from and :head_to
              union all
              select campaign_id, post_id, {day}, human, clicks
              from click_totals {where} and day between :tail_from and :tail_to
            ) as found
            group by campaign_id, post_id, day, human having sum(clicks) <> 0""",
        **values_of(clicks),
        **{
            f"{name}_{end}": day
            for name, piece in pieces._asdict().items()
            for end, day in zip(("from", "to"), piece, strict=True)
        },
    )


class ClickSlotRow(NamedTuple):
    """Clicks on a post in an hour, on a day or in all."""

    campaign_id: UUID
    post_id: UUID
    slot: datetime | date | None
    human: bool
    clicks: int


def read_clicks_by_hour(asked: ActionFilter, slot: str) -> list[ClickSlotRow]:
    """Return (campaign_id, post_id, slot, human, clicks) of the clicks on the posts asked for.

    `slot` is 'hour' (an instant: hours begin on the clock of `zone`), 'day' (one of the campaign's)
    or ''. It reads every click of the range, and those of its hours alone.
    """
    clicks = asked._replace(platforms=None, kinds=None, sources=None)
    day = time_zones.day("t.clicked_at", time_zones.EACH)
    return run(
        ClickSlotRow,
        f"""with {time_zones.CLOCKS}
            select t.campaign_id, t.post_id,
                   {_slot(slot, "t.clicked_at", day)} as slot, t.human,
                   count(*)::int8 as clicks
            from touches t join campaigns c on c.org_id = :o and c.id = t.campaign_id
            join clocks k on k.zone = c.timezone
            where t.org_id = :o{conditions(clicks, "t.post_id", "", "t.")}
              {_at_hours(asked, "t.clicked_at")}
              and t.clicked_at >= :since and t.clicked_at < :until
              and {day} between :first and :last
            group by 1, 2, 3, 4""",
        **values_of(clicks),
        **time_zones.of_zone(asked.zone),
        **time_zones.of_organization(asked.org_id),
        **time_zones.around(asked.first, asked.last),
        first=asked.first,
        last=asked.last,
    )


def _day_by_day(ranges: Sequence[tuple[date, date]]) -> dict[str, list[object]]:
    """Return the days of ranges, each with its range's number and first day.

    So that what is of a day is looked up, and not held against every range.
    """
    days = [
        (date.fromordinal(day), number, first)
        for number, (first, last) in enumerate(ranges)
        for day in range(first.toordinal(), last.toordinal() + 1)
    ]
    return {
        "on_days": [day for day, _, _ in days],
        "of_numbers": [number for _, number, _ in days],
        "day_froms": [begins for _, _, begins in days],
    }


def count_people(
    asked: ActionFilter, by: str, ranges: Sequence[tuple[date, date]] = ()
) -> list[KeyPeople]:
    """Return (key, supporters, new): distinct people behind the actions asked for.

    As `distinct_counts.count_people`, and also by hour (`key` is its instant, written out) or of
    some hours; then new are those whose first action lies in the hour, and it reads every action of
    the range.
    """
    if by != "hour" and asked.hours is None:
        return distinct_counts.count_people(asked, by, ranges)
    return count_people_at_hours(asked, by, ranges)


def count_people_at_hours(
    asked: ActionFilter, by: str, ranges: Sequence[tuple[date, date]] = ()
) -> list[KeyPeople]:
    """Count people as `count_people` does, action by action."""
    at_place = (
        by in {"post", "platform", "medium", "author"}
        or asked.posts is not None
        or asked.platforms is not None
    )
    # In the organization's own zone the day of an action may be another one than its campaign's.
    own_days = asked.campaign_id is None and by != "campaign"
    on = time_zones.day("a.occurred_at", time_zones.OWN) if own_days else "a.occurred_on"
    first_on = time_zones.day(
        "s.first_acted_at", time_zones.EACH if by == "campaign" else time_zones.OWN
    )
    since = {
        "hour": f"s.first_acted_at >= {time_zones.hour('a.occurred_at', time_zones.OWN)}",
        "range": f"{first_on} >= b.day_from",
    }.get(by, f"{first_on} >= :first")
    return run(
        KeyPeople,
        f"""with {time_zones.CLOCKS}
            select {_OF_ACTIONS[by]} as key,
                   count(distinct a.supporter_id)::int8 as supporters,
                   count(distinct a.supporter_id) filter (where {since})::int8 as new
            from actions a
            join supporters s on s.org_id = :o and s.id = a.supporter_id
            {TOUCHES_OF_MODEL if at_place else ""}
            {
            '''left join campaigns c on c.org_id = :o and c.id = a.campaign_id
               join clocks k on k.zone = coalesce(c.timezone, :zone)'''
            if by == "campaign"
            else ""
        }
            {
            f'''join unnest(cast(:on_days as date[]), cast(:of_numbers as int4[]),
                             cast(:day_froms as date[])) as b (day, number, day_from)
                   on {on} = b.day'''
            if by == "range"
            else ""
        }
            where a.org_id = :o and a.counted{conditions(asked, "t.post_id", "t.platform", "a.")}
              {_at_hours(asked, "a.occurred_at")}
              and a.occurred_on between :near and :far and {on} between :first and :last
            group by 1""",
        **values_of(asked),
        **time_zones.of_zone(asked.zone),
        **time_zones.of_organization(asked.org_id),
        zone=asked.zone,
        first=asked.first,
        last=asked.last,
        **_near(asked, own_days),
        **_day_by_day(ranges),
    )


def _near(asked: ActionFilter, widely: bool) -> Mapping[str, date]:
    """Return between which days of campaigns' zones a day of the organization's can lie."""
    about = 2 if widely else 0
    return {
        "near": date.fromordinal(max(asked.first.toordinal() - about, 1)),
        "far": date.fromordinal(min(asked.last.toordinal() + about, date.max.toordinal())),
    }


def _slot(slot: str, at: str, day: str) -> str:
    """Return SQL for the slot that an instant and its day are in."""
    return {"hour": time_zones.hour(at, time_zones.OWN), "day": day, "": "null"}[slot]


class SingleRow(NamedTuple):
    """Sums of actions of at most one touch; see `read_single`."""

    slot: datetime | date | None
    campaign_id: UUID | None
    post_id: UUID | None
    platform: str
    kind: str
    source_id: UUID
    currency: str
    recurring: bool
    renewal: bool
    actions: int
    gross_minor: int
    refunded_minor: int


def read_single(asked: ActionFilter, slot: str) -> list[SingleRow]:
    """Return sums of actions of one touch or none, by all that they are grouped and filtered by.

    Rows are (slot, campaign_id, post_id, platform, kind, source_id, currency, recurring, renewal,
    actions, gross_minor, refunded_minor). `slot` is 'hour' (an instant), 'day' or ''. What went
    back stands in the slot in which it did.
    """
    came = movements_sql(
        """a.campaign_id, a.post_id, a.platform, a.kind, a.source_id, a.currency,
           a.recurs_as <> '' as recurring, a.renewal""",
        f"and a.path is null{conditions(asked, 'a.post_id', 'a.platform', 'a.')}",
    )
    return run(
        SingleRow,
        f"""select {_slot(slot, "at", "on_day")} as slot, campaign_id, post_id,
                   platform, kind, source_id, currency, recurring, renewal,
                   sum(actions)::int8 as actions, sum(gross_minor)::int8 as gross_minor,
                   sum(refunded_minor)::int8 as refunded_minor
            from ({came}) as came
            where true {_at_hours(asked, "at")}
            group by 1, 2, 3, 4, 5, 6, 7, 8, 9""",
        **values_of(asked),
        **time_zones.of_zone(asked.zone),
        **time_zones.of_organization(asked.org_id),
        zone=asked.zone,
        first=asked.first,
        last=asked.last,
    )


class SharedRow(NamedTuple):
    """An action of several touches."""

    campaign_id: UUID | None
    zone: str
    occurred_at: datetime
    occurred_on: date
    kind: str
    source_id: UUID
    currency: str
    recurring: bool
    renewal: bool
    path: list[StoredTouch]
    gross_minor: int
    returns: list[StoredReturn] | None


def read_shared(asked: ActionFilter) -> list[SharedRow]:
    """Return the actions of several touches that are of the range, or of which something went back.

    Their shares are worked out by who reads them, and so are the posts, platforms and hours asked
    for.
    """
    of_places = asked._replace(posts=None, platforms=None)
    return run(
        SharedRow,
        f"""select a.campaign_id, coalesce(c.timezone, :zone) as zone, a.occurred_at, a.occurred_on,
                   a.kind, a.source_id, a.currency, a.recurs_as <> '' as recurring, a.renewal,
                   a.path, a.gross_minor, a.returns
            from actions a
            left join campaigns c on c.org_id = :o and c.id = a.campaign_id
            where a.org_id = :o and a.counted and a.path is not null
              and (a.occurred_on between :first and :last or a.returns is not null)
              {conditions(of_places, "", "", "a.")}""",
        **values_of(of_places),
        zone=asked.zone,
        first=asked.first,
        last=asked.last,
    )
