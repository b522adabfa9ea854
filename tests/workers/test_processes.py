"""Processes are killed, and nothing is lost.

Real processes against the real servers. What is counted at the end is what was sent.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from rq import Callback

from advocacy.analytics.figures import Clicks
from advocacy.cli.dev.up import free_port
from advocacy.ingestion import drain, wakeup
from advocacy.storage import inbox
from advocacy.storage.session import transaction
from advocacy.tracking.click_log import waiting_bytes
from tests.support.processes import CLOCK, ROOT, WEB, WORKER, answers, children_of, request, until
from tests.support.processes import process as running
from tests.support.sql import run
from workers.run import JSONQueue
from workers.schedule import SCHEDULE

KILLER = (sys.executable, "-m", "tests.support.killer")


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
        "LEASE_SECONDS": "2",
        "BATCH_SIZE": "20",
        "SECRET_KEY": settings.secret_key,
    }


def counts(world) -> dict[str, int]:
    with transaction():
        return inbox.counts(world.org_id)


def send(world, number: int, **more) -> None:
    for index in range(number):
        world.act("signature", id=f"s{index}", email=f"{index}@example.org", **more)


def announce(world, redis) -> None:
    wakeup.enqueue_drain(redis, "drain", world.org_id)


def test_a_hint_wakes_the_worker(world, variables, redis):
    send(world, 45)
    with running(variables, *WORKER):
        announce(world, redis)
        until(lambda: counts(world)["done"] == 45)
    assert world.report().supporters.distinct == 45


@pytest.mark.slow
def test_the_metrics_count_workers_and_show_their_last_drain(world, variables, redis, settings):
    def scrape() -> dict[str, float]:
        settings_with = replace(settings, metrics_token="operator-" + "t" * 32)
        world.app.extensions["settings"] = settings_with
        try:
            headers = {"Authorization": f"Bearer {settings_with.metrics_token}"}
            text = world.app.test_client().get("/metrics", headers=headers).text
        finally:
            world.app.extensions["settings"] = settings
        return {
            line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
            for line in text.splitlines()
            if not line.startswith("#")
        }

    assert scrape()['advocacy_workers{queue="drain"}'] == 0
    send(world, 5)
    with running(variables, *WORKER), running(variables, *WORKER):
        announce(world, redis)
        until(lambda: counts(world)["done"] == 5)
        until(lambda: scrape()['advocacy_workers{queue="drain"}'] == 2)
        last = 'advocacy_last_drain_seconds{organization="hope"}'
        until(lambda: last in scrape(), 5)
        found = scrape()
    assert 0 <= found[last] < 30
    assert found['advocacy_workers{queue="counts"}'] == 0


@pytest.mark.slow
def test_a_body_that_kills_the_process_ends_in_quarantine(world, variables, redis):
    send(world, 30)
    world.act("signature", id="killer", email="k@example.org")
    with running(variables, *KILLER), running(variables, *CLOCK):
        until(lambda: counts(world) == {"pending": 0, "done": 30, "quarantined": 1}, 60)
    with transaction():
        (row,) = inbox.list_quarantined(world.org_id)
    assert (row.reason, row.attempts) == ("killed_worker", 3)
    assert world.report().actions == 30


def test_worker_and_its_child_killed_in_the_middle_give_the_same_numbers(world, variables, redis):
    send(world, 15)
    world.act("signature", id="killer", email="k@example.org")
    with running({**variables, "KILL": "all"}, *KILLER) as worker:
        announce(world, redis)
        assert worker.wait(30) == -signal.SIGKILL
    assert counts(world)["pending"] == 16
    with running(variables, *WORKER), running(variables, *CLOCK):
        until(lambda: counts(world) == {"pending": 0, "done": 16, "quarantined": 0}, 60)
    before = world.report()
    assert before.actions == before.supporters.distinct == 16
    drain.rebuild(world.settings, world.org_id)
    assert world.report() == before


@pytest.mark.parametrize("stands", ["parse", "apply"])
def test_a_worker_that_is_stopped_past_its_lease_is_replaced(world, variables, redis, stands):
    """What it did is dropped when it goes on; while it applied, nobody waits for its locks."""
    send(world, 15)
    world.act("signature", id="killer", email="k@example.org")
    with running({**variables, "STOP": stands}, *KILLER) as worker:
        announce(world, redis)
        until(lambda: stopped_child_of(worker.pid))
        stopped = stopped_child_of(worker.pid)
        with running(variables, *WORKER), running(variables, *CLOCK):
            until(lambda: counts(world) == {"pending": 0, "done": 16, "quarantined": 0}, 60)
            before = world.report()
            assert before.actions == before.supporters.distinct == 16
            os.kill(stopped, signal.SIGCONT)
            until(lambda: stopped not in children_of(worker.pid))
    assert counts(world) == {"pending": 0, "done": 16, "quarantined": 0}
    assert run("select * from claims") == []
    assert world.report() == before
    drain.rebuild(world.settings, world.org_id)
    assert world.report() == before


def stopped_child_of(pid: int) -> int:
    """Return a stopped child of a process, or 0."""
    for child in children_of(pid):
        if (Path("/proc") / str(child) / "stat").read_text().rpartition(")")[2].split()[0] == "T":
            return child
    return 0


def test_after_an_upgrade_workers_rebuild_once_and_go_on(world, variables, redis):
    send(world, 5)
    world.drain()
    with transaction():
        run("update organizations set derived_version = 0")
        run("update totals set units = 2 * units")
    world.act("signature", id="late", email="late@example.org")
    with running(variables, *WORKER), running(variables, *CLOCK):
        until(lambda: counts(world) == {"pending": 0, "done": 6, "quarantined": 0}, 60)
    assert run("select 1 from organizations where derived_version > 0")
    assert world.report().actions == 6


@pytest.mark.slow
def test_flushing_redis_loses_nothing(world, variables, redis):
    with running(variables, *WORKER), running(variables, *CLOCK):
        send(world, 20)
        announce(world, redis)
        redis.flushall()
        send(world, 40)
        redis.flushall()
        until(lambda: counts(world)["done"] == 60, 30)
    assert world.report().supporters.distinct == 40


@pytest.mark.slow
def test_a_failed_job_is_logged_without_its_message(world, variables, redis):
    queue = JSONQueue("drain", connection=redis)
    asked = json.dumps(["ladder", None, {"canary@example.org": 1}])
    job = queue.enqueue("workers.jobs.count", str(world.org_id), asked, failure_ttl=60)
    with subprocess.Popen(
        WORKER, cwd=ROOT, env={**os.environ, **variables}, stderr=subprocess.PIPE, text=True
    ) as worker:
        until(lambda: job.get_status() == "failed")
        worker.terminate()
        told = worker.communicate(timeout=30)[1]
    assert "canary" not in told
    lines = [json.loads(line) for line in told.splitlines()]
    (line,) = [line for line in lines if line["event"] == "job_failed"]
    assert line["exception"].startswith("TypeError at ") and "jobs.py:" in line["exception"]
    assert job.latest_result().exc_string == ""


def test_write_access_to_redis_runs_no_code(world, variables, redis, tmp_path):
    queue, touched = JSONQueue("drain", connection=redis), tmp_path / "touched"
    foreign = [
        queue.enqueue(name, *arguments, failure_ttl=60)
        for name, *arguments in (
            ("os.system", f"touch {touched}"),
            ("workers.jobs.process.os.system", f"touch {touched}"),
            ("workers.jobs.UUID", str(world.org_id)),
        )
    ]
    ours = queue.enqueue(
        "workers.jobs.drain",
        str(world.org_id),
        result_ttl=60,
        on_success=Callback("os.getcwd"),
    )
    world.act("call", id="c1", email="a@example.org")
    with running(variables, *WORKER):
        until(lambda: counts(world)["done"] == 1)
        until(lambda: {job.get_status() for job in foreign} == {"failed"})
        until(lambda: ours.get_status() == "finished")
    assert not touched.exists()


@pytest.mark.slow
def test_the_clock_writes_nothing_that_runs_as_code(world, variables, redis):
    with running(variables, *CLOCK):
        until(lambda: redis.llen("rq:queue:drain"))
    for job_id in redis.lrange("rq:queue:drain", 0, -1):
        data = redis.hget(b"rq:job:" + job_id, "data")
        import zlib

        told = json.loads(zlib.decompress(data))
        assert told[0] in {f"workers.jobs.{entry['func'].__name__}" for entry in SCHEDULE}


def test_a_notification_never_waits_for_a_hanging_redis(world, settings):
    import socket
    import time

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        nudger = wakeup.RedisNotifier(f"redis://127.0.0.1:{silent.getsockname()[1]}")
        world.app.extensions["notifier"], before = nudger, world.app.extensions["notifier"]
        try:
            began = time.monotonic()
            for index in range(5):
                answer = world.act("call", id=f"c{index}", email="a@example.org")
                assert answer.status_code == 200
            assert time.monotonic() - began < 1.0
        finally:
            world.app.extensions["notifier"] = before


@pytest.mark.slow
def test_clicks_answered_before_kill_9_are_not_lost(world, variables):
    """No click that got a 302 is lost, whichever process is killed at any time."""
    person = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0"}
    path = f"/r/{world.links['instagram']}"
    seen = 0
    for _ in range(3):
        port = free_port()
        slow = {**variables, "PORT": str(port), "CLICK_SHIP_SECONDS": "0.3"}
        with running(slow, *WEB) as web:
            until(lambda port=port: answers(port))
            for _ in range(40):
                status, location = request(port, "GET", path, **person)
                assert status == 302 and location.startswith("https://actionnetwork.org/")
                seen += 1
            os.killpg(web.pid, signal.SIGKILL)
            web.wait()
    port = free_port()
    with running({**variables, "PORT": str(port)}, *WEB):
        until(lambda: answers(port))
        # Nobody clicks any more; the first request of any kind is enough.
        until(lambda: waiting_bytes(world.settings.var_dir / "clicks") == 0)
    with transaction():
        assert run("select count(*) from touches where human")[0][0] == seen == 120
        assert run("select sum(clicks) from click_totals where human")[0][0] == seen
    assert world.report().clicks == Clicks(human=120, other=0)


def test_the_redirect_works_with_database_and_redis_down(world, variables, tmp_path):
    port = free_port()
    shared = {**variables, "VAR_DIR": str(tmp_path), "WEB_CONCURRENCY": "1"}
    path = f"/r/{world.links['x']}"
    with running({**shared, "PORT": str(port)}, *WEB):
        until(lambda: answers(port))
        assert request(port, "GET", path)[0] == 302
        until(lambda: (tmp_path / "links.json").exists())
    down = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    port = free_port()
    with running({**shared, **down, "PORT": str(port)}, *WEB):
        until(lambda: answers(port))
        for _ in range(5):
            status, location = request(port, "GET", path, **{"User-Agent": "Mozilla/5.0 Firefox"})
            assert status == 302
            assert "source=" in location
        began = datetime.now(UTC)
        assert request(port, "GET", "/ready")[0] == 503
        assert (datetime.now(UTC) - began).total_seconds() < 5
        assert request(port, "POST", "/webhooks/src_x")[0] == 503
    assert waiting_bytes(tmp_path / "clicks") > 0


@pytest.mark.slow
def test_a_burst_of_one_organization_does_not_keep_another_waiting(
    app, world, variables, redis, tmp_path
):
    """With one worker: who sends one delivery beside a thousand is not behind all of them."""
    from tests.support.world import World

    other = World(app, "other")
    send(world, 1500)
    announce(world, redis)
    with running({**variables, "BATCH_SIZE": "10"}, *WORKER):
        until(lambda: counts(world)["done"] > 0)
        other.act("signature", id="one", email="one@example.org")
        announce(other, redis)
        until(lambda: counts(other)["done"] == 1)
        left = counts(world)["pending"]
        assert left > 0, "the burst was over first: it says nothing"
        until(lambda: counts(world)["pending"] == 0, seconds=120)
    assert counts(world)["done"] == 1500
