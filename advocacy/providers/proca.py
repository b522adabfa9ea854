"""Proca: petitions, letters and donations of European campaigns, message schemas 1 and 2.

Facts: one JSON object for each POST; `schema` is `proca:action:1`, `proca:action:2` or
`proca:event:2`; only status 200 counts, and any other answer is retried for ever; the service sends
Basic credentials, or its password alone as the whole `Authorization`, or nothing. Sources:
fixthestatusquo/proca-server (`stage/*.ex`, `service/webhook.ex`, guides/Processing.md) and
fixthestatusquo/proca (`urlparser.js`).

Note: `stage` "system" has the schema of an action and is not one; until `stage` is "deliver" the
supporter has not confirmed; `testing` must not count; a repeat by the same person (`dupeRank` above
0) is sent as well; and `tracking.source` may be derived from the referrer ("referrer", "social").
The widget overwrites `utm_content`, so our code goes into `utm_source`. In schema 1 the contact is
a string, JSON or encrypted; an encrypted one identifies no one.

Setup: `kinds` (action type → kind, for types that a campaign invented), `count_repeats` (false).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from advocacy.core import ids, money, tracking_parameters, urls
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

slug = "proca"
title = "Proca"
# The service may send no credentials; then the path is the secret. See `verify`.
TRUST: Trust = "secret_path"
ANSWER = 200
CODE_PARAMETERS = "utm_source="
SETUP_STEPS = (
    say("In Proca, open the settings of your organization and add a service of the kind webhook."),
    say(
        "Paste the address. If you set a user name and a password there, store them here as"
        " user:password."
    ),
    say("Choose that service for the actions of your campaign."),
)

_KINDS = {
    "register": ActionKind.SIGNATURE,
    "petition": ActionKind.SIGNATURE,
    "openletter": ActionKind.SIGNATURE,
    "eci": ActionKind.SIGNATURE,
    "mail2target": ActionKind.LETTER,
    "letter": ActionKind.LETTER,
    "call": ActionKind.CALL,
    "donate": ActionKind.DONATION,
    "donation": ActionKind.DONATION,
}
_SHARES = ("share", "tweet")
_NOT_ACTIONS = ("email_", "join_campaign", "new_org", "new_user")
_ACTIONS = frozenset({"proca:action:1", "proca:action:2"})
_NETWORKS = {
    "facebook": "facebook.com",
    "twitter": "twitter.com",
    "youtube": "youtube.com",
    "linkedin": "linkedin.com",
    "instagram": "instagram.com",
    "telegram": "t.me",
}


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified:
    """Verify Basic credentials or a raw password; without a secret, the path is enough."""
    if secrets:
        if delivery.headers.get("authorization", "")[:6].lower() == "basic ":
            try:
                signatures.check_basic(delivery.headers, secrets)
            except Refused:
                # The administrator may have typed the word "Basic" into the raw header.
                signatures.check_header(delivery.headers, "authorization", secrets)
        else:
            signatures.check_header(delivery.headers, "authorization", secrets)
    return Verified(
        body=delivery.body,
        received_at=now,
        content_type=delivery.headers.get("content-type", ""),
        setup=delivery.setup,
    )


def external_id(verified: Verified) -> str:
    """Return the delivery id: action and stage; the same for an old action that is sent again."""
    try:
        message = parsing.mapping(parsing.read_json(verified.body), "message")
        names = [
            parsing.text(message.get(name), name, 60) for name in ("schema", "actionId", "stage")
        ]
    except Unreadable:
        return ids.body_id(verified.body)
    return ":".join(names) if names[1] else ids.body_id(verified.body)


def parse(verified: Verified) -> list[ActionEvent]:
    """Return a delivered action of a supporter; system events are no actions."""
    message = parsing.mapping(parsing.read_json(verified.body), "message")
    schema = parsing.text(message.get("schema"), "schema", 60)
    if schema == "proca:event:2":
        return []
    if schema not in _ACTIONS:
        raise Unreadable("unknown_kind", schema)
    stage = parsing.text(message.get("stage"), "stage", 60)
    action_id = parsing.text(message.get("actionId"), "actionId", 60)
    if stage != "deliver" or not action_id:
        return []
    action = parsing.mapping(message.get("action"), "action")
    kind = _kind(verified, parsing.text(action.get("actionType"), "actionType", 200), action)
    if kind is None:
        return []
    contact = parsing.mapping(message.get("contact"), "contact")
    rank = contact.get("dupeRank")
    repeated = isinstance(rank, int) and rank > 0 and kind is ActionKind.SIGNATURE
    if repeated and verified.setup.get("count_repeats") is not True:
        return []
    occurred = parsing.instant(action.get("createdAt"), "createdAt")
    amount, currency, recurs = _money(action, kind)
    code, click_id, utm, referrer = _tracking(optional.mapping(message.get("tracking")))
    return [
        ActionEvent(
            kind=kind,
            external_id=action_id,
            occurred_at=occurred,
            statement_id=StatementType.CREATED,
            stated_at=occurred,
            person=_person(contact),
            code=code,
            click_id=click_id,
            utm=utm,
            referrer=referrer,
            amount_minor=amount,
            currency=currency,
            recurs_as=action_id if recurs else "",
            test=action.get("testing") is True,
        )
    ]


def destination(url: str, code: str, click_id: str) -> str:
    """Return the URL with code and click id in `utm_source=`.

    `mtm_source` is removed, because it would take precedence.
    """
    return urls.with_query(
        url, utm_source=tracking_parameters.join_code(code, click_id), mtm_source=""
    )


def sample_delivery(
    landing: str,
    secret: str,
    message_id: str,
    now: datetime,
    setup: Mapping[str, object],
    url: str,
) -> Delivery:
    """Return the signature of a supporter who arrived at `landing`, marked as a test.

    A secret with a colon is sent as Basic credentials, any other as the whole header.
    """
    query = tracking_parameters.query_of(landing)
    message = {
        "schema": "proca:action:2",
        "stage": "deliver",
        "actionId": test_deliveries.number_for(message_id),
        "campaign": {"name": "rehearsal", "title": "Rehearsal"},
        "action": {
            "actionType": "register",
            "createdAt": test_deliveries.write_instant(now),
            "customFields": {},
            "testing": True,
        },
        "contact": {
            "contactRef": test_deliveries.token_for(message_id),
            "dupeRank": 0,
            "email": test_deliveries.SAMPLE_EMAIL,
            "firstName": "Rehearsal",
        },
        "privacy": {
            "optIn": False,
            "withConsent": True,
            "givenAt": test_deliveries.write_instant(now),
        },
        "tracking": {
            "source": query.get("utm_source", "unknown"),
            "medium": query.get("utm_medium", "unknown"),
            "campaign": query.get("utm_campaign", "unknown"),
            "content": "",
            "location": landing,
        },
    }
    proofs = signatures.basic(secret) if ":" in secret else {"authorization": secret}
    return test_deliveries.signed_delivery(
        test_deliveries.write_json(message), proofs if secret else {}, setup, url
    )


def _kind(verified: Verified, written: str, action: Mapping[str, object]) -> ActionKind | None:
    named = verified.setup.get("kinds")
    if isinstance(named, dict) and written in named:
        try:
            return ActionKind(str(named[written]))
        except ValueError:
            raise Unreadable("bad_setup", f"{written} is not a kind of action") from None
    if action.get("donation"):
        return ActionKind.DONATION
    word = written.lower()
    if word in _KINDS:
        return _KINDS[word]
    if word.startswith(_SHARES):
        return ActionKind.CLICK
    if word.startswith(_NOT_ACTIONS):
        return None
    raise Unreadable("unknown_kind", written)


def _money(action: Mapping[str, object], kind: ActionKind) -> tuple[int | None, str, bool]:
    """Return amount in minor units, currency, and whether the gift is recurring."""
    if kind is not ActionKind.DONATION:
        return None, "", False
    donation = parsing.mapping(action.get("donation"), "donation")
    amount = gifts.given(money.whole_minor(donation.get("amount"), "amount"))
    unit = parsing.text(donation.get("frequencyUnit"), "frequencyUnit", 60).lower()
    currency = parsing.currency_code(donation.get("currency"), "EUR")
    return amount, currency, unit not in {"", "one_off", "oneoff"}


def _tracking(tracking: Mapping[str, object]) -> tuple[str, str, dict[str, str], str]:
    """Return code, click id, UTM and referrer; values that Proca derived are not UTM."""

    def word(name: str) -> str:
        written = optional.text(tracking.get(name))
        return "" if written.lower() == "unknown" else written

    source, medium = word("source"), word("medium")
    if source == "referrer":
        return "", "", {}, medium
    if source == "social" and medium in _NETWORKS:
        return "", "", {}, _NETWORKS[medium]
    code, click_id = tracking_parameters.split_code(source)
    if not click_id:
        # Older links, and handmade ones, have it in the campaign.
        by_campaign = tracking_parameters.split_code(word("campaign"))
        if by_campaign[1]:
            code, click_id = by_campaign
    return (
        code,
        click_id,
        tracking_parameters.utm_of(
            {f"utm_{name}": word(name) for name in tracking_parameters.UTM_NAMES}
        ),
        "",
    )


def _person(contact: Mapping[str, object]) -> Person:
    """Return the contact: merged in (schema 2), or as JSON or encrypted string (schema 1)."""
    fields = contact
    payload = contact.get("payload")
    if isinstance(payload, str) and payload.lstrip().startswith("{"):
        try:
            fields = {**parsing.mapping(parsing.read_json(payload.encode()), "payload"), **contact}
        except Unreadable:
            fields = contact
    return Person(
        email=parsing.contact(fields.get("email"), "email"),
        phone=parsing.contact(fields.get("phone"), "phone"),
        person_id=parsing.text(contact.get("contactRef") or contact.get("ref"), "ref", 200),
    )
