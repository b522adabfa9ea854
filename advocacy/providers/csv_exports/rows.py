"""Cells of a row, dates, amounts and returns as all readers of exports see them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from advocacy.core import money
from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionEvent, StatementType
from advocacy.core.tabular.columns import fold
from advocacy.providers import parsing

Row = Mapping[str, str]

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


def returned(
    given: ActionEvent, at: datetime, minor: int | None, statement_id: str = StatementType.REFUNDED
) -> ActionEvent:
    """Return the statement that this much of a gift went back; without an amount, all of it."""
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
