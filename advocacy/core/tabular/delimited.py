"""Read rows of cells from CSV, whatever its separator and line ends.

Note: `csv.Sniffer` guesses a separator by character frequencies and is often wrong about short
files; here the separator that finds most of the known columns is used.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

from advocacy.core.messages import say
from advocacy.core.tabular.encodings import Encoding
from advocacy.core.tabular.errors import BadTable

LONGEST_LINE = 1 << 20
"""The longest line or cell, in characters."""

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}

RawRow = tuple[int, list[str]]
"""The number of the line on which a row begins, and its cells."""

# A limit of the whole process; Python's default is 131,072.
csv.field_size_limit(LONGEST_LINE)


def checked_separator(asked: str) -> str:
    """Return the separator for its character or its name. Raises `BadTable`."""
    named = {name: sign for sign, name in SEPARATORS.items()} | {"\\t": "\t"}
    sign = named.get(asked.strip().lower(), asked)
    if len(sign) != 1 or sign in '"\r\n\0 ' or sign.isalnum():
        raise BadTable(
            say("%(asked)s is not a separator; try comma, semicolon or tab", asked=ascii(asked))
        )
    return sign


def hint_of(first_line: str) -> str:
    """Return the separator from Excel's first line `sep=;`, or ''."""
    line = first_line.strip('\ufeff\r\n"')
    return line[4] if len(line) == 5 and line[:4].lower() == "sep=" else ""


def read_delimited(
    file: BinaryIO, encoding: Encoding, separator: str, spaced: bool = False
) -> Iterator[RawRow]:
    """Yield the rows of a file from its beginning, in constant memory. Raises `BadTable`.

    `spaced` means that separators are followed by a space before quoted cells.
    """
    file.seek(encoding.skip)
    errors = "surrogateescape" if encoding.damaged else "strict"
    text = io.TextIOWrapper(file, encoding.codec, errors, newline="")
    try:
        yield from _rows(_lines(text), separator, spaced)
    except (UnicodeError, OSError):
        # It was read to its end before.
        raise BadTable(say("the file changed while it was read; upload it again")) from None
    finally:
        text.detach()


def sample_of(
    file: BinaryIO, encoding: Encoding, size: int = LONGEST_LINE // 4
) -> tuple[str, bool]:
    """Return the beginning of a file in whole lines, and whether that is the whole file."""
    file.seek(encoding.skip)
    errors = "surrogateescape" if encoding.damaged else "strict"
    text = io.TextIOWrapper(file, encoding.codec, errors, newline="")
    try:
        found = text.read(size)
        if not text.read(1):
            return found, True
    finally:
        text.detach()
    end = max(found.rfind("\n"), found.rfind("\r"))
    return (found[: end + 1] if end >= 0 else found), False


def sample_rows(sample: str, whole: bool, separator: str, most: int = 50) -> list[RawRow]:
    """Return the first rows of a sample by one separator; none if that fails."""
    rows: list[RawRow] = []
    try:
        for row in _rows(
            iter(io.StringIO(sample, newline="")), separator, is_spaced(sample, separator)
        ):
            rows.append(row)
            if len(rows) == most:
                return rows
    except BadTable:
        return rows
    # The last row of a part may be incomplete.
    return rows if whole or len(rows) == 1 else rows[:-1]


def is_spaced(sample: str, separator: str) -> bool:
    """Return whether cells are quoted after a space: `a, "b"`."""
    return f'{separator} "' in sample and f'{separator}"' not in sample


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    read: Callable[[int], str] = text.readline
    number = 0
    while line := read(LONGEST_LINE + 2):
        number += 1
        if len(line) > LONGEST_LINE:
            raise BadTable(
                say(
                    "line %(line)s has more than a million characters; a table has one "
                    "row per line: export it again as CSV",
                    line=number,
                )
            )
        yield line


def _rows(lines: Iterator[str], separator: str, spaced: bool) -> Iterator[RawRow]:
    held: list[str] = []

    def holding() -> Iterator[str]:
        for line in lines:
            held.append(line)
            yield line

    reader = csv.reader(holding(), delimiter=separator, skipinitialspace=spaced)
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
            if len(held) > 1 or not held[0].endswith(("\n", "\r")):
                _check_end(held, separator, spaced, begins - len(held))
            held.clear()
    except csv.Error:
        raise BadTable(
            say(
                "line %(line)s opens a quotation mark that is never closed, or has a "
                "cell of more than a million characters; correct that line",
                line=begins,
            )
        ) from None


def _check_end(held: list[str], separator: str, spaced: bool, begins: int) -> None:
    """Reject a row that ends within quotes: Python's reader takes the end of file as their end."""
    try:
        list(csv.reader(held, delimiter=separator, skipinitialspace=spaced, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise BadTable(
                say(
                    "the file ends within the quotation mark that opens on line %(line)s; it is"
                    " cut off: export it again",
                    line=begins,
                )
            ) from None
