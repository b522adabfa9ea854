"""Flat tables as CSV and XLSX."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from advocacy.core.money import exponent
from advocacy.core.spreadsheets import Cell, csv_bytes


def table_of(name: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """Return a table of these rows."""
    return Table(name, tuple(headings), tuple(tuple(row) for row in rows))


# The longest text that a cell of a workbook can hold.
_LONGEST = 32_767


@dataclass(frozen=True, slots=True)
class Table:
    """A table; its rows are as long as its headings."""

    name: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def digest_of(tables: Iterable[Table], *about: str) -> str:
    """Return a digest that changes whenever a figure, a name or a heading does."""
    made = hashlib.blake2b(digest_size=16)
    for table in tables:
        made.update(repr((table.name, table.headings, table.rows)).encode())
    made.update(repr(about).encode())
    return made.hexdigest()


def written_csv(tables: Sequence[Table]) -> bytes:
    """Write tables as CSV.

    Several tables are separated by empty lines, each below a line with its name.
    """
    rows: list[Sequence[Cell]] = []
    for number, table in enumerate(tables):
        if len(tables) > 1:
            rows += [[], [table.name]] if number else [[table.name]]
        rows += [table.headings, *table.rows]
    return csv_bytes(rows)


def written_workbook(tables: Sequence[Table]) -> bytes:
    """Write tables as an XLSX workbook with a sheet for each; equal tables give equal bytes."""
    # Imported here, as few requests are for a workbook.
    from xlsxwriter import Workbook

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(out, options) as book:
        book.set_properties({"created": datetime(2026, 1, 1)})  # noqa: DTZ001 -- XlsxWriter takes no zone
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
    """Return an amount in major units of its currency, exact; None for None."""
    return None if minor is None else Decimal(minor).scaleb(-exponent(currency))
