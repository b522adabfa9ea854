"""Which identifiers are one person: a partition of all that was seen together, never a guess.

Pure. An `Edge` is what one authenticated event said of one person: keyed hashes by kind.
`partition` makes people of edges. Keying and normalising live in `identity.py`, edges in the store.
Values that name nobody (`noreply@`, one digit repeated) have to be turned away where they can still
be read: `is_placeholder` is for `identity.digests`, before anything is hashed.

What a stranger would get wrong: this is not union-find over everything. To join two people wrongly
is worse than to hold one apart: it shows one person's politics to another. So

* an e-mail address *is* a person: two addresses are never joined, and whoever is known by one keeps
  the same id for ever, whatever else turns up (`identity.supporter_of` gives the same id);
* a phone number or a tool's person id joins an address only while it was seen with no other, and
  only over hops that no second address reaches;
* a click or a cookie is attached to the one person it was seen with, and joins nobody to anybody;
* what was seen with more addresses than `Limits` allows is a counter, a kiosk or a placeholder: it
  is blocked and names nobody.

Every rule is about sets, so the order of arrival cannot matter; and since edges are kept, taking
one away undoes its join.
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
"""Kinds that may join an address, in the order in which they name a person."""
CLICK = "click"
WEAK = (CLICK, "cookie")
"""Kinds that are attached to one person and join nobody."""

TOO_MANY_EMAILS = "too_many_emails"
SEVERAL_EMAILS = "several_emails"
SEVERAL_PEOPLE = "several_people"
TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Edge:
    """Identifiers that one event said of one person, at most one of each kind.

    `id` names the event: an action or a delivery, unique within the organization.
    """

    id: Hashable
    who: Mapping[str, str]

    @property
    def identifiers(self) -> frozenset[Identifier]:
        """What joins: after an erasure only the token of chance, which joins nothing."""
        if ERASED in self.who:
            return frozenset({Identifier(ERASED, self.who[ERASED])})
        return frozenset(Identifier(kind, digest) for kind, digest in self.who.items() if digest)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of one identifier is still one person.

    `emails`: with how many addresses an identifier of a kind may have been seen before it is
    blocked. `size`: of how many identifiers, clicks and cookies apart, a person may be made.
    """

    emails: Mapping[str, int] = field(
        default_factory=lambda: {"phone": 3, "person_id": 3, "click": 1, "cookie": 1}
    )
    size: int = 8


@dataclass(frozen=True, slots=True)
class Partition:
    """Who is who.

    `edges` gives each event its supporter, None where nobody is named. `identifiers` gives each
    identifier the supporter it names, None where it names nobody. `blocked` says in one word why an
    identifier joins nothing.
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
    """Return the supporter id that this identifier alone gives; as `identity.supporter_of`."""
    return stable_id(bytes.fromhex(identifier.digest))


def partition(
    edges: Iterable[Edge],
    limits: Limits | None = None,
    blocked: Mapping[Identifier, str] | None = None,
) -> Partition:
    """Make people of edges: the same in every order, and an edge given twice counts once.

    `blocked` holds what is known to be blocked already (`Partition.lasting_blocks`), so that a
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
        # Two clicks of two people in one event say that it is somebody's, not whose.
        told = {weak.home[one] for one in found if one in weak.home}
        if supporters[edge] is None and len(told) == 1:
            supporters[edge] = told.pop()
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
    """Return the supporter whom an address names outright."""
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
    """Identifiers of one strength, and what they were found to hang on.

    `home` has those that hang on exactly one anchor, `torn` those that several pull at; `groups`
    are those that hang together and on no anchor.
    """

    home: dict[Identifier, UUID]
    torn: set[Identifier]
    groups: list[frozenset[Identifier]]


def _layer(
    nodes: Mapping[Hashable, frozenset[Identifier]], anchors: Mapping[Hashable, UUID | None]
) -> _Layer:
    """Hang identifiers on the anchors they were seen with, directly or hand in hand.

    What was itself seen with an anchor hangs on that one alone. What was seen with none hangs, with
    all that it hangs together with, on the only anchor that any of them reaches.
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
    """Whom each strong identifier names, and which were let go because they made a crowd."""

    home: dict[Identifier, UUID]
    too_large: set[Identifier]


def _people(strong: _Layer, size: int) -> _Owners:
    """Make people of addresses and what hangs on them, and of what hangs together without one.

    A person of more than `size` identifiers is taken apart until somebody has looked at it: the
    address keeps what names it, and every other identifier stands for itself.
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
    """Return whom an edge names: its address, else the person of its best identifier.

    What several people share says less than what is one person's; of equals the stronger kind.
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
    """Return the batch and every edge that it may concern, asking for edges a few times.

    `edges_of` returns all kept edges that hold any of these identifiers: one statement for a store;
    an edge of the batch stands for the kept one of its id. What is known to be blocked is not
    followed, so that a kiosk's thousand signers are not loaded for the next one; `edges_of` may add
    to it what it finds blocked on the way, and leave that out. `also` are
    identifiers that edges of the batch held before, or that edges held which are gone; no block of
    theirs may be given. `partition` of the result, with the same blocks, says of each returned edge
    what a partition of everything would, and no other edge has changed.
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
    """Say whether a normalised value stands for no person; for `identity`, before it is hashed.

    E-mail: mailboxes of machines, and what people type to get past a form. Phone (E.164): one digit
    repeated. Person ids: what tools send for "none".
    """
    if kind == EMAIL:
        return bool(_MACHINE.fullmatch(value) or _TYPED_TO_GET_ON.fullmatch(value))
    if kind == "phone":
        return bool(_REPEATED_DIGIT.fullmatch(value))
    return value.strip().lower() in _NO_ID
