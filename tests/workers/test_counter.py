"""The counter as a process: it counts what pages ask for, and what a killed one left is counted."""

from __future__ import annotations

import psycopg
import pytest
from redis import Redis

from advocacy.analytics.result_cache import Counting, queue_of
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
    }


@pytest.fixture
def asked(world, redis, monkeypatch):
    """Ask for the ladder of an organization of which everything is counted in the background."""
    asking = Counting(world.settings.redis_url, world.settings.queue)
    asking.live_below = 0
    monkeypatch.setitem(world.app.extensions, "counting", asking)
    world.act("signature", email="ana@example.org", code=world.links["x"])
    world.drain()
    headers = {"Authorization": f"Bearer {world.token()}"}
    return lambda: world.app.test_client().get(LADDER, headers=headers)


def test_the_counter_counts_and_the_drain_does_not(world, variables, redis, asked):
    assert asked().status_code == 202
    with running(variables, *WORKER):
        until(lambda: redis.smembers("rq:workers"))
        assert redis.llen(f"rq:queue:{queue_of(world.settings.queue)}")
        assert asked().status_code == 202
    with running(variables, *COUNTER):
        until(lambda: asked().status_code == 200)
    assert asked().json["people"] == 1


@pytest.mark.slow
def test_a_count_whose_worker_was_killed_is_taken_up_again(variables, asked, environment):
    url = environment["DATABASE_URL"].replace("postgresql+psycopg:", "postgresql:", 1)
    with psycopg.connect(url) as other:
        other.execute("lock table actions in access exclusive mode")
        with running(variables, *COUNTER):
            assert asked().status_code == 202
            with psycopg.connect(url, autocommit=True) as watching:
                until(
                    lambda: watching.execute(
                        "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
                        " and query ilike '%with people as%' and datname = current_database()"
                    ).fetchone()
                )
            # Leaving kills the worker and the child that counts, in the middle.
        assert asked().status_code == 202
        other.rollback()
    with running(variables, *COUNTER):
        until(lambda: asked().status_code == 200, 60)
    assert asked().json["people"] == 1
