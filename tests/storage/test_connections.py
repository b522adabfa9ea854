"""Connections that the server has closed."""

from __future__ import annotations

import time

import psycopg
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from advocacy.storage.db import db
from tests.support.sql import run


def test_a_connection_that_died_while_idle_is_replaced(world):
    (before,) = run("select pg_backend_pid() as pid")
    db.session.rollback()
    url = make_url(world.app.config["SQLALCHEMY_DATABASE_URI"]).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as other:
        ended = other.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        ).fetchone()
    assert ended
    assert ended[0] >= 1
    # It is asked only after a second: nobody pays for it who comes at once.
    time.sleep(1.1)
    (after,) = run("select pg_backend_pid() as pid")
    assert after.pid != before.pid


def test_an_error_does_not_say_what_its_statement_was_given(world):
    with pytest.raises(SQLAlchemyError) as failed:
        run("select 1 / (length(:email) - length(:email))", email="ana@example.org")
    db.session.rollback()
    assert "division by zero" in str(failed.value)
    assert "ana@" not in str(failed.value)
