"""The doctor: each problem has its own message."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from redis import Redis
from rq import Worker
from rq.cron import CronScheduler
from sqlalchemy import text

from advocacy.ingestion.wakeup import connect, counts_queue
from advocacy.storage.session import transaction


@pytest.fixture
def examined(operator):
    """Return what the doctor says of each thing, and hold her to her exit status."""

    def examine(**environment: str) -> dict[str, str]:
        operator.environment |= environment
        result = operator.says("doctor")
        found = {}
        examine.states = {}
        examine.words = {}
        for line in result.stdout.splitlines():
            state, _, rest = line.partition("  ")
            name, _, words = rest.strip().partition(": ")
            assert state in {"ok", "off", "wrong"}
            assert words or state == "ok"
            examine.states[name], examine.words[name] = state, words
            found[name] = words if state == "wrong" else ""
        wrong = sum(map(bool, found.values()))
        assert result.exit_code == (1 if wrong else 0), result.output
        assert result.stderr == (f"Error: {wrong} to correct\n" if wrong else "")
        return found

    return examine


@pytest.fixture
def running(environment, settings):
    """A worker and a clock, known to Redis as running ones are."""
    connection = connect(environment["REDIS_URL"], timeout=2.0)
    worker = Worker([settings.queue], connection=connection, name="doctors-worker")
    worker.register_birth()
    counter = Worker([counts_queue(settings.queue)], connection=connection, name="doctors-counter")
    counter.register_birth()
    clock = CronScheduler(connection)
    clock.register_birth()
    yield
    worker.register_death()
    counter.register_death()
    clock.register_death()


def test_a_correct_setup_has_no_findings(examined, world, running):
    world.act("call", email="a@example.org")
    found = examined()
    assert not any(found.values()), found
    assert list(found) == [
        "settings",
        "database",
        "tables",
        "secret key",
        "inbox",
        "figures",
        "codes",
        "time zones",
        "mail",
        "PDF",
        "redis",
        "worker",
        "counter",
        "clock",
        "postponed work",
        "folder",
        "click log",
        "public address",
    ]


def test_a_time_zone_that_is_not_offered_is_reported(examined, world):
    with transaction() as session:
        session.execute(
            text("update campaigns set timezone = 'CET' where org_id = :o"), {"o": world.org_id}
        )
    assert examined()["time zones"] == (
        "'CET' is no time zone of the form Area/Location; use Europe/Paris"
    )


def test_missing_settings_end_the_checks(examined):
    found = examined(DATABASE_URL="")
    assert list(found) == ["settings"]
    assert found["settings"].startswith("DATABASE_URL is not set")


def test_a_database_outage_is_reported_with_its_reason_without_the_password(examined):
    found = examined(DATABASE_URL="postgresql://me:hunter2@127.0.0.1:9/nothing")
    assert found["database"].startswith("is not responding (")
    assert "correct DATABASE_URL" in found["database"]
    assert "hunter2" not in str(found)
    assert "tables" not in found


def test_a_redis_outage_is_reported_once(examined):
    found = examined(REDIS_URL="redis://:hunter2@127.0.0.1:9/0")
    assert found["redis"] == "is not responding (ConnectionError); start it, or correct REDIS_URL"
    assert "worker" not in found
    assert "hunter2" not in str(found)


def test_a_process_that_is_not_running_is_reported_with_its_command(examined, environment):
    # A worker that another test killed is remembered for a minute.
    Redis.from_url(environment["REDIS_URL"]).flushall()
    found = examined()
    assert found["worker"] == "none is running; start one with `python -m workers.run worker`"
    assert found["counter"] == "none is running; start one with `python -m workers.run counter`"
    assert found["clock"] == "none is running; start one with `python -m workers.run clock`"


def test_a_redis_that_may_evict_jobs_is_reported(examined, environment, running):
    connection = Redis.from_url(environment["REDIS_URL"])
    before = connection.config_get("maxmemory-policy")["maxmemory-policy"]
    connection.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert "set maxmemory-policy noeviction" in examined()["redis"]
    finally:
        connection.config_set("maxmemory-policy", before)


def test_asynchronous_commits_are_reported(examined, environment):
    url = environment["DATABASE_URL"].replace("postgresql+psycopg:", "postgresql:")
    with psycopg.connect(url, autocommit=True) as server:
        name = sql.Identifier(server.info.dbname)
        server.execute(sql.SQL("alter database {} set synchronous_commit = off").format(name))
        try:
            told = examined()
        finally:
            server.execute(sql.SQL("alter database {} reset synchronous_commit").format(name))
    assert "synchronous_commit off" in told["database"]


def test_tables_of_another_version_are_reported(examined, world):
    with transaction() as session:
        session.execute(text("update alembic_version set version_num = 'older'"))
    try:
        trouble = examined()["tables"]
    finally:
        from alembic.script import ScriptDirectory

        from advocacy.cli.dev.up import MIGRATIONS

        head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
        with transaction() as session:
            session.execute(text("update alembic_version set version_num = :v"), {"v": head})
    assert trouble.startswith("are at older, not at ")
    assert "advocacy migrate" in trouble


def test_a_delivery_that_waits_for_long_is_reported(examined, world, running):
    world.act("call", email="a@example.org")
    assert examined()["inbox"] == ""
    with transaction() as session:
        session.execute(
            text("update waiting set since = :then"),
            {"then": datetime.now(UTC) - timedelta(minutes=5)},
        )
    assert "has been pending for 30" in examined()["inbox"]


def test_an_unusable_folder_is_reported(examined, tmp_path):
    (tmp_path / "file").write_text("")
    assert "correct VAR_DIR" in examined(VAR_DIR=str(tmp_path / "file" / "var"))["folder"]


@pytest.mark.skipif(os.geteuid() == 0, reason="rights do not stop root")
def test_a_read_only_folder_is_reported(examined, tmp_path):
    (locked := tmp_path / "locked").mkdir(mode=0o500)
    assert "cannot be written to" in examined(VAR_DIR=str(locked))["folder"]


def test_clicks_that_are_not_loaded_are_reported(examined, tmp_path, running):
    folder = tmp_path / "clicks"
    folder.mkdir()
    segment = folder / f"{'0' * 32}.clicks"
    segment.write_text("a click\n")
    assert examined()["click log"] == ""
    then = time.time() - 600
    os.utime(segment, (then, then))
    assert examined()["click log"].startswith("8 bytes of clicks are not loaded yet")


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://act.example.org", True),
        ("http://localhost:8000", True),
        ("http://127.0.0.1:8000", True),
        ("http://act.example.org", False),
        ("http://127.0.0.1.example.org", False),
    ],
)
def test_a_public_url_without_tls_is_reported(examined, url, fine):
    trouble = examined(PUBLIC_URL=url)["public address"]
    assert ("not https" in trouble) is not fine


def test_the_doctor_only_creates_a_folder(examined, tmp_path):
    examined(VAR_DIR=str(tmp_path / "new"))
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*")] == [Path("new")]


def test_missing_pdf_packages_are_named_as_not_set_up(examined, monkeypatch):
    assert not examined()["PDF"]
    assert examined.states["PDF"] == "ok"
    monkeypatch.setitem(sys.modules, "typst", None)
    examined()
    assert examined.states["PDF"] == "off"
    assert "pip install 'advocacy[pdf]'" in examined.words["PDF"]


def test_features_that_are_not_set_up_are_not_reported_as_ok(examined, operator, running):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    found = examined(SMTP_URL="", PUBLIC_URL="http://127.0.0.1:8000")
    assert not any(found.values()), found
    off = {name for name, state in examined.states.items() if state == "off"}
    assert off == {"mail", "codes", "public address"}
    assert "SMTP_URL and MAIL_FROM" in examined.words["mail"]
    assert "advocacy source create" in examined.words["codes"]
    assert "PUBLIC_URL" in examined.words["public address"]


def test_the_public_url_is_reported_as_unchecked(examined, world, running):
    examined(PUBLIC_URL="https://act.example.org")
    assert examined.states["public address"] == "ok"
    assert "not tried" in examined.words["public address"]
