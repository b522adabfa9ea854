"""Compute how presences change when actions change, for all people of a batch at once.

Pure. Each action puts its person into some ten groups, and what counts is the days on which they
were in each. For thousands of people that is a table of numbers, which is sorted as a whole:

    actions ─▶ (person, group, day), distinct ─▶ (group, day, since, first) ─▶ how many of these
    before and after the change; the result is the difference

Note: all counted actions of a person in the whole organization are needed, not only those that
change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from advocacy.core.dates import day_in, seconds_ahead
from advocacy.core.distinct import Acted, Group, groups, places

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

_DAY_SECONDS = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
_ORGANIZATION = 0
"""The number of the scope that is the whole organization."""


class Change(NamedTuple):
    """How many more (or fewer) people were in a group on a day, and before it on `since`."""

    group: Group
    day: date
    since: date
    opening: bool
    people: int


def changes(
    org_id: UUID,
    was: Iterable[Acted],
    now: Iterable[Acted],
    others: Iterable[Acted],
    zones: Mapping[UUID | None, str],
    posts: Mapping[UUID, tuple[str, str]],
) -> list[Change]:
    """Return what changes when people's actions change from `was` to `now`, each change once.

    `others` are all further actions of the same people. Every action is counted and has a
    supporter. `zones` has the time zone of each campaign, and under None the organization's;
    `posts` has the medium and the author of each post.
    """
    # Imported here: processes that answer requests save thirty megabytes.
    import numpy as np

    deeds = _Deeds(org_id, zones, posts)
    for actions, then, today in ((others, True, True), (was, True, False), (now, False, True)):
        for action in actions:
            deeds.add(action, then, today)
    if not deeds.rows:
        return []
    table = _Table(deeds)
    before, after = table.presences(then=True), table.presences(then=False)
    keys, place = np.unique(np.concatenate((before, after)), return_inverse=True)
    people = np.bincount(place[len(before) :], minlength=len(keys)) - np.bincount(
        place[: len(before)], minlength=len(keys)
    )
    changed = people != 0
    return table.read(keys[changed], people[changed])


class _Deeds:
    """Actions as rows of numbers, and what the numbers stand for.

    Actions of one *shape* put people into the same groups.
    """

    def __init__(
        self,
        org_id: UUID,
        zones: Mapping[UUID | None, str],
        posts: Mapping[UUID, tuple[str, str]],
    ) -> None:
        self._posts = posts
        self._zone_of = zones
        self._people: dict[UUID | None, int] = {}
        self._shape_of: dict[tuple[object, ...], int] = {}
        self._groups: dict[tuple[int, str, str, str], int] = {}
        self._scopes: dict[UUID, int] = {org_id: _ORGANIZATION}
        self.zones = [zones[None]]
        self.shapes: list[Acted] = []
        self.campaigns: list[int] = []
        # Person, shape, day in the campaign's zone, unix seconds, present before, present now.
        self.rows: list[tuple[int, int, int, float, bool, bool]] = []

    def add(self, action: Acted, then: bool, today: bool) -> None:
        where = places(action) if action.path else (action.post_id, action.platform)
        key = action.campaign_id, action.kind, action.source_id, where
        shape = self._shape_of.setdefault(key, len(self.shapes))
        if shape == len(self.shapes):
            self.shapes.append(action)
            self.campaigns.append(self._scope(action.campaign_id))
        self.rows.append(
            (
                self._people.setdefault(action.supporter_id, len(self._people)),
                shape,
                action.occurred_on.toordinal(),
                action.occurred_at.timestamp(),
                then,
                today,
            )
        )

    def _scope(self, campaign_id: UUID | None) -> int:
        """Return the number of a campaign; None is the organization's."""
        if campaign_id is None:
            return _ORGANIZATION
        scope = self._scopes.setdefault(campaign_id, len(self._scopes))
        if scope == len(self.zones):
            self.zones.append(self._zone_of.get(campaign_id) or self.zones[_ORGANIZATION])
        return scope

    @property
    def people(self) -> int:
        return len(self._people)

    @property
    def groups(self) -> list[Group]:
        scopes = list(self._scopes)
        return [Group(scopes[scope], *within) for scope, *within in self._groups]

    @property
    def scope_of_group(self) -> list[int]:
        return [scope for scope, *_ in self._groups]

    def groups_of_shape(self, shape: int, scope: int, differ: bool) -> list[int]:
        """Return the numbers of the groups of an action in a scope: its campaign, or all."""
        known, whole = self._groups, scope == _ORGANIZATION
        within = groups(self.shapes[shape], self._posts, whole=whole, differ=differ)
        return [known.setdefault((scope, *each), len(known)) for each in dict.fromkeys(within)]


class _Table:
    """The same in columns.

    A presence is one number: its group, its days, and whether it is the first.
    """

    def __init__(self, deeds: _Deeds) -> None:
        import numpy as np

        self._deeds = deeds
        person, shape, on, at, then, today = np.array(deeds.rows, dtype=np.float64).T
        self._person, self._shape = person.astype(np.int64), shape.astype(np.int64)
        self._on, self._at = on.astype(np.int64), at
        self._own = _days_in(at, deeds.zones[_ORGANIZATION])
        self._then, self._today = then.astype(bool), today.astype(bool)
        self._campaign = np.array(deeds.campaigns, dtype=np.int64)[self._shape]
        differs = [bool(each.path) for each in deeds.shapes]
        self._differs = np.array(differs, dtype=bool)[self._shape]
        self._of_campaign = self._lists(in_campaigns=True)
        self._of_organization = self._lists(in_campaigns=False)
        self._groups = max(len(deeds.scope_of_group), 1)
        self._scope_of_group = np.array(deeds.scope_of_group, dtype=np.int64)
        # The first day may differ by one in another zone.
        self._first = int(min(self._on.min(), self._own.min())) - 2
        self._days = int(max(self._on.max(), self._own.max())) + 3 - self._first

    def _lists(self, *, in_campaigns: bool) -> _Lists:
        """Return for each shape its groups where the models agree, and where they differ."""
        import numpy as np

        # Few people have an action about which the models differ; then they differ about the
        # person.
        differing = np.isin(self._person, self._person[self._differs])
        asked = set(self._shape[differing].tolist())
        lists: list[list[int]] = []
        for shape, campaign in enumerate(self._deeds.campaigns):
            scope = campaign if in_campaigns else _ORGANIZATION
            if in_campaigns and campaign == _ORGANIZATION:
                lists += [], []
                continue
            of_shape = partial(self._deeds.groups_of_shape, shape, scope)
            lists.append([] if self._deeds.shapes[shape].path else of_shape(differ=False))
            lists.append(of_shape(differ=True) if shape in asked else [])
        return _Lists(lists)

    def presences(self, *, then: bool) -> Numbers:
        """Return all presences of these people as they were (`then`), or as they are now."""
        import numpy as np

        there = self._then if then else self._today
        person, campaign, differs = self._person[there], self._campaign[there], self._differs[there]
        at = self._at[there]
        differ = np.zeros((self._deeds.people, len(self._deeds.zones)), dtype=bool)
        for scope in (campaign, np.full_like(campaign, _ORGANIZATION)):
            differ[person[differs], scope[differs]] = True
        pieces = []
        for lists, scope, day in (
            (self._of_campaign, campaign, self._on[there]),
            (self._of_organization, np.full_like(campaign, _ORGANIZATION), self._own[there]),
        ):
            row, group = lists.of(2 * self._shape[there] + differ[person, scope])
            pieces.append(
                (person[row] * self._groups + group) * self._days + day[row] - self._first
            )
        # Sorted by person, group, day.
        found = np.unique(np.concatenate(pieces))
        of_one, day = np.divmod(found, self._days)
        whose, group = np.divmod(of_one, self._groups)
        opening = np.ones(len(found), dtype=bool)
        opening[1:] = of_one[1:] != of_one[:-1]
        since = np.roll(day, 1)
        acted = np.full(self._deeds.people, np.inf)
        np.minimum.at(acted, person, at)
        first = self._first_days(acted[whose[opening]], self._scope_of_group[group[opening]])
        since[opening] = np.minimum(first - self._first, day[opening])
        key: Numbers = ((group * self._days + day) * self._days + since) * 2 + opening
        return key

    def _first_days(self, at: NDArray[np.float64], scope: Numbers) -> Numbers:
        """Return the days of these instants, each in the zone of its scope."""
        import numpy as np

        found = np.empty(len(at), dtype=np.int64)
        for number, zone in enumerate(self._deeds.zones):
            of_scope = scope == number
            found[of_scope] = _days_in(at[of_scope], zone)
        return found

    def read(self, keys: Numbers, people: Numbers) -> list[Change]:
        """Return the changes that these numbers stand for."""
        import numpy as np

        rest, opening = np.divmod(keys, 2)
        rest, since = np.divmod(rest, self._days)
        group, day = np.divmod(rest, self._days)
        named, first = self._deeds.groups, self._first
        return [
            Change(named[group], _date(day + first), _date(since + first), bool(opening), people)
            for group, day, since, opening, people in zip(
                *(each.tolist() for each in (group, day, since, opening, people)), strict=True
            )
        ]


class _Lists:
    """Lists of numbers, stored one behind the other."""

    def __init__(self, lists: Sequence[Sequence[int]]) -> None:
        import numpy as np

        self._length = np.array([len(each) for each in lists], dtype=np.int64)
        self._begin = np.cumsum(self._length) - self._length
        self._all = np.array([each for some in lists for each in some], dtype=np.int64)

    def of(self, places: Numbers) -> tuple[Numbers, Numbers]:
        """Return all numbers of the lists at these places, preceded by the place of each."""
        import numpy as np

        length = self._length[places]
        row = np.repeat(np.arange(len(places)), length)
        within = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
        return row, self._all[self._begin[places][row] + within]


_date = lru_cache(maxsize=10_000)(date.fromordinal)


def _days_in(at: NDArray[np.float64], zone: str) -> Numbers:
    """Return the days (ordinals) of instants (unix seconds) in a zone."""
    import numpy as np

    days, which = np.unique(np.floor(at / _DAY_SECONDS).astype(np.int64), return_inverse=True)
    offsets = [_offset(day, zone) for day in days.tolist()]
    shifted = np.array([np.nan if each is None else each for each in offsets])[which] + at
    found: Numbers = np.floor(np.nan_to_num(shifted) / _DAY_SECONDS).astype(np.int64) + _EPOCH
    for place in np.flatnonzero(np.isnan(shifted)).tolist():
        found[place] = day_in(datetime.fromtimestamp(at[place], UTC), zone).toordinal()
    return found


@lru_cache(maxsize=20_000)
def _offset(day: int, zone: str) -> float | None:
    """Return the offset of a zone on a UTC day in seconds; None if it changes on that day."""
    begin = datetime.combine(date.fromordinal(day + _EPOCH), time(), UTC)
    first, last = (
        seconds_ahead(moment, zone)
        for moment in (begin, begin + timedelta(days=1, microseconds=-1))
    )
    return first if first == last else None
