"""Opening tables: the same result for every format, and refusal of other files."""

from __future__ import annotations

import csv
import io
import os
import random
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import Workbook

from advocacy.core.spreadsheets import plain_cell
from advocacy.core.tabular.columns import Layout, fold
from advocacy.core.tabular.errors import BadTable
from advocacy.core.tabular.table import Table, open_table

FILES = Path(__file__).parent / "files"
LAYOUT = Layout(needed=(("id", "Line Item"), ("Amount",)), known=("Date", "Email", "Título"))
HEADINGS = ["id", "Amount", "Date", "Título", "Note"]
ROWS = [
    ["1", "25.00", "2026-11-01 09:30:00", "Año", "a,b;c|d"],
    ["2", "1010.50", "2026-11-02", "Straße", 'two\nlines of "text"'],
    ["3", "7", "", "", "tab\there"],
]
TEXTS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"]
TEXTS += ["mac_roman", "cp850"]


def written(rows, separator=",", end="\r\n", encoding="utf-8", **how) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, lineterminator=end, **how).writerows(rows)
    return out.getvalue().encode(encoding)


def workbook(*sheets, formats=()) -> bytes:
    book, out = Workbook(), io.BytesIO()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(row)
    book.save(out)
    return out.getvalue()


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name.replace("__", "."), data)
    return out.getvalue()


def opened(data: bytes, layout: Layout = LAYOUT, **asked: str) -> Table:
    return open_table(io.BytesIO(data), layout, **asked)


def values(data: bytes, **asked: str) -> list[list[str]]:
    table = opened(data, **asked)
    assert table.check() == len(list(table.rows()))
    assert not [row.problem for row in table.rows() if row.problem]
    return [list(row.values.values()) for row in table.rows()]


# The same rows.


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", TEXTS)
def test_a_table_reads_the_same_in_every_encoding_separator_and_line_end(encoding, separator, end):
    rows = [[cell.replace("\n", end) for cell in row] for row in ROWS]
    assert values(written([HEADINGS, *rows], separator, end, encoding)) == rows


def test_a_workbook_reads_as_csv_does():
    assert values(workbook([HEADINGS, *ROWS])) == ROWS
    assert values(zipped(export__xlsx=workbook([HEADINGS, *ROWS]))) == ROWS
    assert values(zipped(export__csv=written([HEADINGS, *ROWS], ";", encoding="cp1252"))) == ROWS


CELL = st.text(
    st.characters(codec="cp1252", exclude_categories=["Cc"]) | st.sampled_from(',;\t|"\n'),
    max_size=12,
)


@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8),
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252"]),
)
def test_any_cells_are_read_back_unchanged(rows, separator, end, encoding):
    whole = [(f"r{number}", *row[1:]) for number, row in enumerate(rows)]
    table = [("id", "Amount", "Email"), *whole]
    data = written(table, separator, end, encoding, quoting=csv.QUOTE_ALL)
    # What a few letters are guessed to be is another test; here the encoding is known.
    got = values(data, encoding="cp1252" if encoding == "cp1252" else "")
    assert got == [[plain_cell(cell) for cell in row] for row in whole]


def test_numbers_dates_and_formulas_of_a_workbook_are_read_as_from_csv():
    from datetime import date, datetime

    data = workbook(
        [
            ["id", "Amount", "Date", "Email", "Note"],
            [9001.0, 0.1 + 0.2, datetime.fromisoformat("2026-11-01 09:30:00"), True, "=1+1"],
            [12345678901234, 1010.5, date(2026, 11, 2), "+15125550123", 1e-7],
        ]
    )
    assert values(data) == [
        ["9001", "0.3", "2026-11-01 09:30:00", "true", ""],
        ["12345678901234", "1010.5", "2026-11-02", "+15125550123", "0.0000001"],
    ]


def test_the_old_format_of_excel_is_read():
    rows = [list(row.values.values()) for row in opened((FILES / "gifts.xls").read_bytes()).rows()]
    assert rows[0] == ["AB1", "2026-11-01 09:30:00", "25.5", "ana@example.org", "9001", "Año"]
    assert len(rows) == 2


def test_the_sheet_with_the_columns_is_taken():
    table = opened(workbook([["Read me"], ["first"]], [HEADINGS, *ROWS], [["id"], ["9"]]))
    assert table.check() == 3
    assert "sheet “Sheet 1”" in table.described()


# Encodings.


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "José"), ("cp1252", "£5 – “déjà vu”"), ("cp1252", "DONAÇÃO"), ("cp1252", "€"),
        ("mac_roman", "José"), ("mac_roman", "François Noël"), ("cp850", "Café, Hélène"),
        ("cp1250", "Łódź, Małgorzata"), ("cp1250", "Dvořák, žluťoučký kůň"),
        ("cp1251", "Привет, Иван Петров"), ("koi8_r", "Привет, Иван Петров"),
        ("cp1253", "Αθήνα, Γιώργος"), ("cp1256", "محمد, القاهرة"),
        ("cp932", "東京, 山田太郎"), ("big5", "台北, 王小明"), ("cp949", "서울, 김철수"),
    ],
)  # fmt: skip
def test_a_single_byte_encoding_is_detected(encoding, text):
    data = written([["id", "Amount", "Email"], ["1", "5", text]], encoding=encoding)
    table = opened(data)
    assert [row.values["Email"] for row in table.rows()] == [text]
    assert table.encoding.how == "guessed"
    assert "guessed" in table.described()


def test_a_character_in_the_last_row_decides_the_encoding():
    rows = [["id", "Amount", "Email"], *[[str(n), "5", "a@example.org"] for n in range(60_000)]]
    data = written([*rows, ["x", "5", "José"]], encoding="cp1252")
    assert len(data) > 1 << 20
    *_, last = opened(data).rows()
    assert (last.line, last.values["Email"]) == (60_002, "José")


def test_the_caller_can_set_the_encoding():
    data = written([["id", "Amount", "Email"], ["1", "5", "שלום"]], "#", encoding="cp1255")
    (row,) = opened(data, encoding="windows-1255", separator="#").rows()
    assert row.values == {"id": "1", "Amount": "5", "Email": "שלום"}
    for asked in ("nonsense", "idna", "unicode_escape", "rot13", "base64", "\0"):
        with pytest.raises(BadTable, match="there is no encoding"):
            opened(data, encoding=asked)
    for asked in ("ab", "x", '"', "\n"):
        with pytest.raises(BadTable, match="is not a separator"):
            opened(data, separator=asked)


def test_rows_that_are_damaged_are_refused_and_the_rest_is_read():
    data = "id,Amount,Email\n1,5,José\n2,5,Zoë Müller\n3,5,Ana ".encode() + b"\xe9\n4,5,x\n"
    table = opened(data)
    assert table.check() == 4
    assert [(row.line, row.problem[:8]) for row in table.rows() if row.problem] == [(4, "not_utf8")]
    assert "with damaged rows" in table.described()


# Headings.


def test_headings_keep_their_accents():
    assert fold("Título") == "título" != fold("ttulo")
    assert fold(" CREATED_(utc)\xa0") == fold("Created (UTC)") == "createdutc"
    assert fold("T\u0069\u0301tulo") == fold("Título")
    assert fold("नाम") != fold("नम")
    assert fold("#") != fold("%")
    table = opened("ID\xa0; amount ;TÍTULO;Prénom\n1;2;3;4\n".encode())
    assert table.matched.known == ("ID", "amount", "TÍTULO")
    assert table.matched.ignored == ("Prénom",)


def test_a_column_without_a_heading_is_ignored():
    (row,) = opened(b"id,Amount,,\n1,5,,\n").rows()
    assert row.values == {"id": "1", "Amount": "5"}
    (row,) = opened(b",id,Amount\n0,1,5\n").rows()
    assert row.values == {"id": "1", "Amount": "5"}


def test_a_duplicate_column_is_named():
    with pytest.raises(BadTable, match=r"column Amount appears twice \(columns 2, 4\)"):
        opened(b"id,Amount,Note,AMOUNT\n1,2,3,4\n").check()
    (row,) = opened(b"id,Amount,Note,Note\n1,2,3,4\n").rows()
    assert row.values == {"id": "1", "Amount": "2", "Note": "3", "Note (2)": "4"}


def test_control_characters_of_headings_are_escaped():
    table = opened("id,Amount,ééééé\x1b[2J,x".encode() + b"\xff\n1,5,,\n")
    assert table.columns == ("id", "Amount", "ééééé\ufffd[2J", "x\ufffd")
    assert table.described().encode()


def test_missing_columns_are_named_once_and_together():
    with pytest.raises(BadTable) as error:
        opened(b"Date;Email\n1;2\n1;2\n").check()
    assert str(error.value) == (
        "these columns are missing: id (or Line Item); Amount; line 1 has: Date, Email"
    )


def test_exact_layouts_accept_other_spellings():
    layout = Layout((("ticket",),), ("mail",), exact=True)
    (row,) = opened(b"TICKET,E-Mail,Mail\n1,2,3\n", layout).rows()
    assert row.values == {"ticket": "1", "E-Mail": "2", "mail": "3"}


# What stands around the rows.


def test_lines_are_those_of_the_file():
    data = b'Gifts\n\nid,Amount,Note\n1,5,"two\nlines"\n\n , ,\n2,5,x\nTotal,,\n3,5,\n'
    assert [(row.line, row.values["id"]) for row in opened(data).rows()] == [
        (4, "1"),
        (8, "2"),
        (10, "3"),
    ]


def test_titles_totals_repeated_headings_and_blank_rows_are_skipped():
    data = (
        b"Report: Amount by day\nFrom 2026-01-01 to 2026-02-01\n\n"
        b"Date,id,Amount\n2026-01-01,1,5\n,,\nDate,id,Amount\n2026-01-02,2,5\n"
        b"Grand total,,10\n\x1a"
    )
    table = opened(data)
    assert table.check() == 2
    assert [(row.line, row.values["id"]) for row in table.rows()] == [(5, "1"), (8, "2")]
    assert "headers on line 4" in table.described()
    assert "1 line of totals" in table.described()


def test_a_gift_by_a_person_named_total_is_a_row():
    data = b"Email,id,Amount\nTotal Tom,1,5\n"
    assert opened(data).check() == 1


def test_the_separator_that_excel_names_is_taken():
    assert values(b"sep=;\r\nid;Amount\r\n1;5,00\r\n") == [["1", "5,00"]]
    assert values(b'\xef\xbb\xbf"sep=|"\nid|Amount\n1|5\n') == [["1", "5"]]


def test_commas_within_cells_do_not_hide_the_separator():
    data = b"id;Amount;Note\n1;5,00;a, b, c, d\n2;6,00;a, b, c, d\n3;7,50;a, b, c, d\n"
    assert values(data) == [["1", "5,00", "a, b, c, d"], ["2", "6,00", "a, b, c, d"],
                            ["3", "7,50", "a, b, c, d"]]  # fmt: skip


def test_quotes_after_spaces_are_quotes():
    assert values(b'id, Amount, Note\n1, "5", "a, b"\n') == [["1", "5", "a, b"]]


def test_the_apostrophe_before_a_formula_is_removed():
    assert values(b"id,Amount,Note\n1,'-5,'=x\n2,5,'tis\n") == [
        ["1", "-5", "=x"],
        ["2", "5", "'tis"],
    ]


def test_a_row_with_more_cells_than_headings_has_a_problem():
    first, second = opened(b"id,Amount\n1,5,,\n2,1,000.00\n").rows()
    assert first.problem == ""
    assert second.problem.startswith("too_many_cells") and second.beyond == ("000.00",)


# What is no table.

HUGE = b"id,Amount\n" + b"x" * (3 << 20)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \r\n\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\xff\xfe", "empty"),
        (b"id,Amount\n", "no rows"),
        (b"\n\nid,Amount\n,\n", "no rows"),
        (b"%PDF-1.7\n1 0 obj", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG"),
        (b"\x1f\x8b\x08\0", "compressed with gzip"),
        (b"<!DOCTYPE html><html><body><table>", "web page"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><Workbook>', "web page"),
        ("<html><table>".encode("utf-16"), "web page"),
        (b'[{"id": 1}]', "JSON"),
        (bytes(range(1, 32)) * 40, "not a table"),
        (b"\0" * 4_000, "not a table"),
        (b",".join(b"c%d" % n for n in range(10_000)) + b"\n", "10000 columns"),
        (HUGE, "more than a million characters"),
        (b'id,Amount\n1,"5\n2,6\n', "line 2"),
        (b'id,Amount\n1,"' + b"5\n" * (1 << 20), "line 2"),
        ((FILES / "locked.xlsx").read_bytes(), "password"),
        (workbook([HEADINGS, *ROWS])[:-200], "damaged or cut off"),
        (workbook([[]]), "the workbook is empty"),
        (zipped(word__document="x", **{"[Content_Types].xml": b"x", "word/document.xml": b"x"}),
         "Word"),
        (zipped(a__csv=b"id\n1", b__csv=b"id\n1"), "contains 2 tables"),
        (zipped(readme=b"x"), "contains no table; upload"),
        (zipped(a__zip=zipped(b__csv=b"id\n1")), "another archive and no table; unpack it"),
        (zipped(readme=b"x", **{"a/b.tar.gz": b"x"}), "another archive and no table; unpack it"),
        (zipped(a__csv=b""), "empty"),
        (zipped(a__csv=zipped(b__csv=b"id\n1")), "ZIP inside a ZIP"),
        (zipped(a__csv=b"id,Amount\n" + b"1,5\n" * (8 << 20)), "unpacks to far more"),
        (zipped(**{"[Content_Types].xml": b"x", "xl/a.xml": b"\0" * (100 << 20)}), "far more"),
    ],
    ids=lambda value: ascii(value)[:24],
)  # fmt: skip
def test_other_files_are_refused_in_one_sentence(data, words):
    with pytest.raises(BadTable) as error:
        opened(data).check()
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_line_without_an_end_takes_no_memory():
    class Endless(io.RawIOBase):
        at, size = 0, 100 << 20

        def readable(self):
            return True

        def seekable(self):
            return True

        def seek(self, to, whence=0):
            self.at = to
            return to

        def tell(self):
            return self.at

        def readinto(self, into):
            head = b"id,Amount\n1,"[self.at : self.at + len(into)]
            data = head or b"x" * min(len(into), self.size - self.at)
            into[: len(data)] = data
            self.at += len(data)
            return len(data)

    tracemalloc.start()
    with pytest.raises(BadTable, match="line 2 has more than a million characters"):
        open_table(io.BufferedReader(Endless()), LAYOUT).check()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 << 20


def test_a_workbook_with_a_distant_cell_is_refused_cheaply():
    book, out = Workbook(), io.BytesIO()
    book.active.append(HEADINGS)
    book.active.cell(1_048_576, 16_384, "x")
    book.save(out)
    with pytest.raises(BadTable, match="a cell far outside"):
        opened(out.getvalue())


def test_a_workbook_that_takes_too_long_is_refused():
    with pytest.raises(BadTable, match="too large"):
        open_table(io.BytesIO(workbook([HEADINGS, *ROWS])), LAYOUT, seconds=0.001)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "gifts.csv"
    path.write_bytes(written([HEADINGS, *ROWS * 10]))
    with path.open("rb") as file:
        table = open_table(file, LAYOUT)
        rows = table.rows()
        next(rows)
        with path.open("ab") as more:
            more.write(b"4,5,,,\n")
        with pytest.raises(BadTable, match="changed while it was read"):
            list(rows)


def test_a_pipe_is_read_too():
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "wb") as end:
        end.write(written([HEADINGS, *ROWS]))
    with os.fdopen(ours, "rb") as file:
        assert open_table(file, LAYOUT).check() == 3


@pytest.mark.parametrize("number", [20_000])
def test_rows_are_read_in_constant_memory(tmp_path, number):
    peaks = []
    for rows in (number, number * 5):
        path = tmp_path / f"{rows}.csv"
        path.write_bytes(written([HEADINGS, *([["1", "5", "x", "y", "z" * 50]] * rows)]))
        tracemalloc.start()
        with path.open("rb") as file:
            assert open_table(file, LAYOUT).check() == rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2


# Whatever the bytes.

WHOLE = {
    "csv": written([HEADINGS, *ROWS]),
    "utf-16": written([HEADINGS, *ROWS], ";", encoding="utf-16"),
    "cp1252": written([HEADINGS, *ROWS], "\t", encoding="cp1252"),
    "xlsx": workbook([HEADINGS, *ROWS]),
    "xls": (FILES / "gifts.xls").read_bytes(),
    "zip": zipped(a__csv=written([HEADINGS, *ROWS])),
}


def read_or_refused(data: bytes) -> None:
    try:
        table = opened(data)
        table.described(table.count())
        table.check()
    except BadTable as error:
        assert str(error) and "\n" not in str(error)


@given(st.binary(max_size=400))
@example(b'"')
@example(b"\xff\xfe\x00")
@example(b"\0\0\xfe\xff")
@example(b"id,Amount\n'")
@example(b"sep=,")
@example(b"PK\x05\x06" + b"\0" * 18)
def test_any_bytes_are_a_table_or_refused(data):
    for head in (b"", b"id,Amount\n", b"PK\x03\x04"):
        read_or_refused(head + data)


@pytest.mark.parametrize("kind", WHOLE)
def test_tampered_and_truncated_files_are_read_or_refused(kind):
    chance = random.Random(7)
    whole = WHOLE[kind]
    tries = 12 if kind in {"xlsx", "xls"} else 150  # each of those is a process
    for _ in range(tries):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 20)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        read_or_refused(bytes(data))
        read_or_refused(whole[: chance.randrange(len(whole))])


@pytest.mark.parametrize(
    "data",
    [
        b"id,Amount,Note\n1,5,Jos\xe9\n" + b"a" * 200_000,
        b"id,Amount,Note\n1,5,Jos\xe9\n" + b"2,5," + b"a,b " * 50_000,
        b"id,Amount,a" + b" " * 200_000 + b"b\n1,5,2\n",
        b"id,Amount,Note\n1,5," + b"'" * 200_000,
        b'id,Amount,Note\n1,5,"' + b'""' * 100_000,
    ],
)
def test_long_lines_take_linear_time(data):
    began = time.process_time()
    read_or_refused(data)
    assert time.process_time() - began < 5
