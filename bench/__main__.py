"""`python -m bench`: run all measurements, or some, and describe the machine."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click
from rich.console import Console

from advocacy.cli.dev.up import free_port, running_servers
from advocacy.core.ids import new_id
from bench import drain, history, memory, rebuild, redirect, report, webhooks
from bench.machine import describe
from bench.results import Row, show, unmeasured, write
from bench.workspace import Workspace

MEASUREMENTS: Mapping[str, Callable[[Workspace], Iterator[Row]]] = {
    "redirect": redirect.measure,
    "seen": webhooks.measure_seen,
    "webhooks": webhooks.measure,
    "drain": drain.measure,
    "workers": drain.measure_several,
    "rebuild": rebuild.measure,
    "history": history.measure,
    "memory": memory.measure,
    "report": report.measure,
}
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
QUICK = 100_000


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help=f"Short loads, and no more than {QUICK:,} actions.")
@click.option(
    "--only", multiple=True, type=click.Choice(list(MEASUREMENTS)), help="Only this; repeatable."
)
@click.option("--sizes", help="Sizes to measure at, as 10000,100000; for drain up to 1,000,000.")
@click.option("--database-url", help="Another PostgreSQL; a database of its own is made there.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder in which what the report is measured on stays, to be used again.",
)
@click.option(
    "--to",
    "folder",
    default="var",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where bench.json and bench.png go.",
)
def main(
    quick: bool,
    only: tuple[str, ...],
    sizes: str | None,
    database_url: str | None,
    keep: Path | None,
    folder: Path,
) -> None:
    """Measure what is promised of speed, each figure beside what it is compared to.

    \b
    Example: python -m bench --quick
    Example: python -m bench --only report --sizes 10000,1000000
    """
    chosen = _sizes(sizes, quick)
    console = Console(width=None if sys.stdout.isatty() else 150)
    for name in ("SECRET_KEY", "PUBLIC_URL", "VAR_DIR", "QUEUE", "DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    if database_url:
        os.environ["DATABASE_URL"] = database_url
    rows: list[Row] = []
    failed = False
    with (
        tempfile.TemporaryDirectory(
            prefix="advocacy-bench-", ignore_cleanup_errors=True
        ) as folder_,
        running_servers(Path(folder_), free_port(), f"advocacy_bench_{new_id().hex}") as (
            app,
            variables,
        ),
        app.app_context(),
    ):
        workspace = Workspace(app, variables, Path(folder_), console, quick, chosen, keep)
        machine = describe()
        for name, measure in MEASUREMENTS.items():
            if only and name not in only:
                continue
            console.print(f"[bold]{name}[/]")
            began = time.monotonic()
            try:
                for row in measure(workspace):
                    rows.append(row)
                    workspace.say(f"{row.name}: {row.value} {row.unit} {row.note}")
                    write(folder, machine, rows)
            except Exception as error:
                # A measurement that fails must not cost the others their figures.
                failed = True
                traceback.print_exc()
                workspace.say(workspace.last_words())
                rows.append(unmeasured(name, "", f"{type(error).__name__}: {error}"[:300]))
            workspace.say(f"{time.monotonic() - began:.0f} s")
    path = write(folder, machine, rows)
    show(machine, rows, console)
    console.print(f"written to {path}")
    sys.exit(1 if failed else 0)


def _sizes(written: str | None, quick: bool) -> list[int]:
    try:
        asked = sorted({int(word.replace("_", "")) for word in (written or "").split(",") if word})
    except ValueError:
        raise click.BadParameter("write sizes as 10000,100000", param_hint="--sizes") from None
    if any(size < 1_000 for size in asked):
        raise click.BadParameter("the smallest size is 1000", param_hint="--sizes")
    return [size for size in (asked or SIZES) if not quick or asked or size <= QUICK]


if __name__ == "__main__":
    main()
