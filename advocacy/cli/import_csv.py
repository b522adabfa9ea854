"""`advocacy import`: import history from a tool's export."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from advocacy.cli.context import Refusal, in_app, org_option, settings_now, zone_name
from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionKind, StatementType
from advocacy.core.tabular.columns import fold
from advocacy.providers.csv_exports import READERS
from advocacy.providers.parsing import DATE_FORMS

if TYPE_CHECKING:
    from uuid import UUID

    from rich.progress import Progress

    from advocacy.core.events import ActionEvent
    from advocacy.core.tabular.table import Row, Table
    from advocacy.ingestion.csv_import import ImportResult
    from advocacy.storage.sources import SourceRow


@click.command("import")
@org_option
@click.argument("provider", type=click.Choice([*sorted(READERS), "generic"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", "name", help="Source of these actions; optional if there is only one.")
@click.option("--zone", help="Time zone of dates without an offset, e.g. America/New_York.")
@click.option(
    "--dates",
    type=click.Choice(DATE_FORMS, case_sensitive=False),
    help="The order of day and month, as in 5/1/2024. Default: the tool's own, M/D/Y.",
)
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in ActionKind]),
    help="Kind of rows that do not name one.",
)
@click.option("--preview", is_flag=True, help="Show how the file is read; import nothing.")
@click.option(
    "--encoding", default="", help="For example windows-1252, if it is not detected correctly."
)
@click.option(
    "--separator", default="", help="For example semicolon or tab, if it is not detected correctly."
)
@click.option(
    "--refused",
    "refused_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where rejected rows are written. Default: FILE.refused.csv",
)
@in_app
def import_history(
    org: str | None,
    provider: str,
    file: Path,
    name: str | None,
    zone: str | None,
    dates: str | None,
    kind: str | None,
    preview: bool,
    encoding: str,
    separator: str,
    refused_file: Path | None,
) -> None:
    """Import a tool's export: CSV in any encoding, XLSX, XLS, ODS, or a ZIP of one of them.

    Rows already known, from a webhook or an earlier import, count once.

    \b
    Example: advocacy import actblue contributions.csv --preview
    Example: advocacy import generic tickets.xlsx --source "Ticket tool"

    If it is interrupted, run it again: imported rows are skipped. Rows that cannot be read are
    written to FILE.refused.csv with the reason. Export a Parsons table with `table.to_csv(FILE)`.
    """
    from advocacy.core.tabular.errors import BadTable
    from advocacy.core.tabular.table import open_table
    from advocacy.providers.export_layouts import layout_of
    from advocacy.storage import organizations

    owner = organizations.get_organization(org)
    source = _source(owner.id, provider, name)
    file_settings = {}
    if zone:
        file_settings["_zone"] = zone_name(None, None, zone)
    if dates:
        file_settings["_dates"] = dates
    if kind:
        file_settings["_kind"] = kind
    refused_file = refused_file or file.with_suffix(file.suffix + ".refused.csv")
    if refused_file.resolve() == file.resolve():
        raise Refusal("--refused must name a different file")
    try:
        with file.open("rb") as raw:
            layout = layout_of(provider, source.setup)
            table = open_table(raw, layout, encoding=encoding, separator=separator)
            if preview:
                _preview(file, table, source, file_settings)
            else:
                _import(file, table, source, file_settings, refused_file)
    except BadTable as error:
        raise Refusal(f"{file.name}: {error}") from None
    except OSError as error:
        where = error.filename or file
        raise Refusal(f"{where}: {error.strerror or error}") from None


def _preview(file: Path, table: Table, source: SourceRow, file_settings: Mapping[str, str]) -> None:
    from advocacy.ingestion.csv_import import understood

    rows = table.count()
    click.echo(f"{file.name}: {table.described(rows)}")
    matched = table.matched
    click.echo(f"columns read: {', '.join(matched.known) or 'none'}")
    click.echo(f"columns ignored: {', '.join(matched.ignored) or 'none'}")
    table.check()
    for row, events in understood(source, table.head(), file_settings):
        if isinstance(events, Unreadable):
            click.echo(_visible(f"line {row.line}: rejected: {events}"))
        elif not events:
            click.echo(f"line {row.line}: contains no action")
        else:
            click.echo(_visible(f"line {row.line}: {'; '.join(map(_shown, events))}"))
    click.echo("nothing was imported")


def _visible(line: str) -> str:
    """Return a line without terminal control characters."""
    return "".join(each if each.isprintable() else "\ufffd" for each in line)


def _shown(event: ActionEvent) -> str:
    """Describe an action as it was read, without personal data."""
    from advocacy.reporting.exports.writers import major

    words = [
        event.kind.value
        if event.said is StatementType.CREATED
        else f"{event.kind.value} {event.said}"
    ]
    if event.amount_minor is not None:
        words.append(f"{major(event.amount_minor, event.currency)} {event.currency}")
    words.append(f"at {event.occurred_at:%Y-%m-%d %H:%M:%S} UTC")
    words.append(f"id {event.external_id}")
    if event.said is StatementType.CREATED:
        ways = {"email": event.person.email, "phone": event.person.phone}
        found = [way for way, value in ways.items() if value]
        words.append(f"with {' and '.join(found)}" if found else "without email and phone")
    if event.code:
        words.append(f"code {event.code}")
    return ", ".join(words)


def _import(
    file: Path,
    table: Table,
    source: SourceRow,
    file_settings: Mapping[str, str],
    refused_file: Path,
) -> None:
    from advocacy.core.prefetch import background_thread
    from advocacy.ingestion.csv_import import import_rows

    total = table.check()
    click.echo(f"{file.name}: {table.described(total)}")
    if table.matched.ignored:
        click.echo(f"columns ignored: {', '.join(table.matched.ignored)}")
    began = time.monotonic()
    with ExitStack() as stack:
        refuse = _Refused(refused_file, table.columns)
        stack.callback(refuse.close)
        bar = stack.enter_context(_progress())
        task = bar.add_task("rows", total=total, rows="0 rows")

        def show(result: ImportResult) -> None:
            rate = result.rows / max(time.monotonic() - began, 0.001)
            bar.update(task, completed=result.rows, rows=f"{result.rows:,} rows, {rate:,.0f}/s")

        begin = stack.enter_context(background_thread())
        imported = import_rows(
            settings_now(), source, table.rows(), file_settings, refuse, show, begin
        )
    click.echo(
        f"{imported.new:,} new, {imported.known:,} known, {imported.refused:,} rejected"
        + (f", {imported.empty:,} without an action" if imported.empty else "")
    )
    if imported.refused:
        click.echo(f"rejected rows were written to {refused_file}, with the reason")


def _source(org_id: UUID, provider: str, name: str | None) -> SourceRow:
    from advocacy.storage import sources

    fitting = [
        each
        for each in sources.list_sources(org_id)
        if each.provider == provider and name in {None, each.name}
    ]
    if not fitting:
        raise Refusal(
            f"there is no source of {provider}{f' named {name}' if name else ''}; create one with "
            f"`advocacy source create --provider {provider} --name NAME`"
        )
    if len(fitting) > 1:
        raise Refusal(f"there are several sources of {provider}; choose one with --source")
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
    """The CSV of rejected rows, created with the first one; readable by its owner only."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        from advocacy.core.spreadsheets import csv_cell

        self._cell = csv_cell
        self._path = path
        # A corrected file of rejected rows already has these two columns.
        self._columns = [name for name in columns if fold(name) not in {"line", "reason"}]
        self._file: TextIO | None = None

    def __call__(self, row: Row, reason: str) -> None:
        if self._file is None:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._file = os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="")
            csv.writer(self._file).writerow(["line", "reason", *map(self._cell, self._columns)])
        values = [row.values.get(name, "") for name in self._columns]
        csv.writer(self._file).writerow(
            [row.line, *(self._cell(cell) for cell in (reason, *values, *row.beyond))]
        )

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()
