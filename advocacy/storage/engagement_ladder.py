"""Read the engagement ladder: rungs, climbs, cohorts and gifts. Numbers only, never ids.

A *rung* is the highest that a person has reached. People by rung are differences of unions of sets
by kind; cohorts and repeats are intersections of months and of days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from pyroaring import BitMap

from advocacy.core.cells import GONE, LAST_TOUCH, MONTH, RECURRING, RENEWAL, Key, union
from advocacy.core.dates import begin_of
from advocacy.storage import campaigns, time_zones
from advocacy.storage.cells import Piece, last_of, read_cells
from advocacy.storage.distinct_counts import campaign_scopes
from advocacy.storage.money_movements import movements_sql
from advocacy.storage.session import column, run

RUNGS = ("clicked", "signed", "called", "gave", "gives_monthly")
"""The rungs from the lowest to the highest; a rung's number is its index."""

NEW = -1
"""The previous rung of people who were on none."""

# The action that reaches each rung. A fully refunded gift does not count.
_RUNG = """case kind when 'click' then 0 when 'call' then 2 when 'attendance' then 2
                     when 'donation' then case when gross_minor <= refunded_minor then null
                                               when recurs_as <> '' then 4 else 3 end
                     else 1 end"""


class RungCount(NamedTuple):
    """How many people are on a rung, from which previous rung, and through which post."""

    before: int | None
    rung: int
    post_id: UUID | None
    people: int
    still: int


class Cohort(NamedTuple):
    """How many of those who first acted in a month acted again so many months later."""

    month: date
    since: int
    people: int


class Gifts(NamedTuple):
    """Sums of gifts in a currency; see `read_gifts`."""

    currency: str
    gifts: int
    givers: int
    gross_minor: int
    net_minor: int
    recurring_net_minor: int
    people: int
    once_people: int
    monthly_people: int


class LadderFigures(NamedTuple):
    """How many people did what; see `read_ladder`."""

    rungs: list[RungCount]
    cohorts: list[Cohort]
    repeat: tuple[int, int]


_MONTHLY = 4
_RUNGS = range(_MONTHLY, -1, -1)


def rung_of(kind: str, flags: int) -> int | None:
    """Return the rung that an action reaches; a gift that all went back reaches none."""
    if kind == "donation":
        return None if flags & GONE else _MONTHLY if flags & RECURRING else 3
    return {"click": 0, "call": 2, "attendance": 2}.get(kind, 1)


def read_ladder(
    org_id: UUID,
    campaign_id: UUID | None,
    first: date,
    last: date,
    timezone: str,
    repeat_days: int,
    months: int,
) -> LadderFigures:
    """Return rungs, cohorts and repeats by the last day.

    *Rungs* are (before, rung, post_id, people, still): by the highest rung that they reached, the
    one they were on before `first` (None: on none), and, for those who climbed in the range, the
    post that has the action by which they reached it. `still` counts those of the highest rung
    whose recurring gift has not ended by the clocks of `timezone`.

    *Cohorts* are (month, since, people) of the last `months` months: who first acted in a month,
    and acted again so much later; `since` 0 is the whole cohort.

    *Repeat* is (people, again): whose first `repeat_days` ended in the range, and who acted on
    another day in them. Renewals, which happen by themselves, do not count as acting again.
    """
    zones = campaigns.zones(org_id)
    scopes = campaign_scopes(zones, campaign_id)
    began_first = _earlier(first, repeat_days)
    newest = last.year * 12 + last.month - 1
    reached: dict[bool, dict[int, list[BitMap]]] = {True: {}, False: {}}
    acted: dict[date, list[BitMap]] = {}
    by_month: dict[int, list[BitMap]] = {}
    for piece in read_cells(
        org_id, scopes, date.min, last, margins=["kinds"], by_day=True, days_from=began_first
    ):
        month = piece.first.year * 12 + piece.first.month - 1
        on = piece.first if _last_day(piece) >= began_first else date.min
        for key, people in piece.margin("kinds"):
            rung = rung_of(key.kind, key.flags)
            if rung is not None:
                reached[piece.first < first].setdefault(rung, []).append(people)
            if not key.flags & RENEWAL:
                acted.setdefault(on, []).append(people)
                by_month.setdefault(month, []).append(people)
    before = _highest({rung: union(sets) for rung, sets in reached[True].items()})
    after = _highest(
        {
            rung: union([*reached[True].get(rung, ()), *reached[False].get(rung, ())])
            for rung in _RUNGS
        }
    )
    return LadderFigures(
        _rungs(org_id, campaign_id, first, last, timezone, before, after),
        _cohorts(by_month, newest - months + 1, months),
        _repeat(acted, began_first, _earlier(last, repeat_days), repeat_days),
    )


def _last_day(piece: Piece) -> date:
    return last_of(piece.first) if piece.grain == MONTH else piece.first


def _highest(reached: dict[int, BitMap]) -> dict[int, BitMap]:
    """Return the people of each rung who reached no higher one."""
    above = BitMap()
    found = {}
    for rung in _RUNGS:
        people = reached.get(rung, BitMap())
        found[rung] = people - above
        above |= people
    return found


def _rungs(
    org_id: UUID,
    campaign_id: UUID | None,
    first: date,
    last: date,
    timezone: str,
    before: dict[int, BitMap],
    after: dict[int, BitMap],
) -> list[RungCount]:
    some = union(list(before.values()))
    new: tuple[int | None, BitMap] = (None, union(list(after.values())) - some)
    came = dict([new, *before.items()])
    climbers = {
        rung: union(
            [people & after[rung] for old, people in came.items() if old is None or old < rung]
        )
        for rung in _RUNGS
    }
    through = _posts_of_climbs(org_id, campaign_id, first, last, climbers)
    still = _still_giving(org_id, campaign_id, last, timezone) if after[_MONTHLY] else BitMap()
    found = []
    for old, people in came.items():
        for rung in _RUNGS:
            those = people & after[rung]
            groups: list[tuple[UUID | None, BitMap]] = [(None, those)]
            if old is None or old < rung:
                groups = [(post, those & by) for post, by in through.get(rung, {}).items()]
                groups.append((None, those - union([by for _, by in groups])))
            counts: dict[UUID | None, list[int]] = {}
            for post, group in groups:
                count = counts.setdefault(post, [0, 0])
                count[0] += len(group)
                count[1] += group.intersection_cardinality(still) if rung == _MONTHLY else 0
            found += [
                RungCount(old, rung, post, *count) for post, count in counts.items() if count[0]
            ]
    return sorted(found, key=lambda row: (-1 if row.before is None else row.before, row.rung))


def _still_giving(org_id: UUID, campaign_id: UUID | None, last: date, timezone: str) -> BitMap:
    """Return who has a recurring gift that has not ended on the last day."""
    numbers = column(
        int,
        f"""select distinct n.number from actions a
            join person_numbers n on n.org_id = :o and n.id = a.supporter_id
            where a.org_id = :o {campaigns.within(campaign_id, "a.")} and a.counted
              and a.recurs_as <> '' and a.occurred_on <= :last
              and (a.ended_at is null or a.ended_at >= :over)""",
        o=org_id,
        c=campaign_id,
        last=last,
        over=begin_of(last + timedelta(1) if last < date.max else last, timezone),
    )
    return BitMap(numbers)


class _ClimbRow(NamedTuple):
    number: int
    rung: int
    post_id: UUID | None


def _posts_of_climbs(
    org_id: UUID,
    campaign_id: UUID | None,
    first: date,
    last: date,
    climbers: dict[int, BitMap],
) -> dict[int, dict[UUID | None, BitMap]]:
    """Return by rung through which post climbers reached it: the one of their earliest action.

    Who reached it through several posts on one day, or in a month that is read as one, is looked up
    among the actions.
    """
    left = {rung: people.copy() for rung, people in climbers.items() if people}
    if not left:
        return {}
    found: dict[int, dict[bytes, list[BitMap]]] = {}
    unclear: dict[int, BitMap] = {rung: BitMap() for rung in left}
    zones = campaigns.zones(org_id)
    scopes = campaign_scopes(zones, campaign_id)

    def wanted(key: Key) -> bool:
        return bool(key.models & LAST_TOUCH) and rung_of(key.kind, key.flags) in left

    pieces = read_cells(org_id, scopes, first, last, people=True)
    spans = list(_spans(pieces))
    # By clocks of several zones, a later day may be the earlier one.
    ahead = 2 if campaign_id is None and len(set(zones.values())) > 1 else 0
    by_span = [_by_rung(some, wanted) for some in spans]
    for place, of_rungs in enumerate(by_span):
        for rung, posts in of_rungs.items():
            once, twice = BitMap(), BitMap()
            for people in posts.values():
                twice |= once & people
                once |= people
            for others in by_span[place + 1 : place + 1 + ahead]:
                for people in others.get(rung, {}).values():
                    twice |= once & people
            once &= left[rung]
            twice &= once
            unclear[rung] |= twice
            clear = once - twice
            for post, people in posts.items():
                found.setdefault(rung, {}).setdefault(post, []).append(people & clear)
            left[rung] -= once
    through: dict[int, dict[UUID | None, BitMap]] = {
        rung: {UUID(bytes=post) if post else None: union(sets) for post, sets in posts.items()}
        for rung, posts in found.items()
    }
    for row in _look_up(org_id, campaign_id, first, last, unclear):
        through.setdefault(row.rung, {}).setdefault(row.post_id, BitMap()).add(row.number)
    return through


def _spans(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Yield the pieces of each day in order, and those of a month together where one is of it."""
    ordered = sorted(pieces, key=lambda piece: piece.first)
    for _, of_month in groupby(ordered, key=lambda piece: (piece.first.year, piece.first.month)):
        some = list(of_month)
        if any(piece.grain == MONTH for piece in some):
            yield some
        else:
            for _, of_day in groupby(some, key=lambda piece: piece.first):
                yield list(of_day)


def _by_rung(
    pieces: Sequence[Piece], wanted: Callable[[Key], bool]
) -> dict[int, dict[bytes, BitMap]]:
    sets: dict[int, dict[bytes, list[BitMap]]] = {}
    for piece in pieces:
        for key, people in piece.people(wanted):
            rung = rung_of(key.kind, key.flags)
            assert rung is not None  # noqa: S101 -- not wanted otherwise
            sets.setdefault(rung, {}).setdefault(key.post, []).append(people)
    return {
        rung: {post: union(some) for post, some in posts.items()} for rung, posts in sets.items()
    }


def _look_up(
    org_id: UUID,
    campaign_id: UUID | None,
    first: date,
    last: date,
    unclear: dict[int, BitMap],
) -> list[_ClimbRow]:
    """Return the post of the earliest action in the range by which these people reached a rung."""
    asked = [(number, rung) for rung, people in unclear.items() for number in people]
    if not asked:
        return []
    return run(
        _ClimbRow,
        f"""select distinct on (v.number, v.rung) v.number, v.rung, a.post_id
            from unnest(cast(:numbers as int4[]), cast(:rungs as int4[])) as v (number, rung)
            join person_numbers n on n.org_id = :o and n.number = v.number
            join actions a on a.org_id = :o and a.supporter_id = n.id
            where a.counted {campaigns.within(campaign_id, "a.")}
              and a.occurred_on between :first and :last and {_RUNG} = v.rung
            order by v.number, v.rung, a.occurred_at, a.id""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
        numbers=[number for number, _ in asked],
        rungs=[rung for _, rung in asked],
    )


def _cohorts(by_month: dict[int, list[BitMap]], oldest: int, months: int) -> list[Cohort]:
    seen = union([people for month, sets in by_month.items() if month < oldest for people in sets])
    sets = [union(by_month.get(oldest + place, [])) for place in range(months)]
    found = []
    for place, people in enumerate(sets):
        began = people - seen
        seen |= people
        found += [
            Cohort(_first_of(oldest + place), later - place, again)
            for later in range(place, months)
            if (again := began.intersection_cardinality(sets[later]))
        ]
    return found


def _first_of(month: int) -> date:
    """Return the first day of a month, counted from the year 0."""
    return date(month // 12, month % 12 + 1, 1) if month >= 12 else date.min


def _repeat(
    acted: dict[date, list[BitMap]], began_first: date, began_last: date, days: int
) -> tuple[int, int]:
    """Return how many began in these days, and how many of them acted again within so many more.

    `acted` has what lies before them under `date.min`. Days are cut into blocks as long as the
    time that is looked ahead: what lies within it is the rest of a block and the beginning of the
    next one.
    """
    seen = union(acted.get(date.min, []))
    begin, end = began_first.toordinal(), began_last.toordinal()
    by_day = {day.toordinal(): sets for day, sets in acted.items() if day > date.min}
    people = again = 0
    rest: dict[int, BitMap] = {}
    later = BitMap()
    for day in range(begin, end + 1):
        place = (day - begin) % days
        if place == 0:
            rest = _rests(by_day, day, days, min(end - day, days - 1))
            later = BitMap()
        later |= union(by_day.get(day + days, []))
        began = union(by_day.get(day, [])) - seen
        seen |= began
        people += len(began)
        if began:
            again += len((began & rest[place]) | (began & later))
    return people, again


def _rests(by_day: dict[int, list[BitMap]], begin: int, days: int, most: int) -> dict[int, BitMap]:
    """Return for each place of a block, up to `most`, who acts after it in the block."""
    rest = BitMap()
    found = {}
    for place in range(days - 1, -1, -1):
        if place <= most:
            found[place] = rest
        rest = rest | union(by_day.get(begin + place, []))
    return found


def _earlier(day: date, days: int) -> date:
    return date.fromordinal(max(day.toordinal() - days, 1))


def read_gifts(
    org_id: UUID, campaign_id: UUID | None, first: date, last: date, timezone: str
) -> list[Gifts]:
    """Return sums of gifts in a range, by currency, the most used first.

    `gifts`, `givers` and `gross_minor` are of one-time gifts in the range. Net is after all refunds
    in the range, also of earlier gifts; `people` are all who contribute to it, `once_people` and
    `monthly_people` those with one-time and with recurring gifts. `timezone` is that of gifts
    without a campaign.
    """
    came = movements_sql(
        "a.supporter_id, a.currency, a.recurs_as <> '' as recurring",
        f"and a.kind = 'donation' {campaigns.within(campaign_id, 'a.')}",
    )
    return run(
        Gifts,
        f"""select currency,
                   coalesce(sum(actions) filter (where not recurring), 0)::int8 as gifts,
                   count(distinct supporter_id) filter (where not recurring and actions = 1)::int8
                     as givers,
                   coalesce(sum(gross_minor) filter (where not recurring), 0)::int8 as gross_minor,
                   sum(gross_minor - refunded_minor)::int8 as net_minor,
                   coalesce(sum(gross_minor - refunded_minor)
                            filter (where recurring), 0)::int8 as recurring_net_minor,
                   count(distinct supporter_id)::int8 as people,
                   count(distinct supporter_id) filter (where not recurring)::int8 as once_people,
                   count(distinct supporter_id) filter (where recurring)::int8 as monthly_people
            from ({came}) as came
            group by currency order by sum(actions) desc, currency""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
        zone=timezone,
        **time_zones.of_organization(org_id),
    )
