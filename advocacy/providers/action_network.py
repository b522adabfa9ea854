"""Action Network: petitions, letters, calls, donations, forms, events.

Facts: a body is an array of hashes, each with one type key beside `idempotency_key`; nothing is
signed, so the unguessable key in the path is the secret; only status 200 within 500 ms counts as
delivered; `action_network:referrer_data.source` carries our code back, `"none"` and `"widget"` mean
that there was none. Source: actionnetwork.org/docs/webhooks.

Note: an outreach is one hash per target and may have no target (the supporter left after the first
step). "Send Test" sends a body that differs only by what it lacks: instants and referrer. A
donation sent again without its amount was refunded. Action Network treats dash and underscore
alike, so our codes have neither. An identifier `act_blue:…` is a gift through ActBlue: it has the
name that the ActBlue adapter declares a duplicate, so it counts only if ActBlue is not connected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from advocacy.core import actblue_orders, ids, money, tracking_parameters, urls
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
from advocacy.providers import optional, parsing, test_deliveries

slug = "action_network"
title = "Action Network"
TRUST: Trust = "secret_path"
ANSWER = 200
CODE_PARAMETERS = "source="
SETUP_STEPS = (
    say("In Action Network, open Start Organizing › Details › API & Sync › Webhooks."),
    say("Add a webhook, paste the address, choose the kinds of actions, and turn it on."),
    say(
        "Keep the address to yourself: Action Network signs nothing, so the address is the secret."
    ),
)

_KINDS = {
    "osdi:signature": ActionKind.SIGNATURE,
    "osdi:outreach": ActionKind.CALL,
    "osdi:donation": ActionKind.DONATION,
    "osdi:submission": ActionKind.SUBMISSION,
    "osdi:attendance": ActionKind.ATTENDANCE,
    "action_network:action": ActionKind.OTHER,
}
_NOT_ACTIONS = frozenset({"action_network:upload"})
ACTBLUE_PREFIX = "act_blue:"
_NOT_ATTENDING = frozenset({"declined", "cancelled", "canceled"})
_LETTERS = frozenset({"email", "letter", "fax", "postal", "form"})


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified:
    """Accept what was sent to the secret URL; the key was checked already."""
    return Verified(
        body=delivery.body,
        received_at=now,
        content_type=delivery.headers.get("content-type", ""),
        setup=delivery.setup,
    )


def external_id(verified: Verified) -> str:
    """Return the delivery id, from key, type, first identifier and last change of all its hashes.

    The key alone is not enough: test sends reuse it, and a changed action may carry it again.
    """
    try:
        names = [
            ":".join(
                (
                    parsing.text(item.get("idempotency_key")),
                    type_key,
                    *_identifiers(action)[:1],
                    "test" if _is_test_send(action) else parsing.text(action.get("modified_date")),
                )
            )
            for item, type_key, action in _items(verified.body)
        ]
    except Unreadable:
        return ids.body_id(verified.body)
    joined = "|".join(names)
    if not joined.strip(":|"):
        return ids.body_id(verified.body)
    return joined if len(joined) <= 200 else ids.body_id(joined.encode())


def parse(verified: Verified) -> list[ActionEvent]:
    """Return one action for each hash of the array; an outreach without a target is none."""
    events = []
    for item, type_key, action in _items(verified.body):
        if type_key in _NOT_ACTIONS:
            continue
        if type_key not in _KINDS:
            raise Unreadable("unknown_kind", type_key)
        kind = _KINDS[type_key]
        targets = list(parsing.mappings(action.get("targets"), "targets"))
        if type_key == "osdi:outreach":
            if not targets and not parsing.text(action.get("message"), longest=100_000):
                continue
            kind = _outreach_kind(action)
        events.append(_event(kind, item, action, targets, verified.received_at))
    return events


def destination(url: str, code: str, click_id: str) -> str:
    """Return the URL with code and click id in `source=`, the only field that comes back."""
    return urls.with_query(url, source=tracking_parameters.join_code(code, click_id))


def sample_delivery(
    landing: str,
    secret: str,
    message_id: str,
    now: datetime,
    setup: Mapping[str, object],
    url: str,
) -> Delivery:
    """Return the signature of a supporter who arrived at `landing`; the path authenticates it."""
    at, name = test_deliveries.write_instant(now), test_deliveries.token_for(message_id)
    signature = {
        "identifiers": [f"action_network:{name}"],
        "created_date": at,
        "modified_date": at,
        "action_network:referrer_data": {
            "source": tracking_parameters.query_of(landing).get("source", "none"),
            "website": "none",
        },
        "person": {
            "given_name": "Rehearsal",
            "email_addresses": [{"address": test_deliveries.SAMPLE_EMAIL, "primary": True}],
        },
        "_links": {"osdi:person": {"href": f"https://actionnetwork.org/api/v2/people/{name}"}},
    }
    body = test_deliveries.write_json(
        [{"osdi:signature": signature, "idempotency_key": message_id}]
    )
    return test_deliveries.signed_delivery(body, {}, setup, url)


def _items(body: bytes) -> list[tuple[Mapping[str, object], str, Mapping[str, object]]]:
    value = parsing.read_json(body)
    items = []
    for item in parsing.mappings(value if isinstance(value, list) else [value], "item"):
        types = [key for key in item if key.startswith("osdi:") or key in _KINDS]
        types += [key for key in item if key in _NOT_ACTIONS]
        types += [key for key in item if not types and _looks_like_type(key, item[key])]
        if len(set(types)) != 1:
            raise Unreadable("unknown_kind", "an item needs exactly one type key")
        items.append((item, types[0], parsing.mapping(item[types[0]], types[0])))
    return items


def _looks_like_type(key: str, value: object) -> bool:
    return ":" in key and key != "action_network:sponsor" and isinstance(value, dict)


def _identifiers(action: Mapping[str, object]) -> list[str]:
    """Return the action's ids, Action Network's own first."""
    given = action.get("identifiers") or []
    if not isinstance(given, list):
        raise Unreadable("wrong_type", "identifiers is not a list")
    names = [parsing.text(name, "identifier", 200) for name in given]
    if len(names) == 1:
        return names if names[0] else []
    return sorted(filter(None, names), key=lambda name: not name.startswith("action_network:"))


def _link_id(action: Mapping[str, object], relation: str) -> str:
    """Return the last path segment of a link: the only place with ids of people."""
    link = parsing.mapping(parsing.mapping(action.get("_links"), "_links").get(relation), relation)
    return parsing.text(link.get("href"), "href").rstrip("/").rpartition("/")[2]


def _outreach_kind(action: Mapping[str, object]) -> ActionKind:
    """Tell a letter from a call: by `type`, else by fields that only one of them has."""
    written = parsing.text(action.get("type"), "type").lower()
    if written in _LETTERS:
        return ActionKind.LETTER
    if written or action.get("duration") is not None:
        return ActionKind.CALL
    wrote = action.get("message") or action.get("subject")
    return ActionKind.LETTER if wrote else ActionKind.CALL


def _event(
    kind: ActionKind,
    item: Mapping[str, object],
    action: Mapping[str, object],
    targets: Sequence[Mapping[str, object]],
    received_at: datetime,
) -> ActionEvent:
    referrer = _referrer(action)
    code, click_id = tracking_parameters.split_code(optional.text(referrer.get("source")))
    names = _identifiers(action)
    own_link, key = _link_id(action, "self"), parsing.text(item.get("idempotency_key"))
    own_id = names[0] if names else own_link or key
    if not own_id:
        raise Unreadable("missing", "identifiers")
    namespace, own_id = _shared_name(kind, names, own_id)
    changed = _instant(action, "modified_date")
    created = _instant(action, "created_date") or changed
    test = _is_test_send(action)
    if test:
        # It may name an existing action, which must not become a test because of it.
        namespace, own_id = "", f"test:{own_id}"
    created = created or received_at
    stated = changed or created
    recurrence = parsing.mapping(action.get("action_network:recurrence"), "recurrence")
    said, amount, currency = StatementType.CREATED, None, ""
    if kind is ActionKind.DONATION:
        currency = parsing.currency_code(action.get("currency"), "USD")
        amount = _amount(action, currency)
        said = StatementType.REFUNDED if amount is None else StatementType.CREATED
    elif kind is ActionKind.ATTENDANCE:
        status = parsing.text(action.get("status"), "status").lower()
        said = StatementType.REFUNDED if status in _NOT_ATTENDING else StatementType.CREATED
    money_back = kind is ActionKind.DONATION and said is StatementType.REFUNDED
    return ActionEvent(
        kind=kind,
        external_id=own_id,
        namespace=namespace,
        occurred_at=stated if money_back else created,
        said=said,
        # An attendance is withdrawn under the statement that created it; a gift is not.
        statement_id=StatementType.REFUNDED if money_back else StatementType.CREATED,
        stated_at=stated,
        person=_person(action),
        code=code,
        click_id=click_id,
        referrer=_website(referrer),
        amount_minor=amount,
        currency=currency,
        recurs_as=own_id if recurrence.get("recurring") is True else "",
        target=optional.text(targets[0].get("ocdid"), 200) if targets else "",
        test=test,
    )


def _is_test_send(action: Mapping[str, object]) -> bool:
    """Return whether "Send Test" sent this: only then are instants and referrer missing."""
    has_instants = action.get("created_date") or action.get("modified_date")
    return not has_instants and not _referrer(action)


def _referrer(action: Mapping[str, object]) -> Mapping[str, object]:
    written = action.get("action_network:referrer_data") or action.get("referrer_data")
    return optional.mapping(written)


def _shared_name(kind: ActionKind, names: Sequence[str], own_id: str) -> tuple[str, str]:
    """Return namespace and name; for a gift through ActBlue, the name that ActBlue uses."""
    if kind is ActionKind.DONATION:
        for name in names:
            if name.startswith(ACTBLUE_PREFIX) and len(name) > len(ACTBLUE_PREFIX):
                return actblue_orders.ACTBLUE_GIFTS, name.removeprefix(ACTBLUE_PREFIX)
    return "", own_id


def _instant(action: Mapping[str, object], name: str) -> datetime | None:
    return parsing.instant(action[name], name) if action.get(name) else None


def _amount(action: Mapping[str, object], currency: str) -> int | None:
    """Return the amount; None if it was removed, and the gift with it."""
    written = action.get("amount")
    if written is None or written == "":
        return None
    amount = money.to_minor(written, currency)
    if amount < 0:
        raise Unreadable("bad_amount", "amount is negative")
    return amount or None


def _website(referrer: Mapping[str, object]) -> str:
    """Return the referring site; the literal "none" is not a site."""
    written = optional.text(referrer.get("website"))
    return "" if written.lower() in tracking_parameters.NO_SOURCE else written


def _person(action: Mapping[str, object]) -> Person:
    """Return who acted; address and number may be missing, the link to the person stays."""
    person = parsing.mapping(action.get("person"), "person")
    person_id = _link_id(action, "osdi:person") or parsing.text(
        action.get("action_network:person_id"), "person_id"
    )
    return Person(
        email=_primary(person.get("email_addresses"), "address"),
        phone=_primary(person.get("phone_numbers"), "number"),
        person_id=person_id,
    )


def _primary(entries: object, field: str) -> str:
    listed = list(parsing.mappings(entries, field))
    if len(listed) > 1:
        listed.sort(key=lambda entry: entry.get("primary") is not True)
    for entry in listed:
        if written := parsing.contact(entry.get(field), field):
            return written
    return ""
