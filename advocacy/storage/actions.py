"""Actions, as settled and attributed, and the people who acted.

What a stranger would get wrong: all of this is derived. Rows are replaced as a whole, never patched
field by field, and always in the order of their ids, so that two workers cannot block each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID
from zlib import crc32

from sqlalchemy.exc import OperationalError

from advocacy.core.ids import new_id
from advocacy.storage.db import db
from advocacy.storage.session import Contended, run, run_count

_LOCKS = 1024
# A lock was not to be had in time; or a statement, where locks are waited for without an end.
_WAITED_TOO_LONG = frozenset({"55P03", "57014"})


@dataclass(slots=True, kw_only=True)
class Action:
    """A row of `actions`.

    `returns` is a list of {"at", "amount_minor"} in order of time. `path` is None where there is
    one touch or none; else all touches in order of time, as {"post_id", "link_id", "platform",
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
    path: list[dict[str, Any]] | None = None
    gross_minor: int = 0
    refunded_minor: int = 0
    currency: str = ""
    returns: list[dict[str, Any]] | None = None
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
# An array of arrays cannot be unnested row by row, and JSON goes over as text: both as text here.
_SENT = {name: "text" if kind in {"jsonb", "uuid[]"} else kind for name, kind in _TYPES.items()}
_EMPTY = {"dict": "{}", "list": "[]"}


def _column(actions: Sequence[Action], name: str) -> list[Any]:
    values = map(attrgetter(name), actions)
    if _TYPES[name] == "jsonb":
        return [
            None if value is None else json.dumps(value) if value else _EMPTY[type(value).__name__]
            for value in values
        ]
    if _TYPES[name] == "uuid[]":
        return [",".join(map(str, value)) for value in values]
    return list(values)


def _given(actions: Sequence[Action]) -> tuple[str, str, dict[str, Any]]:
    """Return how actions are sent: what is unnested as `v`, what is read of it, and the values.

    What is the same in all of a batch, as most columns are, goes over once and not in an array.
    """
    columns = {name: _column(actions, name) for name in _NAMES}
    # The last is looked at first: to compare two ids takes long, and most differ.
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
    # A cluster updates by no function that may depend on a setting, as reading a text as a whole
    # array may; splitting it and reading each element does not.
    if _TYPES[name] == "uuid[]":
        sent = f"string_to_array({sent}, ',')"
    return f"cast({sent} as {_TYPES[name]})"


def lock_actions(org_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Action]:
    """Lock and return the actions with these ids that are there already."""
    rows = run(
        f"""select {_COLUMNS} from actions
            where org_id = :o and id = any(cast(:ids as uuid[])) order by id for update""",
        o=org_id,
        ids=list(ids),
    )
    return {row.id: Action(**row._asdict()) for row in rows}


def put_new(org_id: UUID, actions: Sequence[Action]) -> None:
    """Insert actions. Raises `Contended` where another worker has inserted one of them first."""
    if not actions:
        return
    rows, read, values = _given(actions)
    inserted = run_count(
        f"""insert into actions (org_id, {_COLUMNS})
            select :o, {read} from {rows} order by v.id
            on conflict (org_id, id) do nothing""",
        o=org_id,
        **values,
    )
    if inserted != len(actions):
        raise Contended("an action was inserted by another worker")


def replace_actions(org_id: UUID, actions: Sequence[Action]) -> None:
    """Replace actions that are there and locked."""
    if not actions:
        return
    rows, read, values = _given(actions)
    run(
        f"""update actions a set ({_COLUMNS}) = ({read}) from {rows}
            where a.org_id = :o and a.id = v.id""",
        o=org_id,
        **values,
    )


def ids_near(org_id: UUID, changed: Sequence[tuple[UUID, datetime]], days: int) -> list[UUID]:
    """Return actions that a change of these (supporter, click instant) may concern."""
    rows = run(
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
    return [row.id for row in rows]


def ids_of_mandates(org_id: UUID, mandates: Iterable[tuple[UUID, str]]) -> list[UUID]:
    """Return all payments of these recurring gifts: (source, the tool's name of the mandate)."""
    ordered = sorted(mandates)
    rows = run(
        """select a.id from actions a
           join unnest(cast(:sources as uuid[]), cast(:names as text[])) as v (source_id, name)
             on a.source_id = v.source_id and a.recurs_as = v.name
           where a.org_id = :o and a.recurs_as <> ''""",
        o=org_id,
        sources=[source for source, _ in ordered],
        names=[name for _, name in ordered],
    )
    return [row.id for row in rows]


def ids_of_links(org_id: UUID, link_ids: Sequence[UUID]) -> list[UUID]:
    """Return the actions for which one of these links speaks, credited or not.

    That is so where its code or one of its clicks came back, or where it is on the path.
    """
    rows = run(
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
    return [row.id for row in rows]


def ids_waiting_for_clicks(org_id: UUID, limit: int) -> list[UUID]:
    """Return actions that named a click which had not been shipped yet, and is there now."""
    rows = run(
        # Materialized, or those that wait would be looked for in the order of ids, among all.
        """with waiting as materialized (
             select id, click_id from actions
             where org_id = :o and click_id <> '' and not click_found)
           select w.id from waiting w
           join touches t on t.org_id = :o and t.click_id = w.click_id
           order by w.id limit :limit""",
        o=org_id,
        limit=limit,
    )
    return [row.id for row in rows]


def put_supporters(org_id: UUID, firsts: Mapping[UUID, datetime | None]) -> None:
    """Note people with the instant of an action; the earliest ever is kept. Locks each of them.

    Who is given without an instant is only locked: by a row that has to be dropped again, where
    there was none.
    """
    if not firsts:
        return
    ordered = sorted(firsts)
    run(
        """insert into supporters (org_id, id, first_acted_at)
           select :o, v.id, v.at
           from unnest(cast(:ids as uuid[]), cast(:ats as timestamptz[])) as v (id, at)
           on conflict (org_id, id) do update
             set first_acted_at = least(supporters.first_acted_at, excluded.first_acted_at)
             where supporters.first_acted_at is null
                or excluded.first_acted_at < supporters.first_acted_at""",
        o=org_id,
        ids=ordered,
        ats=[firsts[supporter] for supporter in ordered],
    )


def settle_supporters(org_id: UUID, supporters: Iterable[UUID]) -> None:
    """Find anew when these people first acted, after one of their actions was changed.

    They have to be locked since an earlier statement, or this one would not see what somebody else
    has just kept of them.
    """
    ids = sorted(set(supporters))
    if not ids:
        return
    run(
        """update supporters s set first_acted_at = (
             select min(a.occurred_at) from actions a
             where a.org_id = :o and a.supporter_id = s.id and a.counted)
           where s.org_id = :o and s.id = any(cast(:ids as uuid[]))""",
        o=org_id,
        ids=ids,
    )


def drop_idle_supporters(org_id: UUID, supporters: Iterable[UUID]) -> None:
    """Remove those of these people who have not acted after all: they are nobody."""
    if ids := list(supporters):
        run(
            """delete from supporters
               where org_id = :o and id = any(cast(:ids as uuid[])) and first_acted_at is null""",
            o=org_id,
            ids=ids,
        )


def find_suppressed(org_id: UUID, marks: Iterable[str]) -> set[str]:
    """Return which of these marks are of people who were erased."""
    rows = run(
        "select mark from suppressed where org_id = :o and mark = any(cast(:marks as text[]))",
        o=org_id,
        marks=list(marks),
    )
    return {row.mark for row in rows}


def has_suppressed(org_id: UUID) -> bool:
    """Say whether anybody was ever erased from this organization."""
    return bool(run("select 1 from suppressed where org_id = :o limit 1", o=org_id))


def put_suppressed(org_id: UUID, marks: Iterable[str]) -> None:
    """Remember that these people were erased."""
    run(
        """insert into suppressed (org_id, mark)
           select :o, mark from unnest(cast(:marks as text[])) as v (mark) order by 2
           on conflict do nothing""",
        o=org_id,
        marks=list(marks),
    )


def ids_of_supporters(org_id: UUID, supporters: Iterable[UUID]) -> list[UUID]:
    """Return the actions of these people."""
    rows = run(
        """select id from actions
           where org_id = :o and supporter_id = any(cast(:supporters as uuid[]))""",
        o=org_id,
        supporters=sorted(supporters),
    )
    return [row.id for row in rows]


def find_names(org_id: UUID, names: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return by what id actions go that are also known by these names."""
    rows = run(
        "select name, action_id from action_names where org_id = :o and name = any(:names)",
        o=org_id,
        names=list(names),
    )
    return {row.name: row.action_id for row in rows}


def put_names(org_id: UUID, names: Mapping[UUID, UUID]) -> None:
    """Say by what id an action goes; whoever pointed at one of its former ids does so too."""
    if not names:
        return
    ordered = sorted(names)
    run(
        """update action_names n set action_id = v.action_id
           from unnest(cast(:names as uuid[]), cast(:ids as uuid[])) as v (name, action_id)
           where n.org_id = :o and n.action_id = v.name and n.action_id <> v.action_id""",
        o=org_id,
        names=ordered,
        ids=[names[name] for name in ordered],
    )
    run(
        """insert into action_names (org_id, name, action_id)
           select :o, v.name, v.action_id
           from unnest(cast(:names as uuid[]), cast(:ids as uuid[])) as v (name, action_id)
           order by v.name
           on conflict (org_id, name) do update set action_id = excluded.action_id
             where action_names.action_id <> excluded.action_id""",
        o=org_id,
        names=ordered,
        ids=[names[name] for name in ordered],
    )


@dataclass(frozen=True, slots=True)
class Restated:
    """So many actions of a campaign were changed, of days from `first_on` to `last_on`."""

    campaign_id: UUID
    why: str
    first_on: date
    last_on: date
    actions: int


def put_restatements(org_id: UUID, restated: Sequence[Restated]) -> None:
    """Note that numbers which had been shown were changed."""
    for each in restated:
        run(
            """insert into restatements (org_id, id, campaign_id, why, first_on, last_on, actions)
               values (:o, :id, :c, :why, :first, :last, :actions)""",
            o=org_id,
            id=new_id(),
            c=each.campaign_id,
            why=each.why,
            first=each.first_on,
            last=each.last_on,
            actions=each.actions,
        )


def list_restatements(
    org_id: UUID, campaign_id: UUID, first: date, last: date, days: int
) -> list[Any]:
    """Return restatements of these days made in the last `days` days, by the day they were made."""
    return run(
        """select (at at time zone 'UTC')::date as "on", why,
                  min(first_on) as first_on, max(last_on) as last_on,
                  sum(actions)::int8 as actions
           from restatements
           where org_id = :o and campaign_id = :c and first_on <= :last and last_on >= :first
             and at > now() - make_interval(days => :days)
           group by 1, why order by 1 desc, why""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
        days=days,
    )


def lock_names(source_id: UUID, *, alone: bool) -> None:
    """Hold the lock on what actions of a source are called, until the transaction ends.

    Alone, where names are joined; many who only use them share it.
    """
    shared = "" if alone else "_shared"
    run(f"select pg_advisory_xact_lock{shared}(:key)", key=source_id.int % (2**63))


def lock_mandates(org_id: UUID, mandates: Iterable[tuple[UUID, str]]) -> None:
    """Hold the locks on these recurring gifts, as `ids_of_mandates`, until the transaction ends.

    Who keeps a payment while another does would not see the other's. Some gifts share a lock: there
    is room for so many only.
    """
    numbers = {crc32(f"{source_id}:{name}".encode()) % _LOCKS for source_id, name in mandates}
    run(
        # The first numbers are other locks: of people, of claims, and so on.
        "select pg_advisory_xact_lock(:key, unnest(cast(:numbers as int4[])))",
        key=org_id.int % (2**31),
        numbers=[16 + number for number in sorted(numbers)],
    )


def drop_actions(org_id: UUID, ids: Sequence[UUID]) -> None:
    """Remove actions that go by another id now."""
    if ids:
        run("delete from actions where org_id = :o and id = any(:ids)", o=org_id, ids=list(ids))


def drop_derived(org_id: UUID) -> None:
    """Remove everything of the organization that a rebuild makes anew; presences it corrects."""
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
        run(f"delete from {table} where org_id = :o", o=org_id)


def of_delivery(org_id: UUID, delivery_id: UUID) -> list[Action]:
    """Return the actions that a delivery told of, by whatever id they go now."""
    rows = run(
        f"""with told as (
              select cast(f ->> 'action_id' as uuid) as name
              from inbox, jsonb_array_elements(coalesce(facts, '[]')) f
              where org_id = :o and id = :d)
            select {_COLUMNS} from actions
            where org_id = :o and id in (
              select coalesce(n.action_id, told.name) from told
              left join action_names n on n.org_id = :o and n.name = told.name)""",
        o=org_id,
        d=delivery_id,
    )
    return [Action(**row._asdict()) for row in rows]


class Made(NamedTuple):
    """What is known of an action that was made: what was refunded, and which fields are filled."""

    refunded_minor: int
    filled: frozenset[str]


def find_made(org_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Made]:
    """Return which of these actions are known to have been made."""
    rows = run(
        """select id, refunded_minor, email_hash as email, phone_hash as phone,
                  person_hash as person_id, code, click_id, recurs_as from actions
           where org_id = :o and id = any(cast(:ids as uuid[])) and counted""",
        o=org_id,
        ids=list(ids),
    )
    return {
        row.id: Made(
            row.refunded_minor,
            frozenset(name for name, value in row._asdict().items() if value not in ("", None)),
        )
        for row in rows
    }


def find_action(org_id: UUID, action_id: UUID) -> Action | None:
    """Return one action."""
    rows = run(
        f"select {_COLUMNS} from actions where org_id = :o and id = :id",
        o=org_id,
        id=action_id,
    )
    return Action(**rows[0]._asdict()) if rows else None


def lock_organization(org_id: UUID, *, alone: bool, wait: bool = True) -> bool:
    """Hold the organization's drain lock until the transaction ends: shared, or alone.

    Many batches share it; a rebuild holds it alone. Returns False where `wait` is off and it is
    held otherwise.
    """
    key = org_id.int % (2**63)
    shared = "" if alone else "_shared"
    if wait:
        run(f"select pg_advisory_xact_lock{shared}(:key)", key=key)
        return True
    return bool(run(f"select pg_try_advisory_xact_lock{shared}(:key)", key=key)[0][0])


def wait_for_organization(org_id: UUID, *, alone: bool) -> bool:
    """Lock as `lock_organization`; False where that takes longer than a lock is waited for.

    The transaction goes on then with what it holds.
    """
    if lock_organization(org_id, alone=alone, wait=False):
        return True
    try:
        with db.session.begin_nested():
            return lock_organization(org_id, alone=alone)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) not in _WAITED_TOO_LONG:
            raise
        return False


def lock_people(org_id: UUID) -> None:
    """Stand in line with whoever joins and parts people of this organization."""
    # Two numbers make another lock than the one number of the organization's own.
    run("select pg_advisory_xact_lock(:key, 1)", key=org_id.int % (2**31))
