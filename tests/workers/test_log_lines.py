"""What servers and RQ log themselves: one JSON object a line, without what it is about."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from advocacy.cli.dev.up import free_port
from tests.support.processes import DOORS, ROOT, WEB, children_of, until


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("command", [WEB, DOORS], ids=["web", "links"])
def test_a_server_logs_in_json_that_it_lost_a_process(world, environment, settings, command):
    port = str(free_port())
    variables = {**os.environ, **environment, "PORT": port, "LINKS_PORT": port}
    variables |= {"VAR_DIR": str(settings.var_dir), "WEB_CONCURRENCY": "1"}
    variables |= {"LINKS_CONCURRENCY": "1", "LOG_LEVEL": "WARNING"}
    variables["PATH"] = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"  # noqa: PTH120
    both = subprocess.STDOUT
    with subprocess.Popen(
        command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=both, text=True
    ) as server:
        # The first child checks the settings; it has ended when there is a process that serves.
        assert server.stdout
        until(lambda: any(_serves(pid, port) for pid in children_of(server.pid)))
        first = next(pid for pid in children_of(server.pid) if _serves(pid, port))
        os.kill(first, signal.SIGKILL)
        until(lambda: any(_serves(pid, port) for pid in set(children_of(server.pid)) - {first}))
        server.terminate()
        lines = [json.loads(line) for line in server.communicate(timeout=30)[0].splitlines()]
    assert {line["logger"] for line in lines if "logger" in line}


def _serves(pid: int, _port: str) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:  # noqa: PTH123
            return "start_check" not in file.read()
    except OSError:
        return False
