"""The columns of each tool's export, and which of them are required.

Pure. The readers are in `csv_exports/`; a test checks that they use these columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import jmespath

from advocacy.core.tabular.columns import Layout
from advocacy.providers import optional

LAYOUTS: Mapping[str, Layout] = {
    "actblue": Layout(
        needed=(
            ("Lineitem ID", "Line Item ID"),
            ("Date", "Paid At", "Payment Date"),
            ("Amount",),
        ),
        known=(
            "Recurring Total Months", "Recurring Duration", "Recurrence Number",
            "Recurring Sequence", "Reference Code", "Refcode", "Reference Code 2", "Refcode 2",
            "Donor Email", "Email", "Donor Phone", "Phone", "Receipt ID", "Order Number",
            "Refund Date", "Refunded At",
        ),
    ),
    "action_network": Layout(
        needed=(
            (
                "Created Date", "Timestamp", "Timestamp (EST)", "Date", "Action Date",
                "Created At",
            ),
        ),
        known=(
            "UUID", "Identifier", "Action UUID", "Signature ID", "Donation ID", "ID", "Amount",
            "Donation Amount", "Total", "Type", "Action Type", "Source", "Source Code",
            "Referrer Source", "Currency", "Email", "Email Address", "Can2 Email", "Phone",
            "Phone Number", "Mobile Number", "Can2 Phone", "Person UUID", "Person ID",
        ),
    ),
    "stripe": Layout(
        needed=(
            ("PaymentIntent ID", "Payment Intent ID", "id"),
            ("Created (UTC)", "Created date (UTC)", "Created"),
            ("Amount",),
            ("Currency",),
        ),
        known=(
            "Status", "Captured", "client_reference_id", "client_reference_id (metadata)",
            "code (metadata)", "click_id (metadata)", "utm_source (metadata)",
            "utm_medium (metadata)", "utm_campaign (metadata)", "utm_term (metadata)",
            "utm_content (metadata)", "Invoice ID", "Customer Email", "Customer Email Address",
            "Customer Phone", "Customer ID", "Description", "Mode", "Livemode",
            "Amount Refunded", "Refunded date (UTC)", "Refunded Date", "Dispute Status",
            "Disputed Status", "Disputed Amount", "Dispute Amount", "Dispute Date (UTC)",
            "Disputed Date (UTC)", "Dispute Created (UTC)",
        ),
    ),
}  # fmt: skip


def layout_of(provider: str, setup: Mapping[str, object]) -> Layout:
    """Return the layout of a tool's export, or of a mapping's columns."""
    return LAYOUTS.get(provider) or _of_mapping(optional.mapping(setup.get("mapping")))


def _of_mapping(mapping: Mapping[str, object]) -> Layout:
    if mapping.get("each"):  # it reads bodies that hold many; a row is one
        return Layout()
    fields = optional.mapping(mapping.get("fields"))
    asked = {name: list(_columns(fields.get(name))) for name in fields}
    needed = tuple(tuple(asked[name]) for name in ("id", "at") if asked.get(name))
    others = [*asked.values(), *(list(_columns(mapping.get(name))) for name in ("kind", "said"))]
    first = {name for group in needed for name in group}
    known = dict.fromkeys(name for names in others for name in names if name not in first)
    return Layout(needed, tuple(known), exact=True)


def _columns(expression: object) -> Iterator[str]:
    """Yield the fields of the row itself that a JMESPath expression reads."""
    if isinstance(expression, str):
        yield from _fields(jmespath.compile(expression).parsed)


def _fields(node: Mapping[str, object]) -> Iterator[str]:
    if node["type"] == "field":
        yield str(node["value"])
    children = node.get("children")
    below = children if isinstance(children, list) else []
    # What follows a point, a bracket or a pipe applies to what precedes it.
    inner = {"subexpression", "index_expression", "pipe", "projection", "value_projection"}
    for child in below[:1] if node["type"] in inner else below:
        if isinstance(child, Mapping):
            yield from _fields(child)
