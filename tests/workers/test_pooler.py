"""Everything behind a real PgBouncer that lends its connections for one transaction."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from redis import Redis
from sqlalchemy.engine import make_url

from advocacy.cli import main
from advocacy.cli.dev.up import free_port
from advocacy.storage import inbox
from advocacy.storage.session import transaction
from tests.support.processes import EDGE, WEB, WORKER, until
from tests.support.processes import process as running
from tests.support.served import PERSON, Served
from tests.support.sql import run

pytestmark = pytest.mark.skipif(
    not shutil.which("pgbouncer"), reason="pgbouncer is not on the PATH: apt-get install pgbouncer"
)


@pytest.fixture
def pooled(environment: dict[str, str]) -> Iterator[str]:
    """Run PgBouncer with fewer connections than we have threads; yields the database's URL."""
    url = make_url(environment["DATABASE_URL"])
    host = str(url.query.get("host") or url.host)
    port, database = free_port(), str(url.database)
    user = url.username or "postgres"
    with tempfile.TemporaryDirectory(prefix="advocacy-pooler-") as folder:
        settings = Path(folder, "pgbouncer.ini")
        server = f"host={host} port={url.port or 5432} dbname={database} user={user}"
        settings.write_text(
            f"""[databases]
{database} = {server} {f"password={url.password}" if url.password else ""}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
logfile = {folder}/log
pidfile = {folder}/pid
"""
        )
        command = ["pgbouncer", str(settings)]
        if os.geteuid() == 0:
            # It does not run as root; who runs the server may enter its folder.
            owner = Path(host).owner() if host.startswith("/") else "nobody"
            shutil.chown(folder, owner)
            command[1:1] = ["-u", owner]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as it:
            found = f"postgresql://{user}@127.0.0.1:{port}/{database}"
            try:
                until(lambda: _answers(found), seconds=15)
                yield found
            finally:
                it.terminate()


def _answers(url: str) -> bool:
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
        return connection.execute("select 1").fetchone() == (1,)
    return False


@pytest.fixture
def limited(environment: dict[str, str]) -> Iterator[None]:
    """Give the role what a connection cannot bring along; see the doctor."""
    direct = environment["DATABASE_URL"].replace("+psycopg", "", 1)
    limits = {"statement_timeout": "120s", "lock_timeout": "30s", "TimeZone": "UTC"}
    with psycopg.connect(direct, autocommit=True) as connection:
        for name, value in limits.items():
            connection.execute(f"alter role current_user set {name} = '{value}'")
        yield
        for name in limits:
            connection.execute(f"alter role current_user reset {name}")


@pytest.mark.slow
def test_deliveries_clicks_and_reports_through_a_pooler(
    world, environment, settings, limited, pooled
):
    redis = Redis.from_url(environment["REDIS_URL"])
    redis.flushall()
    edge_port, web = free_port(), free_port()
    variables = {
        **environment,
        "DATABASE_URL": pooled,
        "DATABASE_POOLER": "transaction",
        "VAR_DIR": str(settings.var_dir),
        "SECRET_KEY": settings.secret_key,
        "LINKS_PORT": str(edge_port),
        "PORT": str(web),
        "BATCH_SIZE": "20",
    }
    told = CliRunner().invoke(main.main, ["doctor"], env=variables).output
    assert "gives our role no limits" not in told
    assert "does not answer" not in told
    with (
        running(variables, *EDGE),
        running(variables, *WEB),
        running(variables, *WORKER),
    ):
        edge, page = Served(world, edge_port), Served(world, web)
        for each in (edge, page):
            until(each.answers)
        click = edge.ask("GET", f"/r/{world.links['x']}", **PERSON)
        assert click[0] == 302

        def send(number: int) -> int:
            return (edge if number % 2 else page).send(f"msg_{number}")

        with ThreadPoolExecutor(24) as threads:
            assert set(threads.map(send, range(300))) == {200}

        def done() -> int:
            with transaction():
                return inbox.counts(world.org_id)["done"]

        until(lambda: done() == 300, seconds=60)
        until(lambda: _clicks() == 1)
        asked = page.ask(
            "GET",
            "/api/v1/campaigns/stay/activation",
            Authorization=f"Bearer {world.token()}",
        )
        assert asked[0] == 200
        assert json.loads(asked[1])["actions"] == 300


def _clicks() -> int:
    with transaction():
        return int(run("select count(*) from touches")[0][0])


@pytest.mark.slow
def test_the_doctor_says_what_the_role_lacks(environment, pooled):
    told = (
        CliRunner()
        .invoke(
            main.main,
            ["doctor"],
            env={**environment, "DATABASE_URL": pooled, "DATABASE_POOLER": "transaction"},
        )
        .output
    )
    assert "alter role current_user set statement_timeout = '120s';" in told
