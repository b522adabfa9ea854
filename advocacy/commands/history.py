"""`advocacy import`: history brought in from a tool's export."""

from __future__ import annotations

import csv
import os
import time
from contextlib import ExitStack
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from advocacy.commands import Refusal, in_app, org_option, settings_now, zone_name
from advocacy.events import ActionKind
from advocacy.providers.history import READERS

if TYPE_CHECKING:
    from rich.progress import Progress

    from advocacy.importing import Brought


@click.command("import")
@org_option
@click.argument("provider", type=click.Choice([*sorted(READERS), "generic"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", "name", help="Whose actions these are; not needed where there is one.")
@click.option("--zone", help="Where dates without an offset are from, as America/New_York.")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in ActionKind]),
    help="What rows are that do not say.",
)
@in_app
def import_history(
    org: str | None, provider: str, file: Path, name: str | None, zone: str | None, kind: str | None
) -> None:
    """Bring a tool's CSV export in. Rows that are known, by webhook or before, count once.

    \b
    Example: advocacy import actblue contributions.csv
    Example: advocacy import generic tickets.csv --source "Ticket tool"

    After a stop, run it again: what is in is passed over. Rows that cannot be read are written to
    FILE.refused.csv with the reason. A table of Parsons is exported with `table.to_csv(FILE)`.
    """
    from advocacy.ahead import in_a_thread
    from advocacy.importing import NotACSV, bring_in, read_rows
    from advocacy.store import campaigns

    owner = campaigns.get_organization(org)
    source = _source(owner.id, provider, name)
    said = {}
    if zone:
        said["_zone"] = zone_name(None, None, zone)
    if kind:
        said["_kind"] = kind
    refused_file = file.with_suffix(file.suffix + ".refused.csv")
    began = time.monotonic()
    with ExitStack() as stack:
        raw = stack.enter_context(file.open("rb"))
        lines = TextIOWrapper(raw, encoding="utf-8-sig", newline="")
        refuse = _Refused(refused_file)
        stack.callback(refuse.close)
        bar = stack.enter_context(_progress())
        task = bar.add_task("rows", total=file.stat().st_size, rows="0 rows")

        def show(brought: Brought) -> None:
            rate = brought.rows / max(time.monotonic() - began, 0.001)
            bar.update(
                task,
                completed=raw.tell(),
                rows=f"{brought.rows:,} rows, {rate:,.0f}/s",
            )

        try:
            begin = stack.enter_context(in_a_thread())
            brought = bring_in(settings_now(), source, read_rows(lines), said, refuse, show, begin)
        except NotACSV as error:
            raise Refusal(f"{file.name}: {error}") from None
    click.echo(
        f"{brought.new:,} new, {brought.known:,} known, {brought.refused:,} refused"
        + (f", {brought.empty:,} told of nothing that counts" if brought.empty else "")
    )
    if brought.refused:
        click.echo(f"the refused rows are in {refused_file}, with the reason")


def _source(org_id: Any, provider: str, name: str | None) -> Any:
    from advocacy.store import campaigns

    fitting = [
        each
        for each in campaigns.list_sources(org_id)
        if each.provider == provider and name in {None, each.name}
    ]
    if not fitting:
        raise Refusal(
            f"there is no source of {provider}{f' named {name}' if name else ''}; make one with "
            f"`advocacy source create --provider {provider} --name NAME`"
        )
    if len(fitting) > 1:
        raise Refusal(f"there are several sources of {provider}; say which with --source")
    return fitting[0]


def _progress() -> Progress:
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeRemainingColumn(),
        transient=False,
    )


class _Refused:
    """The CSV of refused rows, made when the first one is refused; readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None
        self._writer: Any = None

    def __call__(self, number: int, row: Any, reason: str) -> None:
        if self._writer is None:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._file = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
            self._writer = csv.DictWriter(
                self._file, ["line", "reason", *row], extrasaction="ignore"
            )
            self._writer.writeheader()
        self._writer.writerow({"line": number, "reason": reason, **row})

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()
