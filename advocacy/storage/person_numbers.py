"""The numbers of people, by which sets hold them; small, and of one organization.

Note: a number says nothing about a person and leaves the database with nobody. With it is kept when
the person first acted as far as cells know it, so that a change of it can be told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from advocacy.storage.session import column, execute, run, scalar


class Numbered(NamedTuple):
    """A person's number, and when they first acted: as cells have it, and now."""

    id: UUID
    number: int
    before: datetime | None
    now: datetime | None


class _Row(NamedTuple):
    id: UUID
    number: int | None
    before: datetime | None
    now: datetime | None


def settle_numbers(org_id: UUID, people: Collection[UUID]) -> list[Numbered]:
    """Return the numbers of people; who is new gets the next one, who is gone loses theirs.

    To be called after the rows of `supporters` were written, in their transaction.
    """
    rows = run(
        _Row,
        """select v.id, n.number, n.first_at as before, s.first_acted_at as now
           from unnest(cast(:ids as uuid[])) as v (id)
           left join person_numbers n on n.org_id = :o and n.id = v.id
           left join supporters s on s.org_id = :o and s.id = v.id""",
        o=org_id,
        ids=sorted(people),
    )
    # In the order in which they came: who acts in the same days is found in the same places.
    new = sorted(
        (row for row in rows if row.number is None), key=lambda row: (row.now is None, row.now)
    )
    numbers = iter(range(_next(org_id, len(new)), 2**31)) if new else iter(())
    given = {row.id: next(numbers) for row in new}
    found = [row._replace(number=given.get(row.id, row.number)) for row in rows]
    changed = [row for row in found if row.now and row.now != row.before]
    if changed:
        execute(
            """insert into person_numbers (org_id, id, number, first_at)
               select :o, v.id, v.number, v.at
               from unnest(cast(:ids as uuid[]), cast(:numbers as int4[]),
                           cast(:ats as timestamptz[])) as v (id, number, at)
               on conflict (org_id, id) do update set first_at = excluded.first_at""",
            o=org_id,
            ids=[row.id for row in changed],
            numbers=[row.number for row in changed],
            ats=[row.now for row in changed],
        )
    if gone := [row.id for row in found if row.now is None and row.before]:
        execute(
            "delete from person_numbers where org_id = :o and id = any(cast(:ids as uuid[]))",
            o=org_id,
            ids=gone,
        )
    return [Numbered(row.id, row.number or 0, row.before, row.now) for row in found]


def _next(org_id: UUID, number: int) -> int:
    """Return the first of so many numbers that nobody had."""
    if not number:
        return 0
    return scalar(
        int,
        """insert into cell_counters (org_id, people) values (:o, :number)
           on conflict (org_id) do update set people = cell_counters.people + :number
           returning people - :number + 1""",
        o=org_id,
        number=number,
    )


def number_everybody(org_id: UUID) -> None:
    """Give all people numbers from the beginning, in the order in which they first acted."""
    execute("delete from person_numbers where org_id = :o", o=org_id)
    people = execute(
        """insert into person_numbers (org_id, id, number, first_at)
           select :o, id, row_number() over (order by first_acted_at, id), first_acted_at
           from supporters where org_id = :o and first_acted_at is not null""",
        o=org_id,
    )
    execute(
        """insert into cell_counters (org_id, people, zones) values (:o, :people, '{}')
           on conflict (org_id) do update set people = :people, zones = '{}'""",
        o=org_id,
        people=people,
    )


class First(NamedTuple):
    """When the person of a number first acted."""

    number: int
    first_at: datetime


def read_firsts(org_id: UUID, at_once: int = 50_000) -> Iterator[list[First]]:
    """Yield when everybody first acted, some at a time in the order of their numbers."""
    after = 0
    while rows := run(
        First,
        """select number, first_at from person_numbers
           where org_id = :o and number > :after order by number limit :limit""",
        o=org_id,
        after=after,
        limit=at_once,
    ):
        yield rows
        after = rows[-1].number


def numbers_of(org_id: UUID) -> dict[UUID, int]:
    """Return the number of everybody."""
    rows = run(_IdNumber, "select id, number from person_numbers where org_id = :o", o=org_id)
    return dict(rows)


class _IdNumber(NamedTuple):
    id: UUID
    number: int


def known_zones(org_id: UUID) -> frozenset[str]:
    """Return the zones by whose clocks cells have who first acted."""
    rows = column(
        str, "select unnest(zones) as zone from cell_counters where org_id = :o", o=org_id
    )
    return frozenset(rows)


def add_zones(org_id: UUID, zones: Sequence[str]) -> None:
    """Note that cells have who first acted by the clocks of these zones too."""
    execute(
        """insert into cell_counters (org_id, zones) values (:o, cast(:zones as text[]))
           on conflict (org_id) do update set zones = cell_counters.zones || excluded.zones""",
        o=org_id,
        zones=list(zones),
    )
