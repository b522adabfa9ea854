"""Make many links from a spreadsheet that staff upload, and return it with the links added.

The result can be uploaded again unchanged: the added columns are ignored.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from urllib.parse import urlencode

from advocacy.core.messages import say
from advocacy.core.spreadsheets import Cell, csv_bytes
from advocacy.core.tabular.columns import Layout, fold
from advocacy.core.tabular.errors import BadTable
from advocacy.core.tabular.table import Row, Table, open_table
from advocacy.tracking.links import LinkRequest, RowOutcome

COLUMNS = (
    "campaign", "post_url", "platform", "title", "medium", "author", "destination", "tool"
)  # fmt: skip
NEEDED = ("campaign", "destination")
ADDED = ("link", "utm", "state", "line")
LAYOUT = Layout(
    needed=tuple((name,) for name in NEEDED),
    known=tuple(name for name in COLUMNS if name not in NEEDED),
    exact=True,
)
LONGEST_CELL = 10_000
MOST_ROWS = 1_000

# A request waits for this.
_SECONDS = 20
_ADDED = {fold(name) for name in ADDED}
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
    """Return an empty sheet with headings and an example row."""
    return csv_bytes([COLUMNS, _EXAMPLE])


def open_sheet(data: bytes) -> Table:
    """Open a file as a sheet of links. Raises `BadSheet`."""
    try:
        table = open_table(io.BytesIO(data), LAYOUT, seconds=_SECONDS)
        if unknown := [name for name in table.matched.ignored if fold(name) not in _ADDED]:
            raise BadSheet(
                say(
                    "there is no column %(name)s; available: %(known)s",
                    name=ascii(unknown[0]),
                    known=", ".join(COLUMNS),
                )
            )
        if (rows := table.check()) > MOST_ROWS:
            raise BadSheet(
                say(
                    "the spreadsheet has %(rows)s rows; upload at most %(most)s at a time",
                    rows=rows,
                    most=MOST_ROWS,
                )
            )
    except BadTable as error:
        raise BadSheet(error.args[0]) from None
    return table


def read_sheet(data: bytes) -> list[tuple[int, LinkRequest]]:
    """Return the request in each row, with its line number. Raises `BadSheet`."""
    return requests_of(open_sheet(data))


def requests_of(table: Table) -> list[tuple[int, LinkRequest]]:
    """Return the request in each row of an opened sheet. Raises `BadSheet`."""
    return [(row.line, _request(row)) for row in table.rows()]


def result_csv(outcomes: Sequence[RowOutcome], public_url: str) -> bytes:
    """Return the rows as they were, with link, UTM and errors added."""
    return csv_bytes([(*COLUMNS, *ADDED), *(_row(each, public_url) for each in outcomes)])


def utm_shown(utm: dict[str, str]) -> str:
    """Return UTM as in a URL, in the usual order."""
    return urlencode({f"utm_{name}": utm[name] for name in _UTM if name in utm})


def _request(row: Row) -> LinkRequest:
    if row.beyond:
        raise BadSheet(say("line %(line)s has more cells than there are headers", line=row.line))
    if row.problem:
        raise BadSheet(
            say("line %(line)s is not UTF-8; save the sheet as “CSV UTF-8”", line=row.line)
        )
    cells = {name: cell.strip() for name, cell in row.values.items() if name in COLUMNS}
    if any(name not in cells for name in NEEDED):
        raise BadSheet(say("line %(line)s has fewer cells than it needs", line=row.line))
    if any("\0" in cell for cell in cells.values()):
        raise BadSheet(say("line %(line)s has a NUL; save the sheet again", line=row.line))
    if any(len(cell) > LONGEST_CELL for cell in cells.values()):
        raise BadSheet(
            say(
                "line %(line)s has a cell of more than %(most)s characters",
                line=row.line,
                most=LONGEST_CELL,
            )
        )
    return LinkRequest(**cells)


def _row(outcome: RowOutcome, public_url: str) -> tuple[Cell, ...]:
    asked, made = outcome.wanted, outcome.made
    as_asked = tuple(getattr(asked, name) for name in COLUMNS)
    if made is None:
        return (*as_asked, "", "", outcome.trouble or "not made", outcome.line)
    state = "new" if made.new else "was there"
    link = f"{public_url}/r/{made.link.code}"
    return (*as_asked, link, utm_shown(made.link.utm), state, outcome.line)
