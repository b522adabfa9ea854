"""Measurements that run in a process of their own: `python -m bench.child_process NAME …`.

Each prints one JSON object at the end: seconds, amount of work, and peak memory.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from rq import SimpleWorker, Worker
from rq.serializers import JSONSerializer

from advocacy.cli.dev.up import migrate
from advocacy.cli.main import main as main_cli
from advocacy.core.prefetch import background_thread
from advocacy.ingestion import drain as drain_ingestion
from advocacy.ingestion import figures
from advocacy.storage import cells
from advocacy.storage.session import transaction
from bench import floor, report
from bench.processor import measured
from config.garbage import tune_garbage_collection
from workers.context import application, connection
from workers.run import JSONQueue


def memory(pid: int | str = "self", what: str = "VmHWM") -> float | None:
    """Return megabytes of a process: the peak, or with `VmRSS` now; None if unknown."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    kilobytes = next((line.split()[1] for line in lines if line.startswith(f"{what}:")), None)
    return int(kilobytes) / 1024 if kilobytes else None


def drain(org_id: str) -> dict[str, Any]:
    """Drain an organization, as a worker does."""
    tune_garbage_collection()
    made = application()
    settings = made.extensions["settings"]
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.monotonic()

    def work() -> None:
        while drain_ingestion.drain_backlog(settings, UUID(org_id), made.app_context):
            pass

    used = measured(settings.database_url, work)
    return {"seconds": time.monotonic() - began, **asdict(used)}


def drain_floor(org_id: str) -> dict[str, Any]:
    """Do the least that a drain of an organization's deliveries can do."""
    settings = application().extensions["settings"]
    work = floor.drain(settings.database_url, settings.secret_key, UUID(org_id))
    return _of_floor(settings.database_url, work)


def import_floor(path: str) -> dict[str, Any]:
    """Do the least that an import of a CSV file can do."""
    settings = application().extensions["settings"]
    work = floor.import_rows(settings.database_url, settings.secret_key, Path(path))
    return _of_floor(settings.database_url, work)


def _of_floor(url: str, work: Callable[[], int]) -> dict[str, Any]:
    done: list[int] = []
    began = time.monotonic()
    used = measured(url, lambda: done.append(work()))
    return {"done": done[0], "seconds": time.monotonic() - began, **asdict(used)}


def import_csv(org: str, path: str) -> dict[str, Any]:
    """Import an ActBlue export with `advocacy import`, and return what the command printed."""
    settings = application().extensions["settings"]
    output = io.StringIO()

    def work() -> None:
        with contextlib.redirect_stdout(output):
            main_cli(["import", "actblue", path, "--org", org], standalone_mode=False)

    began = time.monotonic()
    used = measured(settings.database_url, work)
    return {"seconds": time.monotonic() - began, "output": output.getvalue(), **asdict(used)}


def fold(org_id: str) -> dict[str, Any]:
    """Fold pending changes of distinct people after a drain, as the sweep does."""
    with application().app_context():
        own = UUID(org_id)
        with transaction():
            changes = cells.pending_news(own).pairs
        began = time.monotonic()

        def work() -> None:
            while changes and not figures.fold_news(own, above=0):
                pass

        used = measured(application().extensions["settings"].database_url, work)
        return {"changes": changes, "seconds": time.monotonic() - began, **asdict(used)}


def rebuild(org_id: str) -> dict[str, Any]:
    """Rebuild everything, as `advocacy rebuild` does; also report the memory after a tenth."""
    with application().app_context():
        settings = application().extensions["settings"]
        seen: list[tuple[int, float]] = []
        began = time.monotonic()
        with background_thread(application().app_context) as begin:
            done = drain_ingestion.rebuild(
                settings,
                UUID(org_id),
                lambda n: seen.append((n, memory(what="VmRSS") or 0.0)),
                begin,
            )
        seconds = time.monotonic() - began
    early = next((taken for n, taken in seen if n >= done / 10), 0.0)
    return {"done": done, "seconds": seconds, "early_mb": early}


def rq(org_id: str, number: str, sort: str) -> dict[str, Any]:
    """Process so many jobs of one delivery each with an RQ worker."""
    with application().app_context():
        redis, many = connection(), int(number)
        queue = JSONQueue(f"bench-{org_id}", connection=redis)
        for _ in range(many):
            queue.enqueue("bench.plain.one_event", org_id, result_ttl=0)
        sorts: Mapping[str, Any] = {"forking": Worker, "simple": SimpleWorker}
        worker = sorts[sort]([queue], connection=redis, serializer=JSONSerializer)
        began = time.monotonic()
        worker.work(burst=True, logging_level="WARNING")
        seconds = time.monotonic() - began
    return {"done": many - len(queue), "seconds": seconds}


def activation(size: str) -> dict[str, Any]:
    """Time reports of an organization with so many actions, which is filled if needed."""
    tune_garbage_collection()
    with application().app_context():
        migrate()
        return report.times(application(), int(size))


def main() -> None:
    """Run the measurement that the first argument names."""
    pieces: Mapping[str, Callable[..., dict[str, Any]]] = {
        "activation": activation,
        "drain": drain,
        "drain_floor": drain_floor,
        "import_csv": import_csv,
        "import_floor": import_floor,
        "fold": fold,
        "rebuild": rebuild,
        "rq": rq,
    }
    result = pieces[sys.argv[1]](*sys.argv[2:])
    print(json.dumps({**result, "most_mb": memory()}))


if __name__ == "__main__":
    main()
