"""Reconciled and attributed actions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, datetime
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from advocacy.core.records import StoredReturn, StoredTouch
from advocacy.storage import packing
from advocacy.storage.session import column, copy, execute, run, scalar, stream


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


_PACKED: Mapping[str, Callable[[Sequence[Any]], list[bytes]]] = {
    "id": packing.uuids,
    "source_id": packing.uuids,
    "external_id": packing.texts,
    "kind": packing.words,
    "counted": packing.flags,
    "occurred_at": packing.instants,
    "occurred_on": packing.days,
    "campaign_id": packing.uuids,
    "supporter_id": packing.uuids,
    "post_id": packing.uuids,
    "link_id": packing.uuids,
    "platform": packing.words,
    "tier": packing.words,
    "code": packing.words,
    "click_id": packing.texts,
    "click_found": packing.flags,
    "email_hash": packing.digests,
    "phone_hash": packing.digests,
    "person_hash": packing.digests,
    "utm": packing.jsons,
    "referrer": packing.words,
    "path": packing.jsons,
    "gross_minor": packing.int8s,
    "refunded_minor": packing.int8s,
    "currency": packing.words,
    "returns": packing.jsons,
    "recurs_as": packing.texts,
    "renewal": packing.flags,
    "ended_at": packing.instants,
    "target": packing.words,
    "test": packing.flags,
    "delivery_ids": packing.uuid_lists,
}
_NAMES = [each.name for each in fields(Action)]
_DIGESTS = {
    "email_hash": "email_digest",
    "phone_hash": "phone_digest",
    "person_hash": "person_digest",
}
"""The columns of the digests, which are hex in an `Action`."""
_COLUMN_OF = {name: name for name in _NAMES} | _DIGESTS

_DEFAULTS: Mapping[str, object] = {
    each.name: each.default
    for each in fields(Action)
    if each.default is not MISSING and each.name != "tier"
} | {"utm": {}}
"""What a column has where it is left out, if that is what an `Action` has."""

_COLUMNS = ", ".join(
    f"coalesce(encode({_DIGESTS[name]}, 'hex'), '') as {name}" if name in _DIGESTS else name
    for name in _NAMES
)


def find_actions(org_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Action]:
    """Return the existing actions with these ids."""
    rows = run(
        Action,
        f"""select {_COLUMNS} from actions
            where org_id = :o and id = any(cast(:ids as uuid[])) order by id""",
        o=org_id,
        ids=packing.uuid_array(ids),
    )
    return {row.id: row for row in rows}


def put_actions(org_id: UUID, actions: Sequence[Action], replaced: Collection[UUID]) -> None:
    """Store actions. Rows with the ids in `replaced` are removed first."""
    if replaced:
        drop_actions(org_id, replaced)
    if not actions:
        return
    columns: dict[str, list[bytes]] = {}
    for name, pack in _PACKED.items():
        values = list(map(attrgetter(name), actions))
        first = values[0]
        # The last is looked at first: most columns are the same in all of a batch, or differ.
        if first == values[-1] and values.count(first) == len(values):
            if name in _DEFAULTS and first == _DEFAULTS[name]:
                continue
            columns[_COLUMN_OF[name]] = pack(values[:1]) * len(values)
        else:
            columns[_COLUMN_OF[name]] = pack(values)
    copy("actions", columns, org_id)


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


def drop_actions(org_id: UUID, ids: Collection[UUID]) -> None:
    """Remove actions."""
    if ids:
        execute(
            "delete from actions where org_id = :o and id = any(cast(:ids as uuid[]))",
            o=org_id,
            ids=packing.uuid_array(ids),
        )


def drop_derived(org_id: UUID) -> None:
    """Remove what a rebuild makes again, but the cells.

    Totals, presences and `identifiers` are an earlier version's.
    """
    for table in (
        "actions",
        "action_names",
        "duplicates",
        "identifiers",
        "names",
        "supporters",
        "totals",
        "span_totals",
        "day_totals",
        "generation_totals",
        "presences",
        "presence_news",
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
        """select id, coalesce(encode(email_digest, 'hex'), '') as email,
                  coalesce(encode(phone_digest, 'hex'), '') as phone,
                  coalesce(encode(person_digest, 'hex'), '') as person_id, code,
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


def count_counted(org_id: UUID) -> int:
    """Return the number of counted actions."""
    return scalar(
        int, "select count(*) as actions from actions where org_id = :o and counted", o=org_id
    )
