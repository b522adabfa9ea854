"""Values as cells of a spreadsheet."""

from __future__ import annotations

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


def plain_cell(text: str) -> str:
    """Return a text without the apostrophe that `csv_cell` or a spreadsheet put in front."""
    return text[1:] if text.startswith("'") and csv_cell(text[1:]) == text else text
