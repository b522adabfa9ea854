"""ActBlue: donations, refunds, recurring instalments and cancellations.

Facts: HTTP Basic; one delivery per line item; no event type, which follows from the instants that
are present (`cancelledAt`, then `refundedAt`, then `paidAt`); amounts are decimal strings in US
dollars; an instant without an offset is New York's. Source: secure.actblue.com/docs/webhooks.

Note: every instalment repeats `orderNumber` with a new `lineitemId`, so the line item is the gift
and the order is the mandate; a refund names the gift's line item. A connected Action Network group
or nation sends the same gift again, under its `uniqueIdentifier` or its order only, so each line
item also declares gifts of those names duplicates of this one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from advocacy.core import actblue_orders, ids, money, tracking_parameters, urls
from advocacy.core.dates import zone
from advocacy.core.errors import Unreadable
from advocacy.core.events import (
    ActionEvent,
    ActionKind,
    Delivery,
    Person,
    StatementType,
    Trust,
    Verified,
)
from advocacy.core.messages import say
from advocacy.core.urls import host_of
from advocacy.providers import gifts, optional, parsing, signatures, test_deliveries

slug = "actblue"
title = "ActBlue"
TRUST: Trust = "basic_auth"
ANSWER = 200
CODE_PARAMETERS: str = say("refcode= and refcode2=")
SETUP_STEPS = (
    say("In ActBlue, open the dashboard of your entity, then Integrations › Webhooks."),
    say("Paste the address, and enter the user name and the password shown here."),
    say("Ask for contributions, refunds and cancellations; all of them may use this address."),
)
CURRENCY = "USD"
ZONE = actblue_orders.ACTBLUE_ZONE


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified:
    """Verify HTTP Basic credentials against the configured `user:password` pairs."""
    signatures.check_basic(delivery.headers, secrets)
    return Verified(
        body=delivery.body,
        received_at=now,
        content_type=delivery.headers.get("content-type", ""),
        setup=delivery.setup,
    )


def external_id(verified: Verified) -> str:
    """Return the delivery id: the kind of statement and its line items."""
    try:
        _, contribution, lines, said = _read(verified.body)
        status = parsing.text(contribution.get("status")).lower() or "approved"
        if said is StatementType.RECURRING_ENDED:
            return f"cancelled:{_order(contribution)}"
        names = ",".join(sorted(_line_id(line) for line in lines))
    except Unreadable:
        return ids.body_id(verified.body)
    word = "refunded" if said is StatementType.REFUNDED else "paid"
    name = f"{word}:{names}" + ("" if status == "approved" else f":{status}")
    return name if len(name) <= 200 else ids.body_id(name.encode())


def parse(verified: Verified) -> list[ActionEvent]:
    """Return one statement for each line item; only approved ones count."""
    donor, contribution, lines, said = _read(verified.body)
    status = parsing.text(contribution.get("status"), "status").lower()
    if status in {"declined", "pending"} and said is not StatementType.RECURRING_ENDED:
        return []
    code, click_id = _code(contribution)
    period = parsing.text(contribution.get("recurringPeriod"), "recurringPeriod").lower()
    recurring = (
        said is StatementType.RECURRING_ENDED
        or contribution.get("isRecurring") is True
        or period not in {"", "once"}
    )
    test = _is_sample(contribution)
    events = []
    for line in lines or [{}]:
        occurred = _moment(line, contribution, said)
        events.append(
            ActionEvent(
                kind=ActionKind.DONATION,
                # A cancellation may come without line items; it still ends the order.
                external_id=_line_id(line) if line else f"order:{_order(contribution)}",
                occurred_at=occurred,
                said=said,
                statement_id=said,
                stated_at=occurred,
                person=Person(
                    email=parsing.contact(donor.get("email"), "email"),
                    phone=parsing.contact(donor.get("phone"), "phone"),
                ),
                code=code,
                click_id=click_id,
                amount_minor=_amount(line, said),
                currency=CURRENCY,
                recurs_as=_order(contribution) if recurring else "",
                renewal=recurring and _sequence(line) > 1,
                test=test,
            )
        )
    return events + _copies(contribution, lines, said)


def destination(url: str, code: str, click_id: str) -> str:
    """Return the URL with the code in `refcode=` and the click id in `refcode2=`."""
    return urls.with_query(url, refcode=code, refcode2=click_id)


def sample_delivery(
    landing: str,
    secret: str,
    message_id: str,
    now: datetime,
    setup: Mapping[str, object],
    url: str,
) -> Delivery:
    """Return a gift of one dollar by a supporter who arrived at `landing`."""
    at = now.astimezone(zone(ZONE)).isoformat(timespec="seconds")
    query = tracking_parameters.query_of(landing)
    codes: dict[str, object] = {
        name: query[name] for name in ("refcode", "refcode2") if name in query
    }
    line = {
        "sequence": 1,
        "committeeName": "Rehearsal",
        "amount": "1.0",
        "paidAt": at,
        "lineitemId": test_deliveries.number_for(message_id),
    }
    contribution: dict[str, object] = {
        "createdAt": at,
        "orderNumber": f"AB{test_deliveries.number_for(message_id)}",
        "contributionForm": "rehearsal",
        "refcodes": codes,
        **codes,
        "recurringPeriod": "once",
        "recurringDuration": 1,
        "isRecurring": False,
        "uniqueIdentifier": test_deliveries.token_for(message_id),
        "status": "approved",
    }
    donor = {"firstname": "Rehearsal", "email": test_deliveries.SAMPLE_EMAIL}
    body = test_deliveries.write_json(
        {"donor": donor, "contribution": contribution, "lineitems": [line]}
    )
    return test_deliveries.signed_delivery(body, signatures.basic(secret), setup, url)


def _read(
    body: bytes,
) -> tuple[Mapping[str, object], Mapping[str, object], list[Mapping[str, object]], StatementType]:
    """Return donor, contribution, relevant line items, and the type of statement."""
    whole = parsing.mapping(parsing.read_json(body), "body")
    donor = parsing.mapping(whole.get("donor"), "donor")
    contribution = parsing.mapping(whole.get("contribution"), "contribution")
    lines = list(parsing.mappings(whole.get("lineitems"), "lineitems"))
    if contribution.get("cancelledAt"):
        return donor, contribution, lines, StatementType.RECURRING_ENDED
    if not lines:
        raise Unreadable("missing", "lineitems")
    if any(line.get("refundedAt") for line in lines):
        refunded = [line for line in lines if line.get("refundedAt")]
        return donor, contribution, refunded, StatementType.REFUNDED
    if any(line.get("paidAt") for line in lines):
        return donor, contribution, lines, StatementType.CREATED
    raise Unreadable("unknown_kind", "neither cancelledAt, refundedAt nor paidAt")


def _copies(
    contribution: Mapping[str, object], lines: Sequence[Mapping[str, object]], said: StatementType
) -> list[ActionEvent]:
    """Declare gifts under the names that other tools use duplicates of these."""
    if said is StatementType.RECURRING_ENDED:
        return []
    unique = parsing.text(contribution.get("uniqueIdentifier"), "uniqueIdentifier", 200)
    names = {(actblue_orders.ACTBLUE_GIFTS, unique)} if unique else set()
    if contribution.get("orderNumber"):
        order = _order(contribution)
        names |= {
            (
                actblue_orders.ACTBLUE_ORDERS,
                actblue_orders.actblue_order(
                    order, _moment(line, contribution, StatementType.CREATED)
                ),
            )
            for line in lines
        }
    at = _moment(lines[0], contribution, said)
    return [
        ActionEvent(
            kind=ActionKind.DONATION,
            external_id=name,
            namespace=namespace,
            occurred_at=at,
            said=StatementType.DUPLICATE_OF,
            statement_id=StatementType.DUPLICATE_OF,
            stated_at=at,
        )
        for namespace, name in sorted(names)
    ]


def _amount(line: Mapping[str, object], said: StatementType) -> int | None:
    """Return the given or returned amount; a refund without an amount is a full refund."""
    written = line.get("amount")
    if said is StatementType.RECURRING_ENDED or (
        said is StatementType.REFUNDED and written in (None, "")
    ):
        return None
    minor = money.to_minor(written, CURRENCY)
    return abs(minor) if said is StatementType.REFUNDED else gifts.given(minor)


def _is_sample(contribution: Mapping[str, object]) -> bool:
    """Return whether a body is a sample from ActBlue's development: its thank-you page is local."""
    pages = (optional.text(contribution.get(name)) for name in ("thanksUrl", "retryUrl"))
    return any(host_of(page) in {"localhost", "127.0.0.1"} for page in pages)


def _line_id(line: Mapping[str, object]) -> str:
    written = parsing.text(line.get("lineitemId"), "lineitemId", 64)
    if not written:
        raise Unreadable("missing", "lineitemId")
    return written


def _order(contribution: Mapping[str, object]) -> str:
    written = parsing.text(contribution.get("orderNumber"), "orderNumber", 64)
    if not written:
        raise Unreadable("missing", "orderNumber")
    return written


def _sequence(line: Mapping[str, object]) -> int:
    written = line.get("sequence")
    return 0 if written in (None, "") else parsing.whole_number(written, "sequence")


def _moment(
    line: Mapping[str, object], contribution: Mapping[str, object], said: StatementType
) -> datetime:
    if said is StatementType.RECURRING_ENDED:
        return parsing.instant(contribution.get("cancelledAt"), "cancelledAt", ZONE)
    if said is StatementType.REFUNDED:
        return parsing.instant(line.get("refundedAt"), "refundedAt", ZONE)
    paid = line.get("paidAt") or contribution.get("createdAt") or line.get("refundedAt")
    return parsing.instant(paid, "paidAt", ZONE)


def _code(contribution: Mapping[str, object]) -> tuple[str, str]:
    """Return the code from the map or, in older bodies, from beside it; others use refcode2."""
    codes = optional.mapping(contribution.get("refcodes"))

    def carried(name: str) -> str:
        return optional.text(codes.get(name)) or optional.text(contribution.get(name))

    code, click_id = tracking_parameters.split_code(carried("refcode"))
    return code, click_id or tracking_parameters.click_id_or_none(carried("refcode2"))
