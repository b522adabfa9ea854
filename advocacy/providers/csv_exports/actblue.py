"""Rows of ActBlue's contributions."""

from __future__ import annotations

from collections.abc import Mapping

from advocacy.core import tracking_parameters
from advocacy.core.events import ActionEvent, ActionKind, Person, StatementType
from advocacy.providers import gifts, parsing
from advocacy.providers.csv_exports.rows import Columns, Row, amount, moment, returned


def read_actblue(row: Row, setup: Mapping[str, object]) -> list[ActionEvent]:
    """Return the statements in a row of ActBlue's contributions. Dates are New York's."""
    columns = Columns(row)
    line = columns.get("Lineitem ID", "Line Item ID")
    paid = moment(
        columns.get("Date", "Paid At", "Payment Date"), "Date", "America/New_York", columns.dates
    )
    months = columns.find("Recurring Total Months", "Recurring Duration")
    number = columns.find("Recurrence Number", "Recurring Sequence")
    recurring = months.lower() not in {"", "0", "1", "once"}
    code, click_id = tracking_parameters.split_code(columns.find("Reference Code", "Refcode"))
    click_id = click_id or tracking_parameters.click_id_or_none(
        columns.find("Reference Code 2", "Refcode 2")
    )
    given = ActionEvent(
        kind=ActionKind.DONATION,
        external_id=line,
        occurred_at=paid,
        statement_id=StatementType.CREATED,
        stated_at=paid,
        person=Person(
            email=columns.find("Donor Email", "Email"), phone=columns.find("Donor Phone", "Phone")
        ),
        code=code,
        click_id=click_id,
        amount_minor=_given(columns),
        currency="USD",
        recurs_as=columns.find("Receipt ID", "Order Number") if recurring else "",
        renewal=recurring
        and bool(number)
        and parsing.whole_number(number, "Recurrence Number") > 1,
    )
    refunded = columns.find("Refund Date", "Refunded At")
    if not refunded:
        return [given]
    return [
        given,
        returned(given, moment(refunded, "Refund Date", "America/New_York", columns.dates), None),
    ]


def _given(columns: Columns) -> int:
    """Return the gift in cents; a refunded row may have it as a negative number."""
    minor = amount(columns.get("Amount"), "USD")
    if columns.find("Refund Date", "Refunded At"):
        minor = abs(minor)
    return gifts.given(minor)
