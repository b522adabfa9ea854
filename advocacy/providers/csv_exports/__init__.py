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

from collections.abc import Callable, Mapping
from dataclasses import replace

from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionEvent, StatementType, Verified
from advocacy.providers import generic, parsing
from advocacy.providers.csv_exports.actblue import read_actblue
from advocacy.providers.csv_exports.action_network import read_action_network
from advocacy.providers.csv_exports.rows import Columns, Row
from advocacy.providers.csv_exports.stripe import read_stripe

RowReader = Callable[[Row, Mapping[str, object]], list[ActionEvent]]

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
    ordered = {**mapping, "at_format": setup["dates"]}
    return replace(verified, setup={**verified.setup, "mapping": ordered})


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
