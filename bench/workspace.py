"""The measured installation: its own servers in its own folder, with processes on free ports."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from flask import Flask
from honcho.environ import parse_procfile
from rich.console import Console

from advocacy.cli.dev.embedded_servers import servers
from advocacy.cli.dev.up import ROOT, free_port
from advocacy.ingestion import sample_data
from advocacy.storage import organizations
from advocacy.storage.session import transaction
from config.settings import Settings

PERSON = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile"


@dataclass(slots=True)
class Workspace:
    """The application, its environment and a folder; generated data is reused."""

    app: Flask
    variables: Mapping[str, str]
    folder: Path
    console: Console
    quick: bool
    sizes: Sequence[int]
    keep: Path | None = None
    delivered: dict[int, UUID] = field(default_factory=dict)
    _made: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def settings(self) -> Settings:
        """The settings of the measured application."""
        found: Settings = self.app.extensions["settings"]
        return found

    @property
    def seconds(self) -> int:
        """The duration of one load in seconds."""
        return 3 if self.quick else 10

    def say(self, text: str) -> None:
        """Report progress."""
        self.console.print(f"  {text}", style="dim", highlight=False)

    def rest(self) -> None:
        """Wait until the measurement before has left no work behind."""
        tidy(self.settings.database_url)

    def deliver(self, number: int) -> UUID:
        """Make an organization with so many pending deliveries."""
        self.say(f"writing {number:,} deliveries")
        slug = f"delivered-{next(self._made)}"
        sample_data.deliver(self.settings, slug, number)
        return self.organization(slug)

    @contextlib.contextmanager
    def of_filled(self) -> Iterator[Mapping[str, str]]:
        """Yield the environment of filled organizations: this one's, or a persistent one."""
        if self.keep is None:
            yield self.variables
            return
        # If the environment names servers, no others are started.
        named = {name: os.environ.pop(name, None) for name in ("DATABASE_URL", "REDIS_URL")}
        try:
            with servers(self.keep) as variables:
                yield variables
        finally:
            os.environ.update({name: value for name, value in named.items() if value})

    def organization(self, slug: str) -> UUID:
        """Return the id of an organization."""
        with transaction():
            found: UUID = organizations.get_organization(slug).id
        return found

    @contextlib.contextmanager
    def process(self, *command: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a process in its own group; at the end the whole group is stopped."""
        tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        with (self.folder / "processes.log").open("ab") as log:
            running = subprocess.Popen(
                command,
                cwd=ROOT,
                env={
                    **os.environ,
                    **self.variables,
                    "PATH": tools,
                    "LOG_LEVEL": "WARNING",
                    **variables,
                },
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield running
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(timeout=25)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()

    @contextlib.contextmanager
    def of_procfile(self, name: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a process of the Procfile as it is written there."""
        command = parse_procfile((ROOT / "Procfile").read_text()).processes[name]
        with self.process(*shlex.split(command), **variables) as running:
            yield running

    @contextlib.contextmanager
    def web(self, name: str = "web") -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
        """Run a process of the Procfile that answers requests; yield its port and the process."""
        port = free_port()
        with self.of_procfile(name, PORT=str(port), LINKS_PORT=str(port)) as running:
            self._until_answers(port, "/ready")
            # A connection stays with its process, so all processes have to be up to share them.
            number = int(os.environ.get(f"{name.upper()}_CONCURRENCY", "2"))
            if _SOCKETS.exists():
                until(lambda: _listening(port) >= number, f"of `{name}` not all listen")
            yield port, running

    @contextlib.contextmanager
    def gunicorn(self, application: str, path: str, **variables: str) -> Iterator[int]:
        """Run another WSGI application on a plain gunicorn; yield its port."""
        port = free_port()
        command = (
            f"gunicorn --bind 127.0.0.1:{port} --workers 2 --worker-class gthread --threads 16"
        )
        words = [
            *shlex.split(command),
            "--no-control-socket",
            "--log-level",
            "warning",
            application,
        ]
        with self.process(*words, **variables):
            self._until_answers(port, path)
            yield port

    def _until_answers(self, port: int, path: str) -> None:
        def answers() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):
                return get(port, path)[0] < 500
            return False

        until(answers, f"nothing answers at {path}; see {self.folder / 'processes.log'}")

    def child(self, *arguments: object, **variables: str) -> subprocess.Popen[str]:
        """Start a measurement of `bench.child_process`."""
        return subprocess.Popen(
            [sys.executable, "-m", "bench.child_process", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, **self.variables, "LOG_LEVEL": "WARNING", **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def child_on_hold(self, *arguments: object) -> subprocess.Popen[str]:
        """Start a measurement that says when it is ready, and waits for a line to begin."""
        child = self.child(*arguments)
        assert child.stdout is not None  # noqa: S101
        if child.stdout.readline() != "ready\n":
            raise RuntimeError(f"measurement {arguments[0]} did not start")
        return child

    def last_words(self) -> str:
        """Return the end of the processes' output."""
        try:
            return (self.folder / "processes.log").read_text(errors="replace")[-2000:]
        except OSError:
            return ""

    def piece(self, *arguments: object, **variables: str) -> dict[str, Any]:
        """Run a measurement in a process of its own and return its result."""
        return said_by(self.child(*arguments, **variables))


# Linux lists listening sockets here; elsewhere the check is skipped.
_SOCKETS = Path("/proc/net/tcp")
_LISTENS = "0A"


def _listening(port: int) -> int:
    """Return how many sockets listen on a port."""
    sockets = [line.split() for line in _SOCKETS.read_text().splitlines()]
    return sum(each[1].endswith(f":{port:04X}") and each[3] == _LISTENS for each in sockets)


def said_by(child: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a measurement and return its result. Raises `RuntimeError` if it failed."""
    output, _ = child.communicate()
    if child.returncode:
        raise RuntimeError(f"{child.args!r} failed")
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def until(true: Callable[[], object], otherwise: str, seconds: float = 60.0) -> None:
    """Wait until something is true. Raises `RuntimeError` on timeout."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise RuntimeError(otherwise)
        time.sleep(0.02)


def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Fetch something from this machine; return status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def tidy(database_url: str) -> None:
    """Do what autovacuum would have done some time after the load."""
    url = database_url.replace("postgresql+psycopg:", "postgresql:", 1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")
