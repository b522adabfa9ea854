"""Presences without a database: distinct people of any range are sums over few pairs of days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations_with_replacement
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.attribution import RULES
from advocacy.core.buckets import DAYS, NO_DAYS, cut, span_of
from advocacy.core.dates import day_in
from advocacy.core.distinct import GRAINS, GRAINS_OF_ORGANIZATION, range_queries
from advocacy.core.distinct_deltas import changes

ORG = UUID(int=1)
CAMPAIGNS = [UUID(int=10), UUID(int=11)]
POSTS = {UUID(int=20): ("video", "Ana"), UUID(int=21): ("", "Ana"), UUID(int=22): ("video", "")}
PLATFORMS = dict(zip([*POSTS, None], ["x", "x", "instagram", ""], strict=True))
ZONES = {None: "UTC", CAMPAIGNS[0]: "UTC", CAMPAIGNS[1]: "Pacific/Auckland"}
START = date(2026, 3, 1)


@dataclass(frozen=True)
class Did:
    supporter_id: UUID
    occurred_at: datetime
    campaign_id: UUID | None
    kind: str
    source_id: UUID
    post_id: UUID | None
    path: Any = None

    @property
    def platform(self) -> str:
        return PLATFORMS[self.post_id]

    @property
    def occurred_on(self) -> date:
        return day_in(self.occurred_at, ZONES[self.campaign_id])


def touch(post_id: UUID | None, models: list[str]) -> dict[str, Any]:
    return {
        "post_id": str(post_id) if post_id else None,
        "platform": PLATFORMS[post_id],
        "shares": dict.fromkeys(models, "1/2"),
    }


paths = st.none() | st.lists(
    st.builds(
        touch,
        st.sampled_from(list(PLATFORMS)),
        st.lists(st.sampled_from(list(RULES)), min_size=1, max_size=3),
    ),
    min_size=2,
    max_size=3,
)
deeds = st.builds(
    Did,
    st.sampled_from([UUID(int=number) for number in range(1, 5)]),
    # Few days close together and some far apart, on both sides of midnight in either zone.
    st.builds(
        lambda day, hour: datetime(2026, 3, 1, hour, tzinfo=UTC) + timedelta(days=day),
        st.integers(0, 5) | st.integers(0, 70),
        st.sampled_from([1, 11, 12, 23]),
    ),
    st.sampled_from([*CAMPAIGNS, None]),
    st.sampled_from(["call", "donation"]),
    st.sampled_from([UUID(int=30), UUID(int=31)]),
    st.sampled_from(list(PLATFORMS)),
    paths,
)
ranges = [
    *combinations_with_replacement([START + timedelta(days=n) for n in range(-1, 74, 5)], 2),
    (START, START),
    (START + timedelta(days=3), START + timedelta(days=4)),
    (date.min, date.max),
]


def groups_of(did: Did, scope: UUID, model: str) -> set[tuple[str, str]]:
    """Return the groups of an action, computed in the simplest way."""
    if did.path is None:
        credited = {(did.post_id, did.platform)}
    else:
        credited = {
            (UUID(each["post_id"]) if each["post_id"] else None, each["platform"])
            for each in did.path
            if model in each["shares"]
        }
    found = {("all", ""), ("kind", did.kind)} | {("platform", each) for _, each in credited}
    if scope != ORG:
        found.add(("source", str(did.source_id)))
        for post_id, _ in credited:
            medium, author = POSTS.get(post_id, ("", ""))
            found |= {("post", str(post_id or "")), ("medium", medium), ("author", author)}
    return found


def naive(done: list[Did], scope: UUID, first: date, last: date, model: str) -> dict[Any, Any]:
    zone = ZONES[None if scope == ORG else scope]
    first_ever: dict[UUID, date] = {}
    for did in sorted(done, key=lambda each: each.occurred_at):
        first_ever.setdefault(did.supporter_id, day_in(did.occurred_at, zone))
    seen: dict[tuple[str, str], set[UUID]] = {}
    for did in done:
        if scope in {ORG, did.campaign_id} and first <= day_in(did.occurred_at, zone) <= last:
            for group in groups_of(did, scope, model):
                seen.setdefault(group, set()).add(did.supporter_id)
    return {
        group: (len(people), sum(first_ever[each] >= first for each in people))
        for group, people in seen.items()
    }


def counted(
    presences: dict[Any, int], scope: UUID, first: date, last: date, model: str
) -> dict[Any, Any]:
    """Add up what `advocacy.core.distinct` says has to be added up."""
    distinct: Counter[Any] = Counter()
    new: Counter[Any] = Counter()
    for (group, day, since, opening), people in presences.items():
        if group.scope == scope and group.model in {"every", model} and first <= day <= last:
            if opening or since < first:
                distinct[group.grain, group.value] += people
            if opening and since >= first:
                new[group.grain, group.value] += people
    return {group: (number, new[group]) for group, number in distinct.items() if number}


def all_of(before: list[Did], after: list[Did], others: Sequence[Did] = ()) -> dict[Any, int]:
    found = changes(ORG, before, after, others, ZONES, POSTS)
    return {tuple(each[:4]): each.people for each in found}


@given(st.lists(deeds, max_size=8), st.sampled_from(list(RULES)), st.data())
def test_they_add_up_to_the_distinct_people_of_any_range(done, model, data):
    presences = all_of([], done)
    assert all(people > 0 for people in presences.values())
    for scope in (ORG, *CAMPAIGNS):
        for first, last in data.draw(st.lists(st.sampled_from(ranges), max_size=12)):
            assert counted(presences, scope, first, last, model) == naive(
                done, scope, first, last, model
            ), (scope, first, last)


@given(st.lists(st.lists(deeds, max_size=6), min_size=2, max_size=4))
def test_deltas_add_up_to_the_same_in_every_order(stages):
    """However actions come, move from one person to another, are corrected, and go."""
    total: Counter[Any] = Counter()
    for before, after in zip([[], *stages], stages, strict=False):
        for key, people in all_of(before, after).items():
            total[key] += people
    assert {key: n for key, n in total.items() if n} == all_of([], stages[-1])


@given(st.lists(deeds, max_size=5), st.lists(deeds, max_size=3), st.lists(deeds, max_size=3))
def test_unchanged_values_occur_once(others, before, after):
    """All that a person did has to be given, and what stays counts as it was and as it is."""
    total: Counter[Any] = Counter(all_of([], [*others, *before]))
    for key, people in all_of(before, after, others).items():
        total[key] += people
    assert {key: n for key, n in total.items() if n} == all_of([], [*others, *after])


@given(st.lists(deeds, min_size=1, max_size=6))
def test_without_a_change_there_are_no_deltas(done):
    assert all_of(done, list(reversed(done))) == {}


@given(deeds)
def test_a_person_who_acts_once_is_in_each_group_once(did):
    did = replace(did, path=None, campaign_id=CAMPAIGNS[0])
    presences = all_of([], [did])
    assert len(presences) == len(GRAINS) + len(GRAINS_OF_ORGANIZATION)
    assert set(presences.values()) == {1}


def test_days_are_those_of_the_zone_also_at_clock_changes():
    """An hour twice, an hour never, and a day that Samoa left out."""
    for zone, begin in (
        ("America/New_York", datetime(2026, 3, 7, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 10, 31, tzinfo=UTC)),
        ("Pacific/Apia", datetime(2011, 12, 28, tzinfo=UTC)),
    ):
        for hour in range(96):
            at = begin + timedelta(hours=hour, minutes=hour % 2 * 59)
            did = Did(UUID(int=1), at, None, "call", UUID(int=30), None)
            found = changes(ORG, [], [did], [], {None: zone}, POSTS)
            assert {each.day for each in found} == {day_in(at, zone)}


@given(st.dates(), st.dates())
def test_a_range_is_cut_into_whole_spans_and_few_days(first, last):
    first, last = min(first, last), max(first, last)
    days = 0
    spans, head, tail = cut(first, last)
    if spans != NO_DAYS:
        assert span_of(spans[0]) == spans[0]
        assert span_of(spans[1]) == spans[1]
        days += (spans[1] - spans[0]).days + DAYS
    for piece in (head, tail):
        if piece != NO_DAYS:
            assert first <= piece[0] <= piece[1] <= last
            days += (piece[1] - piece[0]).days + 1
            assert (piece[1] - piece[0]).days < (2 * DAYS if spans == NO_DAYS else DAYS)
    assert days == (last - first).days + 1


@pytest.mark.parametrize("day", [date.min, date.max, START])
def test_the_first_and_last_possible_days_are_accepted(day):
    assert span_of(day) <= day
    assert range_queries(day, day)
    assert range_queries(date.min, day)
    assert range_queries(day, date.max)
