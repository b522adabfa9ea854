"""Read what is known about what the actions of a batch name, see `resolution`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from advocacy.core.records import Identifier
from advocacy.identity.graph import CLICK, SEVERAL_PEOPLE, TOO_MANY_EMAILS, Edge, connected_edges
from advocacy.identity.resolution import LIMITS, Component, People, Question
from advocacy.storage import clicks, names
from advocacy.storage.clicks import ClickOwners
from advocacy.storage.names import State


def states_of(org_id: UUID, identifiers: Collection[Identifier]) -> dict[Identifier, State]:
    """Return whom these identifiers name, of those that are known."""
    found = names.find_names(org_id, [one for one in identifiers if one.kind != CLICK])
    for owners in clicks.find_owners(
        org_id, [one.digest for one in identifiers if one.kind == CLICK]
    ):
        found[Identifier(CLICK, owners.click_id)] = _state_of(owners)
    return found


def _state_of(owners: ClickOwners) -> State:
    if owners.addresses > LIMITS.emails[CLICK]:
        return State(None, TOO_MANY_EMAILS)
    if owners.people > 1:
        return State(None, SEVERAL_PEOPLE)
    return State(owners.supporter_id)


def component_of(org_id: UUID, asked: Question, people: People) -> Component:
    """Return all edges that are connected with those that are left, read step by step."""
    component = Component()
    of_batch: dict[Identifier, list[Edge]] = {}
    for edge in asked.edges.values():
        for one in edge.identifiers:
            of_batch.setdefault(one, []).append(edge)

    def edges_of(some: frozenset[Identifier]) -> Iterable[Edge]:
        known = people.kept | component.states
        component.states |= states_of(
            org_id, [one for one in some if one not in known and one not in asked_for]
        )
        for one in some - asked.let_go:
            state = component.states.get(one) or people.states.get(one)
            if state and state.blocked == TOO_MANY_EMAILS:
                component.blocks[one] = TOO_MANY_EMAILS
        follow = some - component.blocks.keys()
        for each, named in names.actions_naming(org_id, follow).items():
            if each not in asked.own:
                component.others[each] = named
                yield Edge(each, named.who)
        for one in follow:
            yield from of_batch.get(one, ())

    asked_for = asked.named()
    component.edges = connected_edges(people.left, edges_of, component.blocks, asked.let_go)
    return component
