"""Whom each address, phone number or id of a tool names, and which actions named it.

All of it is derived. What an action named is stored with the action itself; here is what follows
for each name, by the rules of `advocacy.identity.graph`. Whose a click is follows from the actions
alone, see `clicks.find_owners`.

Note: An address that never came with anything else has no row: it is a person by itself, and that
never changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from advocacy.core.records import Identifier
from advocacy.storage import packing
from advocacy.storage.session import copy, execute, run


class State(NamedTuple):
    """Whom an identifier names, None for no one; `blocked` is why it joins nothing, or empty.

    `parts`, of an address: how many other identifiers of the same person hang on it.
    """

    supporter_id: UUID | None = None
    blocked: str = ""
    parts: int = 0


class Named(NamedTuple):
    """What a stored action named, by kind, and whose it is."""

    who: dict[str, str]
    supporter_id: UUID | None


_KINDS = {"email": b"e", "phone": b"p", "person_id": b"i"}
_KIND_OF = {ord(letter): kind for kind, letter in _KINDS.items()}
_BLOCKS = ("", "too_many_emails", "several_emails", "too_large")
_NUMBERS = {why: number for number, why in enumerate(_BLOCKS)}


def _key(one: Identifier) -> bytes:
    """Return how an identifier is stored: a letter for its kind, then its digest."""
    return _KINDS[one.kind] + bytes.fromhex(one.digest)


class _NameRow(NamedTuple):
    name: bytes
    supporter_id: UUID | None
    blocked: int
    parts: int


def find_names(org_id: UUID, identifiers: Collection[Identifier]) -> dict[Identifier, State]:
    """Return the states of those of these that have a row."""
    if not identifiers:
        return {}
    rows = run(
        _NameRow,
        """select name, supporter_id, blocked, parts from names
           where org_id = :o and name = any(cast(:names as bytea[]))""",
        o=org_id,
        names=packing.bytea_array(map(_key, identifiers)),
    )
    return {
        Identifier(_KIND_OF[name[0]], name[1:].hex()): State(supporter_id, _BLOCKS[blocked], parts)
        for name, supporter_id, blocked, parts in rows
    }


def put_names(
    org_id: UUID, states: Mapping[Identifier, State], known: Iterable[Identifier]
) -> None:
    """Store states; rows of the `known` are there and replaced."""
    drop_names(org_id, [one for one in known if one in states])
    if not states:
        return
    copy(
        "names",
        {
            "name": packing.blobs(map(_key, states)),
            "supporter_id": packing.uuids(state.supporter_id for state in states.values()),
            "blocked": packing.int2s(_NUMBERS[state.blocked] for state in states.values()),
            "parts": packing.int2s(state.parts for state in states.values()),
        },
        org_id,
    )


def drop_names(org_id: UUID, identifiers: Collection[Identifier]) -> None:
    """Remove identifiers, as where no action names them any more."""
    if identifiers:
        execute(
            "delete from names where org_id = :o and name = any(cast(:names as bytea[]))",
            o=org_id,
            names=packing.bytea_array(map(_key, identifiers)),
        )


_SEEN_AS = {
    "email": """email_digest = v.name
                and (a.phone_digest is not null or a.person_digest is not null)""",
    "phone": "phone_digest = v.name",
    "person_id": "person_digest = v.name",
    "click": "click_id = v.name and a.click_id <> ''",
}
"""How an action is found by an identifier, by kind: each is one partial index.

An address is followed only to what may join others to it.
"""


class _NamingRow(NamedTuple):
    id: UUID
    supporter_id: UUID | None
    email: str
    phone: str
    person: str
    click_id: str


def actions_naming(org_id: UUID, identifiers: Iterable[Identifier]) -> dict[UUID, Named]:
    """Return the actions that named any of these; test actions name no one.

    By an address only those are found that named a phone number or a tool's id with it.
    """
    by_kind: dict[str, list[str]] = {}
    for one in sorted(identifiers):
        by_kind.setdefault(one.kind, []).append(one.digest)
    found: dict[UUID, Named] = {}
    for kind, digests in by_kind.items():
        asked: object = packing.text_array(digests)
        sort = "text"
        if kind != "click":
            asked, sort = packing.bytea_array(map(bytes.fromhex, digests)), "bytea"
        for row in run(
            _NamingRow,
            f"""select a.id, a.supporter_id, coalesce(encode(a.email_digest, 'hex'), '') as email,
                       coalesce(encode(a.phone_digest, 'hex'), '') as phone,
                       coalesce(encode(a.person_digest, 'hex'), '') as person, a.click_id
                from unnest(cast(:names as {sort}[])) v (name)
                join actions a on a.{_SEEN_AS[kind]}
                where a.org_id = :o and not a.test""",
            o=org_id,
            names=asked,
        ):
            who = dict(zip(("email", "phone", "person_id", "click"), row[2:], strict=True))
            found[row[0]] = Named({kind: each for kind, each in who.items() if each}, row[1])
    return found
