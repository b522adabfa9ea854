"""Open a file as a table, describe it, and read it row by row.

`open_table` takes a file object, so that uploads and paths are read alike. Nothing is stored: the
file is read once to find out what it is, and again for its rows.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, NamedTuple

from advocacy.core.messages import Phrase, joined, say, say_many
from advocacy.core.spreadsheets import plain_cell
from advocacy.core.tabular import containers, delimited
from advocacy.core.tabular.columns import INVISIBLE, Layout, Matched, clean, match
from advocacy.core.tabular.containers import Kind
from advocacy.core.tabular.convert import MOST_SECONDS
from advocacy.core.tabular.delimited import SEPARATORS, RawRow
from advocacy.core.tabular.encodings import Encoding, find_encoding
from advocacy.core.tabular.errors import BadTable
from advocacy.core.tabular.workbook import read_workbook

MOST_COLUMNS = 1_000
HEADINGS_WITHIN = 20
"""The headings are among so many first rows that are not empty."""

_BETWEEN = "\x1f"
_SPACE = f" \t\r\n\v\f\u00a0{_BETWEEN}{INVISIBLE}"
_TOTAL = re.compile(r"\s*(grand\s+|sub-?)?(totals?|sum|totaux|somme|suma|summe|gesamt)\b", re.I)
_ESCAPED = re.compile("[\udc80-\udcff]")


class Row(NamedTuple):
    """A row: the line (or the workbook's row) on which it begins, and its values by column name.

    `values` lacks the last columns of a short row. `problem` says why the row cannot be read;
    `beyond` are cells after the last column.
    """

    line: int
    values: dict[str, str]
    problem: str = ""
    beyond: tuple[str, ...] = ()


@dataclass(slots=True)
class Table:
    """An opened file: what is known of it, and its rows."""

    kind: Kind
    matched: Matched
    headings_line: int
    encoding: Encoding | None = None
    separator: str = ""
    sheet: str = ""
    inside: str = ""
    totals: int = 0
    _headings: tuple[str, ...] = ()
    _needed: tuple[tuple[int, ...], ...] = ()
    _raw: Callable[[], Iterator[RawRow]] = lambda: iter(())
    _state: Callable[[], object] = lambda: None
    _opened_as: object = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that have one, in order."""
        return tuple(name for name in self.matched.names if name)

    def check(self) -> int:
        """Read the file to its end and return how many rows it has. Raises `BadTable`.

        Also if a needed column is missing, a known one is repeated, or there is no row.
        """
        if self.matched.missing:
            raise BadTable(self._missing())
        for name, places in self.matched.twice:
            raise BadTable(
                say(
                    "the column %(name)s appears twice (columns %(places)s); remove or rename one",
                    name=name,
                    places=", ".join(map(str, places)),
                )
            )
        number = self.count()
        if not number:
            raise BadTable(say("the file has headers but no rows; export it again"))
        return number

    def count(self) -> int:
        """Return how many rows the file has. Raises `BadTable`."""
        return sum(1 for _ in self.rows())

    def head(self, most: int = 3) -> list[Row]:
        """Return the first rows."""
        return list(islice(self.rows(), most))

    def rows(self) -> Iterator[Row]:
        """Yield the rows in constant memory. Raises `BadTable`, also if the file changed meanwhile.

        Empty rows, repeated headings and lines of totals are skipped.
        """
        names = self.matched.names
        width, headings = len(names), list(self._headings)
        last = headings[-1]
        unnamed = "" in names
        padded = self.kind is not Kind.TEXT
        damaged = self.encoding is not None and self.encoding.damaged
        self.totals = 0
        for line, cells in self._raw():
            whole = _BETWEEN.join(cells)
            if line <= self.headings_line or not whole.strip(_SPACE):
                continue
            if "'" in whole:
                cells = [plain_cell(cell) for cell in cells]
            if len(cells) >= width and cells[width - 1] == last and _same(cells, headings):
                continue
            if _TOTAL.match(whole) and self._lacks_needed(cells):
                self.totals += 1
                continue
            problem = ""
            if damaged and _ESCAPED.search(whole):
                problem = "not_utf8: the row has bytes that are not UTF-8"
                cells = [_ESCAPED.sub("\ufffd", cell) for cell in cells]
            beyond: tuple[str, ...] = ()
            if len(cells) > width:
                beyond = tuple(cells[width:])
                if any(cell.strip(_SPACE) for cell in beyond):
                    problem = problem or "too_many_cells: more cells than there are headings"
                else:
                    beyond = ()
            elif padded and len(cells) < width:
                cells = [*cells, *[""] * (width - len(cells))]
            values = dict(zip(names, cells, strict=False))
            if unnamed:
                values.pop("", None)
            yield Row(line, values, problem, beyond)
        if self._state() != self._opened_as:
            raise BadTable(say("the file changed while it was read; upload it again"))

    def _lacks_needed(self, cells: Sequence[str]) -> bool:
        return any(
            not any(place < len(cells) and cells[place].strip(_SPACE) for place in group)
            for group in self._needed
        )

    def _missing(self) -> Phrase:
        named = [
            say("%(name)s (or %(others)s)", name=group[0], others=", ".join(group[1:]))
            if group[1:]
            else group[0]
            for group in self.matched.missing
        ]
        return say(
            "these columns are missing: %(missing)s; line %(line)s has: %(columns)s",
            missing=joined(named, "; "),
            line=self.headings_line,
            columns=", ".join(_short(name) for name in self.columns[:40]) or "-",
        )

    def described(self, number: int | None = None) -> Phrase:
        """Return one line that says how the file is read."""
        parts: list[str] = [containers.label(self.kind, self.inside)]
        if self.encoding is not None:
            parts.append(
                joined((self.encoding.name, joined(("(", self.encoding.how, ")"), "")))
                if self.encoding.how
                else self.encoding.name
            )
            if self.encoding.damaged:
                parts.append(say("with damaged rows"))
            name = SEPARATORS.get(self.separator, ascii(self.separator))
            parts.append(say("separated by %(name)s", name=_separator_named(name)))
        if self.sheet:
            parts.append(say("sheet “%(name)s”", name=self.sheet))
        parts.append(say("headers on line %(line)s", line=self.headings_line))
        if number is not None:
            parts.append(say_many("%(num)s row", "%(num)s rows", number))
        if self.totals:
            parts.append(
                say_many(
                    "%(num)s line of totals skipped",
                    "%(num)s lines of totals skipped",
                    self.totals,
                )
            )
        return joined(parts, ", ")


def open_table(
    file: BinaryIO,
    layout: Layout,
    *,
    encoding: str = "",
    separator: str = "",
    seconds: float = MOST_SECONDS,
) -> Table:
    """Open a file as a table. Raises only `BadTable`, whatever the file contains.

    `encoding` and `separator` override what the file shows; `seconds` limits how long a workbook
    may take.
    """
    try:
        return _opened(file, layout, encoding, separator, seconds)
    except OSError as error:
        raise BadTable(
            say("the file cannot be read: %(why)s", why=error.strerror or type(error).__name__)
        ) from None


def _opened(file: BinaryIO, layout: Layout, encoding: str, separator: str, seconds: float) -> Table:
    if not file.seekable():
        file = _copied(file)
    before = _state_of(file)
    kind, inside, source = containers.kind_of(file), "", file
    if kind is Kind.ZIP:
        inside, source = containers.unpacked(file)
        kind = containers.kind_of(source)
        if kind is Kind.ZIP:
            raise BadTable(say("this is a ZIP inside a ZIP; unpack it first"))
    if kind is Kind.TEXT:
        table = _text(source, layout, encoding, separator)
    else:
        table = _workbook(source, kind, layout, seconds)
    table.inside = inside
    if _state_of(file) != before:
        raise BadTable(say("the file changed while it was read; upload it again"))
    if kind is Kind.TEXT and not inside:
        table._state, table._opened_as = lambda: _state_of(file), before
    return table


def _text(file: BinaryIO, layout: Layout, asked_encoding: str, asked_separator: str) -> Table:
    encoding = find_encoding(file, asked_encoding)
    sample, whole = delimited.sample_of(file, encoding)
    if not sample.strip(_SPACE):
        raise BadTable(say("the file is empty; export it again"))
    hint = delimited.hint_of(sample[:20].splitlines()[0])
    if asked_separator:
        candidates = [delimited.checked_separator(asked_separator)]
    else:
        candidates = [hint] if hint else list(SEPARATORS)
    found: _Headings | None = None
    chosen = candidates[0]
    for candidate in candidates:
        rows = delimited.sample_rows(sample, whole, candidate)
        headings = _headings(rows[1:] if hint else rows, layout)
        if headings and (found is None or headings.worth > found.worth):
            found, chosen = headings, candidate
    if found is None:
        # Errors in the very first row are reported by reading it.
        next(delimited.read_delimited(file, encoding, chosen), None)
        raise BadTable(say("this is not a table; export it as CSV or XLSX"))
    spaced = delimited.is_spaced(sample, chosen)
    table = _table(Kind.TEXT, found)
    table.encoding, table.separator = encoding, chosen
    table._raw = lambda: delimited.read_delimited(file, encoding, chosen, spaced)
    return table


def _workbook(file: BinaryIO, kind: Kind, layout: Layout, seconds: float) -> Table:
    try:
        file.fileno()
    except (OSError, AttributeError):
        file.seek(0)
        file = _copied(file)
    book = read_workbook(file, seconds)
    found: _Headings | None = None
    chosen = None
    for sheet in book.sheets:
        headings = _headings(list(islice(book.rows(sheet), 50)), layout)
        if headings and (found is None or headings.worth[:2] > found.worth[:2]):
            found, chosen = headings, sheet
    if found is None or chosen is None:
        raise BadTable(say("the workbook is empty; export it again"))
    sheet = chosen
    table = _table(kind, found)
    table.sheet = sheet.name if len(book.sheets) > 1 else ""
    table._raw = lambda: book.rows(sheet)
    return table


@dataclass(frozen=True, slots=True)
class _Headings:
    """The row of headings among the first rows, and the evidence for it."""

    line: int
    cells: tuple[str, ...]
    matched: Matched
    needed: tuple[tuple[int, ...], ...]
    worth: tuple[int, int, float]


def _headings(rows: Sequence[RawRow], layout: Layout) -> _Headings | None:
    filled = [row for row in rows if any(cell.strip(_SPACE) for cell in row[1])]
    best: _Headings | None = None
    for number, (line, cells) in enumerate(filled[:HEADINGS_WITHIN]):
        if len(cells) > MOST_COLUMNS:
            raise BadTable(
                say(
                    "line %(line)s has %(number)s columns, and a table may have %(most)s; export"
                    " fewer",
                    line=line,
                    number=len(cells),
                    most=MOST_COLUMNS,
                )
            )
        matched = match(cells, layout)
        below = filled[number + 1 :]
        alike = sum(len(each) == len(cells) for _, each in below) / len(below) if below else 0.0
        worth = (
            len(layout.needed) - len(matched.missing),
            len(matched.known),
            alike if len(cells) > 1 else 0.0,
        )
        if best is None or worth[:2] > best.worth[:2]:
            places = tuple(
                tuple(
                    place
                    for place, name in enumerate(matched.names)
                    if name and match([name], Layout((group,))).known
                )
                for group in layout.needed
                if group not in matched.missing
            )
            best = _Headings(line, tuple(cells), matched, places, worth)
    return best


def _table(kind: Kind, found: _Headings) -> Table:
    return Table(
        kind=kind,
        matched=found.matched,
        headings_line=found.line,
        _headings=found.cells,
        _needed=found.needed,
    )


def _same(cells: Sequence[str], headings: Sequence[str]) -> bool:
    """Return whether a row repeats the headings, as in concatenated files."""
    return cells[1 : len(headings)] == headings[1:] and clean(cells[0]) == clean(headings[0])


def _separator_named(name: str) -> Phrase | str:
    named = {
        "comma": say("comma"),
        "semicolon": say("semicolon"),
        "tab": say("tab"),
        "vertical bar": say("vertical bar"),
    }
    return named.get(name, name)


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:39]}…"


def _copied(file: BinaryIO) -> BinaryIO:
    """Return a copy that can be read twice and by another process; deleted when it is closed."""
    whole = tempfile.TemporaryFile()  # noqa: SIM115 -- open as long as the table
    shutil.copyfileobj(file, whole)
    whole.seek(0)
    return whole


def _state_of(file: BinaryIO) -> object:
    """Return what changes when a process writes to the file."""
    try:
        found = os.fstat(file.fileno())
    except (OSError, AttributeError):
        return None
    return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None
