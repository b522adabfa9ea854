"""Real processes, for tests that kill them."""

from __future__ import annotations

import contextlib
import http.client
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from advocacy.cli.dev.up import PROCESSES

ROOT = Path(__file__).resolve().parent.parent.parent


@contextlib.contextmanager
def process(environment: dict[str, str], *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process of the Procfile in its own process group, which is killed at the end."""
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    running = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment, "PATH": tools, "LOG_LEVEL": "WARNING"},
        start_new_session=True,
    )
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something is true, or fail."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


WORKER = (sys.executable, "-m", "workers.run", "worker")
COUNTER = (sys.executable, "-m", "workers.run", "counter")
CLOCK = (sys.executable, "-m", "workers.run", "clock")
WEB = tuple(shlex.split(PROCESSES["web"]))
EDGE = (sys.executable, "-m", "config.granian")


def request(port: int, method: str, path: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.getheader("Location", "")


def answers(port: int) -> bool:
    try:
        return request(port, "GET", "/live")[0] == 200
    except OSError:
        return False


def children_of(pid: int) -> list[int]:
    """Return the ids of a process's children; reads `/proc`."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
