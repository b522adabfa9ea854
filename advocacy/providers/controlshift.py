"""ControlShift: petition signatures, event attendance, members of local groups.

Facts: `{"type": …, "data": {…}}`; `x-controlshift-webhook-signature: sha256:<hex>`, with a colon,
HMAC-SHA256 over the body with the secret as plain text; no timestamp. Every endpoint receives all
types of the account and is disabled after nine failures, so all types are accepted. Source:
developers.controlshiftlabs.com.

Note: `deleted_at` means that the signer clicked "This wasn't me", so the signature is withdrawn
under its own statement id. Whether the webhook contains `utm_*` and `source`, as the REST resource
does, is not documented; both are read if present.

Setup: `auth` ("signature" or "basic"), `confirmed_only` (false).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

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

slug = "controlshift"
title = "ControlShift"
TRUST: Trust = "signed"
ANSWER = 200
CODE_PARAMETERS: str = say("source= and utm_content=")
SETUP_STEPS = (
    say("In ControlShift, open Settings › Integrations › Webhooks as an administrator."),
    say("Add an endpoint and paste the address."),
    say("Copy the signing secret that ControlShift shows and store it here."),
)

_KINDS = {
    "signature.created": ActionKind.SIGNATURE,
    "signature.updated": ActionKind.SIGNATURE,
    "signature.confirmed": ActionKind.SIGNATURE,
    "signature.deleted": ActionKind.SIGNATURE,
    "attendee.created": ActionKind.ATTENDANCE,
    "attendee.updated": ActionKind.ATTENDANCE,
    "attendee.deleted": ActionKind.ATTENDANCE,
    "local_chapter.member.created": ActionKind.SUBMISSION,
}
# Types that report no action of a supporter. Types outside these families are quarantined.
_NOT_ACTIONS = (
    "petition",
    "category",
    "unsubscribe",
    "event",
    "local_chapter",
    "bulk",
    "calendar",
    "effort",
    "partnership",
    "member",
    "landing_page",
    "image",
    "export",
)


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified:
    """Verify the signature with one of the secrets, or Basic credentials."""
    if delivery.setup.get("auth") == "basic":
        signatures.check_basic(delivery.headers, secrets)
    else:
        written = delivery.headers.get("x-controlshift-webhook-signature", "")
        scheme, _, digest = written.partition(":")
        if scheme != "sha256" or not digest:
            raise Refused("no_signature")
        signatures.check_hmac(delivery.body, [signatures.from_hex(digest)], secrets)
    return Verified(
        body=delivery.body,
        received_at=now,
        content_type=delivery.headers.get("content-type", ""),
        setup=delivery.setup,
    )


def external_id(verified: Verified) -> str:
    """Return the delivery id: type, id and last change; there is no id of deliveries."""
    try:
        type_, data = _read(verified.body)
        names = [type_, parsing.text(data.get("id"), "id", 64)]
        names += [parsing.text(data.get(name), name, 64) for name in ("updated_at", "deleted_at")]
    except Unreadable:
        return ids.body_id(verified.body)
    if not (names[0] and names[1]):
        return ids.body_id(verified.body)
    return ":".join(names).rstrip(":")


def parse(verified: Verified) -> list[ActionEvent]:
    """Return a signature, an attendance or a new member; other types are no actions."""
    type_, data = _read(verified.body)
    kind = _KINDS.get(type_)
    if kind is None:
        if type_.startswith(_NOT_ACTIONS):
            return []
        raise Unreadable("unknown_kind", type_)
    name = parsing.text(data.get("id"), "id", 64)
    if not name:
        raise Unreadable("missing", "id")
    created = parsing.instant(data.get("created_at"), "created_at")
    withdrawn = data.get("deleted_at") or data.get("cancelled_at")
    stands = not withdrawn and not type_.endswith(".deleted")
    if verified.setup.get("confirmed_only") is True and not data.get("confirmed_at"):
        stands = False
    stated = max(
        parsing.instant(data[field], field)
        for field in ("created_at", "updated_at", "confirmed_at", "deleted_at", "cancelled_at")
        if data.get(field)
    )
    query = _query(data)
    code, click_id = _code(query)
    member = parsing.mapping(data.get("member"), "member")
    return [
        ActionEvent(
            kind=kind,
            external_id=f"{type_.rpartition('.')[0]}:{name}",
            occurred_at=created,
            # Withdrawn under the statement that created it, so that none says "created" any more.
            said=StatementType.CREATED if stands else StatementType.REFUNDED,
            statement_id=StatementType.CREATED,
            stated_at=stated,
            person=Person(
                email=parsing.contact(data.get("email"), "email"),
                phone=parsing.contact(data.get("phone_number"), "phone_number"),
                person_id=parsing.text(member.get("id"), "member", 64),
            ),
            code=code,
            click_id=click_id,
            utm=tracking_parameters.utm_of(query),
        )
    ]


def destination(url: str, code: str, click_id: str) -> str:
    """Return the URL with code and click id in `source=` and `utm_content=`.

    One of them comes back. `source` is the older of the two, and may be missing in newer accounts.
    """
    both = tracking_parameters.join_code(code, click_id)
    return urls.with_query(url, source=both, utm_content=both)


def sample_delivery(
    landing: str,
    secret: str,
    message_id: str,
    now: datetime,
    setup: Mapping[str, object],
    url: str,
) -> Delivery:
    """Return the confirmed signature of a supporter who arrived at `landing`."""
    at, query = test_deliveries.write_instant(now), tracking_parameters.query_of(landing)
    number = test_deliveries.number_for(message_id)
    names = ("source", *(f"utm_{name}" for name in tracking_parameters.UTM_NAMES))
    data = {
        "id": number,
        "first_name": "Rehearsal",
        "email": test_deliveries.SAMPLE_EMAIL,
        "created_at": at,
        "confirmed_at": at,
        "member": {"id": number, "created_at": at},
        "petition": {"slug": "rehearsal"},
        **{name: query[name] for name in names if name in query},
    }
    body = test_deliveries.write_json({"type": "signature.created", "data": data})
    if setup.get("auth") == "basic":
        return test_deliveries.signed_delivery(body, signatures.basic(secret), setup, url)
    digest = signatures.digest(secret, body).hex()
    return test_deliveries.signed_delivery(
        body, {"x-controlshift-webhook-signature": f"sha256:{digest}"}, setup, url
    )


def _read(body: bytes) -> tuple[str, Mapping[str, object]]:
    whole = parsing.mapping(parsing.read_json(body), "body")
    type_ = parsing.text(whole.get("type"), "type", 100)
    data = parsing.mapping(whole.get("data"), "data")
    for inner in ("signature", "attendee"):
        if isinstance(found := data.get(inner), dict):
            data = found
    return type_, data


def _query(data: Mapping[str, object]) -> dict[str, str]:
    """Return the parameters of the petition page's URL: as fields, or from the URL itself."""
    petition = optional.mapping(data.get("petition"))
    query = tracking_parameters.query_of(optional.text(petition.get("url"), 4000))
    names = ("source", *(f"utm_{name}" for name in tracking_parameters.UTM_NAMES))
    query.update({name: written for name in names if (written := optional.text(data.get(name)))})
    return query


def _code(query: Mapping[str, str]) -> tuple[str, str]:
    """Return our code; from `utm_content` only in its full form, since others use it too."""
    both = tracking_parameters.split_code(query.get("utm_content", ""))
    if both[1]:
        return both
    return tracking_parameters.split_code(query.get("source", ""))
