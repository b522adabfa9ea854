"""Read a row of a tool's CSV export as the same statements that its webhooks would have made.

Pure. Columns are known by several spellings, ignoring case and punctuation, because exports change
and Parsons' tables rename them. If a row names the action as the webhook does, the two are the same
action and count once.

Note: an export is not a list of events. One row of ActBlue or Stripe reports a gift *and* its
returns, and does not say when it was written. Its totals of refunds and disputes are separate
statements, and reconciling takes whichever is more: the total, or the single events. Tests compare
every reader with the webhooks.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from advocacy.core import actblue_orders, money, tracking_parameters
from advocacy.core.errors import Unreadable
from advocacy.core.events import (
    EXPORTED_TOTAL,
    ActionEvent,
    ActionKind,
    Person,
    StatementType,
    Verified,
)
from advocacy.core.tabular.columns import fold
from advocacy.providers import generic, gifts, parsing, stripe
from advocacy.providers.action_network import ACTBLUE_PREFIX

Row = Mapping[str, str]
RowReader = Callable[[Row, Mapping[str, object]], list[ActionEvent]]

_DATE_FORMS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
)

US_DATES = "M/D/Y"
"""How these tools' spreadsheets write a date, unless the file is described otherwise."""


class Columns:
    """A row whose columns are found by any of their spellings."""

    def __init__(self, row: Row) -> None:
        self._named = {name: value for name, value in row.items() if name}
        self._row = {fold(name): value for name, value in self._named.items()}
        said = row.get("_dates", "")
        self.dates = said if said in parsing.DATE_FORMS else US_DATES

    def find(self, *names: str) -> str:
        """Return the first of these columns that is not empty, else ''."""
        for name in names:
            if value := (self._row.get(fold(name)) or "").strip():
                return parsing.check_text(value)
        return ""

    def get(self, *names: str) -> str:
        """Return the first of these columns that is not empty. Raises `Unreadable`."""
        if value := self.find(*names):
            return value
        raise Unreadable("missing", f"the column {names[0]}")

    def content(self) -> str:
        """Return an id for the row from its whole content, if it has no id of its own."""
        # Ids use the ASCII letters of column names, as always, if these are distinct.
        names = {name: _in_ascii(name) for name in self._named}
        if len(set(names.values())) < len(names):
            names = {name: fold(name) for name in self._named}
        pairs = sorted((names[name], value) for name, value in self._named.items())
        joined = "\x1f".join(f"{name}={value}" for name, value in pairs)
        return "row:" + hashlib.sha256(joined.encode(errors="replace")).hexdigest()[:32]


@lru_cache(maxsize=4096)
def _in_ascii(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def moment(written: str, what: str, zone: str, dates: str) -> datetime:
    """Read a date as exports write it, in `zone` without an offset. Returns aware UTC.

    `dates` is the order of day and month, one of `parsing.DATE_FORMS`.
    """
    trimmed = written.strip()
    if trimmed.endswith(" UTC"):
        trimmed, zone = trimmed.removesuffix(" UTC"), "UTC"
    if parsing.is_spreadsheet_date(trimmed):
        return parsing.spreadsheet_date(trimmed, what, dates, zone)
    for form in _DATE_FORMS:
        try:
            naive = datetime.strptime(trimmed, form)  # noqa: DTZ007 -- the zone comes next
        except ValueError:
            continue
        return parsing.in_utc(naive, what, zone)
    return parsing.instant(trimmed, what, zone)


def amount(written: str, currency: str, what: str = "amount") -> int:
    """Return an amount as exports write it in minor units: `$1,234.50` is 123450."""
    return money.to_minor(re.sub(r"[$£€\s]|,(?=\d{3}(\D|$))", "", written), currency, what)


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
        _returned(given, moment(refunded, "Refund Date", "America/New_York", columns.dates), None),
    ]


def _given(columns: Columns) -> int:
    """Return the gift in cents; a refunded row may have it as a negative number."""
    minor = amount(columns.get("Amount"), "USD")
    if columns.find("Refund Date", "Refunded At"):
        minor = abs(minor)
    return gifts.given(minor)


def read_action_network(row: Row, setup: Mapping[str, object]) -> list[ActionEvent]:
    """Return the statements in a row of an Action Network export; an amount means a donation."""
    columns = Columns(row)
    namespace, own = (
        "",
        columns.find("UUID", "Identifier", "Action UUID", "Signature ID", "Donation ID", "ID"),
    )
    if own and ":" not in own:
        own = f"action_network:{own}"
    written = columns.find("Amount", "Donation Amount", "Total")
    kind = _kind(columns.find("Type", "Action Type"), setup)
    if written or columns.find("Donation ID"):
        kind = ActionKind.DONATION
    when = columns.get(
        "Created Date", "Timestamp", "Timestamp (EST)", "Date", "Action Date", "Created At"
    )
    zone = str(setup.get("zone", "America/New_York"))
    occurred = moment(when, "Created Date", zone, columns.dates)
    code, click_id = tracking_parameters.split_code(
        columns.find("Source", "Source Code", "Referrer Source")
    )
    said, minor, currency = StatementType.CREATED, None, ""
    if kind is ActionKind.DONATION:
        currency = parsing.currency_code(columns.find("Currency"), "USD")
        minor = amount(written, currency) if written else None
        if minor is not None and minor < 0:
            raise Unreadable("bad_amount", "amount is negative")
        # As in its webhooks: a gift without its amount was refunded.
        minor = minor or None
        said = StatementType.CREATED if minor else StatementType.REFUNDED
        if own.startswith(ACTBLUE_PREFIX):
            namespace, own = actblue_orders.ACTBLUE_GIFTS, own.removeprefix(ACTBLUE_PREFIX)
    return [
        ActionEvent(
            kind=kind,
            external_id=own or columns.content(),
            namespace=namespace,
            occurred_at=occurred,
            said=said,
            statement_id=said,
            stated_at=occurred,
            person=Person(
                email=columns.find("Email", "Email Address", "Can2 Email"),
                phone=columns.find("Phone", "Phone Number", "Mobile Number", "Can2 Phone"),
                person_id=columns.find("Person UUID", "Person ID"),
            ),
            code=code,
            click_id=click_id,
            amount_minor=minor,
            currency=currency,
        )
    ]


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


_UTM_COLUMNS = tuple(f"utm_{name}" for name in tracking_parameters.UTM_NAMES)


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
    return [_returned(given, at, minor, f"refund{EXPORTED_TOTAL}")]


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
    returned = _returned(given, at, minor, f"dispute{EXPORTED_TOTAL}")
    if stripe.dispute_took_nothing(status):
        return [
            replace(
                returned, said=StatementType.REFUND_REVERSED, statement_id="dispute:exported:stands"
            )
        ]
    return [returned]


def _returned(
    given: ActionEvent, at: datetime, minor: int | None, statement_id: str = StatementType.REFUNDED
) -> ActionEvent:
    return ActionEvent(
        kind=given.kind,
        external_id=given.external_id,
        occurred_at=at,
        said=StatementType.REFUNDED,
        statement_id=statement_id,
        stated_at=at,
        amount_minor=minor if minor is not None else given.amount_minor,
        currency=given.currency,
        cumulative=True,
        test=given.test,
    )


def _kind(written: str, setup: Mapping[str, object]) -> ActionKind:
    words = {
        "petition": ActionKind.SIGNATURE,
        "signature": ActionKind.SIGNATURE,
        "letter": ActionKind.LETTER,
        "call": ActionKind.CALL,
        "outreach": ActionKind.CALL,
        "donation": ActionKind.DONATION,
        "form": ActionKind.SUBMISSION,
        "survey": ActionKind.SUBMISSION,
        "submission": ActionKind.SUBMISSION,
        "event": ActionKind.ATTENDANCE,
        "rsvp": ActionKind.ATTENDANCE,
        "attendance": ActionKind.ATTENDANCE,
    }
    for word, kind in words.items():
        if word in written.lower():
            return kind
    try:
        return ActionKind(str(setup.get("kind", ActionKind.SIGNATURE)))
    except ValueError:
        raise Unreadable("bad_setup", "kind is not a kind of action") from None


ROW = "text/csv; row"
"""The content type of a delivery that is a row of an export, as a JSON object."""

FILE_SETTINGS = ("_zone", "_kind", "_dates")
"""Settings of a whole file; stored with each of its rows, for a rebuild."""

READERS: Mapping[str, RowReader] = {
    "actblue": read_actblue,
    "action_network": read_action_network,
    "stripe": read_stripe,
}


def read_row(provider: str, row: Row, verified: Verified) -> list[ActionEvent]:
    """Return the statements in a row, by the provider's columns or the source's mapping."""
    setup = {**verified.setup, **{name[1:]: row[name] for name in FILE_SETTINGS if name in row}}
    if provider in READERS:
        events = READERS[provider](row, setup)
    elif provider == generic.slug:
        events = generic.parse(_with_file_settings(verified, setup))
    else:
        raise Unreadable("unknown_kind", f"there is no reader for rows of {provider}")
    return [_with_export_statement_id(event) for event in events]


def _with_file_settings(verified: Verified, setup: Mapping[str, object]) -> Verified:
    """Let the mapping read dates in the order that staff set for the file."""
    mapping = setup.get("mapping")
    if setup.get("dates") not in parsing.DATE_FORMS or not isinstance(mapping, dict):
        return verified
    said = {**mapping, "at_format": setup["dates"]}
    return replace(verified, setup={**verified.setup, "mapping": said})


def _with_export_statement_id(event: ActionEvent) -> ActionEvent:
    """Give the statement that an action was created an id of its own.

    A webhook makes it too, and each may know what the other does not: neither must replace the
    other.
    """
    if event.said is StatementType.CREATED and event.statement_id == StatementType.CREATED:
        return replace(event, statement_id="exported")
    return event


def row_id(row: Row) -> str:
    """Return an id for a row from its content, so that importing it again is recognized."""
    return f"csv:{Columns(row).content()}"
