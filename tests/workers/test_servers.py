"""Redirect and webhooks in real processes: gunicorn's threads, and granian's event loop."""

from __future__ import annotations

import gzip
import http.client
import os
import signal
import socket
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from advocacy.cli.dev.up import free_port
from advocacy.storage import links, organizations
from advocacy.storage.session import transaction
from advocacy.tracking.click_log import waiting_bytes
from tests.support.processes import EDGE, WEB, children_of, until
from tests.support.processes import process as running
from tests.support.query_strings import PASSED_ON, passed_on
from tests.support.served import BODY, PERSON, Served
from tests.support.sql import run


@pytest.fixture
def variables(environment, settings):
    return {**environment, "VAR_DIR": str(settings.var_dir), "SECRET_KEY": settings.secret_key}


@pytest.fixture(params=[WEB, EDGE], ids=["web", "edge"])
def command(request):
    return request.param


@pytest.fixture
def served(world, variables, command):
    port = free_port()
    with running({**variables, "PORT": str(port), "LINKS_PORT": str(port)}, *command):
        made = Served(world, port)
        until(made.answers)
        yield made


def test_two_hundred_deliveries_at_once_are_all_on_disk_and_once(served):
    """Each is sent twice, as tools do; 2xx means committed, in any order of responses."""
    names = [f"msg_{number}" for number in range(100)] * 2
    with ThreadPoolExecutor(200) as pool:
        assert set(pool.map(served.send, names)) == {200}
    with transaction():
        kept = [row.external_id for row in run("select external_id from inbox")]
    assert sorted(kept) == sorted(set(names))


@pytest.mark.slow
def test_refusals_reveal_nothing_and_bodies_are_bounded(served):
    path = f"/webhooks/{served.world.keys['standard']}"
    for bad in (path, "/webhooks/src_unknown"):
        status, body, headers = served.ask("POST", bad, BODY)
        assert (status, body) == (401, b"refused\n")
        assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert served.ask("POST", path, b"x" * (1024 * 1024 + 1))[0] == 413
    assert served.send("empty", b"") == 200
    assert served.send("largest", b"x" * 1024 * 1024) == 200
    with transaction():
        assert run("select count(*) from inbox")[0][0] == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "coding", ["gzip", "deflate", "br", "GZIP", "identity, gzip", "unheard-of"]
)
def test_an_encoded_body_gets_415_and_is_not_stored(served, coding):
    path = f"/webhooks/{served.world.keys['action_network']}"
    status, text, headers = served.ask(
        "POST", path, gzip.compress(b"[{}]"), **{"Content-Encoding": coding}
    )
    assert (status, text) == (415, b"send the body without Content-Encoding\n")
    assert headers["Accept-Encoding"] == "identity"
    with transaction():
        assert run("select count(*) from inbox")[0][0] == 0


@pytest.mark.slow
def test_a_body_with_identity_encoding_is_stored(served):
    path = f"/webhooks/{served.world.keys['action_network']}"
    assert served.ask("POST", path, b"[{}]", **{"Content-Encoding": "identity"})[0] == 200


@pytest.mark.slow
def test_a_query_that_is_not_ascii_is_refused_like_any_other(served):
    line = "POST /webhooks/src_unknown?name=漢 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    answer = served.raw(line.encode(), end=False)
    assert b" 401 " in answer or b" 400 " in answer


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
CUT_SHORT = {
    "within a chunk": CHUNKED + b'c\r\n[{"amount":5',
    "after a chunk": CHUNKED + b"4\r\n[{}]\r\n",
    "within the last chunk": CHUNKED + b"4\r\n[{}]\r\n0\r\n",
    "before the first chunk": CHUNKED,
    "broken chunk size": CHUNKED + b"4\r\n[{}]\r\nzz\r\n",
    "shorter than its length": b"Content-Length: 50\r\n\r\n[{}]",
    "of a length and empty": b"Content-Length: 50\r\n\r\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("sent", CUT_SHORT.values(), ids=CUT_SHORT)
def test_a_truncated_body_is_refused_and_not_stored(world, variables, command, sent, capfd):
    """The end of a connection is not the end of a body, however the connection ends."""
    port = free_port()
    ports = {"PORT": str(port), "LINKS_PORT": str(port)}
    head = f"POST /webhooks/{world.keys['action_network']} HTTP/1.1\r\nHost: x\r\n".encode()
    with running({**variables, **ports, "LINKS_CONCURRENCY": "1"}, *command):
        made = Served(world, port)
        until(made.answers)
        for end in ("half-close", "close", "reset"):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
                wire.sendall(head + sent)
                if end == "half-close":
                    wire.shutdown(socket.SHUT_WR)
                    assert b" 400 " in wire.makefile("rb").readline()
                elif end == "reset":
                    # Closed without lingering: the peer gets a reset.
                    linger = struct.pack("ii", 1, 0)
                    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        whole = CHUNKED + b"4\r\n[{}]\r\n0\r\n\r\n"
        assert b" 200 " in made.raw(head + whole, end=False)
        assert b" 200 " in made.raw(head + b"Content-Length: 5\r\n\r\n[{} ]", end=False)
    with transaction():
        assert run("select count(*) from inbox")[0][0] == 2
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
def test_a_chunked_body_above_the_limit_is_refused(served):
    head = f"POST /webhooks/{served.world.keys['action_network']} HTTP/1.1\r\nHost: x\r\n".encode()
    piece = b"20000\r\n" + b"x" * 0x20000 + b"\r\n"
    answer = served.raw(head + CHUNKED + piece * 9 + b"0\r\n\r\n", end=False)
    assert b" 413 " in answer
    with transaction():
        assert run("select count(*) from inbox")[0][0] == 0


@pytest.mark.slow
def test_a_slash_behind_the_key_makes_no_difference(served):
    path = f"/webhooks/{served.world.keys['action_network']}"
    assert served.ask("POST", f"{path}/", b"[{}]")[0] == 200
    assert served.ask("POST", path, b"[{}]")[0] == 200
    assert served.ask("POST", "/webhooks/src_unknown/", b"[{}]")[:2] == (401, b"refused\n")
    with transaction():
        assert run("select count(*) from inbox")[0][0] == 1


@pytest.mark.slow
def test_the_redirect_is_the_same_on_every_server(served):
    code = served.world.links["x"]
    status, body, headers = served.ask("GET", f"/r/{code.upper()}/?url=https://evil.example")
    assert (status, body) == (302, b"")
    assert headers["Location"].startswith("https://actionnetwork.org/petitions/stay?")
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert served.ask("HEAD", f"/r/{code}", **PERSON)[0] == 302
    private = served.ask("GET", f"/r/{code}", **PERSON, **{"Sec-GPC": "1"})[2]["Location"]
    assert f"source={code}" in private.split("?")[1].split("&")
    assert served.ask("GET", "/r/unknown")[0] == served.ask("GET", "/r/%00%ff")[0] == 404
    assert served.ask("POST", f"/r/{code}")[0] == 405
    host = {"Referer": "https://l.instagram.com/?u=canary"}
    assert served.ask("GET", f"/r/{code}", **PERSON, **host)[0] == 302

    def kept():
        with transaction():
            return run("select human, not_human_why as why, referrer_host as host from touches")

    until(lambda: len(kept()) == 4)
    assert sorted((row.human, row.why, row.host) for row in kept()) == [
        (False, "head", ""),
        (False, "preview", ""),
        (True, "", ""),
        (True, "", "l.instagram.com"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["/r/", "/R/", "//r/"])
def test_a_link_redirects_despite_surrounding_text(served, prefix):
    code = served.world.links["x"]
    for written in PASSED_ON:
        path = f"{prefix}{passed_on(written, code)}"
        status, _, headers = served.ask("GET", path, **PERSON)
        assert status == 302, path
        assert f"source={code}" in headers["Location"]

    def clicks():
        with transaction():
            return run("select count(*) from touches where human")[0][0]

    until(lambda: clicks() == len(PASSED_ON))


def test_a_missing_link_has_a_page_on_every_server(served):
    code = served.world.links["x"]
    with transaction():
        owner = organizations.find_organization(served.world.org_id)
        organizations.set_fallback_url(owner, "https://hope.example/act")
        links.disable_link(owner.id, code, datetime.now(UTC))
    # Each process has a copy of its own, and looks for what changed now and then.
    until(lambda: {served.ask("GET", f"/r/{code}")[0] for _ in range(8)} == {410})
    for path, expected in ((f"/r/{code})", 410), ("/r/unknown", 404), ("/r/", 404)):
        status, body, headers = served.ask("GET", path, **{"Accept-Language": "fr"})
        assert status == expected, path
        assert b'<html lang="fr">' in body
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert b'href="https://hope.example/act"' in body
        assert served.ask("HEAD", path)[:2] == (expected, b"")


@pytest.mark.slow
def test_a_process_reports_its_health(served):
    assert served.ask("GET", "/ready")[:2] == (200, b"ok\n")
    assert served.ask("GET", "/metrics")[0] == 401
    assert served.ask("GET", "/nowhere")[0] == 404


@pytest.mark.slow
def test_every_process_shows_what_all_of_them_counted(served):
    """Scrapes reach either process; a figure of one alone would go up and down."""
    token = {"Authorization": f"Bearer {served.world.token('admin')}"}

    def counted() -> dict[str, float]:
        status, text, _ = served.ask("GET", "/metrics", **token)
        assert status == 200
        return {
            sample.labels["outcome"]: sample.value
            for family in text_string_to_metric_families(text.decode())
            for sample in family.samples
            if sample.name == "advocacy_deliveries_total"
        }

    path = f"/webhooks/{served.world.keys['standard']}"
    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(served.send, [f"m{number}" for number in range(40)])) == {200}
        statuses = pool.map(lambda _: served.ask("POST", path, BODY)[0], range(10))
        assert set(statuses) == {401}
    until(lambda: sum(counted().values()) == 50, 5)
    found = [counted() for _ in range(20)]
    assert found == [found[0]] * 20
    assert found[0]["new"] == 40


@pytest.mark.slow
def test_a_process_without_tables_is_not_ready(served):
    def ready() -> tuple[int, bytes]:
        return served.ask("GET", "/ready")[:2]

    words = b"the database lacks tables of this version; run `advocacy migrate`\n"
    for broken, repaired in (
        ("update alembic_version set version_num = '0001'", ""),
        ("alter table alembic_version rename to av", "alter table av rename to alembic_version"),
    ):
        with transaction():
            (found,) = run("select version_num from alembic_version")[0]
            run(broken)
        try:
            assert ready() == (503, words)
        finally:
            with transaction():
                if repaired:
                    run(repaired)
                run(f"update alembic_version set version_num = '{found}'")
        assert ready() == (200, b"ok\n")
    # A newer version has migrated already: this one goes on until it is replaced.
    with transaction():
        run("update alembic_version set version_num = '9999'")
    try:
        assert ready()[0] == 200
    finally:
        with transaction():
            run(f"update alembic_version set version_num = '{found}'")


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_stopping_process_loads_its_clicks_first(world, variables, command, stop):
    """Where the disk ends with the process, what is on it then would be lost."""
    port = free_port()
    # One process that answers is one that has begun: before that, an event loop hears no signal.
    ports = {"PORT": str(port), "LINKS_PORT": str(port), "LINKS_CONCURRENCY": "1"}
    ports["WEB_CONCURRENCY"] = "1"
    with running({**variables, **ports, "CLICK_SHIP_SECONDS": "3600"}, *command) as server:
        made = Served(world, port)
        until(made.answers)
        path = f"/r/{world.links['x']}"
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: made.ask("GET", path, **PERSON)[0], range(60)))
        assert found == [302] * 60
        assert waiting_bytes(world.settings.var_dir / "clicks") > 0
        os.kill(server.pid, stop)
        assert server.wait(40) == 0
    with transaction():
        assert run("select count(*) from touches where human")[0][0] == 60
    assert waiting_bytes(world.settings.var_dir / "clicks") == 0


def test_clicks_survive_kill_9_and_are_found_by_the_next_process(world, variables):
    path = f"/r/{world.links['x']}"
    for clicks in (30, 0):
        port = free_port()
        ports = {"PORT": str(port), "LINKS_PORT": str(port)}
        with running({**variables, **ports, "CLICK_SHIP_SECONDS": "0.3"}, *EDGE) as server:
            made = Served(world, port)
            until(made.answers)
            for _ in range(clicks):
                assert made.ask("GET", path, **PERSON)[0] == 302
            if clicks:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
            else:
                until(lambda: waiting_bytes(world.settings.var_dir / "clicks") == 0)
    with transaction():
        assert run("select count(*) from touches where human")[0][0] == 30


@pytest.mark.slow
def test_a_process_ends_with_its_parent(world, variables):
    """Else it would go on answering beside its successors, as it was."""
    port = free_port()
    ports = {"LINKS_PORT": str(port), "LINKS_CONCURRENCY": "1", "CLICK_SHIP_SECONDS": "3600"}
    with running({**variables, **ports}, *EDGE) as server:
        made = Served(world, port)
        until(made.answers)
        assert made.ask("GET", f"/r/{world.links['x']}", **PERSON)[0] == 302
        os.kill(server.pid, signal.SIGKILL)
        until(lambda: not made.answers())
        until(lambda: waiting_bytes(world.settings.var_dir / "clicks") == 0)
    with transaction():
        assert run("select count(*) from touches where human")[0][0] == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_starting_process_ends_with_its_parent(world, variables, tmp_path):
    """Else it would go on answering with the code and settings that it was started with."""
    port = free_port()
    slow = tmp_path / "slow"
    slow.touch()
    more = {"LINKS_PORT": str(port), "LINKS_CONCURRENCY": "2", "SLOW_START": str(slow)}
    start = (
        "import config.granian as g; real = g.Granian;"
        "g.Granian = lambda target, *a, **k: real('tests.support.slow_start:edge_server', *a, **k);"
        "g.main()"
    )
    with running({**variables, **more}, sys.executable, "-c", start) as server:
        until(lambda: len(children_of(server.pid)) >= 2)
        started = children_of(server.pid)
        time.sleep(0.5)
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started), 25)
        assert not Served(world, port).answers()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_connection_waits_for_a_process_that_starts_beside_an_idle_one(
    world, variables, tmp_path
):
    port = free_port()
    slow = tmp_path / "slow"
    more = {"PORT": str(port), "WEB_CONCURRENCY": "2", "SLOW_START": str(slow)}
    command = (
        "gunicorn",
        "--config",
        "config/gunicorn.py",
        "tests.support.slow_start:wsgi_application()",
    )
    with running({**variables, **more}, *command) as server:
        until(Served(world, port).answers)
        until(lambda: len(children_of(server.pid)) == 2)
        time.sleep(2)
        slow.touch()
        killed = children_of(server.pid)[0]
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(set(children_of(server.pid)) - {killed}) == 2)

        def ask(_number: int) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
            connection.request("GET", "/live")
            return connection.getresponse().status

        with ThreadPoolExecutor(30) as pool:
            assert list(pool.map(ask, range(30))) == [200] * 30


@pytest.mark.slow
def test_with_the_database_down_nothing_is_accepted_and_links_redirect(world, variables, tmp_path):
    port = free_port()
    shared = {**variables, "VAR_DIR": str(tmp_path), "PORT": str(port), "LINKS_PORT": str(port)}
    path = f"/r/{world.links['x']}"
    with running(shared, *EDGE):
        made = Served(world, port)
        until(made.answers)
        assert made.ask("GET", path, **PERSON)[0] == 302
        until(lambda: (tmp_path / "links.json").exists())
    down = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    with running({**shared, **down}, *EDGE):
        until(made.answers)
        assert made.ask("GET", path, **PERSON)[0] == 302
        began = time.monotonic()
        with ThreadPoolExecutor(40) as pool:
            assert set(pool.map(made.send, [f"msg_{number}" for number in range(40)])) == {503}
        assert time.monotonic() - began < 10
        status, body, headers = made.ask("POST", "/webhooks/src_x", b"{}")
        assert (status, body, headers["Retry-After"]) == (503, b"try again\n", "5")
        assert made.ask("GET", "/ready")[0] == 503
    with transaction():
        assert run("select count(*) from inbox")[0][0] == 0
