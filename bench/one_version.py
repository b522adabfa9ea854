"""Drain so many deliveries with the version whose folder PYTHONPATH names; see `bench.versions`.

Note: it runs inside older versions, so it uses only what they have as well. Python's time is that
of the child processes, less that of children that find nothing to do.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

# The folder of this file is not where the measured version is.
sys.path.pop(0)

from rich.console import Console

from advocacy.cli.dev.up import free_port, running_servers
from advocacy.core.ids import new_id
from bench.drain import rate_of
from bench.workspace import Workspace


def main() -> None:
    """Print one JSON object: µs of processor time and bytes of log, of one delivery."""
    deliveries = int(sys.argv[1])
    processor = _own_module("processor")
    with (
        tempfile.TemporaryDirectory(prefix="advocacy-version-") as folder,
        running_servers(Path(folder), free_port(), f"advocacy_version_{new_id().hex}") as (
            app,
            variables,
        ),
        app.app_context(),
    ):
        workspace = Workspace(app, variables, Path(folder), Console(quiet=True), True, [deliveries])
        org_id = workspace.deliver(deliveries)
        workspace.rest()
        url = variables["DATABASE_URL"]
        children: list[float] = []

        def work() -> None:
            before = _of_children()
            rate_of(workspace, org_id, 1)
            workspace.piece("fold", org_id)
            children.append(_of_children() - before)

        used = processor.measured(url, work)
        idle = processor.measured(url, lambda: _nothing_to_do(workspace, org_id, children))
    database = (used.database_seconds or 0.0) - (idle.database_seconds or 0.0)
    print(
        json.dumps(
            {
                "us": (children[0] - children[1] + database) * 1e6 / deliveries,
                "wal_bytes": used.wal_bytes / deliveries,
            }
        )
    )


def _nothing_to_do(workspace: Workspace, org_id: UUID, children: list[float]) -> None:
    before = _of_children()
    rate_of(workspace, org_id, 1)
    workspace.piece("fold", org_id)
    children.append(_of_children() - before)


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _own_module(name: str) -> Any:
    """Return a module from beside this file, which the measured version may not have."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
