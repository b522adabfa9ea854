"""texts of tools are stored without addresses, numbers and digests of them

What was stored as a tool wrote it is keyed or scrubbed by the rule of `advocacy.core.minimization`, with
SECRET_KEY as it was. The action's id follows from its name and changes with it. Each organization's
drain waits while its rows are gone through; deliveries are taken meanwhile.

An old worker that runs on gives what it reads the former names: `advocacy rebuild` for each
organization, after the last of them is gone, makes one action of both.
"""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from flask import current_app

from advocacy.core.crypto import organization_key, seal_text
from advocacy.core.ids import BODY_ID
from advocacy.core.minimization import (
    KEYED,
    is_plain_name,
    keyed_name,
    retained_code,
    retained_host,
    retained_media_type,
    retained_name,
    retained_target,
    retained_utm,
)
from advocacy.core.personal_data import scrub
from advocacy.ingestion.minimization import retained_fact
from advocacy.ingestion.reconcile import Fact
from advocacy.providers.csv_exports import ROW

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_AT_ONCE = 2_000


def upgrade() -> None:
    master = current_app.extensions["settings"].secret_key.encode()
    for (org_id,) in _run("select id from organizations").all():
        # As a rebuild does: no batch is settled meanwhile.
        _run("select pg_advisory_xact_lock(:key)", key=org_id.int % (2**63))
        key = organization_key(master, org_id, "identity")
        renamed: dict[UUID, UUID] = {}
        for row in _rows(org_id, "inbox", "source_id, facts"):
            for fact, now in _facts(row, key):
                if fact.action_id != now.action_id:
                    renamed[fact.action_id] = now.action_id
        _deliveries(master, org_id, key, renamed)
        _actions(org_id, key, renamed)
        _names(org_id, renamed)
        _clicks(org_id)


def _run(statement: str, **values: Any) -> sa.CursorResult[Any]:
    return op.get_bind().execute(sa.text(statement), values)


def _rows(org_id: UUID, table: str, columns: str) -> Iterator[Any]:
    after = UUID(int=0)
    while rows := _run(
        f"""select id, {columns} from {table}
            where org_id = :o and id > :after order by id limit :limit""",  # noqa: S608
        o=org_id,
        after=after,
        limit=_AT_ONCE,
    ).all():
        yield from rows
        after = rows[-1].id


def _facts(row: Any, key: bytes) -> Iterator[tuple[Fact, Fact]]:
    for told in row.facts or []:
        fact = Fact.from_json(told)
        yield fact, retained_fact(fact, row.source_id, key)


def _deliveries(master: bytes, org_id: UUID, key: bytes, renamed: dict[UUID, UUID]) -> None:
    columns = """source_id, external_id, message_id, content_type, reason, detail, facts,
                 body is null as gone, left(encode(body_digest, 'hex'), 24) as digest"""
    changed: list[dict[str, Any]] = []
    for row in _rows(org_id, "inbox", columns):
        facts = [
            {**now.to_json(), "same_as": [str(renamed.get(each, each)) for each in now.same_as]}
            if now.same_as
            else now.to_json()
            for _, now in _facts(row, key)
        ]
        message_id = "" if row.gone else row.message_id
        if not message_id.startswith("sealed:"):
            message_id = seal_text(master, org_id, f"message:{row.id}", message_id)
        now = {
            "name": _delivery_name(master, org_id, row),
            "message_id": message_id,
            "content_type": row.content_type
            if row.content_type == ROW
            else retained_media_type(row.content_type),
            "detail": scrub(row.detail),
            "facts": row.facts if row.facts is None else facts,
        }
        before = (row.external_id, row.message_id, row.content_type, row.detail, row.facts)
        if tuple(now.values()) != before:
            changed.append({"id": row.id, **now, "facts": json.dumps(now["facts"])})
        if len(changed) >= _AT_ONCE:
            _put_deliveries(org_id, changed)
            changed = []
    _put_deliveries(org_id, changed)


def _put_deliveries(org_id: UUID, changed: list[dict[str, Any]]) -> None:
    if not changed:
        return
    _run(
        """update inbox i
           set message_id = v.message_id, content_type = v.content_type, detail = v.detail,
               facts = nullif(v.facts::jsonb, 'null'::jsonb),
               -- A new process may have been told the same meanwhile, and counts it once.
               external_id = case when exists (
                   select 1 from inbox other
                   where other.org_id = :o and other.source_id = i.source_id
                     and other.external_id = v.name and other.id <> i.id)
                 then v.name || '#' || i.id else v.name end
           from unnest(cast(:ids as uuid[]), cast(:names as text[]), cast(:messages as text[]),
                       cast(:types as text[]), cast(:details as text[]), cast(:facts as text[]))
                as v (id, name, message_id, content_type, detail, facts)
           where i.org_id = :o and i.id = v.id""",
        o=org_id,
        ids=[each["id"] for each in changed],
        names=[each["name"] for each in changed],
        messages=[each["message_id"] for each in changed],
        types=[each["content_type"] for each in changed],
        details=[each["detail"] for each in changed],
        facts=[each["facts"] for each in changed],
    )


def _delivery_name(master: bytes, org_id: UUID, row: Any) -> str:
    """Return a delivery's name as it is stored now, also where a digest tells two bodies apart."""
    name, told_apart = row.external_id, ""
    if row.reason == "id_reuse" and name.endswith(f"#{row.digest}"):
        name, told_apart = name.removesuffix(f"#{row.digest}"), f"#{row.digest}"
    if name.startswith(("body:", KEYED, BODY_ID)):
        return f"{name}{told_apart}"
    return f"{keyed_name(master, org_id, name)}{told_apart}"


def _actions(org_id: UUID, key: bytes, renamed: dict[UUID, UUID]) -> None:
    there = {row.id for row in _rows(org_id, "actions", "1")} if renamed else set()
    changed: list[dict[str, Any]] = []
    for row in _rows(org_id, "actions", "external_id, recurs_as, code, utm, referrer, target"):
        new_id = renamed.get(row.id, row.id)
        now = {
            "external_id": _name(row.external_id, key),
            "recurs_as": _name(row.recurs_as, key),
            "code": retained_code(row.code),
            "utm": retained_utm(row.utm),
            "referrer": retained_host(row.referrer),
            "target": retained_target(row.target, key),
        }
        if (new_id, *now.values()) != tuple(row):
            # What a new process has counted under the new name is joined by a rebuild.
            changed.append({"old": row.id, "new": row.id if new_id in there else new_id, **now})
        if len(changed) >= _AT_ONCE:
            _put_actions(org_id, changed)
            changed = []
    _put_actions(org_id, changed)


def _put_actions(org_id: UUID, changed: list[dict[str, Any]]) -> None:
    if not changed:
        return
    _run(
        """update actions a
           set id = v.new, external_id = v.external_id, recurs_as = v.recurs_as, code = v.code,
               utm = v.utm::jsonb, referrer = v.referrer, target = v.target
           from unnest(cast(:old as uuid[]), cast(:new as uuid[]), cast(:external_id as text[]),
                       cast(:recurs_as as text[]), cast(:code as text[]), cast(:utm as text[]),
                       cast(:referrer as text[]), cast(:target as text[]))
                as v (old, new, external_id, recurs_as, code, utm, referrer, target)
           where a.org_id = :o and a.id = v.old""",
        o=org_id,
        **{
            name: [json.dumps(each[name]) if name == "utm" else each[name] for each in changed]
            for name in changed[0]
        },
    )


def _name(name: str, key: bytes) -> str:
    return name if name.startswith(KEYED) or is_plain_name(name) else retained_name(name, key)


def _names(org_id: UUID, renamed: dict[UUID, UUID]) -> None:
    if not renamed:
        return
    renames = {"old": list(renamed), "new": list(renamed.values())}
    _run(
        """update action_names n set action_id = v.new
           from unnest(cast(:old as uuid[]), cast(:new as uuid[])) as v (old, new)
           where n.org_id = :o and n.action_id = v.old""",
        o=org_id,
        **renames,
    )
    _run(
        """update action_names n set name = v.new
           from unnest(cast(:old as uuid[]), cast(:new as uuid[])) as v (old, new)
           where n.org_id = :o and n.name = v.old
             and not exists (select 1 from action_names there
                             where there.org_id = :o and there.name = v.new)""",
        o=org_id,
        **renames,
    )

    _settle_ids(org_id, list(renamed.values()))


def _settle_ids(org_id: UUID, new: list[UUID]) -> None:
    """Call each action that has several names by the least of them, as `ledger.joined` does."""
    least = _run(
        """select action_id as old, min(name::text)::uuid as new from action_names
           where org_id = :o and action_id in (
             select action_id from action_names
             where org_id = :o and name = any(cast(:new as uuid[])))
           group by action_id having min(name::text) <> action_id::text""",
        o=org_id,
        new=new,
    ).all()
    renames = {"old": [row.old for row in least], "new": [row.new for row in least]}
    for statement in (
        """update actions a set id = v.new
           from unnest(cast(:old as uuid[]), cast(:new as uuid[])) as v (old, new)
           where a.org_id = :o and a.id = v.old
             and not exists (select 1 from actions there
                             where there.org_id = :o and there.id = v.new)""",
        """update action_names n set action_id = v.new
           from unnest(cast(:old as uuid[]), cast(:new as uuid[])) as v (old, new)
           where n.org_id = :o and n.action_id = v.old""",
    ):
        _run(statement, o=org_id, **renames)


def _clicks(org_id: UUID) -> None:
    for (host,) in _run(
        "select distinct referrer_host from touches where org_id = :o and referrer_host <> ''",
        o=org_id,
    ).all():
        if (now := retained_host(host)) != host:
            _run(
                """update touches set referrer_host = :now
                   where org_id = :o and referrer_host = :host""",
                o=org_id,
                host=host,
                now=now,
            )


def downgrade() -> None:
    pass
