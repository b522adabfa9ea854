"""`advocacy import`: what it says at the end, and what it writes of what it refused."""

from __future__ import annotations

import csv
import stat

from advocacy import importing

HEADER = "Receipt ID,Date,Amount,Donor Email,Lineitem ID\n"


def test_an_import_says_what_was_new_known_and_refused(operator, tmp_path):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    operator.does("source", "create", "--provider", "actblue", "--name", "ActBlue")
    export = tmp_path / "gifts.csv"
    export.write_text(
        "\ufeff" + HEADER + "AB1,2026-11-01 09:30:00,5.00,a@example.org,1\n"
        "AB2,yesterday,5.00,b@example.org,2\n"
        "AB3,2026-11-01 09:30:00,=1+1,c@example.org,3\n"
    )
    told = operator.does("import", "actblue", export)
    assert "1 new, 0 known, 2 refused" in told
    refused = tmp_path / "gifts.csv.refused.csv"
    with refused.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["line"], row["reason"].split(":")[0]) for row in rows] == [
        ("3", "bad_instant"),
        ("4", "bad_amount"),
    ]
    assert rows[1]["Amount"] == "=1+1"
    # It holds people's addresses, as the export does.
    assert stat.S_IMODE(refused.stat().st_mode) == 0o600
    assert "0 new, 1 known, 2 refused" in operator.does("import", "actblue", export)


def test_an_export_of_several_batches_is_read_ahead(operator, tmp_path, monkeypatch):
    """A batch is read in another thread while that before it is kept, and knows its source."""
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 2)
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    operator.does("source", "create", "--provider", "actblue", "--name", "ActBlue")
    export = tmp_path / "gifts.csv"
    export.write_text(
        HEADER + "".join(f"AB{n},2026-11-01 09:30:00,5.00,a{n}@example.org,{n}\n" for n in range(7))
    )
    assert "7 new, 0 known, 0 refused" in operator.does("import", "actblue", export)


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
    assert "1 new, 0 known, 0 refused" in operator.does("import", "generic", export)


def test_mistakes_are_one_line(operator, tmp_path):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    export = tmp_path / "gifts.csv"
    export.write_text("")
    assert "source create --provider actblue" in operator.fails("import", "actblue", export)
    operator.does("source", "create", "--provider", "actblue", "--name", "One")
    assert "name the columns" in operator.fails("import", "actblue", export)
    operator.does("source", "create", "--provider", "actblue", "--name", "Two")
    assert "--source" in operator.fails("import", "actblue", export)
    assert "time zone" in operator.fails(
        "import", "actblue", export, "--source", "One", "--zone", "Mars"
    )


def test_the_alarm_is_silent_where_nothing_is_lost(operator):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    assert "as before" in operator.does("alarm")


def test_a_body_is_tried_on_a_mapping(operator, tmp_path):
    body = tmp_path / "body.json"
    body.write_text('{"nothing": 1}')
    told = operator.says("source", "try", "every_org", body)
    assert told.exit_code in {0, 1}
    assert told.exit_code == 0 or told.stderr.startswith("Error: the body cannot be read")
