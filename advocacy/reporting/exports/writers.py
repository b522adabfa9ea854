"""Flat tables, and how they are written as CSV and XLSX."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from advocacy.core.money import exponent
from advocacy.core.spreadsheets import Cell, csv_bytes


def post_cells(post: Mapping[str, Any] | None) -> tuple[Cell, Cell, Cell]:
    """Return id, title and platform of a post."""
    if post is None:
        return "", "Unattributed", ""
    return str(post["id"]), post["title"], post["platform"]


def cells_of(rows: Iterable[Mapping[str, Any]], *names: str) -> Iterator[tuple[Cell, ...]]:
    """Return rows as tuples of these columns, or of all."""
    for row in rows:
        yield tuple(row[name] for name in names or row)


def table_of(name: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """Return a table of these rows."""
    return Table(name, tuple(headings), tuple(tuple(row) for row in rows))


# The longest text that a cell of a workbook can hold.
_LONGEST = 32_767


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name, headings, and rows as long as the headings."""

    name: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def digest_of(tables: Iterable[Table], *about: str) -> str:
    """Return a digest that is another one whenever a figure, a name or a heading is."""
    made = hashlib.blake2b(digest_size=16)
    for table in tables:
        made.update(repr((table.name, table.headings, table.rows)).encode())
    made.update(repr(about).encode())
    return made.hexdigest()


def written_csv(tables: Sequence[Table]) -> bytes:
    """Write tables as CSV: one alone is headings and rows and nothing else.

    Several stand below each other, each under a line with its name and behind an empty line.
    """
    rows: list[Sequence[Cell]] = []
    for number, table in enumerate(tables):
        if len(tables) > 1:
            rows += [[], [table.name]] if number else [[table.name]]
        rows += [table.headings, *table.rows]
    return csv_bytes(rows)


def written_workbook(tables: Sequence[Table]) -> bytes:
    """Write tables as an XLSX workbook with a sheet for each; equal tables give equal bytes."""
    # Loaded where it is used: few requests are for a workbook.
    from xlsxwriter import Workbook

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(out, options) as book:
        book.set_properties({"created": datetime(2026, 1, 1)})  # noqa: DTZ001 -- as it takes it
        bold = book.add_format({"bold": True})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        places = {n: book.add_format({"num_format": "#,##0." + "0" * n}) for n in (2, 3)}
        places[0] = book.add_format({"num_format": "#,##0"})
        for table in tables:
            sheet = book.add_worksheet(table.name)
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, table.headings, bold)
            for line, row in enumerate(table.rows, start=1):
                for column, cell in enumerate(row):
                    match cell:
                        case None:
                            pass
                        case str():
                            sheet.write_string(line, column, cell[:_LONGEST])
                        case date():
                            sheet.write_datetime(line, column, cell, day)
                        case Decimal():
                            exact = -int(cell.as_tuple().exponent)
                            sheet.write_number(line, column, cell, places[exact])
                        case _:
                            sheet.write_number(line, column, cell)
            sheet.autofit()
    return out.getvalue()


def major(minor: int | None, currency: str) -> Decimal | None:
    """Return money in major units of its currency, exact; None stays None."""
    return None if minor is None else Decimal(minor).scaleb(-exponent(currency))
