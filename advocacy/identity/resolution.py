"""Decide whose the actions of a batch are, from everything known about what they name.

Pure. The rules are in `graph.py`; `known.py` reads what is known. Most actions name only new
identifiers, or ones that are known to be one person, and are decided directly. For the others the
connected edges are read and divided into people (`partition`). Effects on other actions are
returned, so that the caller attributes them again.

Note: deciding directly is only an optimization. `partition` of all edges gives the same result in
every order of arrival; a test checks that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
    partition,
    supporter_named_by,
)
from advocacy.storage.actions import Action
from advocacy.storage.names import Named, State

LIMITS = Limits()


@dataclass(slots=True)
class Question:
    """What the actions of a batch name, as edges by action.

    `changed` are actions that named something else before; `let_go` are identifiers that were seen
    with more before, so that their blocks may be lifted. `own` are all actions of the batch.
    """

    edges: dict[UUID, Edge]
    changed: set[UUID]
    let_go: set[Identifier]
    own: set[UUID]

    def named(self) -> set[Identifier]:
        """Return the identifiers whose states have to be known."""
        return {one for edge in self.edges.values() for one in with_states(edge)}


@dataclass(slots=True)
class Component:
    """Edges that are connected with those that were not decided directly.

    `others` has what stored actions outside the batch named; `states` what is known of further
    identifiers. `blocks` are lasting: their identifiers were not followed.
    """

    edges: list[Edge] = field(default_factory=list)
    others: dict[UUID, Named] = field(default_factory=dict)
    states: dict[Identifier, State] = field(default_factory=dict)
    blocks: dict[Identifier, str] = field(default_factory=dict)


@dataclass(slots=True)
class People:
    """Whose the actions are, and what of that is new.

    `supporters` is by action of the batch, where its edge says so; `moved` maps other actions to
    their new supporter. `kept` has the states as they are stored and `states` as they are now;
    `left` are edges that were not decided directly.
    """

    kept: dict[Identifier, State]
    states: dict[Identifier, State]
    supporters: dict[Hashable, UUID | None] = field(default_factory=dict)
    moved: dict[UUID, UUID | None] = field(default_factory=dict)
    left: list[Edge] = field(default_factory=list)

    def changed_names(self) -> dict[Identifier, State]:
        """Return the states to store."""
        return {
            one: state
            for one, state in self.states.items()
            if one.kind != CLICK and self.kept.get(one) != state
        }

    def dropped_names(self) -> list[Identifier]:
        """Return the identifiers that no action names any more."""
        return [one for one in self.kept if one.kind != CLICK and one not in self.states]

    def owners(self) -> dict[str, UUID | None]:
        """Return whose each click is that actions of the batch name or named, or connected ones."""
        clicks = {
            one.digest: state.supporter_id
            for one, state in self.states.items()
            if one.kind == CLICK
        }
        # What no action names any more is nobody's.
        return clicks | {
            one.digest: None for one in self.kept if one.kind == CLICK and one not in self.states
        }

    def former_owners(self) -> dict[str, UUID | None]:
        """Return whose each of these clicks was, where it was named before."""
        return {
            one.digest: state.supporter_id for one, state in self.kept.items() if one.kind == CLICK
        }


def edge_of(action: Action) -> Edge | None:
    """Return what connects this action with others, or None.

    An address alone connects nothing, and neither do test actions or those of erased people.
    """
    if action.test or not (action.phone_hash or action.person_hash or action.click_id):
        return None
    who = {}
    if action.email_hash:
        who[EMAIL] = action.email_hash
    if action.phone_hash:
        who["phone"] = action.phone_hash
    if action.person_hash:
        who["person_id"] = action.person_hash
    if action.click_id:
        who[CLICK] = action.click_id
    return Edge(action.id, who)


def with_states(edge: Edge) -> list[Identifier]:
    """Return the identifiers of an edge that have a state.

    An address has one only if others depend on it.
    """
    some = [Identifier(kind, digest) for kind, digest in edge.who.items()]
    hung_on = any(one.kind in STRONG for one in some)
    return [one for one in some if one.kind != EMAIL or hung_on]


def ask(
    actions: Iterable[Action], stored: Mapping[UUID, Action], gone: Iterable[Action] = ()
) -> Question:
    """Return what to know of these actions.

    `stored` has their rows, as far as they have one; `gone` are rows that were merged away.
    """
    own: set[UUID] = set()
    edges: dict[UUID, Edge] = {}
    old: dict[UUID, Edge] = {}
    for action in actions:
        own.add(action.id)
        if edge := edge_of(action):
            edges[action.id] = edge
        if (before := stored.get(action.id)) and (edge := edge_of(before)):
            old[action.id] = edge
    for action in gone:
        own.add(action.id)
        if edge := edge_of(action):
            old[action.id] = edge
    changed = {action_id for action_id, edge in old.items() if edge != edges.get(action_id)}
    let_go = {one for action_id in changed for one in old[action_id].identifiers}
    return Question(edges, changed, let_go, own)


def decide_directly(asked: Question, kept: dict[Identifier, State]) -> People:
    """Decide whatever can be decided by the states of what is named."""
    people = People(kept, dict(kept))
    for action_id, edge in asked.edges.items():
        if action_id in asked.changed or not _decide(edge, people):
            people.left.append(edge)
    return people


def _decide(edge: Edge, people: People) -> bool:
    """Decide an edge that adds nothing new to what is known but itself; return whether it does.

    That holds if each of its identifiers is new or already names the same person. Otherwise people
    would have to be merged, split or counted again.
    """
    states, who = people.states, edge.who
    strong = [Identifier(kind, who[kind]) for kind in STRONG if kind in who]
    live, new, names = [], [], set()
    for one in strong:
        state = states.get(one)
        if state is None:
            new.append(one)
        elif state.blocked == TOO_MANY_EMAILS:
            continue
        elif state.blocked:
            return False
        else:
            names.add(state.supporter_id)
        live.append(one)
    supporter: UUID | None = None
    if EMAIL in who:
        email = Identifier(EMAIL, who[EMAIL])
        supporter = supporter_named_by(email)
        on_it = states.get(email) or State(supporter)
        if names - {supporter} or 1 + on_it.parts + len(new) > LIMITS.size:
            return False
    elif len(names) + bool(new) > 1:
        return False
    elif live:
        supporter = names.pop() if names else supporter_named_by(live[0])
    if CLICK in who:
        click = Identifier(CLICK, who[CLICK])
        mark = states.get(click)
        if mark is None:
            states[click] = State(supporter)
        elif mark.blocked not in ("", TOO_MANY_EMAILS):
            return False
        elif not mark.blocked:
            if supporter is None:
                supporter = mark.supporter_id
            elif mark.supporter_id != supporter:
                return False
    if strong and EMAIL in who:
        states[email] = State(on_it.supporter_id, on_it.blocked, on_it.parts + len(new))
    for one in new:
        states[one] = State(supporter)
    people.supporters[edge.id] = supporter
    return True


def decide_component(asked: Question, people: People, component: Component) -> None:
    """Divide the edges that are left, and all connected ones, into people."""
    for one in asked.named():
        people.states.setdefault(one, State())
    for one, state in component.states.items():
        people.kept[one] = people.states[one] = state
    made = partition(component.edges, LIMITS, component.blocks)
    parts = _parts(component.edges, made.identifiers, made.blocked)
    for one, supporter in made.identifiers.items():
        if one in people.states and one not in component.blocks:
            people.states[one] = State(supporter, made.blocked.get(one, ""), parts[one])
    for one in asked.let_go - {one for edge in component.edges for one in with_states(edge)}:
        people.states.pop(one, None)
    people.supporters |= made.edges
    people.moved = {
        action_id: made.edges[action_id]
        for action_id, named in component.others.items()
        if made.edges[action_id] != named.supporter_id
    }


def _parts(
    edges: Sequence[Edge],
    names: Mapping[Identifier, UUID | None],
    blocked: Mapping[Identifier, str],
) -> Counter[Identifier]:
    """Count what depends on each address; a person split up as too large counts as full."""
    email_of = {supporter: one for one, supporter in names.items() if one.kind == EMAIL}
    parts = Counter(
        email_of[supporter]
        for one, supporter in names.items()
        if one.kind in STRONG and supporter in email_of
    )
    for edge in edges:
        if EMAIL in edge.who and TOO_LARGE in (blocked.get(one) for one in edge.identifiers):
            parts[Identifier(EMAIL, edge.who[EMAIL])] = LIMITS.size
    return parts


def assign(people: People, actions: Collection[Action]) -> None:
    """Set the supporter of each action that is neither a test nor an erased person's."""
    for action in actions:
        if action.id in people.supporters:
            action.supporter_id = people.supporters[action.id]
