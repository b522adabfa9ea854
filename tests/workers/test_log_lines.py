"""Logs of servers and RQ: one JSON object a line, without data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from advocacy.cli.dev.up import free_port
from tests.support.processes import EDGE, ROOT, WEB, answers, children_of, until


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("command", [WEB, EDGE], ids=["web", "links"])
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
        # The first child checks the settings; it is gone when the server answers.
        until(lambda: answers(int(port)))
        first = next(pid for pid in children_of(server.pid) if _is_alive(pid))
        os.kill(first, signal.SIGKILL)
        until(lambda: any(_is_alive(pid) for pid in set(children_of(server.pid)) - {first}))
        server.terminate()
        lines = [json.loads(line) for line in server.communicate(timeout=30)[0].splitlines()]
    assert {line["logger"] for line in lines if "logger" in line}


def _is_alive(pid: int) -> bool:
    # What has ended and is not reaped yet has no command line.
    with suppress(OSError):
        return bool(Path(f"/proc/{pid}/cmdline").read_text())
    return False
