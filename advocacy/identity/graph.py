"""Decide which identifiers belong to one person.

Pure. An `Edge` is what one verified event says about one person: keyed hashes by kind. `partition`
divides edges into people. Hashing is in `hashing.py`, storage of edges in `storage/identifiers.py`.
Values that identify no one (`noreply@`, one digit repeated) have to be rejected before they are
hashed; `is_placeholder` is for that.

Note: this is not union-find over everything. Merging two people wrongly is worse than keeping one
person apart, since it shows one person's politics to another. So:

* An e-mail address *is* a person. Two addresses are never merged, and a person known by an address
  keeps the same id for ever (`hashing.supporter_of` gives the same id).
* A phone number or a tool's person id joins an address only while it was seen with no other
  address, directly or through other identifiers.
* A click or a cookie is attached to the one person it was seen with, and never joins two people.
* An identifier seen with more addresses than `Limits` allows is a counter, a kiosk or a
  placeholder: it is blocked and identifies no one.

All rules are about sets, so the order of arrival does not matter; and since edges are stored,
removing one undoes its join.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from advocacy.core.ids import stable_id
from advocacy.core.records import Identifier

EMAIL = "email"
ERASED = "erased"
STRONG = ("phone", "person_id")
"""Kinds that may join an address, in the order in which they identify a person."""
CLICK = "click"
WEAK = (CLICK, "cookie")
"""Kinds that are attached to one person and join no one."""

TOO_MANY_EMAILS = "too_many_emails"
SEVERAL_EMAILS = "several_emails"
SEVERAL_PEOPLE = "several_people"
TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Edge:
    """Identifiers that one event gave for one person, at most one of each kind.

    `id` names the event: an action or a delivery, unique within the organization.
    """

    id: Hashable
    who: Mapping[str, str]

    @property
    def identifiers(self) -> frozenset[Identifier]:
        """The identifiers that join; after an erasure only a random token, which joins nothing."""
        if ERASED in self.who:
            return frozenset({Identifier(ERASED, self.who[ERASED])})
        return frozenset(Identifier(kind, digest) for kind, digest in self.who.items() if digest)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of one identifier is still one person.

    `emails`: the number of addresses with which an identifier of a kind may have been seen before
    it is blocked. `size`: the number of identifiers of a person, without clicks and cookies.
    """

    emails: Mapping[str, int] = field(
        default_factory=lambda: {"phone": 3, "person_id": 3, "click": 1, "cookie": 1}
    )
    size: int = 8


@dataclass(frozen=True, slots=True)
class Partition:
    """The result: who is who.

    `edges` maps each event to its supporter, or None where no one is identified. `identifiers` maps
    each identifier to its supporter, or None. `blocked` gives the reason why an identifier joins
    nothing.
    """

    edges: Mapping[Hashable, UUID | None]
    identifiers: Mapping[Identifier, UUID | None]
    blocked: Mapping[Identifier, str]

    def members(self) -> dict[UUID, frozenset[Identifier]]:
        """Return the identifiers of each supporter."""
        found: dict[UUID, set[Identifier]] = defaultdict(set)
        for identifier, supporter in self.identifiers.items():
            if supporter is not None:
                found[supporter].add(identifier)
        return {supporter: frozenset(each) for supporter, each in found.items()}

    def lasting_blocks(self) -> dict[Identifier, str]:
        """Return the blocks that no further edge can lift: safe to store, see `connected_edges`."""
        return {one: why for one, why in self.blocked.items() if why == TOO_MANY_EMAILS}


def supporter_named_by(identifier: Identifier) -> UUID:
    """Return the supporter id that follows from this identifier alone.

    `hashing.supporter_of` gives the same id.
    """
    return stable_id(bytes.fromhex(identifier.digest))


def partition(
    edges: Iterable[Edge],
    limits: Limits | None = None,
    blocked: Mapping[Identifier, str] | None = None,
) -> Partition:
    """Divide edges into people: the same result in every order, and duplicates count once.

    `blocked` has identifiers that are known to be blocked (`Partition.lasting_blocks`), so that a
    small set of edges is enough. Raises `ValueError` for two different edges of one id, or an
    unknown kind.
    """
    limits = limits or Limits()
    seen = _distinct(edges)
    blocks = dict(blocked or {})
    blocks |= _over_limit(seen, limits)
    anchors = {edge: _anchor(found) for edge, found in seen.items()}

    strong = _layer({edge: _of(found, STRONG, blocks) for edge, found in seen.items()}, anchors)
    blocks |= dict.fromkeys(strong.torn, SEVERAL_EMAILS)
    owners = _people(strong, limits.size)
    blocks |= dict.fromkeys(owners.too_large, TOO_LARGE)
    supporters = {edge: _supporter(found, owners.home, blocks) for edge, found in seen.items()}

    weak = _layer({edge: _of(found, WEAK, blocks) for edge, found in seen.items()}, supporters)
    blocks |= dict.fromkeys(weak.torn, SEVERAL_PEOPLE)
    for edge, found in seen.items():
        # Clicks of two people in one event do not tell which of them acted.
        owners_of_clicks = {weak.home[one] for one in found if one in weak.home}
        if supporters[edge] is None and len(owners_of_clicks) == 1:
            supporters[edge] = owners_of_clicks.pop()
    names: dict[Identifier, UUID | None] = {one: None for found in seen.values() for one in found}
    names |= owners.home
    names |= weak.home
    names |= {one: supporter_named_by(one) for one in names if one.kind in (EMAIL, ERASED)}
    return Partition(supporters, names, {one: why for one, why in blocks.items() if one in names})


def _distinct(edges: Iterable[Edge]) -> dict[Hashable, frozenset[Identifier]]:
    seen: dict[Hashable, frozenset[Identifier]] = {}
    for edge in edges:
        if seen.setdefault(edge.id, edge.identifiers) != edge.identifiers:
            raise ValueError(f"two different edges of one id: {edge.id}")
        if unknown := {one.kind for one in edge.identifiers} - {EMAIL, ERASED, *STRONG, *WEAK}:
            raise ValueError(f"unknown kinds: {sorted(unknown)}")
    return seen


def _anchor(found: frozenset[Identifier]) -> UUID | None:
    """Return the supporter whom an address in the edge identifies."""
    return next((supporter_named_by(one) for one in found if one.kind in (EMAIL, ERASED)), None)


def _of(
    found: frozenset[Identifier], kinds: tuple[str, ...], blocks: Mapping[Identifier, str]
) -> frozenset[Identifier]:
    return frozenset(one for one in found if one.kind in kinds and one not in blocks)


def _over_limit(
    seen: Mapping[Hashable, frozenset[Identifier]], limits: Limits
) -> dict[Identifier, str]:
    emails: dict[Identifier, set[Identifier]] = defaultdict(set)
    for found in seen.values():
        for email in found:
            if email.kind == EMAIL:
                for one in found:
                    emails[one].add(email)
    return {
        one: TOO_MANY_EMAILS
        for one, addresses in emails.items()
        if len(addresses) > limits.emails.get(one.kind, len(addresses))
    }


@dataclass(slots=True)
class _Layer:
    """Identifiers of one strength, and the supporters to whom they are connected.

    `home` has those connected to exactly one supporter, `torn` those connected to several; `groups`
    are connected to each other and to no supporter.
    """

    home: dict[Identifier, UUID]
    torn: set[Identifier]
    groups: list[frozenset[Identifier]]


def _layer(
    nodes: Mapping[Hashable, frozenset[Identifier]], anchors: Mapping[Hashable, UUID | None]
) -> _Layer:
    """Connect identifiers to the supporters they were seen with, directly or through each other.

    An identifier that was seen with a supporter belongs to that one alone. The others belong, with
    everything they are connected to, to the only supporter that any of them reaches.
    """
    direct: dict[Identifier, set[UUID]] = defaultdict(set)
    for edge, found in nodes.items():
        anchor = anchors[edge]
        for one in found:
            direct[one] |= {anchor} if anchor else set()
    free = _Forest({one for one, seen_with in direct.items() if not seen_with})
    pulls: list[tuple[Identifier, UUID]] = []
    for found in nodes.values():
        loose = sorted(one for one in found if not direct[one])
        for one in loose[1:]:
            free.join(loose[0], one)
        if loose:
            pulls += [(loose[0], next(iter(direct[one]))) for one in found if len(direct[one]) == 1]
    home = {one: next(iter(on)) for one, on in direct.items() if len(on) == 1}
    torn = {one for one, on in direct.items() if len(on) > 1}
    pulled: dict[Identifier, set[UUID]] = defaultdict(set)
    for one, anchor in pulls:
        pulled[free.root(one)].add(anchor)
    groups = []
    for root, group in free.groups().items():
        on = pulled[root]
        if len(on) == 1:
            home |= dict.fromkeys(group, next(iter(on)))
        else:
            groups.append(group)
            if on:
                torn |= group
    return _Layer(home, torn, groups)


class _Forest:
    """Disjoint sets with path halving: Tarjan and van Leeuwen 1984."""

    def __init__(self, members: Iterable[Identifier]) -> None:
        self._above = {one: one for one in members}

    def root(self, one: Identifier) -> Identifier:
        while self._above[one] != one:
            self._above[one] = self._above[self._above[one]]
            one = self._above[one]
        return one

    def join(self, one: Identifier, other: Identifier) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        self._above[high] = low

    def groups(self) -> dict[Identifier, frozenset[Identifier]]:
        found: dict[Identifier, set[Identifier]] = defaultdict(set)
        for one in self._above:
            found[self.root(one)].add(one)
        return {root: frozenset(group) for root, group in found.items()}


@dataclass(slots=True)
class _Owners:
    """The supporter of each strong identifier, and identifiers split from groups too large."""

    home: dict[Identifier, UUID]
    too_large: set[Identifier]


def _people(strong: _Layer, size: int) -> _Owners:
    """Make people of addresses and what is connected to them, and of groups without an address.

    A person of more than `size` identifiers is split up until staff have looked at it: the address
    keeps its identity, and every other identifier stands for itself.
    """
    held: dict[UUID, set[Identifier]] = defaultdict(set)
    for one, supporter in strong.home.items():
        held[supporter].add(one)
    home: dict[Identifier, UUID] = {}
    too_large: set[Identifier] = set()
    for supporter, group in held.items():
        if len(group) + 1 > size:
            too_large |= group
        else:
            home |= dict.fromkeys(group, supporter)
    for loose in strong.groups:
        if len(loose) > size:
            too_large |= loose
        else:
            home |= dict.fromkeys(loose, supporter_named_by(min(loose, key=_rank)))
    alone = too_large | {one for one in strong.torn if one not in home}
    return _Owners(home | {one: supporter_named_by(one) for one in alone}, too_large)


def _rank(identifier: Identifier) -> tuple[int, str]:
    return STRONG.index(identifier.kind), identifier.digest


def _supporter(
    found: frozenset[Identifier],
    home: Mapping[Identifier, UUID],
    blocks: Mapping[Identifier, str],
) -> UUID | None:
    """Return whom an edge identifies: its address, or else the person of its best identifier.

    An identifier of one person is better than one that several share; of equals the stronger kind.
    """
    if anchor := _anchor(found):
        return anchor
    best = min(
        (one for one in found if one in home),
        key=lambda one: (one in blocks, _rank(one)),
        default=None,
    )
    return home[best] if best else None


def connected_edges(
    batch: Iterable[Edge],
    edges_of: Callable[[frozenset[Identifier]], Iterable[Edge]],
    blocked: Mapping[Identifier, str] | None = None,
    also: Iterable[Identifier] = (),
) -> list[Edge]:
    """Return the batch and every edge that it may affect, loading edges step by step.

    `edges_of` returns all stored edges with any of these identifiers, in one query; an edge of the
    batch replaces the stored one of its id. Blocked identifiers are not followed, so that a kiosk's
    thousand signers are not loaded for the next one; `edges_of` may add to `blocked` what it finds
    blocked, and leave that out. `also` has identifiers of earlier versions of these edges or of
    edges that are gone; none of them may be in `blocked`.

    `partition` of the result, with the same blocks, gives each returned edge what a partition of
    everything would give it, and no other edge changes.
    """
    blocked = {} if blocked is None else blocked
    known = {edge.id: edge for edge in batch}
    followed: set[Identifier] = set()
    todo = {one for edge in known.values() for one in edge.identifiers} | set(also)
    while todo := {one for one in todo if one not in followed and one not in blocked}:
        followed |= todo
        found = list(edges_of(frozenset(todo)))
        for edge in found:
            known.setdefault(edge.id, edge)
        todo = {one for edge in found for one in edge.identifiers}
    return list(known.values())


_MACHINE = re.compile(r"(no-?reply|do-?not-?reply|mailer-daemon|postmaster|abuse)([+.\-_].*)?@.*")
_TYPED_TO_GET_ON = re.compile(
    r"(test|none|na|null|anonymous|unknown|noemail|asdf)"
    r"@(test|none|na|null|anonymous|unknown|noemail|asdf|email)\.[a-z]+"
)
_REPEATED_DIGIT = re.compile(r"\+\d{1,3}?(\d)\1{6,}|\+(\d)\2{6,}")
_NO_ID = frozenset({"", "0", "-1", "null", "none", "nil", "undefined", "anonymous"})


def is_placeholder(kind: str, value: str) -> bool:
    """Return whether a normalized value identifies no person; to be asked before it is hashed.

    E-mail: system mailboxes, and what people type to get past a form. Phone (E.164): one digit
    repeated. Person ids: what tools send for "none".
    """
    if kind == EMAIL:
        return bool(_MACHINE.fullmatch(value) or _TYPED_TO_GET_ON.fullmatch(value))
    if kind == "phone":
        return bool(_REPEATED_DIGIT.fullmatch(value))
    return value.strip().lower() in _NO_ID
