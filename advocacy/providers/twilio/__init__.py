"""Twilio: calls to legislators, as status callbacks of voice calls and of `<Dial>`.

Facts: a form body; `X-Twilio-Signature` is the base64 HMAC of the full public URL followed by the
sorted fields, empty ones too, keyed with the account's auth token (SHA-1, or SHA-256 where
`X-Twilio-Webhooks-Signature-Settings` says so); a JSON body is signed through `bodySHA256` in the
URL; Twilio may sort the query and escape more of it after signing; `CallDuration` is in seconds,
`Duration` in begun minutes. Sources: twilio-python `request_validator.py`,
twilio.com/docs/voice/api/call-resource, /docs/usage/security.

Note: "completed" means answered and hung up, by a voicemail as well. With click-to-call the first
leg rings the supporter; only its child reached the office. So a child declares its parent a
duplicate, and the parent alone counts only if no child is ever reported. A call carries no data of
ours: the code is in the query of the callback URL, which the signature covers; `verify` keeps it as
the message id.

Setup: `minimum_seconds` (10), `supporter` ("from" or "to": which number is the supporter's; without
it neither identifies a person), `count_inbound` (false).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from advocacy.core import ids, tracking_parameters, urls
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
from advocacy.providers import optional, parsing, signatures, test_deliveries
from advocacy.providers.twilio import signature

slug = "twilio"
title = "Twilio Voice"
TRUST: Trust = "signed"
ANSWER = 204
CODE_PARAMETERS: str = say("code= and click_id= of the status callback's URL")
SETUP_STEPS = (
    say(
        "In the Twilio Console, open Account › API keys & tokens, copy the auth token and store"
        " it here."
    ),
    say(
        "Set the address as the status callback of the call to the legislator's office, with"
        " code= and click_id= of the supporter added to it."
    ),
    say("A call counts when a person answered and it lasted ten seconds or more."),
)

MINIMUM_SECONDS = 10
_STATUSES = frozenset(
    (
        "queued",
        "initiated",
        "ringing",
        "in-progress",
        "completed",
        "answered",
        "busy",
        "failed",
        "no-answer",
        "canceled",
    )
)
_CARRIED = frozenset(
    (
        "code",
        "sc",
        "source",
        "click_id",
        "target",
        *(f"utm_{name}" for name in tracking_parameters.UTM_NAMES),
    )
)


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified:
    """Verify the signature over URL and fields with one of the auth tokens."""
    given = signatures.from_base64(delivery.headers.get("x-twilio-signature", ""))
    if not given:
        raise Refused("no_signature")
    content_type = delivery.headers.get("content-type", "")
    try:
        parts = urlsplit(delivery.url)._replace(fragment="")
        addresses = signature.signed_addresses(parts, len(delivery.body))
        query = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=parsing.MAX_FIELDS)
    except ValueError:
        raise Refused("bad_url") from None
    fields = b""
    if "json" in content_type.lower():
        signature.check_body_digest(dict(query).get("bodySHA256", ""), delivery.body)
    else:
        try:
            fields = signature.signed_fields(parsing.read_form(delivery.body))
        except Unreadable:
            raise Refused("bad_form") from None
    signature.check(addresses, fields, given, secrets, signature.algorithm_of(delivery.headers))
    # The page that starts the call passes on its visitor's URL: e-mail addresses are removed, since
    # this is stored beside the body.
    carried = [
        (name, "@" if "@" in value else value[:200])
        for name, value in tracking_parameters.query_of(delivery.url).items()
        if name in _CARRIED
    ]
    return Verified(
        body=delivery.body,
        received_at=now,
        message_id=urlencode(carried)[:2000],
        content_type=content_type,
        setup=delivery.setup,
    )


def external_id(verified: Verified) -> str:
    """Return the delivery id: the call, its state and its number in the sequence."""
    try:
        fields = _fields(verified)
    except Unreadable:
        return ids.body_id(verified.body)
    names = ("CallSid", "CallStatus", "SequenceNumber", "DialCallSid", "DialCallStatus")
    written = ":".join(fields.get(name, "") for name in names).rstrip(":")
    if not fields.get("CallSid") or len(written) > 200:
        return ids.body_id(verified.body)
    return written


def parse(verified: Verified) -> list[ActionEvent]:
    """Return a finished leg as a call, if a human answered and spoke long enough."""
    fields = _fields(verified)
    sid = parsing.text(fields.get("CallSid"), "CallSid", 64)
    if not sid:
        raise Unreadable("unknown_kind", "no CallSid")
    child, status, parent = sid, fields.get("CallStatus", ""), fields.get("ParentCallSid", "")
    seconds = fields.get("CallDuration", "")
    if fields.get("DialCallStatus"):
        # The result of <Dial>: the request is about the parent, the outcome about the child.
        child, status, parent = fields.get("DialCallSid", ""), fields["DialCallStatus"], sid
        seconds = fields.get("DialCallDuration", "")
    child, parent = (parsing.text(each, "CallSid", 64) for each in (child, parent))
    if status not in _STATUSES:
        raise Unreadable("unknown_kind", status[:64])
    at = _moment(fields.get("Timestamp", ""), verified.received_at)
    carried = tracking_parameters.query_of(f"?{verified.message_id}")
    events = []
    if child and _reached(verified, fields, status, seconds, bool(parent)):
        events.append(_call(verified, fields, carried, child, at, to_office=bool(parent)))
    if parent:
        events.append(
            ActionEvent(
                kind=ActionKind.CALL,
                external_id=parent,
                occurred_at=at,
                said=StatementType.DUPLICATE_OF,
                statement_id=StatementType.DUPLICATE_OF,
                stated_at=at,
            )
        )
    return events


def destination(url: str, code: str, click_id: str) -> str:
    """Return the URL of the page that starts the call, with `code=` and `click_id=`.

    That page writes both into the query of the status callback URL.
    """
    return urls.with_query(url, code=code, click_id=click_id)


def sample_delivery(
    landing: str,
    secret: str,
    message_id: str,
    now: datetime,
    setup: Mapping[str, object],
    url: str,
) -> Delivery:
    """Return the status callback of a call by a supporter who arrived at `landing`.

    The `url` of the result is the one to call: it carries the landing's query, and is signed.
    """
    sid = "CA" + test_deliveries.token_for(message_id)
    fields = {
        "AccountSid": "AC" + test_deliveries.token_for("rehearsal"),
        "AnsweredBy": "human",
        "ApiVersion": "2010-04-01",
        "CallDuration": str(max(_least_seconds(setup), MINIMUM_SECONDS) + 1),
        "CallSid": sid,
        "CallStatus": "completed",
        "CallbackSource": "call-progress-events",
        "Direction": "outbound-api",
        # Fictional numbers (555-01XX), and an empty field, as Twilio often sends.
        "From": "+12025550100",
        "FromCity": "",
        "SequenceNumber": "3",
        "Timestamp": format_datetime(now.astimezone(UTC)),
        "To": "+12025550101",
    }
    query = list(tracking_parameters.query_of(landing).items())
    address = urlsplit(url)
    if query:
        kept = parse_qsl(address.query, keep_blank_values=True)
        address = address._replace(query=urlencode(kept + query))
    body = urlencode(fields).encode()
    signed = address.geturl().encode() + signature.signed_fields(list(fields.items()))
    proof = base64.b64encode(signatures.digest(secret, signed, "sha1")).decode()
    kind = "application/x-www-form-urlencoded; charset=UTF-8"
    headers = {"content-type": kind, "x-twilio-signature": proof}
    return Delivery(body, headers, address.geturl(), setup)


def _fields(verified: Verified) -> dict[str, str]:
    if "json" in verified.content_type.lower():
        payload = parsing.mapping(parsing.read_json(verified.body), "body")
        return {
            name: parsing.text(value, name) if not isinstance(value, bool | dict | list) else ""
            for name, value in payload.items()
        }
    return dict(parsing.read_form(verified.body))


def _reached(
    verified: Verified, fields: Mapping[str, str], status: str, seconds: str, to_office: bool
) -> bool:
    """Return whether a human in the office answered, as far as Twilio can tell."""
    inbound = fields.get("Direction", "").startswith("inbound") and not to_office
    if status != "completed" or (inbound and verified.setup.get("count_inbound") is not True):
        return False
    if fields.get("AnsweredBy", "human") not in {"human", ""}:
        return False
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 9):
        return False
    return int(seconds) >= _least_seconds(verified.setup)


def _least_seconds(setup: Mapping[str, object]) -> int:
    least = setup.get("minimum_seconds", MINIMUM_SECONDS)
    return MINIMUM_SECONDS if isinstance(least, bool) or not isinstance(least, int) else least


def _call(
    verified: Verified,
    fields: Mapping[str, str],
    carried: Mapping[str, str],
    sid: str,
    at: datetime,
    *,
    to_office: bool,
) -> ActionEvent:
    code, click_id = tracking_parameters.surest_code(
        *(carried.get(name, "") for name in ("code", "sc", "source"))
    )
    field = {"from": "From", "to": "To"}.get(str(verified.setup.get("supporter", "")), "")
    office = fields.get("To", "") if to_office and "DialCallStatus" not in fields else ""
    return ActionEvent(
        kind=ActionKind.CALL,
        external_id=sid,
        occurred_at=at,
        # <Dial> and the child's own callback both report the leg, with different details.
        statement_id="dial" if "DialCallStatus" in fields else "call",
        stated_at=at,
        person=Person(phone=parsing.contact(fields.get(field), "phone")),
        code=code,
        click_id=click_id or tracking_parameters.click_id_or_none(carried.get("click_id", "")),
        utm=tracking_parameters.utm_of(carried),
        target=optional.text(carried.get("target") or office, 200),
    )


def _moment(written: str, received_at: datetime) -> datetime:
    """Read an RFC 2822 instant; test calls and `<Dial>` have none of use."""
    try:
        moment = parsedate_to_datetime(written)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return received_at
    return moment if 2000 <= moment.year <= 2200 else received_at
