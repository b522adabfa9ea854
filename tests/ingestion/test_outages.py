"""Outages are not attributed to a delivery: real errors of PostgreSQL."""

from __future__ import annotations

import psycopg
import pytest
from redis.exceptions import ConnectionError as RedisAway
from rq.timeouts import JobTimeoutException
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from advocacy.ingestion import drain
from advocacy.storage import inbox, outages
from advocacy.storage.connections import DeadlineExceeded
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from tests.support.deliveries import DELIVERIES
from tests.support.sql import run

NUMBER = 120


def raising(state: str) -> tuple[list[str], list[str]]:
    """What makes each insert of an action fail with this SQLSTATE, and what ends that."""
    return (
        [
            f"""create function broken() returns trigger language plpgsql as
                $$begin raise exception 'on purpose' using errcode = '{state}'; end$$""",
            "create trigger broken before insert on actions for each row execute function broken()",
        ],
        ["drop trigger broken on actions", "drop function broken"],
    )


OUTAGES = {
    "disk_full": raising("53100"),
    "out_of_memory": raising("53200"),
    "too_many_connections": raising("53300"),
    "locked": raising("55P03"),
    "deadlock": raising("40P01"),
    "contended": raising("40001"),
    "timed_out": raising("57014"),
    "shutting_down": raising("57P01"),
    "io_error": raising("58030"),
    "read_only": raising("25006"),
    "database_fault": raising("XX001"),
    "tables_differ": (
        ["alter table actions rename column kind to kind_of_old"],
        ["alter table actions rename column kind_of_old to kind"],
    ),
    "no_table": (["alter table actions rename to old"], ["alter table old rename to actions"]),
}


def change(statements: list[str]) -> None:
    db.session.rollback()
    with transaction():
        for statement in statements:
            run(statement)


@pytest.mark.parametrize("name", OUTAGES)
def test_an_outage_costs_no_delivery_an_attempt(world, name):
    for number in range(NUMBER):
        world.act("call", id=f"c{number}", email=f"p{number}@example.org")
    broken, repaired = OUTAGES[name]
    change(broken)
    try:
        for _ in range(world.settings.max_attempts + 2):
            with pytest.raises(DBAPIError) as error:
                world.drain()
            assert outages.name_of(error.value) == name.replace("no_table", "tables_differ")
            db.session.rollback()
        assert run(f"select status, attempts, count(*) from {DELIVERIES} group by 1, 2") == [
            ("pending", 0, NUMBER)
        ]
        assert run("select * from claims") == [], "it is anybody's"
    finally:
        change(repaired)
    world.drain()
    assert inbox.counts(world.org_id) == {"pending": 0, "done": NUMBER, "quarantined": 0}
    assert world.report().actions == world.report().supporters.distinct == NUMBER


@pytest.mark.parametrize("many", [5, pytest.param(40, marks=pytest.mark.slow)])
@pytest.mark.parametrize("state", ["22003", "22P02", "23514", "23505", "54000", "21000"])
def test_data_errors_are_attributed_to_the_delivery(world, state, many):
    """One of many: the others are counted, and cost nobody an attempt."""
    for number in range(many):
        world.act("call", id=f"c{number}", email=f"p{number}@example.org")
    change(
        [
            f"""create function broken() returns trigger language plpgsql as
                $$begin raise exception 'on purpose' using errcode = '{state}'; end$$""",
            """create trigger broken before insert on actions for each row
               when (new.external_id = 'c3') execute function broken()""",
        ]
    )
    try:
        # Once more, where the time of a drain was over before the third attempt.
        world.drain()
        world.drain()
    finally:
        change(OUTAGES["disk_full"][1])
    assert run(
        f"select status, reason, attempts, count(*) from {DELIVERIES} group by 1, 2, 3 order by 1"
    ) == [
        ("done", "", 0, many - 1),
        ("quarantined", "failed", 3, 1),
    ]


def wait_briefly(connection):
    connection.exec_driver_sql("set local lock_timeout = '200ms'")


def test_a_table_that_stays_locked_is_waited_for(world, environment):
    world.act("call", id="c1", email="a@example.org")
    url = environment["DATABASE_URL"].replace("postgresql+psycopg:", "postgresql:", 1)
    with psycopg.connect(url) as other:
        other.execute("lock table actions")
        event.listen(db.engine, "begin", wait_briefly)
        try:
            with pytest.raises(DBAPIError) as error:
                world.drain()
            assert outages.name_of(error.value) == "locked"
        finally:
            event.remove(db.engine, "begin", wait_briefly)
            db.session.rollback()
    world.drain()
    assert run(f"select status, attempts from {DELIVERIES}") == [("done", 0)]


def test_a_lost_connection_costs_no_attempt(world, environment, monkeypatch):
    world.act("call", id="c1", email="a@example.org")
    url = environment["DATABASE_URL"].replace("postgresql+psycopg:", "postgresql:", 1)
    real = drain.apply_batch

    def settle(*arguments, **named):
        (own,) = run("select pg_backend_pid()")[0]
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("select pg_terminate_backend(%s)", [own])
        return real(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(drain, "apply_batch", settle)
        with pytest.raises(DBAPIError) as error:
            world.drain()
    assert outages.name_of(error.value) in {"shutting_down", "no_connection"}
    world.drain()
    assert run(f"select status, attempts from {DELIVERIES}") == [("done", 0)]


@pytest.mark.parametrize("error", [MemoryError(), JobTimeoutException(), OSError(28, "full")])
def test_a_parser_without_memory_or_time_is_not_held_against_the_body(world, monkeypatch, error):
    from advocacy.providers import standard_webhooks

    world.act("call", id="c1", email="a@example.org")

    def parse(_verified):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(standard_webhooks, "parse", parse)
        with pytest.raises(type(error)):
            world.drain()
    world.drain()
    assert run(f"select status, attempts from {DELIVERIES}") == [("done", 0)]


def test_every_outage_has_a_description():
    errors = [
        MemoryError(),
        OSError(),
        RedisAway(),
        JobTimeoutException(),
        DeadlineExceeded(),
    ]
    names = {outages.name_of(error) for error in errors}
    assert "" not in names
    assert names | set(outages._NAMES_BY_STATE.values()) | set(
        outages._NAMES_BY_CLASS.values()
    ) == set(outages.ADVICE)
    assert {outages.name_of(error) for error in (ValueError(), KeyError(), RecursionError())} == {
        ""
    }
