"""The sheet of many links: a CSV that staff send, and the one that they get back.

Pure. What a stranger would get wrong: a spreadsheet writes CSV with the separator of its country,
so a comma, a semicolon and a tab are all taken. What comes back can be sent again as it is: the
columns that were added are passed over.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from advocacy.linking import Outcome, Wanted
from advocacy.phrases import say
from advocacy.tables import Cell, csv_cell

COLUMNS = (
    "campaign", "post_url", "platform", "title", "medium", "author", "destination", "tool"
)  # fmt: skip
NEEDED = ("campaign", "destination")
ADDED = ("link", "utm", "state", "line")
LONGEST_CELL = 10_000
MOST_ROWS = 1_000

_UTM = ("source", "medium", "campaign", "term", "content")
_EXAMPLE = (
    "stay",
    "https://www.instagram.com/p/C1a2b3c4d5e/",
    "",
    "Call today",
    "video",
    "Ana",
    "https://actionnetwork.org/petitions/stay",
    "",
)


class BadSheet(ValueError):
    """The file cannot be read as a sheet of links; the message says what to do."""


def template() -> bytes:
    """Return a sheet with the headings and one row as an example."""
    return _written(COLUMNS, [_EXAMPLE])


def read_sheet(data: bytes) -> list[tuple[int, Wanted]]:
    """Return what each row asks for, with the number of its first line. Raises `BadSheet`."""
    if data.startswith(b"PK\x03\x04"):
        raise BadSheet(say("this is a workbook; save it as “CSV UTF-8” and send that"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadSheet(
            say("line %(line)s is not UTF-8; save the sheet as “CSV UTF-8”", line=line)
        ) from None
    if "\0" in text:
        raise BadSheet(say("this is no text; send a CSV"))
    first = text.lstrip().split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    try:
        rows = list(_rows(csv.reader(io.StringIO(text, newline=""), delimiter=separator)))
    except csv.Error as error:
        raise BadSheet(say("this is no CSV: %(why)s", why=error)) from None
    # Python's own limit is one for the whole process, and an import raises it.
    if any(len(cell) > LONGEST_CELL for _, row in rows for cell in row):
        raise BadSheet(
            say("this is no CSV: a cell has more than %(most)s letters", most=LONGEST_CELL)
        )
    if not rows:
        raise BadSheet(say("the sheet is empty; begin with the template"))
    (_, heading), *rows = rows
    names = [name.strip().lower().replace(" ", "_") for name in heading]
    _check_names(names)
    if not rows:
        raise BadSheet(say("the sheet has headings and no rows"))
    if len(rows) > MOST_ROWS:
        raise BadSheet(
            say(
                "the sheet has %(rows)s rows; send at most %(most)s at a time",
                rows=len(rows),
                most=MOST_ROWS,
            )
        )
    return [(line, _wanted(line, names, row)) for line, row in rows]


def written_result(outcomes: Sequence[Outcome], public_url: str) -> bytes:
    """Write what became of the rows: as they were, with the link, its UTM, and what was wrong."""
    return _written((*COLUMNS, *ADDED), [_row(each, public_url) for each in outcomes])


def utm_shown(utm: dict[str, str]) -> str:
    """Write UTM as it stands in an address, in the order that people know."""
    return urlencode({f"utm_{name}": utm[name] for name in _UTM if name in utm})


def _rows(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Yield rows that hold something, each with the number of the line on which it begins."""
    line = 1
    for row in reader:
        if any(cell.strip() for cell in row):
            yield line, row
        line = reader.line_num + 1  # type: ignore[attr-defined]


def _check_names(names: Sequence[str]) -> None:
    if unknown := [name for name in names if name not in {*COLUMNS, *ADDED, ""}]:
        raise BadSheet(
            say(
                "there is no column %(name)s; there are: %(known)s",
                name=ascii(unknown[0]),
                known=", ".join(COLUMNS),
            )
        )
    if twice := [name for name in COLUMNS if names.count(name) > 1]:
        raise BadSheet(say("the column %(name)s is there twice", name=twice[0]))
    if missing := [name for name in NEEDED if name not in names]:
        raise BadSheet(say("the column %(name)s is missing from the first line", name=missing[0]))


def _wanted(line: int, names: Sequence[str], row: Sequence[str]) -> Wanted:
    if any(cell.strip() for cell in row[len(names) :]):
        raise BadSheet(say("line %(line)s has more cells than there are headings", line=line))
    cells = {name: _text(cell) for name, cell in zip(names, row, strict=False) if name in COLUMNS}
    return Wanted(**cells) if all(name in cells for name in NEEDED) else _short(line)


def _short(line: int) -> Wanted:
    raise BadSheet(say("line %(line)s has fewer cells than it needs", line=line))


def _text(cell: str) -> str:
    """Return a cell without the apostrophe that keeps a spreadsheet from running it."""
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and csv_cell(cell[1:]) == cell else cell


def _row(outcome: Outcome, public_url: str) -> tuple[Cell, ...]:
    asked, made = outcome.wanted, outcome.made
    as_asked = tuple(getattr(asked, name) for name in COLUMNS)
    if made is None:
        return (*as_asked, "", "", outcome.trouble or "not made", outcome.line)
    state = "new" if made.new else "was there"
    link = f"{public_url}/r/{made.link.code}"
    return (*as_asked, link, utm_shown(made.link.utm), state, outcome.line)


def _written(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(headings)
    writer.writerows([csv_cell(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")
