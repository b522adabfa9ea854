"""NationBuilder: donations, and people if a nation says what they stand for.

Facts: JSON `{"nation_slug", "payload": {…}, "token"}`; the shared secret is the `token` in the
body, there is no signature; `amount_in_cents` beside a formatted `amount`; instants with an offset.
The body does not name its event. Sources: nationbuilder.com/webhooks_overview, /webhooks_donations,
/webhooks_people; the API's field list.

Note: there is no event for signing a petition; a person is only counted if staff say what a new
person means (setup `person`: a kind of action). The instants of a donation tell what happened:
`canceled_at`, else `succeeded_at`. A donation with an `actblue_order_number` is a copy of ActBlue's
gift. The code comes back only as the donation page's `tracking_code_slug`, one page for each code,
or as the recruiter, who is a numbered person.

Setup: `person` ("signature", "submission", …), `currency` ("USD").
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from advocacy.core import actblue_orders, ids, money, tracking_parameters, urls
from advocacy.core.errors import Refused, Unreadable
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
from advocacy.providers import gifts, optional, parsing, signatures, test_deliveries

slug = "nationbuilder"
title = "NationBuilder"
TRUST: Trust = "bearer"
ANSWER = 200
CODE_PARAMETERS: str = say("recruiter_id=, or the tracking code of the donation page")
SETUP_STEPS = (
    say("In NationBuilder, open Settings › Developer › Webhooks."),
    say("Add a webhook for each event you want, donations first, and paste the address."),
    say("Copy the token that NationBuilder shows and store it here."),
)
# Instants have an offset; without one they are in the zone of the documentation.
ZONE = actblue_orders.ACTBLUE_ZONE


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified:
    """Verify that the body's `token` is one of the secrets, and remove it."""
    try:
        token = parsing.mapping(parsing.read_json(delivery.body), "body").get("token")
    except Unreadable:
        raise Refused("unreadable") from None
    if not isinstance(token, str) or not token:
        raise Refused("no_token")
    signatures.check_header({"token": token}, "token", secrets)
    return Verified(
        body=delivery.body.replace(json.dumps(token).encode(), b'""'),
        received_at=now,
        content_type=delivery.headers.get("content-type", ""),
        setup=delivery.setup,
    )


def external_id(verified: Verified) -> str:
    """Return the delivery id: its subject and the instant of its last change."""
    try:
        what, thing = _read(verified.body)
        names = [what, parsing.text(thing.get("id"), "id", 64)]
        instants = ("canceled_at", "succeeded_at", "updated_at", "created_at")
        names += [parsing.text(thing.get(name), name, 40) for name in instants]
    except Unreadable:
        return ids.body_id(verified.body)
    return ":".join(names) if names[1] else ids.body_id(verified.body)


def parse(verified: Verified) -> list[ActionEvent]:
    """Return a donation, or a person if staff configured what a person stands for."""
    what, thing = _read(verified.body)
    if what == "person":
        return _person_event(verified, thing)
    return _donation_event(verified, thing)


def destination(url: str, code: str, click_id: str) -> str:
    """Return the URL with a numeric code in `recruiter_id=`, any other in `utm_content=`.

    A recruiter is a person's number; a word would be dropped. `utm_content` does not come back, but
    the page's own tracking code does, and staff give it the name of the link's code.
    """
    if code.isdigit():
        return urls.with_query(url, recruiter_id=code)
    return urls.with_query(url, utm_content=tracking_parameters.join_code(code, click_id))


def sample_delivery(
    landing: str,
    secret: str,
    message_id: str,
    now: datetime,
    setup: Mapping[str, object],
    url: str,
) -> Delivery:
    """Return the donation of a supporter who arrived at `landing`; only its code comes back.

    The page's tracking code is assumed to be the link's code, as staff are told to set it.
    """
    at, query = test_deliveries.write_instant(now), tracking_parameters.query_of(landing)
    number = test_deliveries.number_for(message_id)
    recruiter = query.get("recruiter_id", "")
    donation = {
        "actblue_order_number": None,
        "amount": "$1.00",
        "amount_in_cents": 100,
        "canceled_at": None,
        "created_at": at,
        "donor_id": number,
        "donor": {"id": number, "first_name": "Rehearsal", "email": test_deliveries.SAMPLE_EMAIL},
        "id": number,
        "recruiter_id": int(recruiter) if recruiter.isdecimal() else None,
        "succeeded_at": at,
        "tracking_code_slug": tracking_parameters.split_code(query.get("utm_content", ""))[0]
        or None,
        "updated_at": at,
    }
    body = test_deliveries.write_json(
        {"nation_slug": "rehearsal", "payload": {"donation": donation}, "token": secret}
    )
    return test_deliveries.signed_delivery(body, {}, setup, url)


def _read(body: bytes) -> tuple[str, Mapping[str, object]]:
    whole = parsing.mapping(parsing.read_json(body), "body")
    payload = parsing.mapping(whole.get("payload"), "payload")
    for what in ("donation", "person"):
        if isinstance(thing := payload.get(what), dict):
            return what, thing
    raise Unreadable("unknown_kind", "neither donation nor person")


def _donation_event(verified: Verified, donation: Mapping[str, object]) -> list[ActionEvent]:
    canceled, succeeded = donation.get("canceled_at"), donation.get("succeeded_at")
    if not (canceled or succeeded):
        return []
    name = parsing.text(donation.get("id"), "id", 64)
    if not name:
        raise Unreadable("missing", "id")
    currency = parsing.currency_code(verified.setup.get("currency"), "USD")
    cents = money.whole_minor(donation.get("amount_in_cents"), "amount_in_cents")
    amount = gifts.given(money.to_minor(Decimal(cents) / 100, currency))
    donor = parsing.mapping(donation.get("donor"), "donor")
    recurs_as = parsing.text(donation.get("recurring_donation_id"), "recurring_donation_id", 64)
    given = parsing.instant(
        succeeded or donation.get("created_at") or canceled, "succeeded_at", ZONE
    )
    canceled_at = parsing.instant(canceled, "canceled_at", ZONE) if canceled else given
    stated = _instant(donation, "updated_at") or max(given, canceled_at)
    code, click_id = _code(donation, donor)
    namespace, external_id = _names(donation, name, given)
    made = ActionEvent(
        kind=ActionKind.DONATION,
        external_id=external_id,
        namespace=namespace,
        occurred_at=given,
        statement_id=StatementType.CREATED,
        stated_at=stated,
        person=_person(donor, donation.get("donor_id")),
        code=code,
        click_id=click_id,
        amount_minor=amount,
        currency=currency,
        recurs_as=recurs_as,
    )
    if not canceled:
        return [made]
    # A canceled donation still has its amount, so that this body may come first or alone.
    back = replace(
        made,
        occurred_at=canceled_at,
        said=StatementType.REFUNDED,
        statement_id=StatementType.REFUNDED,
        amount_minor=None,
    )
    return [made, back] if succeeded else [back]


def _names(donation: Mapping[str, object], name: str, given: datetime) -> tuple[str, str]:
    """Return the name of a donation: its own, or ActBlue's name if it is a copy of that gift."""
    order = parsing.text(donation.get("actblue_order_number"), "actblue_order_number", 64)
    if not order:
        return "", f"donation:{name}"
    return actblue_orders.ACTBLUE_ORDERS, actblue_orders.actblue_order(order, given)


def _person_event(verified: Verified, person: Mapping[str, object]) -> list[ActionEvent]:
    meant = verified.setup.get("person")
    if not meant:
        return []
    try:
        kind = ActionKind(str(meant))
    except ValueError:
        raise Unreadable("bad_setup", "person is not a kind of action") from None
    name = parsing.text(person.get("id"), "id", 64)
    if not name:
        raise Unreadable("missing", "id")
    code, click_id = _code({}, person)
    created = parsing.instant(person.get("created_at"), "created_at", ZONE)
    return [
        ActionEvent(
            kind=kind,
            external_id=f"person:{name}",
            occurred_at=created,
            statement_id=StatementType.CREATED,
            stated_at=_instant(person, "updated_at") or created,
            person=_person(person, None),
            code=code,
            click_id=click_id,
        )
    ]


def _instant(thing: Mapping[str, object], name: str) -> datetime | None:
    return parsing.instant(thing[name], name, ZONE) if thing.get(name) else None


def _person(who: Mapping[str, object], own_id: object) -> Person:
    return Person(
        email=parsing.contact(who.get("email"), "email"),
        phone=parsing.contact(who.get("mobile") or who.get("phone"), "phone"),
        person_id=parsing.text(who.get("id") or own_id, "id", 64),
    )


def _code(donation: Mapping[str, object], who: Mapping[str, object]) -> tuple[str, str]:
    carried = (
        donation.get("tracking_code_slug"),
        donation.get("recruiter_id"),
        who.get("recruiter_id"),
    )
    split = (tracking_parameters.split_code(optional.text(each)) for each in carried)
    return next((both for both in split if both[0]), ("", ""))
