"""`python -m bench.versions REVISION`: the drain of another version and of this one, in turns.

Each run has servers of its own and drains the same deliveries, folding included. Compared is the
processor time of Python and PostgreSQL, since durations say little on a machine that others use.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent.parent
FAINT = "dim"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("revision")
@click.option("--deliveries", default=10_000, show_default=True, help="How many a run drains.")
@click.option("--rounds", default=5, show_default=True, help="How often each version runs.")
def main(revision: str, deliveries: int, rounds: int) -> None:
    """Compare the drain of REVISION with that of this folder.

    \b
    Example: python -m bench.versions v0.1.0 --rounds 5
    """
    console = Console()
    found: dict[str, list[dict[str, Any]]] = {revision: [], "here": []}
    with tempfile.TemporaryDirectory(prefix="advocacy-versions-") as folder:
        other = Path(folder) / "other"
        _git("worktree", "add", "--detach", str(other), revision)
        try:
            for number in range(rounds):
                # Which of the two begins alternates, so that a slow minute hits both.
                for name in sorted(found, reverse=bool(number % 2)):
                    said = _run(HERE if name == "here" else other, deliveries)
                    found[name].append(said)
                    console.print(f"{name}: {said['us']:.0f} µs a delivery", style=FAINT)
        finally:
            _git("worktree", "remove", "--force", str(other))
    table = Table("version", "median µs", "all runs", "log, bytes")
    for name, runs in found.items():
        table.add_row(
            name,
            f"{statistics.median(run['us'] for run in runs):.0f}",
            " ".join(f"{run['us']:.0f}" for run in runs),
            f"{statistics.median(run['wal_bytes'] for run in runs):.0f}",
        )
    console.print(table)
    before, now = (statistics.median(run["us"] for run in runs) for runs in found.values())
    console.print(f"{before / now:.2f} × less processor time here")


def _git(*words: str) -> None:
    git = shutil.which("git")
    if not git:
        raise click.ClickException("git is not on the PATH")
    subprocess.run([git, *words], cwd=HERE, check=True, capture_output=True)


def _run(tree: Path, deliveries: int) -> dict[str, Any]:
    """Run one version in its own folder; the driver is this version's, which needs little of it."""
    output = subprocess.run(
        [sys.executable, str(HERE / "bench" / "one_version.py"), str(deliveries)],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
