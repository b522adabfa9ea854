"""Migrations of large tables do not block storing deliveries."""

from __future__ import annotations

from typing import Any

import flask_migrate
import psycopg
from sqlalchemy import event
from sqlalchemy.engine import make_url

from advocacy.cli.dev.up import MIGRATIONS
from advocacy.storage.db import db


def test_rows_are_inserted_while_indexes_are_built(app):
    db.session.remove()
    url = make_url(app.config["SQLALCHEMY_DATABASE_URI"]).set(drivername="postgresql")
    locked: list[str] = []
    built: list[str] = []

    def insert(_connection: object, _cursor: object, statement: str, *_more: Any) -> None:
        if not statement.lower().startswith("create index"):
            return
        built.append(statement)
        address = url.render_as_string(hide_password=False)
        for table in ("inbox", "links"):
            with psycopg.connect(address) as other:
                try:
                    other.execute(f"lock table {table} in row exclusive mode nowait")
                except psycopg.errors.LockNotAvailable:
                    locked.append(f"{table}: {statement}")

    flask_migrate.downgrade(directory=str(MIGRATIONS), revision="0013")
    event.listen(db.engine, "before_cursor_execute", insert)
    event.listen(db.engine, "after_cursor_execute", insert)
    try:
        flask_migrate.upgrade(directory=str(MIGRATIONS))
    finally:
        event.remove(db.engine, "before_cursor_execute", insert)
        event.remove(db.engine, "after_cursor_execute", insert)
        flask_migrate.upgrade(directory=str(MIGRATIONS))
    assert len(built) >= 4
    assert locked == []
