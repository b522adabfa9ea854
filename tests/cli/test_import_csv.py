"""`advocacy import`: the summary, and the file of refused rows."""

from __future__ import annotations

import csv
import io
import stat
from pathlib import Path

import pytest
from openpyxl import Workbook

from advocacy.ingestion import csv_import

HEADER = "Receipt ID,Date,Amount,Donor Email,Lineitem ID\n"


def test_an_import_reports_new_known_and_refused_rows(operator, tmp_path):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    operator.does("source", "create", "--provider", "actblue", "--name", "ActBlue")
    export = tmp_path / "gifts.csv"
    export.write_text(
        "\ufeff" + HEADER + "AB1,2026-11-01 09:30:00,5.00,a@example.org,1\n"
        "AB2,yesterday,5.00,b@example.org,2\n"
        "AB3,2026-11-01 09:30:00,=1+1,c@example.org,3\n"
    )
    told = operator.does("import", "actblue", export)
    assert "1 new, 0 known, 2 rejected" in told
    refused = tmp_path / "gifts.csv.refused.csv"
    with refused.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["line"], row["reason"].split(":")[0]) for row in rows] == [
        ("3", "bad_instant"),
        ("4", "bad_amount"),
    ]
    assert rows[1]["Amount"] == "'=1+1"  # a spreadsheet would run it
    # It holds people's addresses, as the export does.
    assert stat.S_IMODE(refused.stat().st_mode) == 0o600
    assert "0 new, 1 known, 2 rejected" in operator.does("import", "actblue", export)


def test_an_export_of_several_batches_is_read_ahead(operator, tmp_path, monkeypatch):
    """A batch is read in another thread while that before it is kept, and knows its source."""
    monkeypatch.setattr(csv_import, "ROWS_AT_ONCE", 2)
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    operator.does("source", "create", "--provider", "actblue", "--name", "ActBlue")
    export = tmp_path / "gifts.csv"
    export.write_text(
        HEADER + "".join(f"AB{n},2026-11-01 09:30:00,5.00,a{n}@example.org,{n}\n" for n in range(7))
    )
    assert "7 new, 0 known, 0 rejected" in operator.does("import", "actblue", export)


def test_a_csv_by_a_mapping(operator, tmp_path):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    mapping = tmp_path / "mapping.json"
    mapping.write_text(
        """{"kind": "'attendance'", "kinds": {"attendance": "attendance"},
            "fields": {"id": "ticket", "at": "bought", "email": "mail", "code": "ref"},
            "zone": "America/Chicago"}"""
    )
    operator.does(
        "source", "create", "--provider", "generic", "--name", "Tickets", "--mapping", mapping
    )
    export = tmp_path / "tickets.csv"
    export.write_text("ticket,bought,mail,ref\nt-1,2026-11-01T09:30:00,a@example.org,none\n")
    assert "1 new, 0 known, 0 rejected" in operator.does("import", "generic", export)


GIFTS = [
    ["Receipt ID", "Date", "Amount", "Donor Email", "Lineitem ID", "Título"],
    ["AB1", "2026-11-01 09:30:00", "5.50", "a@example.org", "1", "Año"],
    ["AB2", "2026-11-02 09:30:00", "7", "b@example.org", "2", "Straße"],
    ["AB3", "2026-11-03 09:30:00", "9.25", "c@example.org", "3", ""],
]
ENDS = {"lf": "\n", "cr": "\r"}


def write_gifts(path: Path, kind: str) -> Path:
    if kind == "xlsx":
        book = Workbook()
        for row in GIFTS:
            book.active.append(row)
        book.save(path)
        return path
    separator, encoding, end = kind.split()
    sign = "\t" if separator == "tab" else separator
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=sign, lineterminator=ENDS[end]).writerows(GIFTS)
    path.write_bytes(out.getvalue().encode(encoding))
    return path


@pytest.mark.parametrize(
    "kind", [", utf-8-sig lf", "; cp1252 lf", "tab utf-16 cr", "| mac_roman lf", "xlsx"]
)
def test_an_export_counts_the_same_as_any_spreadsheet_writes_it(operator, tmp_path, kind):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    operator.does("source", "create", "--provider", "actblue", "--name", "ActBlue")
    export = write_gifts(tmp_path / "gifts.dat", kind)
    told = operator.does("import", "actblue", export)
    assert "3 rows" in told and "columns ignored: Título" in told
    assert "3 new, 0 known, 0 rejected" in told
    assert "0 new, 3 known, 0 rejected" in operator.does("import", "actblue", export)
    # And the same gifts as another program writes them.
    plain = write_gifts(tmp_path / "plain.csv", ", utf-8 lf")
    assert "0 new, 3 known, 0 rejected" in operator.does("import", "actblue", plain)


def test_a_preview_shows_what_was_read_and_imports_nothing(operator, tmp_path):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    operator.does("source", "create", "--provider", "actblue", "--name", "ActBlue")
    export = tmp_path / "gifts.csv"
    export.write_bytes(
        "Gifts of November\nDate;Lineitem ID;Amount;Email;Título\n"
        "11/01/2026 09:30;1;$1,010.50;jose@example.org;Año\n"
        "soon;2;5.00;b@example.org;\n"
        "Total;;1,015.50;;\n".encode("cp1252")
    )
    told = operator.does("import", "actblue", export, "--preview").splitlines()
    assert told == [
        "gifts.csv: CSV, Windows-1252 (guessed), separated by semicolon, headers on line 2,"
        " 2 rows, 1 line of totals skipped",
        "columns read: Date, Lineitem ID, Amount, Email",
        "columns ignored: Título",
        "line 3: donation, 1010.50 USD, at 2026-11-01 14:30:00 UTC, id 1, with email",
        "line 4: rejected: bad_instant: Date",
        "nothing was imported",
    ]
    assert not (tmp_path / "gifts.csv.refused.csv").exists()
    asked = operator.does("import", "actblue", export, "--preview", "--encoding", "latin-1")
    assert "Latin-1 (as requested)" in asked
    assert "1 new, 0 known, 1 rejected" in operator.does("import", "actblue", export)


def test_dates_are_month_first_unless_day_first_is_given(operator, tmp_path):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    operator.does("source", "create", "--provider", "actblue", "--name", "ActBlue")
    export = tmp_path / "gifts.csv"
    export.write_text("Date,Lineitem ID,Amount,Email\n5/1/24 1:05:09 PM,1,5.00,a@example.org\n")
    asked = ("import", "actblue", export, "--preview")
    assert "at 2024-05-01 17:05:09 UTC" in operator.does(*asked)
    assert "at 2024-01-05 18:05:09 UTC" in operator.does(*asked, "--dates", "D/M/Y")


def test_missing_columns_stop_an_import_and_are_named_once(operator, tmp_path):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    operator.does("source", "create", "--provider", "stripe", "--name", "Stripe")
    export = tmp_path / "payments.csv"
    export.write_text("id,Created (UTC),Amount\n" + "pi_1,2026-11-01 10:00,5.00\n" * 50)
    said = operator.fails("import", "stripe", export)
    assert said.count("Currency") == 1
    assert "these columns are missing: Currency" in said
    assert not (tmp_path / "payments.csv.refused.csv").exists()
    assert "missing: Currency" in operator.fails("import", "stripe", export, "--preview")


def test_refused_rows_have_their_line_and_can_be_corrected_and_imported(operator, tmp_path):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    operator.does("source", "create", "--provider", "actblue", "--name", "ActBlue")
    export = tmp_path / "gifts.csv"
    export.write_text(
        "Report\n\n" + HEADER.strip() + ",Note\n"
        'AB1,2026-11-01 09:30:00,5,a@example.org,1,"two\nlines"\n'
        "AB2,soon,5,+1@example.org,2,=x\n"
        "AB3,2026-11-01 09:30:00,1,000.00,c@example.org,3,x\n"
    )
    assert "1 new, 0 known, 2 rejected" in operator.does("import", "actblue", export)
    refused = tmp_path / "gifts.csv.refused.csv"
    with refused.open(encoding="utf-8-sig", newline="") as lines:
        _, *rows = csv.reader(lines)
    assert [row[0] for row in rows] == ["6", "7"]
    assert rows[0][5:] == ["'+1@example.org", "2", "'=x"]
    assert rows[1][1].startswith("too_many_cells") and rows[1][-1] == "x"
    refused.write_text(refused.read_text().replace("soon", "2026-11-02 10:00"))
    assert "1 new, 0 known, 1 rejected" in operator.does("import", "actblue", refused)
    with (tmp_path / "gifts.csv.refused.csv.refused.csv").open(encoding="utf-8-sig") as lines:
        assert next(lines).startswith("line,reason,Receipt ID,Date")
    assert "must name a different file" in operator.fails(
        "import", "actblue", export, "--refused", export
    )


def test_an_unreadable_file_is_reported_in_one_line(operator, tmp_path):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    operator.does("source", "create", "--provider", "actblue", "--name", "One")
    assert operator.says("import", "actblue", tmp_path / "none.csv").exit_code == 2
    assert operator.says("import", "actblue", tmp_path).exit_code == 2
    export = tmp_path / "export.xls"
    for data, words in [
        (b"%PDF-1.7", "this is PDF"),
        (b"<html><table></table></html>", "web page"),
        (HEADER.encode(), "no rows"),
        (b"PK\x03\x04" + b"x" * 100, "damaged or cut off"),
    ]:
        export.write_bytes(data)
        said = operator.fails("import", "actblue", export)
        assert words in said and "\n" not in said, said
    export.write_text(HEADER + "AB1,soon,5,a@example.org,1\n")
    nowhere = tmp_path / "no such folder" / "refused.csv"
    said = operator.fails("import", "actblue", export, "--refused", nowhere)
    assert "No such file" in said


def test_columns_of_a_mapping_are_found_whatever_their_case(operator, tmp_path):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    mapping = tmp_path / "mapping.json"
    mapping.write_text(
        r"""{"kind": "'attendance'", "kinds": {"attendance": "attendance"},
            "fields": {"id": "\"Número\" || ticket", "at": "bought", "email": "mail"},
            "zone": "America/Chicago"}"""
    )
    operator.does(
        "source", "create", "--provider", "generic", "--name", "Tickets", "--mapping", mapping
    )
    export = tmp_path / "tickets.csv"
    export.write_bytes(
        "NÚMERO;Bought;Mail;x\nt-1;2026-11-01T09:30:00;a@example.org;\n".encode("cp1252")
    )
    told = operator.does("import", "generic", export)
    assert "columns ignored: x" in told and "1 new, 0 known, 0 rejected" in told
    export.write_text("ticket,mail\n1,2\n")
    assert "these columns are missing: bought" in operator.fails("import", "generic", export)


def test_errors_are_one_line(operator, tmp_path):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    export = tmp_path / "gifts.csv"
    export.write_text("")
    assert "source create --provider actblue" in operator.fails("import", "actblue", export)
    operator.does("source", "create", "--provider", "actblue", "--name", "One")
    assert "the file is empty" in operator.fails("import", "actblue", export)
    operator.does("source", "create", "--provider", "actblue", "--name", "Two")
    assert "--source" in operator.fails("import", "actblue", export)
    assert "time zone" in operator.fails(
        "import", "actblue", export, "--source", "One", "--zone", "Mars"
    )


def test_without_a_loss_there_is_no_alarm(operator):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    assert "no change" in operator.does("alarm")


def test_a_body_is_tried_on_a_mapping(operator, tmp_path):
    body = tmp_path / "body.json"
    body.write_text('{"nothing": 1}')
    told = operator.says("source", "try", "every_org", body)
    assert told.exit_code in {0, 1}
    assert told.exit_code == 0 or told.stderr.startswith(
        "Error: this mapping cannot read the payload"
    )
