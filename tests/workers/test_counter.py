"""The counter process: it calculates what pages request, also after one was killed."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from advocacy.analytics.result_cache import Counting
from advocacy.ingestion.wakeup import counts_queue
from tests.support.processes import COUNTER, WORKER, until
from tests.support.processes import process as running

LADDER = "/api/v1/campaigns/stay/ladder"


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
        "SECRET_KEY": settings.secret_key,
        "QUEUE": settings.queue,
        "LEASE_SECONDS": "2",
    }


@pytest.fixture
def asked(world, redis, monkeypatch):
    """Ask for the ladder of an organization of which everything is counted in the background."""
    asking = Counting(world.settings.redis_url, world.settings.queue)
    asking.live_below = 0
    monkeypatch.setitem(world.app.extensions, "counting", asking)
    world.act("signature", email="ana@example.org", code=world.links["x"])
    # Whether a monthly gift goes on is read from the actions themselves.
    gift = {"amount": "5.00", "currency": "USD", "recurs_as": "monthly"}
    world.act("donation", email="ana@example.org", **gift)
    world.drain()
    headers = {"Authorization": f"Bearer {world.token()}"}
    return lambda: world.app.test_client().get(LADDER, headers=headers)


def test_the_counter_counts_and_the_drain_does_not(world, variables, redis, asked):
    assert asked().status_code == 202
    with running(variables, *WORKER):
        until(lambda: redis.smembers("rq:workers"))
        assert redis.llen(f"rq:queue:{counts_queue(world.settings.queue)}")
        assert asked().status_code == 202
    with running(variables, *COUNTER):
        until(lambda: asked().status_code == 200)
    assert asked().json["people"] == 1


def waits(url: str) -> bool:
    """Say whether a count waits for the table."""
    with psycopg.connect(url) as watching:
        found = watching.execute(
            "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
            " and query ilike '%from actions%' and datname = current_database()"
        )
        return found.fetchone() is not None


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_calculations_of_killed_workers_are_repeated_after_a_lease(
    world, variables, redis, asked, environment
):
    url = environment["DATABASE_URL"].replace("postgresql+psycopg:", "postgresql:", 1)
    queue = f"rq:queue:{counts_queue(world.settings.queue)}"
    with psycopg.connect(url) as other:
        other.execute("lock table actions in access exclusive mode")
        # Two: one job may be enqueued beside another that a killed worker seems to run.
        for _ in range(2):
            assert asked().status_code == 202
            with running(variables, *COUNTER) as counter:
                until(lambda: not redis.llen(queue))
                until(lambda: waits(url))
                # The child that counts is in a group of its own.
                children = Path(f"/proc/{counter.pid}/task/{counter.pid}/children").read_text()
                for pid in (counter.pid, *map(int, children.split())):
                    os.kill(pid, signal.SIGKILL)
            # Its connection keeps the lock of the count until PostgreSQL sees that it is gone.
            until(lambda: not waits(url))
        other.rollback()
    with running(variables, *COUNTER):
        began = time.monotonic()
        until(lambda: asked().status_code == 200, 60)
        # A lease, the start of a counter, and the count.
        assert time.monotonic() - began < 2 + 15
    assert asked().json["people"] == 1
