"""Recognize a file by its first bytes, and find the one table inside a ZIP."""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from enum import StrEnum
from pathlib import PurePosixPath
from typing import BinaryIO

from advocacy.core.messages import Phrase, say
from advocacy.core.tabular.errors import BadTable
from advocacy.core.tabular.workbook import locked

MOST_BYTES = 4 << 30
"""The largest size of a file, and of what a ZIP or a workbook unpacks to."""

MOST_MEMBERS = 10_000
MOST_RATIO = 200
"""The largest compression ratio of a ZIP above a few megabytes; CSV has 5 to 30."""

_FREE = 16 << 20
_CHUNK = 1 << 20


class Kind(StrEnum):
    """How a file is read."""

    TEXT = "CSV"
    XLSX = "XLSX"
    XLS = "XLS"
    ODS = "ODS"
    ZIP = "ZIP"


_MAGIC = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"{\\rtf", "RTF"),
    (b"SQLite format 3", "SQLite"),
    (b"PAR1", "Parquet"),
)
_PACKED = (
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!", "RAR"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
)
_TABLES = {".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}
_ARCHIVES = {".zip", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz", ".zst"}
_CONTROLS = bytes(each for each in range(32) if each not in b"\0\t\n\v\f\r\x1a\x1b")


def kind_of(file: BinaryIO) -> Kind:
    """Return how a seekable file is read. Raises `BadTable` if it is not a table."""
    file.seek(0)
    head = file.read(1 << 16)
    if not head.strip():
        raise BadTable(say("the file is empty; export it again"))
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_zip(file)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _kind_of_compound(file)
    for magic, name in _MAGIC:
        if head.startswith(magic):
            raise _no_table(name)
    for magic, name in _PACKED:
        if head.startswith(magic):
            raise BadTable(say("this is compressed with %(name)s; unpack it first", name=name))
    _check_text(head)
    return Kind.TEXT


def _check_text(head: bytes) -> None:
    text = head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0").replace(b"\0", b"")[:512].lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<meta", b"<table", b"<?xml", b"<!--")):
        raise BadTable(
            say(
                "this is a web page, despite its file extension; open it in a "
                "spreadsheet program and save it as CSV or XLSX"
            )
        )
    if text.startswith((b'{"', b"{\n", b"{\r", b"[{", b"[\n", b"[\r")):
        raise BadTable(say("this is JSON, not a table; export it as CSV"))
    controls = len(head) - len(head.translate(None, _CONTROLS))
    zeros = head.count(0)
    # Text in UTF-16 may contain such bytes.
    if zeros > len(head) * 0.8 or (not zeros and controls > len(head) / 100):
        raise _no_table("")


def _no_table(name: str) -> BadTable:
    if not name:
        return BadTable(say("this is not a table; export it as CSV or XLSX"))
    return BadTable(say("this is %(name)s, not a table; export it as CSV or XLSX", name=name))


def _kind_of_zip(file: BinaryIO) -> Kind:
    with _opened(file) as packed:
        members = _checked(packed)
        names = {member.filename for member in members}
        if "[Content_Types].xml" in names:
            if any(name.startswith("xl/") for name in names):
                return Kind.XLSX
            raise _no_table("Word" if any(name.startswith("word/") for name in names) else "")
        if "mimetype" in names:
            found = packed.open("mimetype").read(100)
            if found.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
                return Kind.ODS
            raise _no_table("")
        if any(name.endswith(".iwa") for name in names):
            raise _no_table("Numbers")
    return Kind.ZIP


def _kind_of_compound(file: BinaryIO) -> Kind:
    """Tell an XLS file from an encrypted workbook, which uses the same container."""
    file.seek(0)
    directory = file.read(_FREE)
    if "EncryptedPackage".encode("utf-16-le") in directory:
        raise locked()
    if any(name.encode("utf-16-le") in directory for name in ("Workbook", "Book")):
        return Kind.XLS
    raise _no_table("")


def unpacked(file: BinaryIO) -> tuple[str, BinaryIO]:
    """Return name and contents of the only table inside a ZIP. Raises `BadTable`."""
    with _opened(file) as packed:
        files = _checked(packed)
        members = [each for each in files if _is_table(each)]
        if not members and any(_is_packed(each) for each in files):
            raise BadTable(
                say(
                    "the ZIP contains another archive and no table; unpack it and upload the table"
                    " inside that archive"
                )
            )
        if not members:
            raise BadTable(say("the ZIP contains no table; upload a CSV or XLSX file"))
        if len(members) != 1:
            raise BadTable(
                say(
                    "the ZIP contains %(number)s tables; unpack it and upload one file at a time",
                    number=len(members),
                )
            )
        (member,) = members
        # Has no name on disk; closed with the table, or when nothing refers to it any more.
        whole = tempfile.TemporaryFile()  # noqa: SIM115
        size = 0
        try:
            with packed.open(member) as inside:
                while chunk := inside.read(_CHUNK):
                    size += len(chunk)
                    if size > MOST_BYTES:
                        raise _bomb()
                    whole.write(chunk)
        except BadTable:
            raise
        except _BROKEN:
            raise _damaged() from None
        return member.filename, whole


# What the standard library raises for a damaged ZIP.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    MemoryError,
)


def _opened(file: BinaryIO) -> zipfile.ZipFile:
    file.seek(0)
    try:
        return zipfile.ZipFile(file)
    except _BROKEN:
        raise _damaged() from None


def _damaged() -> BadTable:
    return BadTable(say("the ZIP or workbook is damaged or cut off; download or save it again"))


def _bomb() -> BadTable:
    return BadTable(
        say("the file unpacks to far more data than a table has; unpack it yourself and check it")
    )


def _checked(packed: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = packed.infolist()
    if any(member.flag_bits & 1 for member in members):
        raise locked()
    whole = sum(member.file_size for member in members)
    small = sum(member.compress_size for member in members)
    if (
        len(members) > MOST_MEMBERS
        or whole > MOST_BYTES
        or (whole > _FREE and whole > MOST_RATIO * small)
    ):
        raise _bomb()
    return members


def _is_table(member: zipfile.ZipInfo) -> bool:
    return _suffix(member) in _TABLES


def _is_packed(member: zipfile.ZipInfo) -> bool:
    return _suffix(member) in _ARCHIVES


def _suffix(member: zipfile.ZipInfo) -> str:
    """Return how a member's name ends; nothing for folders and hidden files."""
    path = PurePosixPath(member.filename)
    hidden = path.name.startswith(".") or path.parts[:1] == ("__MACOSX",)
    return "" if member.is_dir() or hidden else path.suffix.lower()


def label(kind: Kind, inside: str) -> Phrase | str:
    """Return the name of a kind of file."""
    return say("%(kind)s inside a ZIP", kind=str(kind)) if inside else str(kind)
