"""The supporter that each identifier belongs to, and the actions that contain it.

All of it is derived by the rules of `advocacy.identity.graph` from the identifiers in actions.

Note: an address that never came with another identifier has no row: it is one person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from advocacy.core.records import Identifier
from advocacy.storage.session import execute, run


class State(NamedTuple):
    """The supporter of an identifier, or None; `blocked` is why it joins no one, or empty.

    `parts`, of an address: how many other identifiers of the same person depend on it.
    """

    supporter_id: UUID | None = None
    blocked: str = ""
    parts: int = 0


class Named(NamedTuple):
    """The identifiers of a stored action by kind, and its supporter."""

    who: dict[str, str]
    supporter_id: UUID | None


class _IdentifierRow(NamedTuple):
    kind: str
    digest: str
    supporter_id: UUID | None
    blocked: str
    parts: int


def find_identifiers(org_id: UUID, identifiers: Iterable[Identifier]) -> dict[Identifier, State]:
    """Return the states of those that have a row."""
    ordered = sorted(identifiers)
    rows = run(
        _IdentifierRow,
        """select i.kind, i.digest, i.supporter_id, i.blocked, i.parts
           from identifiers i
           join unnest(cast(:kinds as text[]), cast(:digests as text[])) as v (kind, digest)
             on i.kind = v.kind and i.digest = v.digest
           where i.org_id = :o""",
        o=org_id,
        kinds=[one.kind for one in ordered],
        digests=[one.digest for one in ordered],
    )
    return {Identifier(row[0], row[1]): State(row[2], row[3], row[4]) for row in rows}


def put_identifiers(org_id: UUID, states: Mapping[Identifier, State]) -> None:
    """Insert rows for identifiers that have none."""
    ordered = sorted(states)
    if not ordered:
        return
    execute(
        """insert into identifiers (org_id, kind, digest, supporter_id, blocked, parts)
           select :o, v.kind, v.digest, v.supporter_id, v.blocked, v.parts
           from unnest(cast(:kinds as text[]), cast(:digests as text[]),
                       cast(:people as uuid[]), cast(:blocked as text[]), cast(:parts as int4[]))
                as v (kind, digest, supporter_id, blocked, parts)""",
        o=org_id,
        **_columns(ordered, states),
    )


def replace_identifiers(org_id: UUID, states: Mapping[Identifier, State]) -> None:
    """Replace existing rows."""
    ordered = sorted(states)
    if not ordered:
        return
    execute(
        """update identifiers i
           set supporter_id = v.supporter_id, blocked = v.blocked, parts = v.parts
           from unnest(cast(:kinds as text[]), cast(:digests as text[]),
                       cast(:people as uuid[]), cast(:blocked as text[]), cast(:parts as int4[]))
                as v (kind, digest, supporter_id, blocked, parts)
           where i.org_id = :o and i.kind = v.kind and i.digest = v.digest""",
        o=org_id,
        **_columns(ordered, states),
    )


def drop_identifiers(org_id: UUID, identifiers: Iterable[Identifier]) -> None:
    """Remove identifiers, e.g. when no action contains them any more."""
    ordered = sorted(identifiers)
    if not ordered:
        return
    execute(
        """delete from identifiers i
           using unnest(cast(:kinds as text[]), cast(:digests as text[])) as v (kind, digest)
           where i.org_id = :o and i.kind = v.kind and i.digest = v.digest""",
        o=org_id,
        kinds=[one.kind for one in ordered],
        digests=[one.digest for one in ordered],
    )


def _columns(
    ordered: list[Identifier], states: Mapping[Identifier, State]
) -> dict[str, list[object]]:
    return {
        "kinds": [one.kind for one in ordered],
        "digests": [one.digest for one in ordered],
        "people": [states[one].supporter_id for one in ordered],
        "blocked": [states[one].blocked for one in ordered],
        "parts": [states[one].parts for one in ordered],
    }


_SEEN_AS = {
    "email": "email_hash = {} and (a.phone_hash <> '' or a.person_hash <> '')",
    "phone": "phone_hash = {} and a.phone_hash <> ''",
    "person_id": "person_hash = {} and a.person_hash <> ''",
    "click": "click_id = {} and a.click_id <> ''",
}
"""Conditions to find actions by an identifier, by kind; each has a partial index.

By an address only actions are found whose other identifiers may join people to it.
"""


class _NamingRow(NamedTuple):
    id: UUID
    supporter_id: UUID | None
    email_hash: str
    phone_hash: str
    person_hash: str
    click_id: str


def actions_naming(org_id: UUID, identifiers: Iterable[Identifier]) -> dict[UUID, Named]:
    """Return the actions with any of these identifiers, except test actions.

    By an address only those are found that also contain a phone number or a tool's id.
    """
    by_kind: dict[str, list[str]] = {}
    for one in sorted(identifiers):
        by_kind.setdefault(one.kind, []).append(one.digest)
    found: dict[UUID, Named] = {}
    for kind, digests in by_kind.items():
        for row in run(
            _NamingRow,
            f"""select a.id, a.supporter_id, a.email_hash, a.phone_hash, a.person_hash, a.click_id
                from unnest(cast(:digests as text[])) v (digest)
                join actions a on a.{_SEEN_AS[kind].format("v.digest")}
                where a.org_id = :o and not a.test""",
            o=org_id,
            digests=digests,
        ):
            who = dict(zip(("email", "phone", "person_id", "click"), row[2:], strict=True))
            found[row[0]] = Named({kind: each for kind, each in who.items() if each}, row[1])
    return found
