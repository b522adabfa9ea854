"""ActBlue: donations, refunds, recurring instalments and cancellations.

Facts: HTTP Basic; one delivery per line item; no event type, it is inferred from the instants that
are present (`cancelledAt`, then `refundedAt`, then `paidAt`); amounts are decimal strings in US
dollars; an instant without an offset is New York's. Source: secure.actblue.com/docs/webhooks.

What a stranger would get wrong: every instalment repeats `orderNumber` with a new `lineitemId`, so
the line item is the gift and the order is the mandate; a refund names the gift's line item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from advocacy.events import (
    ActionEvent,
    ActionKind,
    Delivery,
    Person,
    Said,
    Trust,
    Unreadable,
    Verified,
)
from advocacy.providers import base, signatures

slug = "actblue"
title = "ActBlue"
TRUST: Trust = "basic_auth"
ANSWER = 200
CURRENCY = "USD"
ZONE = "America/New_York"


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified:
    """Vouch for a body sent with one of the configured `user:password` pairs."""
    signatures.check_basic(delivery.headers, secrets)
    return Verified(
        body=delivery.body,
        received_at=now,
        content_type=delivery.headers.get("content-type", ""),
        setup=delivery.setup,
    )


def external_id(verified: Verified) -> str:
    """Name the delivery by what it says and of which line items."""
    try:
        contribution, lines, said = _read(verified.body)
        status = base.text(contribution.get("status")).lower() or "approved"
        if said is Said.ENDED:
            return f"cancelled:{_order(contribution)}"
        names = ",".join(sorted(_line_id(line) for line in lines))
    except Unreadable:
        return base.body_id(verified.body)
    word = "refunded" if said is Said.RETURNED else "paid"
    name = f"{word}:{names}" + ("" if status == "approved" else f":{status}")
    return name if len(name) <= 200 else base.body_id(name.encode())


def parse(verified: Verified) -> list[ActionEvent]:
    """Read each line item as one statement about one gift; only approved ones count."""
    contribution, lines, said = _read(verified.body)
    status = base.text(contribution.get("status"), "status").lower()
    if status in {"declined", "pending"}:
        return []
    donor = base.mapping(base.read_json(verified.body).get("donor"), "donor")
    code, click_id = _code(contribution)
    recurring = contribution.get("isRecurring") is True or base.text(
        contribution.get("recurringPeriod")
    ) not in {"", "once"}
    events = []
    for line in lines:
        occurred = _moment(line, contribution, said)
        written = line.get("amount")
        events.append(
            ActionEvent(
                kind=ActionKind.DONATION,
                external_id=_line_id(line),
                occurred_at=occurred,
                said=said,
                statement_id=said,
                stated_at=occurred,
                person=Person(
                    email=base.text(donor.get("email"), "email", 320),
                    phone=base.text(donor.get("phone"), "phone", 64),
                ),
                code=code,
                click_id=click_id,
                amount_minor=None if said is Said.ENDED else abs(base.to_minor(written, CURRENCY)),
                currency=CURRENCY,
                recurs_as=_order(contribution) if recurring else "",
                renewal=recurring and _sequence(line) > 1,
            )
        )
    return events


def destination(url: str, code: str, click_id: str) -> str:
    """Put the code into `refcode=` and the click id into `refcode2=`."""
    return base.with_query(url, refcode=code, refcode2=click_id)


def _read(body: bytes) -> tuple[Mapping[str, Any], list[Mapping[str, Any]], Said]:
    whole = base.mapping(base.read_json(body), "body")
    contribution = base.mapping(whole.get("contribution"), "contribution")
    lines = list(base.mappings(whole.get("lineitems"), "lineitems"))
    if contribution.get("cancelledAt"):
        return contribution, lines, Said.ENDED
    if not lines:
        raise Unreadable("missing", "lineitems")
    if any(line.get("refundedAt") for line in lines):
        return contribution, [line for line in lines if line.get("refundedAt")], Said.RETURNED
    if any(line.get("paidAt") for line in lines):
        return contribution, lines, Said.MADE
    raise Unreadable("unknown_kind", "neither cancelledAt, refundedAt nor paidAt")


def _line_id(line: Mapping[str, Any]) -> str:
    written = base.text(line.get("lineitemId"), "lineitemId", 64)
    if not written:
        raise Unreadable("missing", "lineitemId")
    return written


def _order(contribution: Mapping[str, Any]) -> str:
    written = base.text(contribution.get("orderNumber"), "orderNumber", 64)
    if not written:
        raise Unreadable("missing", "orderNumber")
    return written


def _sequence(line: Mapping[str, Any]) -> int:
    written = base.text(line.get("sequence"), "sequence", 16)
    return int(written) if written.isdigit() else 0


def _moment(line: Mapping[str, Any], contribution: Mapping[str, Any], said: Said) -> datetime:
    if said is Said.ENDED:
        return base.instant(contribution.get("cancelledAt"), "cancelledAt", ZONE)
    if said is Said.RETURNED:
        return base.instant(line.get("refundedAt"), "refundedAt", ZONE)
    return base.instant(line.get("paidAt") or contribution.get("createdAt"), "paidAt", ZONE)


def _code(contribution: Mapping[str, Any]) -> tuple[str, str]:
    """Read the code from the map or, in older bodies, from beside it; others write refcode2 too."""
    codes = base.mapping(contribution.get("refcodes"), "refcodes")

    def carried(name: str) -> str:
        return base.text(codes.get(name) or contribution.get(name), name)

    code, click_id = base.split_code(carried("refcode"))
    return code, click_id or base.click_id_or_none(carried("refcode2"))
