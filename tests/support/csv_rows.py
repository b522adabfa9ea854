"""Rows of the exports of tools."""

from __future__ import annotations

import io

from advocacy.core.tabular.table import Row, open_table
from advocacy.providers.export_layouts import LAYOUTS
from tests.support.counterparts import CODE

ROWS: dict[str, dict[str, str]] = {
    "actblue": {
        "Receipt ID": "AB3",
        "Date": "2026-12-03 09:30:00",
        "Amount": "10.00",
        "Recurring Total Months": "12",
        "Recurrence Number": "2",
        "Reference Code": CODE,
        "Reference Code 2": "",
        "Donor Email": "cleo@example.org",
        "Donor Phone": "202 555 0143",
        "Lineitem ID": "9004",
        "Refund Date": "2026-12-05 10:00:00",
    },
    "action_network": {
        "uuid": "a-1",
        "Email": "ana@example.org",
        "Phone": "202 555 0143",
        "Source": CODE,
        "Timestamp (EST)": "2026-11-10 12:00",
        "Type": "Petition",
        "Amount": "25.00",
        "Currency": "USD",
        "Person ID": "p-1",
        "_zone": "America/New_York",
        "_kind": "call",
    },
    "stripe": {
        "id": "pi_1",
        "Created (UTC)": "2026-11-10 12:00",
        "Amount": "25.00",
        "Amount Refunded": "5.00",
        "Refunded date (UTC)": "2026-11-12 12:00",
        "Disputed Amount": "5.00",
        "Dispute Status": "lost",
        "Dispute Date (UTC)": "2026-11-12 12:00",
        "Currency": "usd",
        "Status": "Paid",
        "Customer Email": "ana@example.org",
        "Customer ID": "cus_1",
        "client_reference_id": CODE,
    },
    "generic": {
        "ticket": "t-1",
        "bought": "11/10/2026 12:00",
        "mail": "ana@example.org",
        "ref": CODE,
        "paid": "25.00",
        "cents": "2500",
        "back": "5.00",
        "currency": "USD",
        "page": f"https://example.org/?utm_content={CODE}",
    },
}
ROW_MAPPING = {
    "kind": "'donation'",
    "zone": "America/Chicago",
    "at_format": "%m/%d/%Y %H:%M",
    "fields": {
        "id": "ticket",
        "at": "bought",
        "email": "mail",
        "code": "ref",
        "amount": "paid",
        "amount_minor": "cents",
        "returned": "back",
        "currency": "currency",
        "url": "page",
    },
}


def rows_of(text: str, provider: str = "actblue") -> list[Row]:
    table = open_table(io.BytesIO(text.encode()), LAYOUTS[provider])
    table.check()
    return list(table.rows())
