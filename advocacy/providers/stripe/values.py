"""Values in Stripe's objects: ids, amounts, people, codes.

Note: amounts of ISK and UGX come in hundredths that do not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from advocacy.core import money, tracking_parameters
from advocacy.core.errors import Unreadable
from advocacy.core.events import Person
from advocacy.providers import optional, parsing

# docs.stripe.com/currencies: currencies for which Stripe uses no decimals, or three.
_NO_DECIMALS = frozenset(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    )
)
_THREE_DECIMALS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))
_DISPUTES_THAT_TOOK_NOTHING = frozenset({"won", "prevented", "charge_refunded"})


def id_of(value: object) -> str:
    """Return an id, also if the whole object is in its place."""
    if isinstance(value, dict):
        value = value.get("id")
    return parsing.text(value, "id", 255)


def required_id(value: object) -> str:
    """Return an id. Raises `Unreadable("missing")`."""
    written = id_of(value)
    if not written:
        raise Unreadable("missing", "id")
    return written


def first_of(subscription: str) -> str:
    """Return the name of the first gift of a subscription, known to both session and invoice."""
    return f"first:{subscription}" if subscription else ""


def names_of_payment(thing: Mapping[str, object], charge: object) -> list[str]:
    """Return the names of a payment: its intent; only charges before payment intents have none."""
    return [id_of(thing.get("payment_intent")) or id_of(charge)]


def paid_by(payment: Mapping[str, object]) -> str:
    """Return the payment intent of an invoice's payment, or its charge."""
    return id_of(payment.get("payment_intent")) or id_of(payment.get("charge"))


def person_of(thing: Mapping[str, object], email: object, phone: object) -> Person:
    """Return the person with these contacts and the customer id of the object."""
    return Person(
        email=parsing.contact(email, "email"),
        phone=parsing.contact(phone, "phone"),
        person_id=id_of(thing.get("customer")),
    )


def read_code(reference: object, metadata: Mapping[str, object]) -> tuple[str, str]:
    """Return code and click id from the reference, or from metadata of the same names."""

    def field(name: str) -> str:
        return optional.text(metadata.get(name), 5000)

    code, click_id = tracking_parameters.surest_code(
        optional.text(reference),
        field("client_reference_id"),
        field("code"),
    )
    return code, click_id or tracking_parameters.click_id_or_none(field("click_id"))


def whole(value: object, what: str) -> int:
    """Return a whole number. Raises `Unreadable("wrong_type")`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unreadable("wrong_type", f"{what} is not a whole number")
    return value


def instant_or(default: datetime, value: object) -> datetime:
    """Read unix seconds; without any, return the default."""
    return default if value is None else parsing.from_unix(whole(value, "instant"), "instant")


def amount_of(thing: Mapping[str, object], name: str) -> tuple[int | None, str]:
    """Return an amount in Stripe's smallest unit in that of ISO 4217, with its currency."""
    currency = parsing.currency_code(thing.get("currency"))
    if thing.get(name) is None:
        return None, currency
    amount = money.whole_minor(thing[name], name)
    if amount < 0 or not currency:
        raise Unreadable("bad_amount", name)
    sent = 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2
    shift = money.exponent(currency) - sent
    if shift >= 0:
        return amount * 10**shift, currency
    if amount % 10**-shift:
        raise Unreadable("bad_amount", name)
    return amount // 10**-shift, currency


def dispute_took_nothing(status: str) -> bool:
    """Return whether the organization has the money of a dispute with this status."""
    return status in _DISPUTES_THAT_TOOK_NOTHING or status.startswith("warning_")
