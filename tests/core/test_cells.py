"""Cells: sets that are counted, and what is packed is read as it was."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from advocacy.core import cells
from advocacy.core.cells import Cell, Key
from advocacy.core.people_sets import Counted, pack_set, skip_set, unpack_set

PEOPLE = st.integers(0, 12) | st.integers(0, 2**32 - 1)
TOLD = st.lists(st.tuples(PEOPLE, st.sampled_from([-2, -1, 1, 1, 1, 2])), max_size=30)
IDS = st.sampled_from([b"", UUID(int=7).bytes, UUID(int=8).bytes])
WORDS = st.sampled_from(["", "call", "donation", "x", "é"])
KEYS = st.builds(
    Key, st.integers(0, cells.ALL_MODELS), WORDS, st.integers(0, 15), WORDS, WORDS, IDS, IDS, WORDS
)
DAYS = st.integers(0, 3).map(lambda number: date(2026, 1, 1) + timedelta(days=number))
MANY = st.integers(0, 80)
NONE = st.just(0)
WHOLE = st.integers(-(2**60), 2**60)


@st.composite
def cell(draw, wide=MANY):
    made = Cell()
    keys = draw(st.lists(KEYS, max_size=6))
    for key in keys:
        for person, times in draw(TOLD):
            made.add_person(key, person, times)
        for model in draw(st.sets(st.integers(-1, len(cells.MODELS) - 1), max_size=3)):
            made.add_sums(key, model, draw(st.tuples(WHOLE, WHOLE, WHOLE)))
    for number in range(draw(wide)):
        made.add_person(Key(1, str(number), 0, "", "", b"", b"", ""), number, 1)
    return made.tidy()


def counter(told: list[tuple[int, int]]) -> Counter[int]:
    found: Counter[int] = Counter()
    for person, times in told:
        found[person] += times
    return Counter({person: times for person, times in found.items() if times})


def made_of(told: list[tuple[int, int]]) -> Counted:
    made = Counted()
    for person, times in told:
        made.add(person, times)
    return made


@given(TOLD, TOLD)
def test_people_are_counted_as_often_as_they_were_added(one, two):
    assert dict(made_of(one).counts()) == counter(one)
    both = made_of(one)
    both.merge(made_of(two))
    assert both == made_of([*one, *two])
    assert set(both.members) == {who for who, times in counter([*one, *two]).items() if times > 0}
    assert bool(both) == bool(counter([*one, *two]))


@given(st.lists(st.sets(PEOPLE, max_size=100).map(BitMap), max_size=5))
def test_sets_are_read_as_they_were_packed(sets):
    packed = [pack_set(each) for each in sets]
    data, at, skipped = b"".join(each for _, each in packed), 0, 0
    for (length, _), people in zip(packed, sets, strict=True):
        found, at = unpack_set(length, data, at)
        skipped = skip_set(length, skipped)
        assert (found, skipped) == (people, at)


@given(cell())
def test_a_cell_is_read_as_it_was_packed(made):
    packed = cells.pack(made)
    again = cells.unpack(packed)
    assert (again.sums, again.people) == (made.sums, made.people)
    view = cells.View("campaign:", date(2026, 1, 1), packed)
    members = {key: people.members for key, people in made.people.items() if people.members}
    assert dict(view.people()) == members
    assert dict(view.people(lambda key: key.flags > 3)) == {
        key: people for key, people in members.items() if key.flags > 3
    }
    assert {(key, model): sums for key, model, *sums in view.sums()} == made.sums
    news = cells.Added("campaign:", date(2026, 1, 1), made)
    for part in ("kinds", "places", "sources"):
        assert dict(view.margin(part)) == dict(news.margin(part))


@given(st.dictionaries(st.tuples(st.sampled_from(["a", "b"]), DAYS), cell(NONE), max_size=4))
def test_news_are_read_as_they_were_packed(changes):
    changes = {of: each for of, each in changes.items() if each}
    packed = cells.pack_news(changes)
    found = cells.unpack_news(packed)
    assert {of: (each.sums, each.people) for of, each in found.items()} == {
        of: (each.sums, each.people) for of, each in changes.items()
    }
    assert cells.unpack_news(packed, frozenset({"a"})).keys() == {
        of for of in changes if of[0] == "a"
    }


@given(cell(), cell())
def test_what_is_added_can_be_taken_away(one, two):
    both = Cell()
    for each in (one, two):
        both.merge(each)
    away = Cell()
    for (key, model), sums in two.sums.items():
        away.add_sums(key, model, sums, -1)
    for key, people in two.people.items():
        for person, times in people.counts():
            away.add_person(key, person, -times)
    both.merge(away)
    both.tidy()
    assert (both.sums, both.people) == (one.sums, one.people)
