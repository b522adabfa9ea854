"""Identity graph: the worked examples a to g, every order of arrival, and subsets of edges."""

from __future__ import annotations

import hashlib
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.core.records import Identifier
from advocacy.identity.graph import (
    Edge,
    Limits,
    connected_edges,
    is_placeholder,
    partition,
    supporter_named_by,
)
from advocacy.identity.hashing import supporter_of

KINDS = {"E": "email", "P": "phone", "X": "person_id", "K": "cookie", "C": "click", "R": "erased"}


def identifier(word: str) -> Identifier:
    digest = hashlib.sha256(word.encode()).hexdigest()[:32]
    return Identifier(KINDS[word[0]], digest)


def edge(event: object, words: str) -> Edge:
    return Edge(event, dict(identifier(word) for word in words.split()))


def edges(*each: str) -> list[Edge]:
    return [edge(number, words) for number, words in enumerate(each, start=1)]


def person(word: str):
    return supporter_named_by(identifier(word))


def who(of: list[Edge], **given_limits):
    """Whom each event names, in the order of events."""
    found = partition(of, Limits(**given_limits) if given_limits else None)
    return [found.edges[each.id] for each in of]


def why(of: list[Edge]):
    return partition(of).blocked


# Worked examples --------------------------------------------------------------------------------


A = edges("E1 K1", "K1", "E1 P1")
B = edges("E1 K1", "E2 K1", "K1")
C_CONFLICT = edges("E1 P1", "E2 P1")
C_MERGED = edges("P1", "E1 P1")


def without(some: list[Edge], identifiers: list[Identifier]) -> list[Edge]:
    """The edges as they are when these identifiers were never seen; empty ones are gone."""
    kept = (
        Edge(each.id, {one.kind: one.digest for one in each.identifiers - set(identifiers)})
        for each in some
    )
    return [each for each in kept if each.who]


def test_a_one_person_three_events():
    assert who(A) == [person("E1")] * 3
    (members,) = partition(A).members().values()
    assert members == {identifier("E1"), identifier("K1"), identifier("P1")}


def test_b_a_cookie_of_two_people_has_no_owner():
    assert who(B) == [person("E1"), person("E2"), None]
    assert why(B) == {identifier("K1"): "too_many_emails"}


def test_c_a_phone_of_two_addresses_joins_no_one():
    assert who(C_CONFLICT) == [person("E1"), person("E2")]
    assert why(C_CONFLICT) == {identifier("P1"): "several_emails"}


def test_c_a_phone_alone_joins_the_one_address_it_is_seen_with():
    assert who(C_MERGED) == [person("E1")] * 2


@pytest.mark.parametrize("example", [A, B, C_CONFLICT, C_MERGED], ids=["a", "b", "c1", "c2"])
def test_d_in_every_order(example):
    first = partition(example)
    for order in permutations(example):
        assert partition(order) == first


def test_e_erasing_an_address_leaves_nothing_of_it():
    chain = edges("E1 P1", "P1 K2", "K2")
    assert who(chain) == [person("E1")] * 3
    left = without(chain, [identifier("E1")])
    assert who(left) == [person("P1")] * 3
    assert identifier("E1") not in partition(left).identifiers
    assert person("E1") not in partition(left).members()


def test_e_without_the_edge_the_join_is_undone():
    chain = edges("E1 P1", "P1 K2", "K2")
    assert who(chain[1:]) == [person("P1")] * 2
    assert without(edges("E1"), [identifier("E1")]) == []


def test_f_it_is_not_union_find():
    assert len(set(who(B)) - {None}) == 2


def test_g_a_hundred_signers_at_one_kiosk():
    kiosk = edges(*(f"E{number} K1" for number in range(100)), "K1")
    *signers, passer_by = who(kiosk)
    assert len(set(signers)) == 100
    assert passer_by is None


# The rules, one by one --------------------------------------------------------------------------


def test_an_id_stays_that_of_the_first_event():
    for words in ("E1", "E1 P1 X1", "P1 X1", "X1", "R1"):
        (only,) = edges(words)
        assert who([only]) == [supporter_of(dict(only.who))]


def test_a_person_with_an_address_keeps_their_id():
    grown = edges("E1", "E1 P1", "P1 X1", "X1 K1", "E1 C1", "C1")
    assert set(who(grown)) == {person("E1")}


def test_a_phone_of_a_family_is_a_person_of_its_own():
    assert who(edges("E1 P1", "E2 P1", "E3 P1", "P1", "P1"))[3:] == [person("P1")] * 2


def test_a_phone_of_too_many_addresses_has_no_owner():
    office = edges("E1 P1", "E2 P1", "E3 P1", "E4 P1", "P1", "P1 X1")
    assert who(office)[4:] == [None, person("X1")]
    assert why(office) == {identifier("P1"): "too_many_emails"}


def test_a_chain_of_identifiers_reaches_one_address_or_none():
    assert who(edges("E1 P1", "P1 X1", "X1 P2", "P2"))[-1] == person("E1")
    # X1 lies between two addresses. What each of them was seen with stays theirs.
    torn = edges("E1 P1", "P1 X1", "X1 P2", "P2 E2", "X1")
    assert who(torn) == [person(each) for each in ("E1", "E1", "E2", "E2", "X1")]
    assert why(torn) == {identifier("X1"): "several_emails"}


def test_without_an_address_the_phone_comes_before_the_person_id():
    loose = edges("X1", "P1 X1", "X1 P2")
    smallest = min(person("P1"), person("P2"))
    assert who(loose) == [smallest] * 3


def test_a_click_joins_no_one():
    forwarded = edges("E1 C1", "P1 C1", "C1")
    assert who(forwarded) == [person("E1"), person("P1"), None]
    assert why(forwarded) == {identifier("C1"): "several_people"}


def test_a_click_has_the_owner_of_its_cookie():
    assert who(edges("E1 C1", "C1 K1", "K1 C2", "C2")) == [person("E1")] * 4
    assert who(edges("E1 C1", "E2 K2", "C1 K2"))[2] is None


def test_a_click_has_an_owner_again_after_its_two_people_are_merged():
    two = edges("E1 C1", "P1 C1", "C1")
    assert who([*two, edge(9, "E1 P1")]) == [person("E1")] * 4


def test_two_hints_at_different_people_the_stronger_wins():
    assert who(edges("E1 P1", "E2 X1", "P1 X1"))[2] == person("E1")


def test_a_shared_phone_is_weaker_than_a_person_id():
    assert who(edges("E1 P1", "E2 P1", "P1 X1", "X1"))[2:] == [person("X1")] * 2


def test_a_person_with_too_many_identifiers_is_split():
    many = edges(*(f"E1 X{number}" for number in range(7)), "X0")
    assert who(many)[-1] == person("E1")
    more = edges(*(f"E1 X{number}" for number in range(8)), "X0")
    assert who(more) == [person("E1")] * 8 + [person("X0")]
    assert set(why(more).values()) == {"too_large"}
    assert who(more, size=9)[-1] == person("E1")


def test_a_large_group_without_an_address_is_split():
    chain = edges(
        *(f"P{number} X{number}" for number in range(5)),
        *(f"X{number} P{number + 1}" for number in range(4)),
    )
    assert len(set(who(chain))) > 1
    assert len(set(who(chain, size=10))) == 1


def test_clicks_do_not_count_as_identifiers():
    assert set(who(edges(*(f"E1 C{number}" for number in range(50)), "C7"))) == {person("E1")}


def test_erased_people_join_nothing():
    assert who(edges("R1 P1", "P1", "E1 P1")) == [person("R1"), person("E1"), person("E1")]


def test_the_same_edge_twice_counts_once_and_two_of_one_id_are_a_mistake():
    assert partition(A + A) == partition(A)
    with pytest.raises(ValueError, match="two different"):
        partition([edge(1, "E1"), edge(1, "E2")])
    with pytest.raises(ValueError, match="unknown kinds"):
        partition([Edge(1, {"shoe_size": "00"})])


def test_an_event_without_identifiers_has_no_supporter():
    assert who([Edge(1, {}), Edge(2, {"email": ""})]) == [None, None]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "noreply@example.org"),
        ("email", "no-reply+7@example.org"),
        ("email", "test@test.com"),
        ("email", "none@none.com"),
        ("phone", "+15555555555"),
        ("phone", "+10000000000"),
        ("person_id", "null"),
        ("person_id", "0"),
    ],
)
def test_values_that_identify_no_one(kind, value):
    assert is_placeholder(kind, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "ada@example.org"),
        ("email", "nora.reply@example.org"),
        ("email", "test@example.org"),
        ("phone", "+12025550143"),
        ("phone", "+493012345678"),
        ("person_id", "10"),
    ],
)
def test_values_that_identify_a_person(kind, value):
    assert not is_placeholder(kind, value)


# What holds for any edges -----------------------------------------------------------------------

words = st.sets(
    st.sampled_from([f"{letter}{number}" for letter in "EEPXKC" for number in range(4)] + ["R0"]),
    min_size=1,
    max_size=3,
).map(lambda some: " ".join({word[0]: word for word in sorted(some)}.values()))
graphs = st.lists(words, min_size=1, max_size=10).map(lambda each: edges(*each))
limits = st.builds(Limits, size=st.integers(2, 8))


@given(graphs.flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))), limits)
def test_arrival_order_does_not_matter(both, within):
    some, shuffled = both
    assert partition(some, within) == partition(shuffled, within)


@given(graphs)
def test_an_address_is_a_person_and_never_two(some):
    found = partition(some)
    for each in some:
        if "erased" in each.who or "email" not in each.who:
            continue
        assert found.edges[each.id] == supporter_of(dict(each.who))
    for members in found.members().values():
        assert sum(one.kind in ("email", "erased") for one in members) <= 1


@given(graphs)
def test_an_event_belongs_to_a_person_only_by_its_own_identifiers(some):
    found = partition(some)
    for each in some:
        supporter = found.edges[each.id]
        if supporter is not None:
            assert supporter in {found.identifiers[one] for one in each.identifiers}


@given(graphs, graphs)
def test_a_connected_subset_of_edges_gives_the_same_result(old, new):
    new = [Edge(f"new {each.id}", each.who) for each in new]
    before, after = partition(old), partition(old + new)

    def edges_of(some: frozenset[Identifier]) -> list[Edge]:
        return [each for each in old + new if each.identifiers & some]

    known = before.lasting_blocks()
    loaded = connected_edges(new, edges_of, known)
    local = partition(loaded, blocked=known)
    for each in loaded:
        assert local.edges[each.id] == after.edges[each.id]
    for each in old:
        if each.id not in local.edges:
            assert before.edges[each.id] == after.edges[each.id]


@given(graphs, graphs, st.sets(st.integers(1, 10)))
def test_a_connected_subset_is_enough_when_edges_change(old, changes, gone):
    changed = [each for each in changes if any(each.id == one.id for one in old)]
    left = [each for each in old if each.id not in gone | {one.id for one in changed}]
    held = {one for each in old if each not in left for one in each.identifiers}
    before, after = partition(old), partition(left + changed)
    known = {one: why for one, why in before.lasting_blocks().items() if one not in held}

    def edges_of(some: frozenset[Identifier]) -> list[Edge]:
        # The store still has the changed ones as they were.
        return [each for each in old if each.id not in gone and each.identifiers & some]

    local = partition(connected_edges(changed, edges_of, known, also=held), blocked=known)
    for each in [*left, *changed]:
        wanted = local.edges if each.id in local.edges else before.edges
        assert wanted[each.id] == after.edges[each.id]


@given(graphs, graphs)
def test_lasting_blocks_remain(old, new):
    new = [Edge(f"new {each.id}", each.who) for each in new]
    assert partition(old).lasting_blocks().items() <= partition(old + new).lasting_blocks().items()
