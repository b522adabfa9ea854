"""Resolve the people of a batch: connect its actions with everything known about them.

The rules are in `graph.py` (pure), the rows in `storage/identifiers.py`. Runs inside the caller's
transaction.

Most actions name only new identifiers, or ones that are
known to be one person, and are resolved directly. For the others the connected edges are read and
divided into people (`partition`). Effects on other actions are returned, so that the caller
attributes them again.

Note: resolving directly is only an optimization. `partition` of all edges gives the same result in
every order of arrival; a test checks that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from advocacy.core.records import Identifier
from advocacy.identity.graph import (
    CLICK,
    EMAIL,
    STRONG,
    TOO_LARGE,
    TOO_MANY_EMAILS,
    Edge,
    Limits,
    Partition,
    connected_edges,
    partition,
    supporter_named_by,
)
from advocacy.storage import identifiers
from advocacy.storage.actions import Action
from advocacy.storage.clicks import Owner
from advocacy.storage.identifiers import State

LIMITS = Limits()


class Joined(NamedTuple):
    """The effects of resolving a batch, besides the supporters of its own actions.

    `moved` maps other actions to their new supporter; `owners` maps clicks to supporters.
    """

    moved: dict[UUID, UUID | None]
    owners: dict[str, Owner]


def join_people(
    org_id: UUID,
    todo: Sequence[Action],
    before: Mapping[UUID, Action],
    gone: Sequence[Action] = (),
) -> Joined:
    """Assign a supporter to each action, and find the stored actions that change hands by it.

    `before` has the stored versions of the actions; `gone` are actions that were merged away. Sets
    `supporter_id` of each of `todo` that is neither a test nor an erased person's. The caller
    writes the actions, including the moved ones, and the owners of clicks.
    """
    now = {action.id: edge_of(action) for action in todo}
    old = {action.id: edge_of(before[action.id]) for action in todo if action.id in before}
    old |= {action.id: edge_of(action) for action in gone}
    let_go = _lost_identifiers(old, now)
    edges = {action_id: edge for action_id, edge in now.items() if edge}
    changed = {action_id for action_id, edge in old.items() if edge and edge != now.get(action_id)}
    named = {one for edge in edges.values() for one in _with_rows(edge)}
    found = _resolve(edges, changed, identifiers.find_identifiers(org_id, named) if named else {})
    supporters: dict[Hashable, UUID | None] = dict(found.supporters)
    moved: dict[UUID, UUID | None] = {}
    if found.asked or let_go:
        found.states.update((one, State()) for one in named - found.states.keys())
        made, others = _resolve_component(org_id, found, edges, let_go, now.keys() | old.keys())
        supporters |= made.edges
        moved = {
            action_id: made.edges[action_id]
            for action_id, named in others.items()
            if made.edges[action_id] != named.supporter_id
        }
    _store_states(org_id, found)
    for action in todo:
        if action.id in supporters:
            action.supporter_id = supporters[action.id]
    owners = {
        one.digest: Owner(state.supporter_id, bool(state.blocked))
        for one, state in found.states.items()
        if one.kind == CLICK
    }
    owners |= {one.digest: Owner(None, False) for one in found.dropped if one.kind == CLICK}
    return Joined(moved, owners)


def _store_states(org_id: UUID, found: Recognised) -> None:
    new = {one: state for one, state in found.states.items() if one not in found.kept}
    identifiers.put_identifiers(org_id, new)
    identifiers.replace_identifiers(
        org_id,
        {
            one: state
            for one, state in found.states.items()
            if one in found.kept and found.kept[one] != state
        },
    )
    identifiers.drop_identifiers(org_id, found.dropped & found.kept.keys())


def edge_of(action: Action) -> Edge | None:
    """Return what connects this action with others, or None.

    An address alone connects nothing, and neither do test actions or those of erased people.
    """
    if action.test:
        return None
    who = {
        EMAIL: action.email_hash,
        "phone": action.phone_hash,
        "person_id": action.person_hash,
        CLICK: action.click_id,
    }
    who = {kind: digest for kind, digest in who.items() if digest}
    return Edge(action.id, who) if who.keys() - {EMAIL} else None


@dataclass(slots=True)
class Recognised:
    """The identifiers of a batch, and the supporters that were resolved directly.

    `kept` has the stored states, `states` the new ones; `asked` are the edges that still have to be
    resolved, `dropped` the identifiers that nothing names any more.
    """

    kept: dict[Identifier, State]
    states: dict[Identifier, State]
    supporters: dict[Hashable, UUID | None] = field(default_factory=dict)
    asked: list[Edge] = field(default_factory=list)
    dropped: set[Identifier] = field(default_factory=set)


def _resolve(
    edges: Mapping[UUID, Edge], changed: Collection[UUID], kept: dict[Identifier, State]
) -> Recognised:
    """Resolve directly whatever is possible.

    Edges that named something else before they `changed` are never resolved directly.
    """
    found = Recognised(kept, dict(kept))
    for action_id, edge in edges.items():
        if action_id in changed or not _resolve_directly(edge, found):
            found.asked.append(edge)
    return found


def _with_rows(edge: Edge) -> list[Identifier]:
    """Return the identifiers of an edge that have rows: an address only if others depend on it."""
    some = [Identifier(kind, digest) for kind, digest in edge.who.items()]
    hung_on = any(one.kind in STRONG for one in some)
    return [one for one in some if one.kind != EMAIL or hung_on]


def _resolve_directly(edge: Edge, found: Recognised) -> bool:
    """Resolve an edge that adds nothing new to what is known but itself; return whether it does.

    That holds if each of its identifiers is new or already names the same person. Otherwise people
    would have to be merged, split or counted again.
    """
    states, who = found.states, edge.who
    strong = [Identifier(kind, who[kind]) for kind in STRONG if kind in who]
    blocked = [states[one].blocked for one in strong if one in states]
    if any(each not in ("", TOO_MANY_EMAILS) for each in blocked):
        return False
    live = [one for one in strong if one not in states or not states[one].blocked]
    new = [one for one in live if one not in states]
    names = {states[one].supporter_id for one in live if one in states}
    supporter: UUID | None = None
    if EMAIL in who:
        email = Identifier(EMAIL, who[EMAIL])
        supporter = supporter_named_by(email)
        on_it = states.get(email, State(supporter))
        if names - {supporter} or 1 + on_it.parts + len(new) > LIMITS.size:
            return False
    elif len(names) + bool(new) > 1:
        return False
    elif live:
        supporter = names.pop() if names else supporter_named_by(live[0])
    click = Identifier(CLICK, who[CLICK]) if CLICK in who else None
    if click and click in states:
        mark = states[click]
        if mark.blocked not in ("", TOO_MANY_EMAILS):
            return False
        if not mark.blocked:
            if supporter is None:
                supporter = mark.supporter_id
            elif mark.supporter_id != supporter:
                return False
    elif click:
        states[click] = State(supporter)
    if EMAIL in who and strong:
        states[email] = on_it._replace(parts=on_it.parts + len(new))
    states.update(dict.fromkeys(new, State(supporter)))
    found.supporters[edge.id] = supporter
    return True


def _lost_identifiers(
    old: Mapping[UUID, Edge | None], now: Mapping[UUID, Edge | None]
) -> set[Identifier]:
    """Return identifiers that are seen with less than before; their blocks may be lifted."""
    return {
        one
        for action_id, edge in old.items()
        if edge and edge != now.get(action_id)
        for one in edge.identifiers
    }


def _resolve_component(
    org_id: UUID,
    found: Recognised,
    edges: Mapping[UUID, Edge],
    let_go: set[Identifier],
    own: Collection[UUID],
) -> tuple[Partition, dict[UUID, identifiers.Named]]:
    """Divide the edges that could not be resolved directly, and all connected ones, into people.

    Returns the partition, and the actions that were read besides those in `own`. Sets the states of
    everything in the partition.
    """
    blocks: dict[Identifier, str] = {}
    kept: dict[UUID, identifiers.Named] = {}
    of_batch: dict[Identifier, list[Edge]] = {}
    for edge in edges.values():
        for one in edge.identifiers:
            of_batch.setdefault(one, []).append(edge)

    def edges_of(some: frozenset[Identifier]) -> Iterable[Edge]:
        unread = {one for one in some if one not in found.kept}
        states = identifiers.find_identifiers(org_id, unread) if unread else {}
        found.kept |= states
        found.states |= states
        blocks.update(
            (one, found.states[one].blocked)
            for one in some
            if one in found.states
            and found.states[one].blocked == TOO_MANY_EMAILS
            and one not in let_go
        )
        follow = some - blocks.keys()
        named = identifiers.actions_naming(org_id, follow)
        kept.update((each, named[each]) for each in named if each not in own)
        yield from (Edge(each, named[each].who) for each in named if each not in own)
        yield from (edge for one in follow for edge in of_batch.get(one, ()))

    loaded = connected_edges(found.asked, edges_of, blocks, let_go)
    made = partition(loaded, LIMITS, blocks)
    parts = _parts(loaded, made)
    for one, supporter in made.identifiers.items():
        if one in found.states and one not in blocks:
            found.states[one] = State(supporter, made.blocked.get(one, ""), parts[one])
    found.dropped = let_go - {one for edge in loaded for one in _with_rows(edge)}
    for one in found.dropped:
        found.states.pop(one, None)
    return made, kept


def _parts(loaded: Iterable[Edge], made: Partition) -> Counter[Identifier]:
    """Count what depends on each address; a person split up as too large counts as full."""
    email_of = {supporter: one for one, supporter in made.identifiers.items() if one.kind == EMAIL}
    parts = Counter(
        email_of[supporter]
        for one, supporter in made.identifiers.items()
        if one.kind in STRONG and supporter in email_of
    )
    for edge in loaded:
        if EMAIL in edge.who and TOO_LARGE in (made.blocked.get(one) for one in edge.identifiers):
            parts[Identifier(EMAIL, edge.who[EMAIL])] = LIMITS.size
    return parts
