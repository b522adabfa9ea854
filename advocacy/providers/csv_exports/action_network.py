"""Rows of Action Network's exports of actions and donations."""

from __future__ import annotations

from collections.abc import Mapping

from advocacy.core import actblue_orders, tracking_parameters
from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionEvent, ActionKind, Person, StatementType
from advocacy.providers import parsing
from advocacy.providers.action_network import ACTBLUE_PREFIX
from advocacy.providers.csv_exports.rows import Columns, Row, amount, moment


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
