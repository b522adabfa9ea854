"""Read rows of cells from XLSX, XLSM, XLSB, XLS and ODS.

Calamine reads them in a separate process with limits of memory and time, into an unnamed temporary
file that is then read row by row.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from advocacy.core.messages import say
from advocacy.core.tabular.delimited import RawRow
from advocacy.core.tabular.errors import BadTable

# It reads untrusted files and gets none of our secrets.
_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")
_PROGRAM = Path(__file__).with_name("convert.py")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a workbook: its name, and the range of its rows in the converted file."""

    name: str
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Workbook:
    """A converted workbook: its visible sheets that are not empty."""

    converted: BinaryIO
    sheets: tuple[Sheet, ...]

    def rows(self, sheet: Sheet) -> Iterator[RawRow]:
        """Yield the rows of a sheet that are not empty, each with its number there."""
        self.converted.seek(sheet.begins)
        while self.converted.tell() < sheet.ends:
            number, *cells = json.loads(self.converted.readline())
            yield number, cells


def read_workbook(file: BinaryIO, seconds: float) -> Workbook:
    """Read a workbook from a file that has a descriptor. Raises `BadTable`."""
    file.seek(0)
    converted = tempfile.TemporaryFile()  # noqa: SIM115 -- open as long as the table
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_PROGRAM)],
            stdin=file,
            stdout=converted,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _VARIABLES if name in os.environ},
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _too_large() from None
    if done.returncode:
        raise _too_large()
    return Workbook(converted, tuple(_sheets(converted)))


def _sheets(converted: BinaryIO) -> Iterator[Sheet]:
    converted.seek(0)
    name, begins, at = "", 0, 0
    for line in converted:
        if line.startswith(b'["'):
            what, words = json.loads(line)
            if what == "error":
                raise _refused(words)
            if at > begins:
                yield Sheet(name, begins, at)
            name, begins = words, at + len(line)
        at += len(line)
    if at > begins:
        yield Sheet(name, begins, at)


def _refused(reason: str) -> BadTable:
    if reason == "password":
        return locked()
    if reason == "large":
        return _too_large()
    return BadTable(
        say(
            "the workbook is damaged or cut off; open it in a spreadsheet program and save it again"
        )
    )


def locked() -> BadTable:
    """Return the error for a file with a password."""
    return BadTable(say("the file is protected by a password; save it without one"))


def _too_large() -> BadTable:
    return BadTable(
        say("the workbook is too large, or has a cell far outside the table; save it as CSV")
    )
