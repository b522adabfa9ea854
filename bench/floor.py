"""The least that a drain and an import can cost: what any correct one has to do, and no more.

A drain decrypts and decodes each body, makes three keyed hashes, copies one row into a table with
four indexes, deletes what said that the delivery waited, and commits each batch. An import reads a
row, writes it as JSON, encrypts and fingerprints it, makes two keyed hashes, and copies one row for
the body and one with three indexes for the action.

Note: nothing is looked up, attributed or added up here, so no drain can be as fast.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from advocacy.core.crypto import digest as keyed_hash
from advocacy.core.crypto import fingerprint, organization_key, seal, unseal
from advocacy.core.ids import new_id

BATCH = 2_000
_INBOX = "id uuid not null, digest bytea not null, body bytea not null"
_ACTIONS = """org_id uuid not null, id uuid not null, campaign_id uuid not null,
post_id uuid not null, link_id uuid not null, source_id uuid not null,
supporter int4 not null, kind int2 not null, tier int2 not null, platform int2 not null,
occurred_at timestamptz not null,
gross_minor int8 not null, refunded_minor int8 not null, currency text not null,
email bytea not null, phone bytea not null, click bytea not null, external_id text not null,
delivery_id uuid not null"""
_TYPES = [*["uuid"] * 6, "int4", *["int2"] * 3, "timestamptz", "int8", "int8", "text"]
_TYPES += [*["bytea"] * 3, "text", "uuid"]
_COPY = "copy bench_floor_actions from stdin (format binary)"
_INDEXES = (
    "create unique index on bench_floor_actions (org_id, id)",
    "create index on bench_floor_actions (org_id, supporter, occurred_at)",
    "create index on bench_floor_actions (org_id, campaign_id, occurred_at)",
    "create index on bench_floor_actions (org_id, click)",
)


def drain(url: str, secret_key: str, org_id: UUID) -> Callable[[], int]:
    """Prepare the tables, and return the work: it processes the deliveries of an organization."""
    master = secret_key.encode()
    key = organization_key(master, org_id, "identity")
    connection = psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:", 1))
    _make(connection, _INDEXES)
    connection.execute("create table bench_floor_waiting (org_id uuid, id uuid)")
    connection.execute(
        "insert into bench_floor_waiting select org_id, id from inbox where org_id = %s", [org_id]
    )
    connection.execute("alter table bench_floor_waiting add primary key (org_id, id)")
    connection.commit()
    connection.execute("set synchronous_commit = off")
    connection.commit()
    decoder = msgspec.json.Decoder()

    def work() -> int:
        done, last = 0, UUID(int=0)
        while True:
            rows = connection.execute(
                """select i.id, i.source_id, i.received_at, i.body
                   from bench_floor_waiting w join inbox i on i.org_id = w.org_id and i.id = w.id
                   where w.org_id = %s and w.id > %s order by w.id limit %s""",
                [org_id, last, BATCH],
                binary=True,
            ).fetchall()
            if not rows:
                return done
            with connection.cursor().copy(_COPY) as copying:
                copying.set_types(_TYPES)
                for delivery_id, source_id, at, body in rows:
                    name = f"body:{delivery_id}"
                    decoder.decode(unseal(master, org_id, name, body))
                    email, phone, click = (
                        bytes.fromhex(keyed_hash(key, kind, name))
                        for kind in ("email", "phone", "person")
                    )
                    copying.write_row(
                        (org_id, delivery_id, source_id, source_id, source_id, source_id, done, 1,
                         1, 1, at, 2500, 0, "USD", email, phone, click, name, delivery_id)
                    )  # fmt: skip
                    done += 1
            ids = [row[0] for row in rows]
            connection.execute(
                "delete from bench_floor_waiting where org_id = %s and id = any(%s)", [org_id, ids]
            )
            connection.commit()
            last = ids[-1]

    return work


def import_rows(url: str, secret_key: str, path: Path) -> Callable[[], int]:
    """Prepare the tables, and return the work: it imports the rows of a CSV file."""
    master, org_id, source_id = secret_key.encode(), new_id(), new_id()
    key = organization_key(master, org_id, "identity")
    connection = psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:", 1))
    _make(connection, _INDEXES[:3])
    connection.execute(f"create table bench_floor_inbox ({_INBOX}, primary key (id))".encode())
    connection.commit()
    at = datetime.now(UTC)

    def work() -> int:
        done = 0
        with path.open(newline="") as lines:
            for batch in _batches(csv.DictReader(lines)):
                sealed, rows = [], []
                for row in batch:
                    delivery_id = new_id()
                    body = json.dumps(row, ensure_ascii=False, sort_keys=True).encode()
                    sealed.append((
                        delivery_id,
                        fingerprint(master, org_id, body),
                        seal(master, org_id, f"body:{delivery_id}", body),
                    ))  # fmt: skip
                    email, phone = (
                        bytes.fromhex(keyed_hash(key, kind, row["Donor Email"]))
                        for kind in ("email", "phone")
                    )
                    rows.append(
                        (org_id, delivery_id, source_id, source_id, source_id, source_id, done, 1,
                         1, 1, at, 2500, 0, "USD", email, phone, b"", row["Receipt ID"],
                         delivery_id)
                    )  # fmt: skip
                    done += 1
                _copy(connection, "copy bench_floor_inbox from stdin (format binary)",
                      ["uuid", "bytea", "bytea"], sealed)  # fmt: skip
                _copy(connection, _COPY, _TYPES, rows)
                connection.commit()
        return done

    return work


def _make(connection: psycopg.Connection, indexes: tuple[str, ...]) -> None:
    for name in ("actions", "waiting", "inbox"):
        connection.execute(f"drop table if exists bench_floor_{name}".encode())
    connection.execute(f"create table bench_floor_actions ({_ACTIONS})".encode())
    for index in indexes:
        connection.execute(index.encode())


def _copy(
    connection: psycopg.Connection, statement: str, types: list[str], rows: list[tuple[Any, ...]]
) -> None:
    with connection.cursor().copy(statement.encode()) as copying:
        copying.set_types(types)
        for row in rows:
            copying.write_row(row)


def _batches(rows: Iterator[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch
