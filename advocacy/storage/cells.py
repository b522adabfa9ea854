"""Cells and the news that are to be folded into them (see `advocacy.core.cells`).

A batch appends one row of news. They are folded later, many together: into the rows of their days,
and those into rows of whole months. A month is only a cache of its days: it is dropped when one of
them changes and made again once it is over.

Note: a reader sees cells and news in one statement, so that figures are the same before and after
folding. Something can be taken from a day, where it is counted how often a person was added, but
not from a month; so while news take something away, days of that month are read instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from advocacy.core.cells import (
    DAY,
    MONTH,
    Added,
    Cell,
    Changes,
    Packed,
    View,
    pack,
    pack_news,
    unpack,
    unpack_news,
)
from advocacy.core.people_sets import Counted
from advocacy.storage.session import column, execute, run, scalar

FEW = 20_000
"""So many changes of people cost a reader no more than some milliseconds."""

MANY = 200_000
"""With more than these, folding does not wait for an idle moment."""


# News --------------------------------------------------------------------------------------------


def append_news(org_id: UUID, seq: int, changes: Mapping[tuple[str, date], Cell]) -> None:
    """Append what a batch changes, as one row, under its number (see `next_news`)."""
    changed = {of: cell for of, cell in changes.items() if cell.tidy()}
    if not changed:
        return
    taken = {
        _month_of(day)
        for (_, day), cell in changed.items()
        if any(times < 0 for people in cell.people.values() for times in people.others.values())
    }
    execute(
        """insert into cell_news (org_id, seq, taken, pairs, body)
           values (:o, :seq, cast(:taken as date[]), :pairs, :body)""",
        o=org_id,
        seq=seq,
        taken=sorted(taken),
        pairs=sum(
            len(people.once) + len(people.others)
            for cell in changed.values()
            for people in cell.people.values()
        ),
        body=pack_news(changed),
    )


def next_news(org_id: UUID) -> int:
    """Return the number of a batch's news; other batches wait until this transaction ends."""
    return scalar(
        int,
        """insert into cell_counters (org_id, news) values (:o, 1)
           on conflict (org_id) do update set news = cell_counters.news + 1
           returning news""",
        o=org_id,
    )


class Pending(NamedTuple):
    """How many changes of people are not folded, and when the first of them came."""

    pairs: int
    since: datetime | None


def pending_news(org_id: UUID) -> Pending:
    """Return what is not folded yet."""
    return run(
        Pending,
        """select coalesce(sum(pairs), 0)::int8 as pairs, min(at) as since from cell_news
           where org_id = :o""",
        o=org_id,
    )[0]


# Folding -----------------------------------------------------------------------------------------


class _NewsRow(NamedTuple):
    seq: int
    body: bytes


def fold(org_id: UUID, most: int = MANY) -> None:
    """Fold the oldest news, up to about `most` changes, into their days; changes no figure.

    One process at a time does so for an organization, see `lock_cells`.
    """
    news = run(
        _NewsRow,
        """select seq, body from (
             select seq, body, sum(pairs) over (order by seq) - pairs as before from cell_news
             where org_id = :o) as summed
           where before < :most order by seq""",
        o=org_id,
        most=most,
    )
    changes: Changes = {}
    for row in news:
        merge_changes(changes, unpack_news(bytes(row.body)))
    add_to_days(org_id, changes)
    execute(
        "delete from cell_news where org_id = :o and seq = any(cast(:seqs as int8[]))",
        o=org_id,
        seqs=[row.seq for row in news],
    )


def merge_changes(changes: Changes, more: Changes) -> None:
    """Add changes to others."""
    for of, cell in more.items():
        known = changes.get(of)
        if known is None:
            changes[of] = cell
        else:
            known.merge(cell)


def add_to_days(org_id: UUID, changes: Changes) -> None:
    """Add changes to the cells of days, and make their months again."""
    ordered = sorted(changes)
    for begin in range(0, len(ordered), _ROWS):
        some = ordered[begin : begin + _ROWS]
        there = {
            (row.scope, row.starts_on): row
            for row in run(
                _CellRow,
                f"""select c.scope, c.grain, c.starts_on, {_COLUMNS}
                    from cells c join unnest(cast(:scopes as text[]), cast(:days as date[]))
                         as v (scope, day) on c.scope = v.scope and c.starts_on = v.day
                    where c.org_id = :o and c.grain = {DAY}""",
                o=org_id,
                scopes=[scope for scope, _ in some],
                days=[day for _, day in some],
            )
        }
        written = []
        for of in some:
            cell = changes[of]
            if of in there:
                cell, added = there[of].cell(), cell
                cell.merge(added)
            written.append((of, cell.tidy()))
        _put(org_id, DAY, written)
    _make_months(org_id, {(scope, _month_of(day)) for scope, day in ordered})


_ROWS = 64


def _put(org_id: UUID, grain: int, written: Sequence[tuple[tuple[str, date], Cell]]) -> None:
    """Store cells; empty ones are removed."""
    gone = [of for of, cell in written if not cell]
    if gone:
        _drop(org_id, grain, gone)
    rows = [(of, pack(cell)) for of, cell in written if cell]
    if not rows:
        return
    execute(
        f"""insert into cells (org_id, scope, grain, starts_on, words, keys, sums, kinds, places,
                               sources, sets, counts)
            select :o, v.scope, {grain}, v.day, v.words, v.keys, v.sums, v.kinds, v.places,
                   v.sources, v.sets, v.counts
            from unnest(cast(:scopes as text[]), cast(:days as date[]), cast(:words as bytea[]),
                        cast(:keys as bytea[]), cast(:sums as bytea[]), cast(:kinds as bytea[]),
                        cast(:places as bytea[]), cast(:sources as bytea[]),
                        cast(:sets as bytea[]), cast(:counts as bytea[]))
                 as v (scope, day, words, keys, sums, kinds, places, sources, sets, counts)
            on conflict (org_id, scope, grain, starts_on) do update
              set words = excluded.words, keys = excluded.keys, sums = excluded.sums,
                  kinds = excluded.kinds, places = excluded.places, sources = excluded.sources,
                  sets = excluded.sets, counts = excluded.counts""",
        o=org_id,
        scopes=[scope for (scope, _), _ in rows],
        days=[day for (_, day), _ in rows],
        **{name: [getattr(packed, name) for _, packed in rows] for name in Packed._fields},
    )


def _drop(org_id: UUID, grain: int, some: Iterable[tuple[str, date]]) -> None:
    ordered = sorted(some)
    execute(
        f"""delete from cells c
            using unnest(cast(:scopes as text[]), cast(:days as date[])) as v (scope, day)
            where c.org_id = :o and c.grain = {grain} and c.scope = v.scope
              and c.starts_on = v.day""",
        o=org_id,
        scopes=[scope for scope, _ in ordered],
        days=[day for _, day in ordered],
    )


def _make_months(org_id: UUID, months: set[tuple[str, date]]) -> None:
    """Make these months of their days; those that are not over are dropped instead."""
    over = _month_of(datetime.now(UTC).date() - timedelta(days=2))
    _drop(org_id, MONTH, [each for each in months if each[1] >= over])
    for scope, month in sorted(each for each in months if each[1] < over):
        rows = run(
            _CellRow,
            f"""select c.scope, c.grain, c.starts_on, {_COLUMNS} from cells c
                where c.org_id = :o and c.scope = :scope and c.grain = {DAY}
                  and c.starts_on between :first and :last""",
            o=org_id,
            scope=scope,
            first=month,
            last=last_of(month),
        )
        _put(org_id, MONTH, [((scope, month), month_of_days([row.view() for row in rows]))])


def month_of_days(days: Iterable[Piece]) -> Cell:
    """Return the cell of a month: its sums, and the people who are in the sets of its days."""
    whole = Cell()
    for day in days:
        for key, model, *sums in day.sums():
            whole.add_sums(key, model, sums)
        for key, members in day.people():
            known = whole.people.setdefault(key, Counted())
            known.once |= members
    return whole.tidy()


def _month_of(day: date) -> date:
    return day.replace(day=1)


def last_of(month: date) -> date:
    """Return the last day of the month of a day."""
    begin = month.replace(day=1)
    if (begin.year, begin.month) == (date.max.year, date.max.month):
        return date.max
    return (begin + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _later(day: date, days: int) -> date:
    """Return the day so many days later, but no day that there is not."""
    return date.fromordinal(min(max(day.toordinal() + days, 1), date.max.toordinal()))


def lock_cells(org_id: UUID) -> None:
    """Wait until nobody else writes cells of this organization; `locks.try_lock` does not wait."""
    execute("select pg_advisory_xact_lock(hashtextextended(:name, 0))", name=f"{org_id}:{LOCK}")


LOCK = "cells"
"""The name of the lock under which cells are written."""


def drop_cells(org_id: UUID) -> None:
    """Remove all cells and news."""
    execute("delete from cells where org_id = :o", o=org_id)
    execute("delete from cell_news where org_id = :o", o=org_id)


# Reading -----------------------------------------------------------------------------------------


class _CellRow(NamedTuple):
    scope: str
    grain: int
    starts_on: date
    words: bytes
    keys: bytes | None
    sums: bytes | None
    kinds: bytes | None
    places: bytes | None
    sources: bytes | None
    sets: bytes | None
    counts: bytes | None

    def view(self) -> View:
        """Return the row to be read."""
        return View(self.scope, self.starts_on, _packed(self), self.grain)

    def cell(self) -> Cell:
        """Return the row to be changed."""
        return unpack(_packed(self))


def _packed(row: _CellRow) -> Packed:
    return Packed(*(None if part is None else bytes(part) for part in row[3:]))  # type: ignore[arg-type]


_COLUMNS = "c.words, c.keys, c.sums, c.kinds, c.places, c.sources, c.sets, c.counts"

Piece = View | Added
"""A cell that is read: of a day, of a month, or of news."""


class _ReadRow(NamedTuple):
    scope: str | None
    grain: int
    starts_on: date | None
    words: bytes | None
    keys: bytes | None
    sums: bytes | None
    kinds: bytes | None
    places: bytes | None
    sources: bytes | None
    sets: bytes | None
    counts: bytes | None
    body: bytes | None


def read_cells(
    org_id: UUID,
    scopes: Iterable[str],
    first: date,
    last: date,
    *,
    sums: bool = False,
    margins: Collection[str] = (),
    people: bool = False,
    by_day: bool = False,
    days_from: date | None = None,
) -> list[Piece]:
    """Return the cells of scopes from `first` to `last`, with those of their parts asked for.

    Months stand for their days, unless `by_day`, and then from `days_from` on if that is given.
    """
    asked = sorted(set(scopes))
    begin = first if first.day == 1 else _later(last_of(first), 1)
    until = last
    if by_day:
        days_from = days_from or first
        until = min(last, _later(days_from, -1))
    end = _month_of(until) if until == last_of(until) else _later(_month_of(until), -1)
    month = "(c.starts_on - extract(day from c.starts_on)::int + 1)"
    touched = f"{month} in (select month from taken)"
    few = "c.kinds is null" if margins else "false"
    wanted = {name: str(name in margins).lower() for name in ("kinds", "places", "sources")}
    parts = f"""c.words,
                  case when {str(sums or people).lower()} or {few} or {touched}
                    then c.keys end as keys,
                  case when {str(sums).lower()} or {touched} then c.sums end as sums,
                  case when {wanted["kinds"]} then c.kinds end as kinds,
                  case when {wanted["places"]} then c.places end as places,
                  case when {wanted["sources"]} then c.sources end as sources,
                  case when {str(people).lower()} or {few} or {touched} then c.sets end as sets,
                  case when {touched} then c.counts end as counts"""
    rows = run(
        _ReadRow,
        f"""with taken as materialized (
              select distinct unnest(taken) as month from cell_news where org_id = :o),
            months as materialized (
              select c.scope, c.starts_on from cells c
              where c.org_id = :o and c.scope = any(cast(:scopes as text[])) and c.grain = {MONTH}
                and c.starts_on between :month_from and :month_to
                and c.starts_on not in (select month from taken))
            select c.scope, c.grain, c.starts_on, {parts}, null::bytea as body
            from cells c
            where c.org_id = :o and c.scope = any(cast(:scopes as text[])) and c.grain = {MONTH}
              and c.starts_on between :month_from and :month_to
              and c.starts_on not in (select month from taken)
            union all
            select c.scope, c.grain, c.starts_on, {parts}, null::bytea
            from cells c
            where c.org_id = :o and c.scope = any(cast(:scopes as text[])) and c.grain = {DAY}
              and c.starts_on between :first and :last
              and (c.scope, {month}) not in (select scope, starts_on from months)
            union all
            select null, 0, null, null, null, null, null, null, null, null, null, n.body
            from cell_news n where n.org_id = :o""",
        o=org_id,
        scopes=asked,
        first=first,
        last=last,
        month_from=begin,
        month_to=end,
    )
    return _pieces(rows, frozenset(asked), first, last)


def _pieces(
    rows: Sequence[_ReadRow], scopes: frozenset[str], first: date, last: date
) -> list[Piece]:
    """Return what was read; days from which news take something are merged with them."""
    changes: Changes = {}
    for row in rows:
        if row.body is not None:
            merge_changes(
                changes,
                {
                    of: cell
                    for of, cell in unpack_news(bytes(row.body), scopes).items()
                    if first <= of[1] <= last
                },
            )
    takes = {
        of
        for of, cell in changes.items()
        if any(times < 0 for people in cell.people.values() for times in people.others.values())
    }
    found: list[Piece] = []
    for row in rows:
        if row.body is not None:
            continue
        stored = _CellRow(*row[:-1])  # type: ignore[arg-type]
        of = stored.scope, stored.starts_on
        if of in takes and stored.grain == DAY:
            whole = stored.cell()
            whole.merge(changes[of])
            changes[of] = whole
        else:
            found.append(stored.view())
    found += [Added(scope, day, cell) for (scope, day), cell in changes.items()]
    return found


class _DayRow(NamedTuple):
    scope: str
    starts_on: date


def days_between(org_id: UUID, scopes: Iterable[str]) -> tuple[date | None, date | None]:
    """Return the first and the last day of these scopes on which there is anything."""
    asked = sorted(set(scopes))
    stored = {
        (row.scope, row.starts_on)
        for row in run(
            _DayRow,
            f"""select scope, starts_on from cells
                where org_id = :o and scope = any(cast(:scopes as text[])) and grain = {DAY}""",
            o=org_id,
            scopes=asked,
        )
    }
    changes: Changes = {}
    for body in column(bytes, "select body from cell_news where org_id = :o", o=org_id):
        merge_changes(changes, unpack_news(bytes(body), frozenset(asked)))

    def is_left(of: tuple[str, date]) -> bool:
        """Say whether there is anything, after news that may have taken it away."""
        if of not in changes:
            return True
        whole = Cell()
        for piece in read_cells(org_id, [of[0]], of[1], of[1], sums=True, people=True, by_day=True):
            whole.merge(month_of_days([piece]))
        return bool(whole.tidy())

    ordered = sorted({*stored, *changes}, key=lambda of: of[1])
    first = next((of[1] for of in ordered if is_left(of)), None)
    return first, next((of[1] for of in reversed(ordered) if is_left(of)), None)


def stored_changes(org_id: UUID) -> Changes:
    """Return everything that cells and news say by day: what a recount is compared with."""
    changes: Changes = {}
    for row in run(
        _CellRow,
        f"""select c.scope, c.grain, c.starts_on, {_COLUMNS} from cells c
            where c.org_id = :o and c.grain = {DAY}""",
        o=org_id,
    ):
        changes[row.scope, row.starts_on] = row.cell()
    for body in column(bytes, "select body from cell_news where org_id = :o", o=org_id):
        merge_changes(changes, unpack_news(bytes(body)))
    return {of: cell for of, cell in changes.items() if cell.tidy()}
