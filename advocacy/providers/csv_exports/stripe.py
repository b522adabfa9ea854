"""Rows of Stripe's payments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from advocacy.core import tracking_parameters
from advocacy.core.errors import Unreadable
from advocacy.core.events import (
    EXPORTED_TOTAL,
    ActionEvent,
    ActionKind,
    Person,
    StatementType,
)
from advocacy.providers import gifts, parsing, stripe
from advocacy.providers.csv_exports.rows import Columns, Row, amount, moment, returned

_UTM_COLUMNS = tuple(f"utm_{name}" for name in tracking_parameters.UTM_NAMES)
# How the status in Stripe's exports begins if money arrived, or if none did.
_OF_DISPUTES = ("disput", "won", "lost", "needs", "under", "warning")
_PAID = ("paid", "succeeded", "complete", "refund", "partial", *_OF_DISPUTES)
_UNPAID = (
    "fail", "cancel", "requires", "incomplete", "uncaptured", "pending", "processing", "block",
    "expired", "declined", "abandoned", "unpaid", "open", "void",
)  # fmt: skip


def read_stripe(row: Row, setup: Mapping[str, object]) -> list[ActionEvent]:
    """Return the statements in a row of Stripe's payments: gift, refunds and disputes.

    Only paid ones are gifts. Dates are UTC.
    """
    columns = Columns(row)
    if not _is_paid(columns):
        return []
    currency = parsing.currency_code(columns.get("Currency"))
    created = moment(
        columns.get("Created (UTC)", "Created date (UTC)", "Created"),
        "Created",
        "UTC",
        columns.dates,
    )
    minor = gifts.given(amount(columns.get("Amount"), currency))
    metadata = {
        name: columns.find(f"{name} (metadata)")
        for name in ("client_reference_id", "code", "click_id", *_UTM_COLUMNS)
    }
    reference = columns.find("client_reference_id")
    code, click_id = stripe.read_code(reference, metadata)
    invoice = columns.find("Invoice ID")
    given = ActionEvent(
        kind=ActionKind.DONATION,
        external_id=columns.get("PaymentIntent ID", "Payment Intent ID", "id"),
        # Since 2025 an invoice and its payment do not name each other in webhooks; a row does.
        same_as=(invoice,) if invoice else (),
        occurred_at=created,
        statement_id=StatementType.CREATED,
        stated_at=created,
        person=Person(
            email=columns.find("Customer Email", "Customer Email Address"),
            phone=columns.find("Customer Phone"),
            person_id=columns.find("Customer ID"),
        ),
        code=code,
        click_id=click_id,
        utm=tracking_parameters.utm_of(metadata),
        amount_minor=minor,
        currency=currency,
        renewal=columns.find("Description").lower().startswith("subscription update"),
        test=columns.find("Mode", "Livemode").lower() in {"test", "false"},
    )
    return [given, *_refunded(given, columns), *_disputed(given, columns)]


def _is_paid(columns: Columns) -> bool:
    status = columns.find("Status").lower()
    if status.startswith(_UNPAID) or columns.find("Captured").lower() in {"false", "no"}:
        return False
    if status and not status.startswith(_PAID):
        raise Unreadable("unknown_kind", "Status")
    return True


def _refunded(given: ActionEvent, columns: Columns) -> list[ActionEvent]:
    written = columns.find("Amount Refunded")
    minor = abs(amount(written, given.currency, "Amount Refunded")) if written else 0
    status = columns.find("Status").lower()
    if not written and "partial" in status:
        raise Unreadable("missing", "the column Amount Refunded")
    if not written and status.startswith("refund"):
        minor = given.amount_minor or 0
    if not minor:
        return []
    when = columns.find("Refunded date (UTC)", "Refunded Date")
    at = moment(when, "Refunded date", "UTC", columns.dates) if when else given.occurred_at
    return [returned(given, at, minor, f"refund{EXPORTED_TOTAL}")]


def _disputed(given: ActionEvent, columns: Columns) -> list[ActionEvent]:
    """Return a dispute as the webhooks do: its money is gone until it is won."""
    status_text = columns.find("Dispute Status", "Disputed Status")
    if not status_text and columns.find("Status").lower().startswith(_OF_DISPUTES):
        status_text = columns.find("Status")
    status = re.sub(r"[^a-z]+", "_", status_text.lower())
    status = re.sub(r"^dispute_", "", status)
    written = columns.find("Disputed Amount", "Dispute Amount")
    minor = abs(amount(written, given.currency, "Disputed Amount")) if written else 0
    if not written and status:
        minor = given.amount_minor or 0
    if not minor or status.startswith("warning_"):
        return []
    when = columns.find("Dispute Date (UTC)", "Disputed Date (UTC)", "Dispute Created (UTC)")
    at = moment(when, "Dispute Date", "UTC", columns.dates) if when else given.occurred_at
    back = returned(given, at, minor, f"dispute{EXPORTED_TOTAL}")
    if stripe.dispute_took_nothing(status):
        return [
            replace(
                back, said=StatementType.REFUND_REVERSED, statement_id="dispute:exported:stands"
            )
        ]
    return [back]
