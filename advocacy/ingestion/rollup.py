"""Compute what actions add to the cells (see `advocacy.core.cells`).

Pure. Figures are not counted from scratch: each batch adds the difference between what its actions
said before and what they say now, in its own transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from advocacy.attribution import split_minor, split_returns
from advocacy.core import cells
from advocacy.core.cells import Cell, Changes, Key
from advocacy.core.dates import day_in
from advocacy.core.records import StoredTouch
from advocacy.storage.actions import Action, CountedAction
from advocacy.storage.breakdowns import SharedRow

Acted = Action | CountedAction
"""What of an action is read: all of it, or what figures are made of."""


class Entry(NamedTuple):
    """What an action adds under one key: under a model or `EVERY`, units, money, and returns."""

    key: Key
    model: int
    units: int
    gross_minor: int
    returned: list[int]


class Contributions:
    """Collects in `changes` what actions say.

    `zones` has the time zone of each campaign, and under None the organization's; `generations` how
    often each link was passed on; `numbers` the number of each person.
    """

    def __init__(
        self,
        zones: Mapping[UUID | None, str],
        generations: Mapping[UUID, int],
        numbers: Mapping[UUID, int],
    ) -> None:
        self.changes: Changes = {}
        self._zones, self._generations, self._numbers = zones, generations, numbers
        self._all_zones = sorted({*zones.values()})

    def add(self, action: Acted, sign: int = 1) -> None:
        """Add what an action says, if it is counted; with -1, take it away."""
        if not action.counted:
            return
        own, zone = self._zones[None], self._zones.get(action.campaign_id) or self._zones[None]
        scope, entries = cells.campaign_scope(action.campaign_id), entries_of(action)
        cell = self._cell(scope, action.occurred_on)
        for entry in entries:
            sums = entry.units, entry.gross_minor, 0
            cell.add_sums(entry.key, entry.model, sums, sign)
            for told, amount in zip(action.returns or (), entry.returned, strict=True):
                day = day_in(datetime.fromisoformat(told["at"]), zone)
                self._cell(scope, day).add_sums(entry.key, entry.model, (0, 0, amount), sign)
        if action.supporter_id:
            # Actions and money of the organization stand on the days of its campaigns; its people
            # on those of its own clock.
            places = [cell]
            if zone != own:
                day = day_in(action.occurred_at, own)
                places.append(self._cell(cells.own_scope(action.campaign_id), day))
            person = self._numbers[action.supporter_id]
            for key in {entry.key for entry in entries}:
                for place in places:
                    place.add_person(key, person, sign)
        if action.link_id:
            key = cells.passed_on_key(self._generations.get(action.link_id, 0), action.post_id)
            cell.add_sums(key, cells.EVERY, (cells.UNIT, 0, 0), sign)

    def add_first(
        self, at: datetime, person: int, sign: int = 1, zones: Sequence[str] = ()
    ) -> None:
        """Add when a person first acted, by the clocks of these zones or of all."""
        for zone in zones or self._all_zones:
            cell = self._cell(cells.first_scope(zone), day_in(at, zone))
            cell.add_person(cells.FIRST, person, sign)

    def _cell(self, scope: str, day: date) -> Cell:
        found = self.changes.get((scope, day))
        if found is None:
            found = self.changes[scope, day] = Cell()
        return found


def entries_of(action: Acted) -> list[Entry]:
    """Return what an action adds, under each key.

    With at most one touch it adds the same under every model. Otherwise each model shares it among
    the posts on its path; money in whole minor units, returns by their cumulative sum.
    """
    returns = [each["amount_minor"] for each in action.returns or ()]
    flags = (
        cells.RENEWAL * action.renewal
        | cells.RECURRING * bool(action.recurs_as)
        | cells.GONE * (action.kind == "donation" and action.gross_minor <= action.refunded_minor)
    )
    source = action.source_id.bytes
    if not action.path:
        key = Key(
            cells.ALL_MODELS,
            action.kind,
            flags,
            action.tier,
            action.platform,
            action.post_id.bytes if action.post_id else b"",
            source,
            action.currency,
        )
        return [Entry(key, cells.EVERY, cells.UNIT, action.gross_minor, returns)]
    keys = [
        Key(
            sum(1 << bit for bit, model in enumerate(cells.MODELS) if model in touch["shares"]),
            action.kind,
            flags,
            touch["tier"],
            touch["platform"],
            _id_bytes(touch["post_id"]) if touch["post_id"] else b"",
            source,
            action.currency,
        )
        for touch in action.path
    ]
    return [
        Entry(keys[place], number, units, gross, back)
        for number, model in enumerate(cells.MODELS)
        for place, units, gross, back in _shares(action, model)
    ]


@lru_cache(maxsize=10_000)
def _id_bytes(written: str) -> bytes:
    return UUID(written).bytes


def shared_out(
    action: Acted | SharedRow, model: str
) -> Iterator[tuple[StoredTouch, int, int, list[int]]]:
    """Yield each touch that a model gives a share of an action of several touches.

    With it: its units, its part of the amount in minor units, and its part of each return, in
    order.
    """
    for place, units, gross, back in _shares(action, model):
        yield (action.path or [])[place], units, gross, back


def _shares(action: Acted | SharedRow, model: str) -> Iterator[tuple[int, int, int, list[int]]]:
    written = tuple(touch["shares"].get(model, "0") for touch in action.path or ())
    units = _split(cells.UNIT, written)
    gross = _split(action.gross_minor, written)
    returns = [each["amount_minor"] for each in action.returns or []]
    back = (
        split_returns(action.gross_minor, [Fraction(share) for share in written], returns)
        if returns
        else []
    )
    for place in range(len(written)):
        if written[place] != "0":
            yield place, units[place], gross[place], [row[place] for row in back]


@lru_cache(maxsize=10_000)
def _split(amount_minor: int, written: tuple[str, ...]) -> tuple[int, ...]:
    """Split an amount by shares as they are stored; cached, since most paths are shared alike."""
    if not amount_minor:
        return (0,) * len(written)
    return tuple(split_minor(amount_minor, [Fraction(share) for share in written]))
