"""Load generators: wrk for throughput, and an open-loop sender for latency at a given rate.

Note: a sender that waits for each answer (wrk, and most others) slows down with the server and so
hides its worst moments. `at_rate` sends on schedule, answered or not, and measures from the
scheduled time.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

CONNECTIONS = 32
_DONE = """
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nBENCH {"requests": %d, "seconds": %f, "refused": %d, "failed": %d}\\n',
    summary.requests, summary.duration / 1e6, e.status, e.connect + e.read + e.write + e.timeout))
end
"""
_FROM_FILE = """
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init(args)
  lines = {}
  local n = 0
  for line in io.lines(args[1]) do
    if n % tonumber(args[2]) == number then lines[#lines + 1] = line end
    n = n + 1
  end
  at = 0
end
function request()
  at = at % #lines + 1
  local fields = "([^\\t]*)\\t([^\\t]*)\\t([^\\t]*)\\t(.*)"
  local id, when, signature, body = string.match(lines[at], fields)
  return wrk.format("POST", nil, {
    ["Content-Type"] = "application/json", ["webhook-id"] = id,
    ["webhook-timestamp"] = when, ["webhook-signature"] = signature}, body)
end
"""


@dataclass(frozen=True, slots=True)
class Answered:
    """What wrk saw: `refused` had a status other than 2xx or 3xx, `failed` had no answer."""

    requests: int
    seconds: float
    refused: int
    failed: int

    @property
    def rate(self) -> float:
        """Accepted requests per second."""
        return (self.requests - self.refused) / self.seconds


def find_wrk() -> str | None:
    """Return the path of wrk, or None."""
    return shutil.which("wrk")


def wrk(
    folder: Path, url: str, seconds: int, headers: Sequence[str] = (), posts: Path | None = None
) -> Answered:
    """Let wrk send as much as possible; with `posts`, signed posts from a file of lines."""
    threads = 2
    script = folder / "bench.lua"
    script.write_text(_DONE + (_FROM_FILE if posts else ""))
    command = [find_wrk() or "wrk", f"-t{threads}", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    command += [word for header in headers for word in ("-H", header)]
    command += ["-s", str(script), "--timeout", "10s", url]
    command += ["--", str(posts), str(threads)] if posts else []
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"^BENCH (.*)$", ran.stdout, re.MULTILINE)
    if not found:
        raise RuntimeError(f"unexpected output of wrk: {ran.stdout[-500:]}{ran.stderr[-500:]}")
    return Answered(**json.loads(found[1]))


@dataclass(slots=True)
class Sent:
    """What an open-loop run saw: seconds from the scheduled time, by answered request.

    `at` has the scheduled instants (monotonic), by request.
    """

    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    at: list[float] = field(default_factory=list)
    unanswered: int = 0

    def wrong(self, *right: int) -> int:
        """Return how many requests had another status, or no answer."""
        return self.unanswered + sum(
            count for status, count in self.statuses.items() if status not in right
        )


class _Connection(asyncio.Protocol):
    """A persistent connection; responses need a Content-Length, as ours have."""

    def __init__(self, run: _Run) -> None:
        self._run, self._data = run, b""
        self._since: float | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def send(self, request: bytes, since: float) -> None:
        self._since = since
        assert self.transport is not None  # noqa: S101
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, end, body = self._data.partition(b"\r\n\r\n")
        if not end:
            return
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if len(body) < (int(length[1]) if length else 0):
            return
        self._data = b""
        since, self._since = self._since, None
        closes = b"\r\nconnection: close" in head.lower()
        self._run.answered(self, int(head[9:12]), since, closes=closes)

    def connection_lost(self, error: Exception | None) -> None:
        self._run.lost(self, unanswered=self._since is not None)


class _Run:
    """One open-loop run."""

    def __init__(self, port: int, requests: Sequence[bytes], rate: float) -> None:
        self._port, self._requests, self._rate = port, requests, rate
        self._free: deque[_Connection] = deque()
        self._due: deque[tuple[bytes, float]] = deque()
        self._open: set[_Connection] = set()
        self._opening = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.sent = Sent()
        self._left = len(requests)
        self._all = asyncio.Event()

    async def play(self, connections: int, patience: float) -> Sent:
        await asyncio.gather(*(self._connect() for _ in range(connections)))
        start = time.monotonic() + 0.05
        for number, request in enumerate(self._requests):
            when = start + number / self._rate
            if (wait := when - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            self.sent.at.append(when)
            self._due.append((request, when))
            self._pump()
        try:
            await asyncio.wait_for(self._all.wait(), patience)
        except TimeoutError:
            self.sent.unanswered += self._left
        for connection in list(self._open):
            if connection.transport:
                connection.transport.abort()
        return self.sent

    async def _connect(self) -> None:
        self._opening += 1
        try:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(
                lambda: _Connection(self), "127.0.0.1", self._port
            )
        finally:
            self._opening -= 1
        self._open.add(connection)
        self._free.append(connection)
        self._pump()

    def _pump(self) -> None:
        while self._due and self._free:
            request, since = self._due.popleft()
            self._free.popleft().send(request, since)

    def answered(
        self, connection: _Connection, status: int, since: float | None, *, closes: bool
    ) -> None:
        if since is None:
            return
        self.sent.latencies.append(time.monotonic() - since)
        self.sent.statuses[status] = self.sent.statuses.get(status, 0) + 1
        self._count()
        if not closes:
            self._free.append(connection)
            self._pump()

    def lost(self, connection: _Connection, *, unanswered: bool) -> None:
        self._open.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        if unanswered:
            self.sent.unanswered += 1
            self._count()
        if self._left > 0:
            # A server may close a connection at any time; another one replaces it.
            task = asyncio.ensure_future(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _count(self) -> None:
        self._left -= 1
        if self._left <= 0:
            self._all.set()


def at_rate(
    port: int,
    requests: Sequence[bytes],
    rate: float,
    connections: int = CONNECTIONS,
    patience: float = 15.0,
) -> Sent:
    """Send whole HTTP/1.1 requests to a local port, so many per second, answered or not."""
    return asyncio.run(_play(port, requests, rate, connections, patience))


async def _play(
    port: int, requests: Sequence[bytes], rate: float, connections: int, patience: float
) -> Sent:
    return await _Run(port, requests, rate).play(connections, patience)
