"""What a mapping finds in one item of a body: the statements about an action."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from advocacy.core import dates, money, tracking_parameters
from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionEvent, ActionKind, Person, StatementType
from advocacy.providers import gifts, optional, parsing, test_deliveries
from advocacy.providers.generic.expressions import find, find_or_none
from advocacy.providers.generic.mapping import (
    MOST_ITEMS,
    items_in,
    parameters_of,
    read_body,
    section,
    zone_of,
)

_TEXTS = ("email", "phone", "person_id", "recurs_as")
_HINTS = ("code", "click_id", "referrer", "target")
_YES = frozenset({"true", "1", "yes", "on", "t", "y"})


def events_in(mapping: Mapping[str, object], body: bytes) -> list[ActionEvent]:
    """Return the statements in a body, by a valid mapping. Raises `Unreadable`."""
    items = items_in(mapping, read_body(mapping, body))
    if not isinstance(items, list):
        raise Unreadable("wrong_type", "each is not a list")
    if len(items) > MOST_ITEMS:
        raise Unreadable("too_large", f"over {MOST_ITEMS} items")
    return [event for item in items for event in _events(mapping, item)]


def _events(mapping: Mapping[str, object], item: object) -> list[ActionEvent]:
    if mapping.get("when") and not _yes(find(mapping["when"], item)):
        return []
    kind = _kind(mapping, item)
    said = _said(mapping, item)
    if kind is None or said is None:
        return []
    fields = section(mapping, "fields")
    given = {name: find(fields.get(name), item) for name in _TEXTS}
    texts = {name: parsing.text(value, name, 2048) for name, value in given.items()}
    name = parsing.text(find(fields["id"], item), "id", 200)
    if not name:
        raise Unreadable("missing", "id")
    occurred = _instant(mapping, find(fields["at"], item), "at")
    found = find(fields.get("stated_at"), item)
    stated = occurred if found is None else _instant(mapping, found, "stated_at")
    currency, amount = _money(mapping, item, kind, said)
    hints = {name: optional.text(find_or_none(fields.get(name), item), 2048) for name in _HINTS}
    query = tracking_parameters.query_of(optional.text(find_or_none(fields.get("url"), item), 8000))
    code, click_id = _code(mapping, hints, query)
    utm = tracking_parameters.utm_of(query) | tracking_parameters.utm_of(
        {key: find_or_none(fields.get(key), item) for key in fields if key.startswith("utm_")}
    )
    event = ActionEvent(
        kind=kind,
        external_id=name,
        # `at` is when the gift was made; it was returned or ended when that was stated.
        occurred_at=stated
        if said in (StatementType.REFUNDED, StatementType.RECURRING_ENDED)
        else occurred,
        said=said,
        statement_id=parsing.text(find(fields.get("statement"), item), "statement", 200) or said,
        stated_at=stated,
        person=Person(
            email=texts["email"],
            phone=parsing.contact(given["phone"], "phone"),
            person_id=texts["person_id"],
        ),
        code=code,
        click_id=click_id,
        utm=utm,
        referrer=hints["referrer"],
        amount_minor=amount,
        currency=currency,
        recurs_as=texts["recurs_as"],
        renewal=bool(texts["recurs_as"]) and _yes(find(fields.get("renewal"), item)),
        target=hints["target"],
        test=_yes(find(fields.get("test"), item)),
    )
    return [event, *_returned(mapping, item, event)]


def _kind(mapping: Mapping[str, object], item: object) -> ActionKind | None:
    written = parsing.text(find(mapping["kind"], item), "kind", 200)
    kinds = section(mapping, "kinds")
    if written in kinds and kinds[written] is None:
        return None
    try:
        return ActionKind(str(kinds.get(written, written)))
    except ValueError:
        raise Unreadable("unknown_kind", written) from None


def _said(mapping: Mapping[str, object], item: object) -> StatementType | None:
    """Return the type of statement; a word that `says` does not list means "created"."""
    says = section(mapping, "says")
    written = parsing.text(find(mapping.get("said"), item), "said", 200)
    if written in says:
        return None if says[written] is None else StatementType(str(says[written]))
    return StatementType(written) if written in set(StatementType) else StatementType.CREATED


def _money(
    mapping: Mapping[str, object], item: object, kind: ActionKind, said: StatementType
) -> tuple[str, int | None]:
    if kind is not ActionKind.DONATION or said is StatementType.RECURRING_ENDED:
        return "", None
    fields = section(mapping, "fields")
    default = parsing.currency_code(mapping.get("currency"), "USD")
    currency = parsing.currency_code(find(fields.get("currency"), item), default)
    amount: int | None = None
    if (minor := find(fields.get("amount_minor"), item)) is not None:
        amount = money.whole_minor(
            parsing.whole_number(minor, "amount_minor") if isinstance(minor, str) else minor,
            "amount_minor",
        )
    elif (written := find(fields.get("amount"), item)) is not None:
        amount = money.to_minor(written, currency)
    if said is StatementType.CREATED:
        if amount is None:
            raise Unreadable("missing", "amount")
        gifts.given(amount)
    if amount is not None and amount < 0:
        raise Unreadable("bad_amount", "amount is negative")
    return currency, amount


def _returned(mapping: Mapping[str, object], item: object, made: ActionEvent) -> list[ActionEvent]:
    """Return what the same item says was returned so far, all returns together."""
    written = find(section(mapping, "fields").get("returned"), item)
    if (
        written is None
        or made.said is not StatementType.CREATED
        or made.kind is not ActionKind.DONATION
    ):
        return []
    back = abs(money.to_minor(written, made.currency))
    if not back:
        return []
    return [
        ActionEvent(
            kind=made.kind,
            external_id=made.external_id,
            occurred_at=made.stated_at or made.occurred_at,
            said=StatementType.REFUNDED,
            statement_id=f"refund:total:{back}",
            stated_at=made.stated_at,
            amount_minor=back,
            currency=made.currency,
            cumulative=True,
        )
    ]


def _instant(mapping: Mapping[str, object], value: object, what: str) -> datetime:
    """Read unix seconds, ISO 8601, or the mapping's own format."""
    zone = zone_of(mapping)
    if isinstance(value, Decimal) and not value.is_finite():
        raise Unreadable("bad_instant", what)
    # A very long number takes minutes to expand, and is not an instant anyway.
    if isinstance(value, Decimal) and value.adjusted() <= money.MOST_DIGITS:
        value = int(value) if value == value.to_integral_value() else value
    if isinstance(value, int):
        return parsing.from_unix(value, what)
    written = parsing.text(value, what, 64)
    if written.isascii() and written.isdigit() and 9 <= len(written) <= 11:
        return parsing.from_unix(int(written), what)
    form = str(mapping.get("at_format") or "")
    if written and form in parsing.DATE_FORMS and parsing.is_spreadsheet_date(written):
        return parsing.spreadsheet_date(written, what, form, zone)
    if written and form and form not in parsing.DATE_FORMS:
        try:
            moment = datetime.strptime(written, form)  # noqa: DTZ007 -- the zone comes next
        except (ValueError, re.error):
            raise Unreadable("bad_instant", what) from None
        return parsing.in_utc(moment, what, zone)
    return parsing.instant(written, what, zone)


def write_instant(mapping: Mapping[str, object], moment: datetime) -> str:
    """Write an instant as `_instant` reads it."""
    if form := str(mapping.get("at_format") or ""):
        local = moment.astimezone(dates.zone(zone_of(mapping)))
        return local.strftime(parsing.DATE_FORMS.get(form, form))
    return test_deliveries.write_instant(moment)


def _code(
    mapping: Mapping[str, object], hints: Mapping[str, str], query: Mapping[str, str]
) -> tuple[str, str]:
    """Return the code from its field, else from the page's URL, where `destination` had put it."""
    code, click_id = tracking_parameters.surest_code(
        hints["code"], *(query.get(name, "") for name in parameters_of(mapping))
    )
    return code, click_id or tracking_parameters.click_id_or_none(hints["click_id"])


def _yes(value: object) -> bool:
    """Return whether a value means yes; a text only if it is one of `_YES`."""
    if isinstance(value, str):
        return value.strip().lower() in _YES
    return bool(value)
