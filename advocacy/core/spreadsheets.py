"""Values as cells of a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

Cell = str | int | float | Decimal | date | None

# Including full-width forms, which some spreadsheets treat the same.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_cell(cell: Cell) -> Cell:
    """Return a cell that is safe in CSV: no text that a spreadsheet would run as a formula."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA):
        return f"'{cell}"
    return cell


def csv_bytes(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return rows as a CSV file (RFC 4180) whose cells are safe.

    It begins with a byte order mark, without which Excel reads UTF-8 as another encoding;
    `utf-8-sig` reads it. Every text is quoted, so that it is one cell whatever separator a reader
    expects.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([csv_cell(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def plain_cell(text: str) -> str:
    """Return a text without the apostrophe that `csv_cell` or a spreadsheet put in front."""
    return text[1:] if text.startswith("'") and csv_cell(text[1:]) == text else text
