"""Reconciled and attributed actions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from advocacy.core.records import StoredReturn, StoredTouch
from advocacy.storage.session import column, execute, run, stream


@dataclass(slots=True, kw_only=True)
class Action:
    """A row of `actions`.

    `returns` is a list of {"at", "amount_minor"} in order of time. `path` is None with at most one
    touch; else all touches in order of time, as {"post_id", "link_id", "platform",
    "tier", "channel", "at", "shares": {model: exact fraction}}, without shares that are zero.
    """

    id: UUID
    source_id: UUID
    external_id: str
    kind: str
    counted: bool
    occurred_at: datetime
    occurred_on: date
    campaign_id: UUID | None = None
    supporter_id: UUID | None = None
    post_id: UUID | None = None
    link_id: UUID | None = None
    platform: str = ""
    tier: str = "unattributed"
    code: str = ""
    click_id: str = ""
    click_found: bool = False
    email_hash: str = ""
    phone_hash: str = ""
    person_hash: str = ""
    utm: dict[str, str] = field(default_factory=dict)
    referrer: str = ""
    path: list[StoredTouch] | None = None
    gross_minor: int = 0
    refunded_minor: int = 0
    currency: str = ""
    returns: list[StoredReturn] | None = None
    recurs_as: str = ""
    renewal: bool = False
    ended_at: datetime | None = None
    target: str = ""
    test: bool = False
    delivery_ids: list[UUID] = field(default_factory=list)


_TYPES = {
    "id": "uuid",
    "source_id": "uuid",
    "external_id": "text",
    "kind": "text",
    "counted": "bool",
    "occurred_at": "timestamptz",
    "occurred_on": "date",
    "campaign_id": "uuid",
    "supporter_id": "uuid",
    "post_id": "uuid",
    "link_id": "uuid",
    "platform": "text",
    "tier": "text",
    "code": "text",
    "click_id": "text",
    "click_found": "bool",
    "email_hash": "text",
    "phone_hash": "text",
    "person_hash": "text",
    "utm": "jsonb",
    "referrer": "text",
    "path": "jsonb",
    "gross_minor": "int8",
    "refunded_minor": "int8",
    "currency": "text",
    "returns": "jsonb",
    "recurs_as": "text",
    "renewal": "bool",
    "ended_at": "timestamptz",
    "target": "text",
    "test": "bool",
    "delivery_ids": "uuid[]",
}
_NAMES = [each.name for each in fields(Action)]
_COLUMNS = ", ".join(_NAMES)
# An array of arrays cannot be unnested row by row, and JSON is sent as text: both as text here.
_SENT = {name: "text" if kind in {"jsonb", "uuid[]"} else kind for name, kind in _TYPES.items()}
_EMPTY = {"dict": "{}", "list": "[]"}


def _column(actions: Sequence[Action], name: str) -> list[object]:
    values = map(attrgetter(name), actions)
    if _TYPES[name] == "jsonb":
        return [
            None if value is None else json.dumps(value) if value else _EMPTY[type(value).__name__]
            for value in values
        ]
    if _TYPES[name] == "uuid[]":
        return [",".join(map(str, value)) for value in values]
    return list(values)


def _given(actions: Sequence[Action]) -> tuple[str, str, dict[str, object]]:
    """Return SQL and parameters that pass actions to a statement: what to unnest, select and bind.

    A column with the same value in all actions, as most have, is sent once and not as an array.
    """
    columns = {name: _column(actions, name) for name in _NAMES}
    # Compare with the last first: comparing two ids is slow, and most differ.
    same = {
        name
        for name, each in columns.items()
        if each[0] == each[-1] and each.count(each[0]) == len(each)
    } - {"id"}
    several = [name for name in _NAMES if name not in same]
    unnested = ", ".join(f"cast(:{name} as {_SENT[name]}[])" for name in several)
    read = ", ".join(_read(name, f":{name}" if name in same else f"v.{name}") for name in _NAMES)
    values = {name: each[0] if name in same else each for name, each in columns.items()}
    return f"unnest({unnested}) as v ({', '.join(several)})", read, values


def _read(name: str, sent: str) -> str:
    # Citus rejects updates with functions that may depend on a setting, as casting a text to an
    # array may; splitting it and casting each element does not.
    if _TYPES[name] == "uuid[]":
        sent = f"string_to_array({sent}, ',')"
    return f"cast({sent} as {_TYPES[name]})"


def find_actions(org_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Action]:
    """Return the existing actions with these ids."""
    rows = run(
        Action,
        f"""select {_COLUMNS} from actions
            where org_id = :o and id = any(cast(:ids as uuid[])) order by id""",
        o=org_id,
        ids=list(ids),
    )
    return {row.id: row for row in rows}


def put_new(org_id: UUID, actions: Sequence[Action]) -> None:
    """Insert new actions."""
    if not actions:
        return
    rows, read, values = _given(actions)
    execute(
        f"insert into actions (org_id, {_COLUMNS}) select :o, {read} from {rows}",
        o=org_id,
        **values,
    )


def replace_actions(org_id: UUID, actions: Sequence[Action]) -> None:
    """Replace existing actions."""
    if not actions:
        return
    rows, read, values = _given(actions)
    execute(
        f"""update actions a set ({_COLUMNS}) = ({read}) from {rows}
            where a.org_id = :o and a.id = v.id""",
        o=org_id,
        **values,
    )


def ids_near(org_id: UUID, changed: Sequence[tuple[UUID, datetime]], days: int) -> list[UUID]:
    """Return actions that a change of these (supporter, click instant) may concern."""
    return column(
        UUID,
        """select distinct a.id from actions a
           join unnest(cast(:people as uuid[]), cast(:ats as timestamptz[])) as v (supporter, at)
             on a.supporter_id = v.supporter
            and a.occurred_at between v.at - interval '5 minutes'
                                  and v.at + make_interval(days => :days)
           where a.org_id = :o""",
        o=org_id,
        people=[supporter for supporter, _ in changed],
        ats=[at for _, at in changed],
        days=days,
    )


def ids_of_mandates(org_id: UUID, mandates: Iterable[tuple[UUID, str]]) -> list[UUID]:
    """Return all payments of these recurring gifts: (source, the tool's name of the mandate)."""
    ordered = sorted(mandates)
    return column(
        UUID,
        """select a.id from actions a
           join unnest(cast(:sources as uuid[]), cast(:names as text[])) as v (source_id, name)
             on a.source_id = v.source_id and a.recurs_as = v.name
           where a.org_id = :o and a.recurs_as <> ''""",
        o=org_id,
        sources=[source for source, _ in ordered],
        names=[name for _, name in ordered],
    )


def ids_of_links(org_id: UUID, link_ids: Sequence[UUID]) -> list[UUID]:
    """Return the actions with evidence for one of these links, credited or not.

    Evidence is that its code or one of its clicks came back, or that it is on the path.
    """
    return column(
        UUID,
        """select a.id from actions a
           where a.org_id = :o and a.link_id = any(cast(:ids as uuid[]))
           union
           select a.id from actions a join links l on l.org_id = :o and l.code = a.code
           where a.org_id = :o and l.id = any(cast(:ids as uuid[]))
           union
           select a.id from touches t
           join actions a on a.org_id = :o and a.click_id = t.click_id and a.click_id <> ''
           where t.org_id = :o and t.link_id = any(cast(:ids as uuid[]))
           union
           select a.id from actions a, jsonb_array_elements(a.path) step
           where a.org_id = :o and cast(step ->> 'link_id' as uuid) = any(cast(:ids as uuid[]))""",
        o=org_id,
        ids=list(link_ids),
    )


def ids_waiting_for_clicks(org_id: UUID, limit: int) -> list[UUID]:
    """Return actions that named a click which was not loaded yet, and is now."""
    return column(
        UUID,
        # Materialized, or all actions would be scanned in the order of ids for those that wait.
        """with waiting as materialized (
             select id, click_id from actions
             where org_id = :o and click_id <> '' and not click_found)
           select w.id from waiting w
           join touches t on t.org_id = :o and t.click_id = w.click_id
           order by w.id limit :limit""",
        o=org_id,
        limit=limit,
    )


def ids_of_supporters(org_id: UUID, supporters: Iterable[UUID]) -> list[UUID]:
    """Return the actions of these people."""
    return column(
        UUID,
        """select id from actions
           where org_id = :o and supporter_id = any(cast(:supporters as uuid[]))""",
        o=org_id,
        supporters=sorted(supporters),
    )


def drop_actions(org_id: UUID, ids: Sequence[UUID]) -> None:
    """Remove actions that have been merged into another id."""
    if ids:
        execute("delete from actions where org_id = :o and id = any(:ids)", o=org_id, ids=list(ids))


def drop_derived(org_id: UUID) -> None:
    """Remove what a rebuild derives again, except distinct counts, which it corrects."""
    for table in (
        "actions",
        "action_names",
        "identifiers",
        "supporters",
        "totals",
        "span_totals",
        "day_totals",
        "generation_totals",
    ):
        execute(f"delete from {table} where org_id = :o", o=org_id)


class _MadeRow(NamedTuple):
    id: UUID
    email: str
    phone: str
    person_id: str
    code: str
    click_id: str
    recurs_as: str


def find_filled_fields(org_id: UUID, ids: Iterable[UUID]) -> dict[UUID, frozenset[str]]:
    """Return those of these actions whose making was reported, with their filled fields."""
    rows = run(
        _MadeRow,
        """select id, email_hash as email, phone_hash as phone, person_hash as person_id, code,
                  click_id, recurs_as from actions
           where org_id = :o and id = any(cast(:ids as uuid[])) and counted""",
        o=org_id,
        ids=list(ids),
    )
    return {
        row.id: frozenset(name for name, value in row._asdict().items() if value not in ("", None))
        for row in rows
    }


def find_action(org_id: UUID, action_id: UUID) -> Action | None:
    """Return one action."""
    rows = run(
        Action,
        f"select {_COLUMNS} from actions where org_id = :o and id = :id",
        o=org_id,
        id=action_id,
    )
    return rows[0] if rows else None


class CountedAction(NamedTuple):
    """Of a counted action, what figures are made of."""

    campaign_id: UUID | None
    supporter_id: UUID | None
    source_id: UUID
    post_id: UUID | None
    link_id: UUID | None
    kind: str
    tier: str
    platform: str
    occurred_at: datetime
    occurred_on: date
    gross_minor: int
    refunded_minor: int
    currency: str
    recurs_as: str
    renewal: bool
    returns: list[StoredReturn] | None
    path: list[StoredTouch] | None
    counted: bool = True


def read_counted(org_id: UUID, at_once: int = 5_000) -> Iterator[list[CountedAction]]:
    """Yield all counted actions, by campaign and day, some at a time."""
    names = ", ".join(CountedAction._fields[:-1])
    return stream(
        CountedAction,
        f"""select {names} from actions where org_id = :o and counted
            order by campaign_id, occurred_on""",
        at_once,
        o=org_id,
    )
