"""Memory of the processes: the web process under load, the worker with a backlog."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from advocacy.storage import inbox
from advocacy.storage.session import transaction
from bench import load, webhooks
from bench.child_process import memory
from bench.drain import LARGEST
from bench.results import Row, below, unmeasured
from bench.workspace import Workspace, get

WEB = 120.0
WORKER = 200.0
_WATCHED_SECONDS = 30.0
# A busy machine takes long to start a worker.
_LATEST_SECONDS = 60.0


def measure(workspace: Workspace) -> Iterator[Row]:
    """Yield the peak memory of one process of each kind."""
    if memory() is None:
        yield unmeasured("memory", "MB", "this system has no /proc", f"< {WEB:g} and {WORKER:g} MB")
        return
    key, secret, token = webhooks.prepare("memory", workspace)
    with workspace.web() as (port, web):
        posts = webhooks.requests_of(
            f"/webhooks/{key}", webhooks.signed(secret, 300 * workspace.seconds)
        )
        load.at_rate(port, posts, 300)
        for _ in range(20):
            get(port, "/api/v1/campaigns/one/activation", {"Authorization": f"Bearer {token}"})
        most = max(_most(pid) for pid in family(web.pid))
    yield below(
        "memory: a web process", "MB", most, WEB, f"after {len(posts):,} webhooks and 20 reports"
    )
    size = max(each for each in workspace.sizes if each <= LARGEST)
    org_id = workspace.deliver(size)
    watched = _Watch()
    with workspace.of_procfile("worker") as worker, workspace.of_procfile("clock"):
        watched.start(worker.pid)
        latest = time.monotonic() + _LATEST_SECONDS
        while not _done(org_id) and time.monotonic() < latest:
            time.sleep(0.5)
        time.sleep(10 if workspace.quick else _WATCHED_SECONDS)
        watched.stop()
    if not (done := _done(org_id)):
        yield unmeasured("memory: the worker", "MB", "the worker did not begin", f"< {WORKER:g} MB")
        return
    yield below(
        "memory: the worker",
        "MB",
        watched.most,
        WORKER,
        f"backlog of {size:,}, {done:,} of it done",
    )


def _done(org_id: UUID) -> int:
    with transaction():
        return inbox.counts(org_id)["done"]


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    found = [pid]
    for each in found:
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            found += [int(word) for word in children.read_text().split()]
    return found


def _most(pid: int) -> float:
    return memory(pid) or 0.0


class _Watch:
    """Polls a process and its children, which come and go, a few times a second."""

    def __init__(self) -> None:
        self.most = 0.0
        self._ended = threading.Event()

    def start(self, pid: int) -> None:
        self._thread = threading.Thread(target=self._look, args=(pid,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self, pid: int) -> None:
        while not self._ended.wait(0.2):
            for each in family(pid):
                self.most = max(self.most, _most(each))
