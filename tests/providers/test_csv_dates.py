"""Dates as spreadsheets write them are read in the order that is said, and none is guessed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from advocacy.core.errors import Unreadable
from advocacy.core.events import Verified
from advocacy.providers import csv_exports, generic, parsing
from advocacy.providers.csv_exports import rows

NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    ("written", "form", "expected"),
    [
        ("5/1/2024 1:05:09 PM", "M/D/Y", "2024-05-01T17:05:09"),
        ("5/1/2024 1:05:09 PM", "D/M/Y", "2024-01-05T18:05:09"),
        ("5/1/2024, 1:05:09\u202fPM", "M/D/Y", "2024-05-01T17:05:09"),
        ("5/1/2024 1:05 p.m.", "M/D/Y", "2024-05-01T17:05:00"),
        ("5/1/2024 12:00 AM", "M/D/Y", "2024-05-01T04:00:00"),
        ("5/1/2024 12:00:00 pm", "M/D/Y", "2024-05-01T16:00:00"),
        ("05/01/24", "M/D/Y", "2024-05-01T04:00:00"),
        ("5/1/24 13:05", "M/D/Y", "2024-05-01T17:05:00"),
        ("31/12/2024", "D/M/Y", "2024-12-31T05:00:00"),
        ("31.12.24 13:05", "D/M/Y", "2024-12-31T18:05:00"),
        ("31-12-2024 13:05:01", "D/M/Y", "2024-12-31T18:05:01"),
        ("2/29/2024", "M/D/Y", "2024-02-29T05:00:00"),
        ("1/1/99", "M/D/Y", "1999-01-01T05:00:00"),
        # Clocks go back: the first; clocks go on: an hour later.
        ("11/3/2024 1:30 AM", "M/D/Y", "2024-11-03T05:30:00"),
        ("3/10/2024 2:30 AM", "M/D/Y", "2024-03-10T07:30:00"),
    ],
)
def test_a_date_is_read_in_the_form_that_is_said(written, form, expected):
    found = parsing.spreadsheet_date(written, "Date", form, NEW_YORK)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "13/1/2024",
        "2/30/2024",
        "2/29/2023",
        "0/1/2024",
        "5/1/2024 13:05 PM",
        "5/1/2024 0:05 AM",
        "5/1/2024 24:00",
        "5/1/2024 1:60",
        "5/1/9999",
        "12/31/9999 23:30",
        "1/1/0001",
        "1/1/75",
        "5/1-2024",
        "5/1/2024 PM",
        "5/1/024",
        "01.05.2024",
        "٥/١/٢٠٢٤",
        "",
    ],
)
def test_a_date_that_is_none_raises_unreadable_alone(written):
    with pytest.raises(Unreadable) as error:
        parsing.spreadsheet_date(written, "Date", "M/D/Y", NEW_YORK)
    assert error.value.reason == "bad_instant"
    with pytest.raises(Unreadable):
        rows.moment(written, "Date", NEW_YORK, "M/D/Y")


def row(when: str, **said: str) -> dict[str, str]:
    return {"Lineitem ID": "1", "Date": when, "Amount": "5.00", **said}


def test_exports_have_the_month_first_unless_it_is_said():
    for said, expected in (({}, "2024-05-01"), ({"_dates": "D/M/Y"}, "2024-01-05")):
        (gift,) = csv_exports.read_actblue(row("5/1/2024 1:05:09 PM", **said), {})
        assert f"{gift.occurred_at:%Y-%m-%d}" == expected


MAPPING = {
    "kind": "'signature'",
    "zone": "Europe/Paris",
    "fields": {"id": "id", "at": "at"},
    "auth": {"method": "secret_path"},
}


def read(mapping, when, **said):
    body = {"id": "1", "at": when, **said}
    verified = Verified(
        body=json.dumps(body).encode(),
        setup={"mapping": mapping},
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    (event,) = csv_exports.read_row("generic", body, verified)
    return event.occurred_at


def test_a_mapping_or_the_file_says_which_order_dates_have():
    in_paris = datetime(2024, 1, 5, 12, 5, 9, tzinfo=UTC)
    for mapping, said in (
        ({**MAPPING, "at_format": "D/M/Y"}, {}),
        (MAPPING, {"_dates": "D/M/Y"}),
        ({**MAPPING, "at_format": "%Y"}, {"_dates": "D/M/Y"}),
    ):
        assert generic.check_mapping(mapping) == []
        assert read(mapping, "5/1/2024 1:05:09 PM", **said) == in_paris
        assert read(mapping, "2024-01-05T12:05:09Z", **said) == in_paris
    with pytest.raises(Unreadable):
        read(MAPPING, "5/1/2024 1:05:09 PM")
    assert generic.check_mapping({**MAPPING, "at_format": ["D/M/Y"]})
