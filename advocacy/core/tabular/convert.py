"""A program that writes the cells of a workbook as lines of JSON; run by `workbook.py`.

It reads a workbook from standard input and writes `["sheet", name]` and `[row, cell, …]` to
standard output, or `["error", reason]`. It imports nothing of this project.

Note: it is a separate process because a file of a few kilobytes can demand any amount of memory
(one cell far down and far right), on which the library aborts the process.
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal

MOST_MEMORY = 1 << 30
MOST_SECONDS = 120
MOST_BYTES = 1 << 30


def cell_text(cell: object) -> str:
    """Return a cell as CSV would have it: `25.1`, `25`, `2026-11-01 09:30:00`, `2026-11-01`.

    Numbers are floats in a workbook; they are written with the fewest digits that read as the same
    float, which are those that were typed. No arithmetic is done with them here.
    """
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        number = Decimal(repr(cell))
        if not number.is_finite():
            return str(cell)
        return f"{int(number)}" if number == number.to_integral_value() else f"{number:f}"
    if isinstance(cell, datetime):
        # A workbook stores an instant as a fraction of a day, precise to some microseconds.
        near = cell + timedelta(microseconds=500)
        if near.microsecond < 1_000:
            cell = near.replace(microsecond=0)
        return cell.isoformat(" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)


def main() -> None:
    """Convert standard input."""
    _limit()
    import python_calamine as calamine

    try:
        sys.stdin.buffer.seek(0)
        with calamine.load_workbook(sys.stdin.buffer) as book:
            for sheet in book.sheets_metadata:
                if (
                    sheet.typ is calamine.SheetTypeEnum.WorkSheet
                    and sheet.visible is calamine.SheetVisibleEnum.Visible
                ):
                    _write_sheet(sheet.name, book.get_sheet_by_name(sheet.name))
    except calamine.PasswordError:
        _write(["error", "password"])
    except MemoryError:
        _write(["error", "large"])
    # The library raises its own errors, those of Rust's standard library, and on a panic one that
    # is not an Exception; all mean that it cannot read this file.
    except BaseException as error:
        large = isinstance(error, OSError) and error.errno == 27
        _write(["error", "large" if large else "broken"])
    sys.stdout.flush()


def _write_sheet(name: str, sheet: object) -> None:
    _write(["sheet", name])
    for number, row in enumerate(sheet.iter_rows(), start=1):  # type: ignore[attr-defined]
        cells = [cell_text(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            _write([number, *cells])


def _write(line: list[object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")


def _limit() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for what, most in (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_CPU, MOST_SECONDS),
        (resource.RLIMIT_FSIZE, MOST_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard < 0 else min(most, hard), hard))


if __name__ == "__main__":
    main()
