"""Distinct people, new and returning: by set algebra over cells.

The people of a range, a filter and a group are the union of the sets of its days and keys; who of
them is new are those who also are among the first acts of the range. See `advocacy.core.cells`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from pyroaring import BitMap

from advocacy.core.cells import (
    MODELS,
    NO_ID,
    Key,
    campaign_scope,
    first_scope,
    own_scope,
    union,
)
from advocacy.storage import campaigns
from advocacy.storage.cells import Piece, read_cells
from advocacy.storage.session import run

GRAINS = ("all", "kind", "post", "platform", "source", "medium", "author")
"""By what people are counted."""

GRAINS_OF_ORGANIZATION = ("all", "kind", "platform")
"""By what a report counts people of a whole organization."""

_PART_OF = {
    "all": "kinds",
    "kind": "kinds",
    "post": "places",
    "platform": "places",
    "medium": "places",
    "author": "places",
    "source": "sources",
}

Zones = Mapping[UUID | None, str]
Of = TypeVar("Of")


class ActionFilter(NamedTuple):
    """Whose actions, of which days, by which model, and which of them: None is any.

    Without `campaign_id` it is the whole organization. `posts` has None for "no post", `campaigns`
    None for "no campaign", `platforms` '' for "not known". `zone` is the campaign's, or the
    organization's own; `hours` are those of its clock.
    """

    org_id: UUID
    campaign_id: UUID | None
    zone: str
    first: date
    last: date
    model: str
    posts: frozenset[UUID | None] | None = None
    platforms: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    sources: frozenset[UUID] | None = None
    campaigns: frozenset[UUID | None] | None = None
    hours: frozenset[int] | None = None

    @property
    def narrowed(self) -> bool:
        """Whether only some of the actions are asked for."""
        return any(each is not None for each in self[6:])

    @property
    def post_bytes(self) -> frozenset[bytes] | None:
        """The posts as keys of cells have them."""
        if self.posts is None:
            return None
        return frozenset(each.bytes if each else b"" for each in self.posts)

    @property
    def source_bytes(self) -> frozenset[bytes] | None:
        """The sources as keys of cells have them."""
        return None if self.sources is None else frozenset(each.bytes for each in self.sources)


class PeopleRow(NamedTuple):
    """Distinct people of a group; see `read_people`."""

    scope: UUID
    grain: str
    value: str
    supporters: int
    new: int


def read_people(
    org_id: UUID,
    scopes: Sequence[UUID],
    first: date,
    last: date,
    model: str,
    grains: Sequence[str],
) -> list[PeopleRow]:
    """Return (scope, grain, value, supporters, new): distinct people from `first` to `last`.

    A scope is a campaign's id, or the organization's own for all of it; `NO_ID` is what has no
    campaign. `value` is '' for the grain 'all' and where there is none (no post); ids are written
    out. A supporter is new where their first action in the organization lies in the range. They are
    a post's where the model gives it any share of one of their actions.
    """
    zones = campaigns.zones(org_id)
    scope_of: dict[str, list[UUID]] = {}
    zone_of: dict[UUID, str] = {}
    for scope in scopes:
        whole = scope == org_id
        campaign_id = None if whole or scope == NO_ID else scope
        zone_of[scope] = zones[None if whole else campaign_id]
        names = own_scopes(zones) if whole else [campaign_scope(campaign_id)]
        for name in names:
            scope_of.setdefault(name, []).append(scope)
    firsts_of = {first_scope(zone): zone for zone in zone_of.values()}
    groups = _Groups[tuple[UUID, str, str]]()
    firsts: dict[str, list[BitMap]] = {}
    bit = 1 << MODELS.index(model)
    parts = {_PART_OF[grain] for grain in grains}
    described = _Described(org_id) if {"medium", "author"} & {*grains} else None
    pieces = read_cells(org_id, {*scope_of, *firsts_of}, first, last, margins=parts)
    for piece in pieces:
        if piece.scope in firsts_of:
            firsts.setdefault(firsts_of[piece.scope], []).extend(_firsts(piece))
            continue
        for part in parts:
            of_part = [grain for grain in grains if _PART_OF[grain] == part]
            for key, people in piece.margin(part):
                if key.models & bit:
                    for grain in of_part:
                        value = _value(grain, key, described)
                        for scope in scope_of[piece.scope]:
                            groups.add((scope, grain, value), people)
    new_of = {zone: union(sets) for zone, sets in firsts.items()}
    return [
        PeopleRow(
            *of, len(people), people.intersection_cardinality(new_of.get(zone_of[of[0]], _NOBODY))
        )
        for of, people in sorted(groups.unions(), key=lambda item: item[0])
    ]


_NOBODY = BitMap()


def own_scopes(zones: Zones) -> list[str]:
    """Return the scopes that are an organization by its own clock, each campaign once."""
    return [
        campaign_scope(each) if zone == zones[None] else own_scope(each)
        for each, zone in zones.items()
    ]


def campaign_scopes(zones: Zones, campaign_id: UUID | None) -> list[str]:
    """Return the scope of a campaign, or those of all, each by its own clock."""
    return [campaign_scope(each) for each in ([campaign_id] if campaign_id else zones)]


class _Groups(Generic[Of]):
    """Collects sets by group."""

    def __init__(self) -> None:
        self._sets: dict[Of, list[BitMap]] = {}

    def add(self, of: Of, people: BitMap) -> None:
        found = self._sets.get(of)
        if found is None:
            self._sets[of] = [people]
        else:
            found.append(people)

    def unions(self) -> Iterator[tuple[Of, BitMap]]:
        for of, sets in self._sets.items():
            people = union(sets)
            if people:
                yield of, people


def _firsts(piece: Piece) -> list[BitMap]:
    return [people for _, people in piece.people()]


@lru_cache(maxsize=20_000)
def written_id(of: bytes) -> str:
    """Return an id as text, '' for none."""
    return str(UUID(bytes=of)) if of else ""


class _PostRow(NamedTuple):
    id: UUID
    medium: str
    author: str


class _Described:
    """What posts say now of their medium and their author."""

    def __init__(self, org_id: UUID) -> None:
        rows = run(_PostRow, "select id, medium, author from posts where org_id = :o", o=org_id)
        self._of = {row.id.bytes: row for row in rows}

    def value(self, grain: str, post: bytes) -> str:
        row = self._of.get(post)
        return "" if row is None else row.medium if grain == "medium" else row.author


def _value(by: str, key: Key, described: _Described | None) -> str:
    match by:
        case "kind":
            return key.kind
        case "post":
            return written_id(key.post)
        case "platform":
            return key.platform
        case "source":
            return written_id(key.source)
        case "medium" | "author":
            assert described is not None  # noqa: S101
            return described.value(by, key.post)
    return ""


class KeyPeople(NamedTuple):
    """Distinct people of a key."""

    key: str
    supporters: int
    new: int


def count_people(
    asked: ActionFilter, by: str, ranges: Sequence[tuple[date, date]] = ()
) -> list[KeyPeople]:
    """Return (key, supporters, new): distinct people behind the actions asked for.

    `by` is '' or one of campaign, post, platform, medium, author, kind, source, or range: one of
    `ranges`, by its number. `new` is as in `read_people`: their first action in the organization
    lies in the range, or in the range that the key is of. Where people of the organization are
    counted a day is one of its own zone; by campaign, and in a campaign, one of the campaign's. Of
    no hours.
    """
    zones = campaigns.zones(asked.org_id)
    scopes = _scopes(asked, by, zones)
    firsts_of = {first_scope(zone): zone for zone, _ in scopes.values()}
    part = _only_part(asked, by)
    described = _Described(asked.org_id) if by in {"medium", "author"} else None
    number_of = _numbers(ranges) if by == "range" else {}
    wanted = _wanted(asked)
    groups = _Groups[tuple[str, int | None, str]]()
    firsts = _Groups[tuple[str, int | None]]()
    for piece in read_cells(
        asked.org_id,
        {*scopes, *firsts_of},
        asked.first,
        asked.last,
        margins=[part] if part else [],
        people=part is None,
        by_day=by == "range",
    ):
        number = number_of.get(piece.first) if by == "range" else None
        if by == "range" and number is None:
            continue
        if zone := firsts_of.get(piece.scope):
            for people in _firsts(piece):
                firsts.add((zone, number), people)
            continue
        zone, campaign = scopes[piece.scope]
        sets = piece.margin(part) if part else piece.people(wanted)
        for key, people in sets:
            if part is None or wanted(key):
                value = campaign if by == "campaign" else _value(by, key, described)
                groups.add((zone, number, value), people)
    new_of = dict(firsts.unions())
    return [
        KeyPeople(
            value if number is None else str(number),
            len(people),
            people.intersection_cardinality(new_of.get((zone, number), _NOBODY)),
        )
        for (zone, number, value), people in groups.unions()
    ]


def _scopes(asked: ActionFilter, by: str, zones: Zones) -> dict[str, tuple[str, str]]:
    """Return the scopes to read, each with its zone and the key of its campaign."""
    ids: Iterable[UUID | None] = zones if asked.campaign_id is None else [asked.campaign_id]
    own = asked.campaign_id is None and by != "campaign"
    found = {}
    for each in ids:
        if asked.campaigns is None or each in asked.campaigns:
            name = own_scope(each) if own and zones[each] != zones[None] else campaign_scope(each)
            found[name] = (zones[None] if own else zones[each], str(each) if each else "")
    return found


def _only_part(asked: ActionFilter, by: str) -> str | None:
    """Return the margin that has all that is asked for; None where no single one has it."""
    parts = {_PART_OF[by]} if by in _PART_OF else set()
    if asked.kinds is not None:
        parts.add("kinds")
    if asked.posts is not None or asked.platforms is not None:
        parts.add("places")
    if asked.sources is not None:
        parts.add("sources")
    return (parts or {"kinds"}).pop() if len(parts) < 2 else None


def _wanted(asked: ActionFilter) -> Callable[[Key], bool]:
    bit = 1 << MODELS.index(asked.model)
    posts, sources = asked.post_bytes, asked.source_bytes
    kinds, platforms = asked.kinds, asked.platforms

    def wanted(key: Key) -> bool:
        return bool(
            key.models & bit
            and (kinds is None or key.kind in kinds)
            and (platforms is None or key.platform in platforms)
            and (posts is None or key.post in posts)
            and (sources is None or key.source in sources)
        )

    return wanted


def _numbers(ranges: Sequence[tuple[date, date]]) -> dict[date, int]:
    """Return of each day the number of its range."""
    return {
        date.fromordinal(day): number
        for number, (first, last) in enumerate(ranges)
        for day in range(first.toordinal(), last.toordinal() + 1)
    }


class FirstDay(NamedTuple):
    """How many people acted for the first time on a day."""

    day: date
    number: int


def read_first_days(
    org_id: UUID,
    scopes: Iterable[str],
    first: date,
    last: date,
    wanted: Callable[[Key], bool] = lambda _: True,
) -> list[FirstDay]:
    """Return (day, number) of people by the day on which they first were in these sets."""
    by_day: dict[date, list[BitMap]] = {}
    for piece in read_cells(org_id, scopes, first, last, margins=["kinds"], by_day=True):
        sets = [people for key, people in piece.margin("kinds") if wanted(key)]
        by_day.setdefault(piece.first, []).extend(sets)
    seen = BitMap()
    found = []
    for day, sets in sorted(by_day.items()):
        before = len(seen)
        seen |= union(sets)
        if len(seen) > before:
            found.append(FirstDay(day, len(seen) - before))
    return found
