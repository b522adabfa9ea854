"""Cells: what happened on a day, or in a month, as sums and as sets of people, by all keys at once.

Pure. A *scope* is what days are of: a campaign by its own clock, the same campaign by the
organization's clock where that is another one, or the people who first acted, by the clock of a
zone. A *cell* is a day of a scope. It has sums of actions and money, and sets of people, by a `Key`
of everything that figures are grouped and filtered by; so people of any range, filter and group are
a union of sets.

    actions ─▶ `Changes`: cells to add, by scope and day ─▶ news (one row a batch)
                                                              │ folded
                                                              ▼
                                          cells of days, and of months as their union

A stored cell has, besides the sets by key, *margins*: the unions by kind, by place and by source,
which are what most reports ask for.

Note: changes are added, never written over, and what an action no longer says is added with a minus
sign. So the order in which batches are folded does not matter.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from pyroaring import BitMap

from advocacy.core.choices import ATTRIBUTION_MODELS
from advocacy.core.people_sets import Counted, pack_set, skip_set, unpack_set

MODELS = tuple(ATTRIBUTION_MODELS)
"""The attribution models, in the order of their bits."""

ALL_MODELS = (1 << len(MODELS)) - 1
"""Stands for: all models say so."""

LAST_TOUCH = 1 << MODELS.index("last_touch")

RENEWAL, RECURRING, GONE, PASSED_ON = 1, 2, 4, 8
"""Flags of a key: a later payment, a recurring gift, a gift that all went back, and not an action
but how often its link was passed on (`tier` says how often)."""

DAY, MONTH = 1, 2
"""The grains of stored cells."""

EVERY = -1
"""The number of the model of sums on which all models agree."""

UNIT = 1_000_000_000
"""So many units are one action."""

MOST_GENERATIONS = 2
"""Links that were passed on more often count as passed on so often."""


NO_ID = UUID(int=0)


@lru_cache(maxsize=10_000)
def campaign_scope(campaign_id: UUID | None) -> str:
    """Return the scope of a campaign, by its clock; None is what has no campaign."""
    return f"campaign:{campaign_id or NO_ID}"


@lru_cache(maxsize=10_000)
def own_scope(campaign_id: UUID | None) -> str:
    """Return the scope of a campaign by the organization's clock, where that is another one."""
    return f"own:{campaign_id or NO_ID}"


def first_scope(zone: str) -> str:
    """Return the scope of those who first acted, by the clock of this zone."""
    return f"first:{zone}"


class Key(NamedTuple):
    """By what sums and people stand in a cell. `models` has a bit for each that gives a share.

    `post` and `source` are the bytes of an id, empty where there is none.
    """

    models: int
    kind: str
    flags: int
    tier: str
    platform: str
    post: bytes
    source: bytes
    currency: str


FIRST = Key(ALL_MODELS, "first", 0, "", "", b"", b"", "")
"""The one key of the cells of a `first_scope`."""


def passed_on_key(generation: int, post_id: UUID | None) -> Key:
    """Return the key of the actions of a post through links that were passed on so often."""
    tier = str(min(generation, MOST_GENERATIONS))
    return Key(0, "", PASSED_ON, tier, "", post_id.bytes if post_id else b"", b"", "")


class Place(NamedTuple):
    """Where an action is credited."""

    models: int
    post: bytes
    platform: str


class Cell:
    """Sums and people by key; sums are by key and the number of a model, or `EVERY`."""

    __slots__ = ("people", "sums")

    def __init__(self) -> None:
        self.sums: dict[tuple[Key, int], list[int]] = {}
        self.people: dict[Key, Counted] = {}

    def add_sums(self, key: Key, model: int, sums: Iterable[int], sign: int = 1) -> None:
        """Add units, gross and refunded money."""
        found = self.sums.get((key, model))
        if found is None:
            found = self.sums[key, model] = [0, 0, 0]
        for place, amount in enumerate(sums):
            found[place] += sign * amount

    def add_person(self, key: Key, person: int, times: int) -> None:
        """Add a person so many times more."""
        found = self.people.get(key)
        if found is None:
            found = self.people[key] = Counted()
        found.add(person, times)

    def merge(self, more: Cell) -> None:
        """Add another cell."""
        for (key, model), sums in more.sums.items():
            self.add_sums(key, model, sums)
        for key, people in more.people.items():
            found = self.people.get(key)
            if found is None:
                found = self.people[key] = Counted()
            found.merge(people)

    def tidy(self) -> Cell:
        """Drop what adds up to nothing, and return the cell."""
        self.sums = {key: sums for key, sums in self.sums.items() if any(sums)}
        self.people = {key: people for key, people in self.people.items() if people}
        return self

    def __bool__(self) -> bool:
        return bool(self.sums) or bool(self.people)


Changes = dict[tuple[str, date], Cell]
"""Cells to add, by scope and day."""


# As bytes ----------------------------------------------------------------------------------------

# Few keys are read from their sets as fast as from margins, which would be as long as those.
_MARGINS_FROM = 48


class Packed(NamedTuple):
    """A cell as it is stored; what is not asked for is empty where it is read.

    The margins `kinds`, `places` and `sources` are None where keys are few, `counts` where all are
    one.
    """

    words: bytes
    keys: bytes
    sums: bytes
    kinds: bytes | None
    places: bytes | None
    sources: bytes | None
    sets: bytes
    counts: bytes | None


class _Words:
    """Texts and ids, each once; keys name them by their place."""

    def __init__(self) -> None:
        self.places: dict[str | bytes, int] = {}

    def place(self, word: str | bytes) -> int:
        return self.places.setdefault(word, len(self.places))

    def pack(self) -> bytes:
        ids = [each for each in self.places if isinstance(each, bytes) and each]
        texts = "\0".join(each for each in self.places if isinstance(each, str)).encode()
        order = bytearray()
        for each in self.places:
            order.append(0 if isinstance(each, str) else 1 if each else 2)
        numbers = array("I", (len(order), len(texts)))
        return numbers.tobytes() + bytes(order) + texts + b"".join(ids)


@lru_cache(maxsize=4096)
def _text(word: bytes) -> str:
    return sys.intern(word.decode())


def _unpack_words(packed: bytes) -> list[str | bytes]:
    numbers = array("I")
    numbers.frombytes(packed[:8])
    number, length = numbers
    order, at = packed[8 : 8 + number], 8 + number
    texts = iter(packed[at : at + length].split(b"\0"))
    ids = at + length
    found: list[str | bytes] = []
    for sort in order:
        if sort == 1:
            found.append(packed[ids : ids + 16])
            ids += 16
        else:
            found.append(_text(next(texts)) if sort == 0 else b"")
    return found


_KEY_CODES = "BIBIIIII"


def _columns(codes: str, rows: Iterable[Iterable[int]]) -> bytes:
    """Write rows of numbers column by column, compressed: most of a column is alike."""
    columns = [array(code) for code in codes]
    number = 0
    for row in rows:
        number += 1
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    written = b"".join(column.tobytes() for column in columns)
    return number.to_bytes(4, "little") + zlib.compress(written, 1)


def _rows(codes: str, packed: bytes) -> Iterator[tuple[int, ...]]:
    number = int.from_bytes(packed[:4], "little")
    written, at, columns = zlib.decompress(packed[4:]), 0, []
    for code in codes:
        column = array(code)
        end = at + number * column.itemsize
        column.frombytes(written[at:end])
        columns.append(column)
        at = end
    return zip(*columns, strict=True)


def _key_row(key: Key, place: Callable[[str | bytes], int]) -> tuple[int, ...]:
    return (
        key.models,
        place(key.kind),
        key.flags,
        place(key.tier),
        place(key.platform),
        place(key.post),
        place(key.source),
        place(key.currency),
    )


def _unpack_keys(keys: bytes, words: list[str | bytes]) -> list[Key]:
    make = tuple.__new__
    return [
        make(
            Key,
            (
                models,
                words[kind],
                flags,
                words[tier],
                words[platform],
                words[post],
                words[source],
                words[currency],
            ),
        )
        for models, kind, flags, tier, platform, post, source, currency in _rows(_KEY_CODES, keys)
    ]


def _pack_sets(sets: Iterable[BitMap]) -> bytes:
    packed = [pack_set(each) for each in sets]
    lengths = array("I", [length for length, _ in packed]).tobytes()
    return len(packed).to_bytes(4, "little") + lengths + b"".join(data for _, data in packed)


def _unpack_sets(
    packed: bytes, wanted: Callable[[int], bool] | None = None
) -> Iterator[tuple[int, BitMap]]:
    """Yield (place, set) of the sets whose place is wanted."""
    number = int.from_bytes(packed[:4], "little")
    lengths = array("I")
    at = 4 + 4 * number
    lengths.frombytes(packed[4:at])
    for place, length in enumerate(lengths):
        if wanted is None or wanted(place):
            found, at = unpack_set(length, packed, at)
            yield place, found
        else:
            at = skip_set(length, at)


def pack(cell: Cell) -> Packed:
    """Return a cell as bytes."""
    words = _Words()
    keys = sorted({*cell.people, *(key for key, _ in cell.sums)})
    places = {key: place for place, key in enumerate(keys)}
    with_people = {key: people for key, people in cell.people.items() if people}
    members = [with_people[key].members if key in with_people else BitMap() for key in keys]
    counts = [
        (places[key], person, times)
        for key, people in with_people.items()
        for person, times in sorted(people.others.items())
    ]
    packed_keys = _columns(_KEY_CODES, (_key_row(key, words.place) for key in keys))
    wide = len(keys) >= _MARGINS_FROM
    kinds, places_packed, sources = (
        _pack_margins(keys, members, words) if wide else (None, None, None)
    )
    return Packed(
        words.pack(),
        packed_keys,
        _columns(
            "Ibqqq",
            ((places[key], model, *sums) for (key, model), sums in sorted(cell.sums.items())),
        ),
        kinds,
        places_packed,
        sources,
        _pack_sets(members),
        _columns("IIi", counts) if counts else None,
    )


def unpack(packed: Packed) -> Cell:
    """Return the cell that `pack` wrote."""
    cell = Cell()
    keys = _unpack_keys(packed.keys, _unpack_words(packed.words))
    for place, model, *sums in _rows("Ibqqq", packed.sums):
        cell.sums[keys[place], model] = sums
    for place, people in _unpack_sets(packed.sets):
        if people:
            cell.people[keys[place]] = Counted(people)
    for place, person, times in _rows("IIi", packed.counts) if packed.counts else ():
        found = cell.people.setdefault(keys[place], Counted())
        found.once.discard(person)
        found.others[person] = times
    return cell


def _pack_margins(
    keys: Iterable[Key], members: Iterable[BitMap], words: _Words
) -> tuple[bytes, bytes, bytes]:
    found = margins_of(zip(keys, members, strict=True))
    return (
        _pack_margin(
            "IB",
            (((words.place(kind), flags), sets) for (kind, flags), sets in found.kinds.items()),
        ),
        _pack_margin(
            "BII",
            (
                ((place.models, words.place(place.post), words.place(place.platform)), sets)
                for place, sets in found.places.items()
            ),
        ),
        _pack_margin(
            "I", (((words.place(source),), sets) for source, sets in found.sources.items())
        ),
    )


def _pack_margin(codes: str, sets: Iterable[tuple[tuple[int, ...], BitMap]]) -> bytes:
    listed = list(sets)
    named = _columns(codes, (of for of, _ in listed))
    return len(named).to_bytes(4, "little") + named + _pack_sets(people for _, people in listed)


def _unpack_margin(codes: str, packed: bytes) -> Iterator[tuple[tuple[int, ...], BitMap]]:
    begin = 4 + int.from_bytes(packed[:4], "little")
    named = list(_rows(codes, packed[4:begin]))
    for place, people in _unpack_sets(packed[begin:]):
        yield named[place], people


class Margins(NamedTuple):
    """People by kind and flags, by place, and by source."""

    kinds: dict[tuple[str, int], BitMap]
    places: dict[Place, BitMap]
    sources: dict[bytes, BitMap]


def margins_of(people: Iterable[tuple[Key, BitMap]]) -> Margins:
    """Return the margins of sets by key."""
    kinds: dict[tuple[str, int], list[BitMap]] = {}
    places: dict[Place, list[BitMap]] = {}
    sources: dict[bytes, list[BitMap]] = {}
    for key, members in people:
        if members:
            kinds.setdefault((key.kind, key.flags), []).append(members)
            place = Place(key.models, key.post, key.platform)
            places.setdefault(place, []).append(members)
            sources.setdefault(key.source, []).append(members)
    return Margins(*({of: union(sets) for of, sets in each.items()}
                     for each in (kinds, places, sources)))  # type: ignore[arg-type]  # fmt: skip


def union(sets: Sequence[BitMap]) -> BitMap:
    """Return the union of sets."""
    return sets[0].copy() if len(sets) == 1 else BitMap.union(*sets) if sets else BitMap()


# Read --------------------------------------------------------------------------------------------


def _of_kind(kind: str | bytes, flags: int) -> Key:
    return tuple.__new__(Key, (ALL_MODELS, kind, flags, "", "", b"", b"", ""))


def _of_place(models: int, post: str | bytes, platform: str | bytes) -> Key:
    return tuple.__new__(Key, (models, "", 0, "", platform, post, b"", ""))


def _of_source(source: str | bytes) -> Key:
    return tuple.__new__(Key, (ALL_MODELS, "", 0, "", "", b"", source, ""))


def _margin_of(people: Iterable[tuple[Key, BitMap]], part: str) -> Iterator[tuple[Key, BitMap]]:
    found = margins_of(people)
    if part == "kinds":
        yield from ((_of_kind(*of), sets) for of, sets in found.kinds.items())
    elif part == "places":
        yield from ((_of_place(*of), sets) for of, sets in found.places.items())
    else:
        yield from ((_of_source(of), sets) for of, sets in found.sources.items())


class View:
    """A stored cell that is being read: each part is unpacked when it is asked for."""

    def __init__(self, scope: str, first: date, packed: Packed, grain: int = DAY) -> None:
        self.scope, self.first, self.grain = scope, first, grain
        self._packed = packed
        self._words: list[str | bytes] | None = None
        self._keys: list[Key] | None = None

    @property
    def words(self) -> list[str | bytes]:
        """The texts and ids that keys name."""
        if self._words is None:
            self._words = _unpack_words(self._packed.words)
        return self._words

    @property
    def keys(self) -> list[Key]:
        """All keys, in order."""
        if self._keys is None:
            self._keys = _unpack_keys(self._packed.keys, self.words)
        return self._keys

    def sums(self) -> Iterator[tuple[Key, int, int, int, int]]:
        """Yield key, model, units, gross and refunded money."""
        keys = self.keys
        for place, model, units, gross, refunded in _rows("Ibqqq", self._packed.sums):
            yield keys[place], model, units, gross, refunded

    def people(self, wanted: Callable[[Key], bool] | None = None) -> Iterator[tuple[Key, BitMap]]:
        """Yield the sets of the keys that are wanted."""
        keys = self.keys
        chosen = wanted and {place for place, key in enumerate(keys) if wanted(key)}
        found = _unpack_sets(self._packed.sets, None if chosen is None else chosen.__contains__)
        for place, people in found:
            if people:
                yield keys[place], people

    def margin(self, part: str) -> Iterator[tuple[Key, BitMap]]:
        """Yield the sets of a margin (kinds, places or sources), under keys empty otherwise."""
        packed = self._packed
        if part == "kinds" and packed.kinds is not None:
            for (kind, flags), people in _unpack_margin("IB", packed.kinds):
                yield _of_kind(self.words[kind], flags), people
        elif part == "places" and packed.places is not None:
            for (models, post, platform), people in _unpack_margin("BII", packed.places):
                yield _of_place(models, self.words[post], self.words[platform]), people
        elif part == "sources" and packed.sources is not None:
            for (source,), people in _unpack_margin("I", packed.sources):
                yield _of_source(self.words[source]), people
        else:
            yield from _margin_of(self.people(), part)


class Added:
    """A cell of news that is being read, as `View`. Only what is added counts as people."""

    grain = DAY

    def __init__(self, scope: str, first: date, cell: Cell) -> None:
        self.scope, self.first, self._cell = scope, first, cell

    def sums(self) -> Iterator[tuple[Key, int, int, int, int]]:
        """Yield key, model, units, gross and refunded money."""
        for (key, model), (units, gross, refunded) in self._cell.sums.items():
            yield key, model, units, gross, refunded

    def people(self, wanted: Callable[[Key], bool] | None = None) -> Iterator[tuple[Key, BitMap]]:
        """Yield the sets of the keys that are wanted."""
        for key, people in self._cell.people.items():
            if wanted is None or wanted(key):
                yield key, people.members

    def margin(self, part: str) -> Iterator[tuple[Key, BitMap]]:
        """Yield the sets of a margin, as `View` does."""
        return _margin_of(self.people(), part)


# News --------------------------------------------------------------------------------------------

_NEWS_CODES = "II" + _KEY_CODES


def pack_news(changes: Mapping[tuple[str, date], Cell]) -> bytes:
    """Return changes as bytes: keys with their scope and day, sums, and pairs of key and person."""
    words = _Words()
    rows: list[tuple[int, ...]] = []
    sums: list[tuple[int, ...]] = []
    pairs: list[tuple[int, int, int]] = []
    days: dict[date, int] = {}
    for (scope, day), cell in sorted(changes.items()):
        for key in sorted({*cell.people, *(key for key, _ in cell.sums)}):
            place = len(rows)
            at = days.setdefault(day, len(days))
            rows.append((words.place(scope), at, *_key_row(key, words.place)))
            sums += [
                (place, model, *found)
                for model in range(EVERY, len(MODELS))
                if (found := cell.sums.get((key, model)))
            ]
            if people := cell.people.get(key):
                pairs += [(place, person, times) for person, times in sorted(people.counts())]
    written = [
        words.pack(),
        _columns("I", ((day.toordinal(),) for day in days)),
        _columns(_NEWS_CODES, rows),
        _columns("Ibqqq", sums),
        _columns("IIi", pairs),
    ]
    return array("I", map(len, written)).tobytes() + b"".join(written)


def unpack_news(packed: bytes, scopes: frozenset[str] | None = None) -> Changes:
    """Return the changes that `pack_news` wrote; only those of `scopes`, if given."""
    lengths = array("I")
    lengths.frombytes(packed[:20])
    at, pieces = 20, []
    for length in lengths:
        pieces.append(packed[at : at + length])
        at += length
    words = _unpack_words(pieces[0])
    days = [date.fromordinal(day) for (day,) in _rows("I", pieces[1])]
    changes: Changes = {}
    cells: list[Cell | None] = []
    keys: list[Key] = []
    make = tuple.__new__
    for scope, day, models, kind, flags, tier, platform, post, source, currency in _rows(
        _NEWS_CODES, pieces[2]
    ):
        keys.append(
            make(Key, (models, words[kind], flags, words[tier], words[platform], words[post],
                       words[source], words[currency]))
        )  # fmt: skip
        named = words[scope]
        assert isinstance(named, str)  # noqa: S101
        if scopes is None or named in scopes:
            of = named, days[day]
            cell = changes.get(of)
            if cell is None:
                cell = changes[of] = Cell()
            cells.append(cell)
        else:
            cells.append(None)
    for place, model, *amounts in _rows("Ibqqq", pieces[3]):
        if (cell := cells[place]) is not None:
            cell.sums[keys[place], model] = amounts
    for place, person, times in _rows("IIi", pieces[4]):
        if (cell := cells[place]) is not None:
            cell.add_person(keys[place], person, times)
    return changes
