"""Starting processes with another SECRET_KEY, or with invalid settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from advocacy.cli.dev.up import free_port
from advocacy.identity import key_check
from advocacy.identity.key_check import KeyCheck, WrongKey
from advocacy.storage.session import transaction
from tests.support.processes import CLOCK, COUNTER, EDGE, ROOT, WEB, WORKER, until
from tests.support.processes import process as running
from tests.support.served import BODY, PERSON, Served
from tests.support.sql import run

OTHER = "another-key-of-at-least-thirty-two-characters"
COMMAND = (sys.executable, "-m", "advocacy.cli.main", "campaign", "list")
PROCESSES = {
    "web": WEB,
    "links": EDGE,
    "worker": WORKER,
    "counter": COUNTER,
    "clock": CLOCK,
    "command": COMMAND,
}


@pytest.fixture
def variables(environment, settings):
    port = str(free_port())
    return {
        **environment,
        "VAR_DIR": str(settings.var_dir),
        "SECRET_KEY": settings.secret_key,
        "PORT": port,
        "LINKS_PORT": port,
    }


def ends(variables: dict[str, str], command: tuple[str, ...]) -> tuple[int, str]:
    """Run a process that ends by itself; returns its status and what it said."""
    tools = Path(sys.executable).parent
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={
            **os.environ,
            **variables,
            "PATH": f"{tools}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return ended.returncode, ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", PROCESSES)
def test_nothing_starts_with_another_key(world, variables, name):
    KeyCheck(world.master).require()
    status, said = ends({**variables, "SECRET_KEY": OTHER}, PROCESSES[name])
    assert status == 1
    assert said.removeprefix("Error: ").strip() == str(WrongKey())


@pytest.mark.slow
@pytest.mark.parametrize("name", PROCESSES)
def test_nothing_starts_with_wrong_settings(variables, name):
    status, said = ends({**variables, "BODY_LIMIT_BYTES": "many"}, PROCESSES[name])
    assert status == 1
    assert "BODY_LIMIT_BYTES" in said and len(said.strip().splitlines()) == 1


def stored() -> int:
    with transaction():
        return int(run("select count(*) from secret_key_digests")[0][0])


def test_the_first_start_stores_the_key_and_an_older_database_adopts_what_opens_it(world):
    # The fixture has sealed secrets and no row, like a database of an older version.
    for wrong in (OTHER, OTHER.upper()):
        with pytest.raises(WrongKey):
            KeyCheck(wrong.encode()).require()
    assert stored() == 0
    KeyCheck(world.master).require()
    KeyCheck(world.master).require()
    assert stored() == 1
    with pytest.raises(WrongKey):
        KeyCheck(OTHER.encode()).require()


def test_the_key_is_recognized_from_bodies_alone(world):
    with transaction():
        run("delete from source_secrets")
    assert world.post("action_network", b"[{}]").status_code == 200
    with pytest.raises(WrongKey):
        KeyCheck(OTHER.encode()).require()
    KeyCheck(world.master).require()


def test_an_empty_database_takes_the_first_key(app):
    KeyCheck(OTHER.encode()).require()
    with pytest.raises(WrongKey):
        KeyCheck(app.extensions["settings"].secret_key.encode()).require()


def test_a_correct_key_is_checked_once(world, monkeypatch):
    check = KeyCheck(world.master)
    check.require()
    monkeypatch.setattr(key_check, "_compare", None)
    check.require()


@contextmanager
def refusing_connections(url: str) -> Iterator[Callable[[], object]]:
    """Let the database take no new connection; yields what ends that."""
    plain = url.replace("postgresql+psycopg:", "postgresql:", 1)
    name = psycopg.conninfo.conninfo_to_dict(plain)["dbname"]
    # The database that one is connected to cannot be closed.
    with psycopg.connect(plain, dbname="postgres", autocommit=True) as held:

        def allow(connections: bool) -> None:
            statement = sql.SQL("alter database {} allow_connections {}")
            held.execute(statement.format(sql.Identifier(name), sql.Literal(connections)))

        allow(False)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(plain)
        try:
            yield lambda: allow(True)
        finally:
            allow(True)


@pytest.mark.slow
@pytest.mark.parametrize("command", [WEB, EDGE], ids=["web", "links"])
def test_started_during_an_outage_links_redirect_and_nothing_is_stored(
    world, variables, command, tmp_path
):
    """The key can be compared only when the database is back."""
    KeyCheck(world.master).require()
    variables |= {"VAR_DIR": str(tmp_path)}
    path = f"/r/{world.links['x']}"
    made = Served(world, int(variables["PORT"]))
    with running(variables, *command):
        until(made.answers)
        assert made.ask("GET", path, **PERSON)[0] == 302
        until(lambda: (tmp_path / "links.json").exists())
    with (
        refusing_connections(variables["DATABASE_URL"]) as accept,
        running({**variables, "SECRET_KEY": OTHER}, *command),
    ):
        until(made.answers)
        assert made.ask("GET", path, **PERSON)[0] == 302
        assert made.send("msg_1", BODY) == 503
        accept()
        until(lambda: b"SECRET_KEY is not the key" in made.ask("GET", "/ready")[1])
        assert made.send("msg_2", BODY) == 503
        assert made.ask("GET", path, **PERSON)[0] == 302
    with transaction():
        assert run("select count(*) from inbox")[0][0] == 0
