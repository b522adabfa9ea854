"""Real workers through an outage, and after they were killed."""

from __future__ import annotations

import http.client
import os
import signal
import time

import pytest
from click.testing import CliRunner
from redis import Redis

from advocacy.cli import main
from advocacy.cli.dev.up import free_port
from advocacy.ingestion import wakeup
from advocacy.storage import inbox
from advocacy.storage.session import transaction
from tests.support.deliveries import DELIVERIES
from tests.support.processes import CLOCK, WEB, WORKER, until
from tests.support.processes import process as running
from tests.support.sql import run

BREAK = (
    """create function broken() returns trigger language plpgsql as
       $$begin raise exception 'on purpose' using errcode = '53100'; end$$""",
    "create trigger broken before insert on actions for each row execute function broken()",
)
REPAIR = ("drop trigger if exists broken on actions", "drop function if exists broken")


@pytest.fixture
def redis(environment):
    connection = Redis.from_url(environment["REDIS_URL"])
    connection.flushall()
    yield connection
    connection.flushall()


@pytest.fixture
def variables(environment, settings, redis):
    return {
        **environment,
        "VAR_DIR": str(settings.var_dir),
        "LEASE_SECONDS": "4",
        "BATCH_SIZE": "50",
        "SECRET_KEY": settings.secret_key,
    }


def change(statements) -> None:
    with transaction():
        for statement in statements:
            run(statement)


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


@pytest.mark.slow
def test_a_full_disk_quarantines_nothing_and_is_reported(world, variables, redis):
    port = free_port()
    change(BREAK)
    try:
        with (
            running({**variables, "PORT": str(port)}, *WEB),
            running(variables, *WORKER),
            running(variables, *CLOCK),
        ):
            for number in range(300):
                answer = world.act("call", id=f"c{number}", email=f"p{number}@example.org")
                assert answer.status_code == 200
            wakeup.enqueue_drain(redis, "drain", world.org_id)
            until(lambda: get(port, "/ready") == (200, "ok\npostponed: disk_full\n"))
            # Longer than three tries by hints and sweeps would take.
            time.sleep(8)
            with transaction():
                assert inbox.counts(world.org_id)["pending"] == 300
                assert run(f"select max(attempts) from {DELIVERIES}")[0][0] == 0
            told = CliRunner().invoke(main.main, ["doctor"], env=variables).output
            assert "PostgreSQL's disk is full; free some space" in told
            page = world.member("reader").get("/quarantine").text
            assert "disk_full" in page
            change(REPAIR)
            until(lambda: inbox.counts(world.org_id)["done"] == 300, seconds=90)
            until(lambda: get(port, "/ready") == (200, "ok\n"))
    finally:
        change(REPAIR)
    assert inbox.counts(world.org_id)["quarantined"] == 0
    assert world.report().actions == world.report().supporters.distinct == 300


@pytest.mark.slow
def test_two_workers_killed_while_they_drain_cost_one_lease(world, variables, redis):
    for number in range(1500):
        world.act("call", id=f"c{number}", email=f"p{number}@example.org")
    with running(variables, *CLOCK):
        with running(variables, *WORKER) as first, running(variables, *WORKER) as second:
            # Each is announced until both have a batch.
            def both_at_work() -> bool:
                wakeup.enqueue_drain(redis, "drain", world.org_id)
                return len(redis.keys("*-slot-*")) == 2 and _done() > 0

            def _done() -> int:
                with transaction():
                    return inbox.counts(world.org_id)["done"]

            until(both_at_work)
            for worker in (first, second):
                os.killpg(worker.pid, signal.SIGKILL)
            with transaction():
                left = inbox.counts(world.org_id)["pending"]
            assert left > 0, "they were done before they were killed: it says nothing"
        began = time.monotonic()
        with running(variables, *WORKER):
            until(lambda: inbox.counts(world.org_id)["done"] == 1500, seconds=60)
        took = time.monotonic() - began
    # A lease, a sweep's interval, the start of a worker, and the work itself.
    assert took < 4 + 5 + 15
    with transaction():
        assert run(f"select max(attempts) from {DELIVERIES}")[0][0] == 0
    assert world.report().actions == 1500
