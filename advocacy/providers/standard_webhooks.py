"""Our own format, for tools and scripts that can sign: Standard Webhooks.

The body is `{"type": "signature", "timestamp": "2026-05-01T12:00:00Z", "data": {…}}`, where `type`
is one of signature, call, letter, donation, submission, attendance, click, other (a suffix such as
`.created` may follow), or `donation.refunded`, `donation.ended`. `docs/providers.md` lists the
fields of `data`. Source of the signature: github.com/standard-webhooks/standard-webhooks.

Note: `webhook-timestamp` is the instant of the attempt; the instant of the action is in the body.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from advocacy.core import money, tracking_parameters, urls
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
from advocacy.providers import gifts, optional, parsing, signatures, test_deliveries

slug = "standard"
title = "Standard Webhooks"
TRUST: Trust = "signed"
ANSWER = 200
CODE_PARAMETERS: str = say("code= and click_id=")
SETUP_STEPS = (
    say("Give the address and the secret to whoever programs your page."),
    say(
        "The page sends JSON that is signed by a library of standardwebhooks.com, in any language."
    ),
    say("It passes on code and click_id from its own address, so that the action finds its post."),
)

_SUFFIXES = {
    "": StatementType.CREATED,
    "created": StatementType.CREATED,
    "updated": StatementType.CREATED,
}
_DONATION_SUFFIXES = {"refunded": StatementType.REFUNDED, "ended": StatementType.RECURRING_ENDED}


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified:
    """Verify a fresh signature by one of the secrets."""
    message_id = signatures.check_standard(delivery.body, delivery.headers, secrets, now)
    return Verified(
        body=delivery.body,
        received_at=now,
        message_id=message_id,
        content_type=delivery.headers.get("content-type", ""),
        setup=delivery.setup,
    )


def external_id(verified: Verified) -> str:
    """Return `webhook-id`, which is the same on every retry."""
    return verified.message_id


def parse(verified: Verified) -> list[ActionEvent]:
    """Return the one action in the body."""
    whole = parsing.mapping(parsing.read_json(verified.body), "body")
    data = parsing.mapping(whole.get("data"), "data")
    kind, said = _kind(parsing.text(whole.get("type"), "type"))
    occurred = parsing.instant(whole.get("timestamp"), "timestamp")
    code, click_id = tracking_parameters.split_code(optional.text(data.get("code")))
    currency, amount = "", None
    if kind is ActionKind.DONATION:
        currency = parsing.currency_code(data.get("currency"), "USD")
        if data.get("amount_minor") is not None:
            amount = money.whole_minor(data["amount_minor"], "amount_minor")
        elif data.get("amount") is not None:
            amount = money.to_minor(data["amount"], currency)
        if said is StatementType.CREATED:
            if amount is None:
                raise Unreadable("missing", "amount")
            gifts.given(amount)
        if amount is not None and amount < 0:
            raise Unreadable("bad_amount", "amount is negative")
    recurs_as = parsing.text(data.get("recurs_as"), "recurs_as", 200)
    return [
        ActionEvent(
            kind=kind,
            external_id=parsing.text(data.get("id"), "id", 200) or verified.message_id,
            occurred_at=occurred,
            said=said,
            statement_id="made" if said is StatementType.CREATED else verified.message_id,
            stated_at=occurred,
            person=Person(
                email=parsing.contact(data.get("email"), "email"),
                phone=parsing.contact(data.get("phone"), "phone"),
                person_id=parsing.text(data.get("person_id"), "person_id", 200),
            ),
            code=code,
            click_id=click_id
            or tracking_parameters.click_id_or_none(optional.text(data.get("click_id"))),
            utm=tracking_parameters.utm_of(data),
            referrer=optional.text(data.get("referrer"), 2048),
            amount_minor=amount,
            currency=currency,
            recurs_as=recurs_as,
            renewal=bool(recurs_as) and data.get("renewal") is True,
            target=optional.text(data.get("target"), 200),
            test=data.get("test") in (True, "true"),
        )
    ]


def destination(url: str, code: str, click_id: str) -> str:
    """Return the URL with `code=` and `click_id=`; the tool hands both back."""
    return urls.with_query(url, code=code, click_id=click_id)


def sample_delivery(
    landing: str,
    secret: str,
    message_id: str,
    now: datetime,
    setup: Mapping[str, object],
    url: str,
) -> Delivery:
    """Return the signature of a supporter who arrived at `landing`, marked as a test.

    Raises `Unreadable("bad_secret")`.
    """
    query = tracking_parameters.query_of(landing)
    data = {
        "id": message_id,
        "email": test_deliveries.SAMPLE_EMAIL,
        "code": query.get("code", ""),
        "click_id": query.get("click_id", ""),
        "test": True,
    }
    body = test_deliveries.write_json(
        {"type": "signature.created", "timestamp": test_deliveries.write_instant(now), "data": data}
    )
    return test_deliveries.signed_delivery(
        body, signatures.standard(body, message_id, secret, now), setup, url
    )


def _kind(written: str) -> tuple[ActionKind, StatementType]:
    word, _, suffix = written.partition(".")
    try:
        kind = ActionKind(word)
    except ValueError:
        raise Unreadable("unknown_kind", written) from None
    suffixes = _SUFFIXES | (_DONATION_SUFFIXES if kind is ActionKind.DONATION else {})
    if suffix not in suffixes:
        raise Unreadable("unknown_kind", written)
    return kind, suffixes[suffix]
