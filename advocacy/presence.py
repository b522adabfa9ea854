"""On which days people came, kept so that distinct people add up over any range of days.

Pure. A *group* is what people are counted by: a scope (a campaign, or the whole organization), a
grain and a value of it, under a model. A *presence* is a day on which a person acted in a group,
and with it goes when she was there last:

- her previous day in the group, or
- at her first day in the group (`opening`), her first day anywhere in the organization.

So whoever acted in a range has exactly one presence in it that is an opening or has its last day
before the range, and distinct people are a sum of those. Where the last day lies before the range,
opening or not, she is *returning*; else she is *new*. There are only so many pairs of days, however
many people and actions there are.

Presences are kept by day and by span (`spans`), on both sides of the pair, so that a report reads
hundreds of pairs where there are tens of thousands. Openings alone are kept a second time without
their last day (`since_span` 0): they are most of the rows, and most often all that is asked for.

What a stranger would get wrong: this is about a person's actions all together. One more action
changes the presence after it, in every group that it belongs to, and an earlier first action
changes all her openings. Hence a change is her presences after it less those before it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from advocacy.attribution import RULES
from advocacy.spans import DAYS, NO_DAYS, cut, day_in, span_of

EVERY = "every"
"""The model of presences on which all models agree."""

MODELS = list(RULES)
"""The models that may differ."""

GRAINS = ("all", "kind", "post", "platform", "source", "medium", "author")
"""What people of a campaign are counted by."""

GRAINS_OF_ORGANIZATION = ("all", "kind", "platform")
"""What people of a whole organization are counted by."""

ANY = date.min
"""Stands for the last day where openings are kept without it."""

Places = tuple[tuple[str, tuple[tuple[UUID | None, str], ...]], ...]
"""By model, the posts with their platforms that an action is credited to."""


class Acted(Protocol):
    """What matters of an action here; rows and actions both have it."""

    @property
    def campaign_id(self) -> UUID | None: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def occurred_on(self) -> date: ...
    @property
    def kind(self) -> str: ...
    @property
    def source_id(self) -> UUID: ...
    @property
    def post_id(self) -> UUID | None: ...
    @property
    def platform(self) -> str: ...
    @property
    def path(self) -> list[dict[str, Any]] | None: ...


class Group(NamedTuple):
    """What people are counted by. `scope` is a campaign's id, or the organization's for all."""

    scope: UUID
    model: str
    grain: str
    value: str


class Cell(NamedTuple):
    """On which days presences are, and since when; by day or by span on either side."""

    day_span: int
    since_span: int
    day: date
    since: date
    opening: bool


class Box(NamedTuple):
    """Which presences a range of days asks for: those of these spans between these days."""

    day_span: int
    since_span: int
    days: tuple[date, date]
    since: tuple[date, date]


class _Mark(NamedTuple):
    """An action as far as presence goes; persons with the same marks have the same presences."""

    campaign_id: UUID | None
    on: date
    on_of_organization: date
    kind: str
    source_id: UUID
    places: Places


_Profile = tuple[frozenset[_Mark], tuple[tuple[UUID, date], ...]]

_uuid = lru_cache(maxsize=10_000)(UUID)


def boxes(first: date, last: date) -> list[Box]:
    """Return what has to be added up for the range from `first` to `last`, both included."""
    start = span_of(first)
    before = []
    if start > date.min:
        before.append((DAYS, (date.min, span_of(date.fromordinal(start.toordinal() - 1)))))
    if start < first:
        before.append((1, (start, date.fromordinal(first.toordinal() - 1))))
    spans, head, tail = cut(first, last)
    pieces = [each for each in ((DAYS, spans), (1, head), (1, tail)) if each[1] != NO_DAYS]
    return [Box(span, 0, days, (ANY, ANY)) for span, days in pieces] + [
        Box(span, since_span, days, since) for span, days in pieces for since_span, since in before
    ]


def places(action: Acted) -> Places:
    """Return by model the posts, each with its platform, that have a share of an action."""
    if not action.path:
        return ((EVERY, ((action.post_id, action.platform),)),)
    return tuple(
        (
            model,
            tuple(
                (_uuid(touch["post_id"]) if touch["post_id"] else None, touch["platform"])
                for touch in action.path
                if model in touch["shares"]
            ),
        )
        for model in RULES
    )


def changes(
    org_id: UUID,
    people: Iterable[tuple[Sequence[Acted], Sequence[Acted]]],
    zones: Mapping[UUID | None, str],
    posts: Mapping[UUID, tuple[str, str]],
) -> dict[Group, dict[Cell, int]]:
    """Return how many presences come where these people acted so (before), and now so (after).

    Where more go than come the number is negative; it is never 0.

    All counted actions of a person have to be given, in the whole organization. `zones` has under
    None the organization's own. `posts` has the medium and the author of each post.
    """
    # Most people of a batch are as others are: new, by one action, on the same day.
    alike: Counter[tuple[_Profile, _Profile]] = Counter()
    for before, after in people:
        alike[_profile(org_id, before, zones), _profile(org_id, after, zones)] += 1
    groups = _Groups(posts)
    found: dict[UUID, dict[_Within, Counter[Cell]]] = {}
    for (before_, after_), number in alike.items():
        _add_changes(org_id, before_, after_, number, groups, found)
    return {
        Group(scope, *within): left
        for scope, of_scope in found.items()
        for within, cells in of_scope.items()
        if (left := {cell: people for cell, people in cells.items() if people})
    }


def _profile(org_id: UUID, actions: Sequence[Acted], zones: Mapping[UUID | None, str]) -> _Profile:
    if not actions:
        return frozenset(), ()
    own = zones[None]
    marks = frozenset(
        _Mark(
            each.campaign_id,
            each.occurred_on,
            day_in(each.occurred_at, own),
            each.kind,
            each.source_id,
            places(each),
        )
        for each in actions
    )
    first_at = min(each.occurred_at for each in actions)
    scopes = {each.campaign_id for each in actions if each.campaign_id}
    firsts = [(scope, day_in(first_at, zones.get(scope) or own)) for scope in scopes]
    return marks, (*sorted(firsts), (org_id, day_in(first_at, own)))


_Within = tuple[str, str, str]
"""A group within its scope: model, grain and value."""

_Presence = tuple[date, date, bool]
"""A day, since when, and whether it opens the group."""


class _Groups:
    """Tells what groups a mark is in, by looking once for marks that differ in their days alone."""

    def __init__(self, posts: Mapping[UUID, tuple[str, str]]) -> None:
        self._posts = posts
        self._known: dict[tuple[object, ...], frozenset[_Within]] = {}

    def of(self, mark: _Mark, differ: bool) -> frozenset[_Within]:
        key = mark.kind, mark.source_id, mark.places, differ
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = frozenset(self._find(mark, differ))
        return found

    def _find(self, mark: _Mark, differ: bool) -> Iterator[_Within]:
        yield EVERY, "all", ""
        yield EVERY, "kind", mark.kind
        yield EVERY, "source", str(mark.source_id)
        by_model = mark.places
        if differ and by_model[0][0] == EVERY:
            by_model = tuple((model, by_model[0][1]) for model in RULES)
        for model, credited in by_model:
            for post_id, platform in credited:
                medium, author = self._posts.get(post_id, ("", "")) if post_id else ("", "")
                yield model, "post", str(post_id) if post_id else ""
                yield model, "platform", platform
                yield model, "medium", medium
                yield model, "author", author


@dataclass(slots=True)
class _Person:
    """What matters of a person in one scope."""

    marks: frozenset[_Mark] = frozenset()
    first_on: date = date.max
    # Where the models differ about one of her actions they may differ about her presences at each
    # post, also those that her other actions brought: these are kept by model as a whole.
    differ: bool = False


def _add_changes(
    org_id: UUID,
    before: _Profile,
    after: _Profile,
    number: int,
    groups: _Groups,
    found: dict[UUID, dict[_Within, Counter[Cell]]],
) -> None:
    """Add the presences that go and come where so many people change alike.

    Nothing is looked at but the groups of what changed: she may have acted a hundred times before.
    """
    was, now = _scopes(org_id, before), _scopes(org_id, after)
    for scope in {**was, **now}:
        old, new = was.get(scope, _Person()), now.get(scope, _Person())
        changed = old.marks ^ new.marks
        if (old.first_on, old.differ) != (new.first_on, new.differ):
            changed = old.marks | new.marks
        if not changed:
            continue
        touched = frozenset[_Within]().union(
            *(groups.of(mark, differ) for mark in changed for differ in {old.differ, new.differ})
        )
        days_before = _days_of(org_id, scope, old, groups, touched)
        days_after = _days_of(org_id, scope, new, groups, touched)
        of_scope = found.setdefault(scope, defaultdict(Counter))
        for within in {**days_before, **days_after}:
            gone = _presences(days_before.get(within), old.first_on)
            come = _presences(days_after.get(within), new.first_on)
            cells = of_scope[within]
            for presence in gone - come:
                for cell in _cells(*presence):
                    cells[cell] -= number
            for presence in come - gone:
                for cell in _cells(*presence):
                    cells[cell] += number


def _scopes(org_id: UUID, profile: _Profile) -> dict[UUID, _Person]:
    marks, firsts = profile
    found = {}
    for scope, first_on in firsts:
        within = (
            marks
            if scope == org_id
            else frozenset(mark for mark in marks if mark.campaign_id == scope)
        )
        differ = any(mark.places[0][0] != EVERY for mark in within)
        found[scope] = _Person(within, first_on, differ)
    return found


def _days_of(
    org_id: UUID, scope: UUID, within: _Person, groups: _Groups, touched: frozenset[_Within]
) -> dict[_Within, set[date]]:
    """Return the days on which she acted, in each group that is touched."""
    whole = scope == org_id
    grains = GRAINS_OF_ORGANIZATION if whole else GRAINS
    days: dict[_Within, set[date]] = defaultdict(set)
    for mark in within.marks:
        day = mark.on_of_organization if whole else mark.on
        for group in groups.of(mark, within.differ) & touched:
            if group[1] in grains:
                days[group].add(day)
    return days


def _presences(days: set[date] | None, first_on: date) -> set[_Presence]:
    if not days:
        return set()
    first, *others = sorted(days)
    found = {(first, min(first_on, first), True)}
    for day in others:
        found.add((day, first, False))
        first = day
    return found


@lru_cache(maxsize=10_000)
def _cells(day: date, since: date, opening: bool) -> tuple[Cell, ...]:
    """Return the cells in which one presence is kept."""
    return tuple(Cell(*found, opening) for found in _find_cells(day, since, opening))


def _find_cells(day: date, since: date, opening: bool) -> Iterator[tuple[int, int, date, date]]:
    span = span_of(day)
    if opening:
        yield 1, 0, day, ANY
        yield DAYS, 0, span, ANY
        if since == day:
            return
    yield 1, 1, day, since
    if (since_span := span_of(since)) != span:
        # Within one span no range asks for more than single days: see `boxes`.
        yield 1, DAYS, day, since_span
        yield DAYS, 1, span, since
        yield DAYS, DAYS, span, since_span
