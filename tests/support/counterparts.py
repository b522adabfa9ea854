"""The counterpart of each provider: a tool that sends, and signs with its own library if possible.

Note: these do not copy our checks. The libraries of Stripe, Twilio and Standard Webhooks sign here,
so that a mistake that we make twice is still found.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import permutations
from math import factorial
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import standardwebhooks
import stripe
from twilio.request_validator import RequestValidator

from advocacy.core.events import ActionEvent, Delivery, Verified
from advocacy.ingestion.reconcile import Fact, Reconciled, group_facts, reconcile
from advocacy.providers import BY_SLUG, mappings
from advocacy.providers.adapter import Provider
from tests.support.older_facts import fact_of

NOW = datetime(2026, 5, 1, 12, 5, tzinfo=UTC)
PAYLOADS = Path(__file__).parent / "payloads"
CODE = "spring4trees"
CLICK = "abcdefghijklmnopqrstuvwx23"
BOTH = CODE + CLICK
CALLBACK = f"https://track.example.org/webhooks/k3y?code={CODE}&click_id={CLICK}"


def payload(slug: str, name: str) -> bytes:
    """Return a payload of ours as it would come over the wire."""
    folder = PAYLOADS / slug
    if name.endswith(".form"):
        return (folder / name).read_bytes().strip()
    return json.dumps(json.loads((folder / f"{name}.json").read_text())).encode()


def payloads(slug: str) -> Iterator[str]:
    """Yield the names of a provider's payloads."""
    for path in sorted((PAYLOADS / slug).iterdir()):
        yield path.name if path.suffix == ".form" else path.stem


@dataclass(frozen=True)
class Counterpart:
    """A tool that sends to one provider. `sign` returns the headers that authenticate it."""

    provider: Provider
    secret: str = ""
    other_secret: str = ""
    sign: Callable[[bytes, str, datetime], Mapping[str, str]] = lambda body, secret, now: {}
    signs_body: bool = False
    stamps: bool = False
    form: bool = False
    setup: Mapping[str, Any] = field(default_factory=dict)
    unknown: bytes = b""
    only: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        return self.provider.slug

    def send(self, body: bytes, secret: str = "", now: datetime = NOW) -> Delivery:
        """Return the delivery of a body, signed with a secret (else its own) at an instant."""
        kind = "application/x-www-form-urlencoded" if self.form else "application/json"
        headers = {"content-type": kind, **self.sign(body, secret or self.secret, now)}
        return Delivery(body=body, headers=headers, url=CALLBACK, setup=self.setup)

    def verified(self, body: bytes, now: datetime = NOW, **setup: Any) -> Verified:
        """Return a body as the provider verifies it; further setup may be given."""
        delivery = self.send(body, now=now)
        merged = Delivery(delivery.body, delivery.headers, delivery.url, {**self.setup, **setup})
        return self.provider.verify(merged, [self.secret] if self.secret else [], now)

    def parsed(self, name: str, **setup: Any) -> list[ActionEvent]:
        """Return the events of one of our payloads."""
        return self.provider.parse(self.verified(payload(self.slug, name), **setup))

    def names(self) -> list[str]:
        return list(self.only or payloads(self.slug))


def _basic(body: bytes, secret: str, now: datetime) -> Mapping[str, str]:
    return {"authorization": "Basic " + base64.b64encode(secret.encode()).decode()}


def _stripe(body: bytes, secret: str, now: datetime) -> Mapping[str, str]:
    stamp = int(now.timestamp())
    text = body.decode("utf-8", "surrogateescape")
    try:
        digest = stripe.WebhookSignature._compute_signature(f"{stamp}.{text}", secret)
    except UnicodeEncodeError:  # Stripe's library signs text, which these bytes are not.
        digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, "sha256").hexdigest()
    return {"stripe-signature": f"t={stamp},v1={digest},v0=ignored"}


def _twilio(body: bytes, secret: str, now: datetime) -> Mapping[str, str]:
    fields: dict[str, str] = {}
    with suppress(UnicodeDecodeError):
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return {"x-twilio-signature": RequestValidator(secret).compute_signature(CALLBACK, fields)}


def _standard(body: bytes, secret: str, now: datetime) -> Mapping[str, str]:
    try:
        signature = standardwebhooks.Webhook(secret).sign("msg_1", now, body.decode())
    except UnicodeDecodeError:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"msg_1.{int(now.timestamp())}.".encode() + body
        signature = "v1," + base64.b64encode(hmac.new(key, signed, "sha256").digest()).decode()
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }


def _controlshift(body: bytes, secret: str, now: datetime) -> Mapping[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-controlshift-webhook-signature": f"sha256:{digest}"}


def _donorbox(body: bytes, secret: str, now: datetime) -> Mapping[str, str]:
    stamp = int(now.timestamp())
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"donorbox-signature": f"{stamp},{digest}"}


def _givebutter(body: bytes, secret: str, now: datetime) -> Mapping[str, str]:
    return {"signature": secret}


def _bearer(body: bytes, secret: str, now: datetime) -> Mapping[str, str]:
    return {"authorization": f"Bearer {secret}"}


def _plain(body: bytes, secret: str, now: datetime) -> Mapping[str, str]:
    digest = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha1).digest()).decode()
    return {"x-hub-signature": f"sha1={digest}"}


FORM_MAPPING = {
    "body": "form",
    "auth": {
        "method": "hmac",
        "header": "X-Hub-Signature",
        "algorithm": "sha1",
        "encoding": "base64",
        "prefix": "sha1=",
    },
    "kind": "kind || 'signature'",
    "zone": "America/New_York",
    "at_format": "%m/%d/%Y %H:%M",
    "fields": {"id": "id", "at": "when", "email": "email", "code": "source"},
    "destination": {"source": "{both}"},
}


def _provider(slug: str) -> Provider:
    return BY_SLUG[slug]


def _generic(name: str, prefix: str, **rest: Any) -> Counterpart:
    found = tuple(each for each in payloads("generic") if each.startswith(prefix))
    return Counterpart(
        _provider("generic"), setup={"mapping": mappings.get(name)}, only=found, **rest
    )


ACTION_NETWORK = Counterpart(
    _provider("action_network"), unknown=b'[{"osdi:rain": {"identifiers": ["action_network:1"]}}]'
)
ACTBLUE = Counterpart(
    _provider("actblue"),
    secret="actblue:one:with:colons",
    other_secret="actblue:two",
    sign=_basic,
    unknown=b'{"contribution": {}, "lineitems": [{"lineitemId": 1}]}',
)
STRIPE = Counterpart(
    _provider("stripe"),
    secret="whsec_one",
    other_secret="whsec_two",
    sign=_stripe,
    signs_body=True,
    stamps=True,
    unknown=b'{"object": "event", "id": "evt_x", "type": "rain.fell", "created": 1777636800}',
)
TWILIO = Counterpart(
    _provider("twilio"),
    secret="0123456789abcdef0123456789abcdef",
    other_secret="fedcba9876543210fedcba9876543210",
    sign=_twilio,
    signs_body=True,
    form=True,
    unknown=b"MessageSid=SM1&MessageStatus=delivered",
)
NATIONBUILDER = Counterpart(
    _provider("nationbuilder"),
    secret="nb-shared-token-1",
    unknown=b'{"payload": {"rain": {}}, "token": "nb-shared-token-1"}',
)
CONTROLSHIFT = Counterpart(
    _provider("controlshift"),
    secret="cs-one",
    other_secret="cs-two",
    sign=_controlshift,
    signs_body=True,
    unknown=b'{"type": "rain.created", "data": {"id": 1}}',
)
PROCA = Counterpart(
    _provider("proca"),
    secret="proca:one",
    other_secret="proca:two",
    sign=_basic,
    unknown=b'{"schema": "proca:action:2", "stage": "deliver", "actionId": 1,'
    b' "action": {"actionType": "rain"}}',
)
STANDARD = Counterpart(
    _provider("standard"),
    secret="whsec_" + base64.b64encode(b"a" * 32).decode(),
    other_secret="whsec_" + base64.b64encode(b"b" * 32).decode(),
    sign=_standard,
    signs_body=True,
    stamps=True,
    unknown=b'{"type": "rain", "timestamp": "2026-05-01T12:00:00Z", "data": {}}',
)
DONORBOX = _generic(
    "donorbox",
    "donorbox",
    secret="db-one",
    other_secret="db-two",
    sign=_donorbox,
    signs_body=True,
    stamps=True,
)
GIVEBUTTER = _generic(
    "givebutter",
    "givebutter",
    secret="gb-one",
    other_secret="gb-two",
    sign=_givebutter,
    unknown=b'{"event": "rain.fell", "data": {"id": 1}}',
)
EVERYACTION = _generic(
    "everyaction",
    "everyaction",
    secret="ea-one",
    other_secret="ea-two",
    sign=_bearer,
    unknown=b'{"formType": "Rain", "formSubmissionId": 1}',
)
EVERY_ORG = _generic("every_org", "every_org")
NEW_MODE = _generic("new_mode", "new_mode", unknown=b'{"action_type": "rain", "id": 1}')
FORM = Counterpart(
    _provider("generic"),
    secret="form-one",
    other_secret="form-two",
    sign=_plain,
    signs_body=True,
    form=True,
    setup={"mapping": FORM_MAPPING},
    only=("form_signature.form",),
    unknown=b"kind=rain&id=1",
)

COUNTERPARTS = {
    "action_network": ACTION_NETWORK,
    "actblue": ACTBLUE,
    "stripe": STRIPE,
    "twilio": TWILIO,
    "nationbuilder": NATIONBUILDER,
    "controlshift": CONTROLSHIFT,
    "proca": PROCA,
    "standard": STANDARD,
    "generic_donorbox": DONORBOX,
    "generic_givebutter": GIVEBUTTER,
    "generic_everyaction": EVERYACTION,
    "generic_every_org": EVERY_ORG,
    "generic_new_mode": NEW_MODE,
    "generic_form": FORM,
}

SOURCE = UUID(int=7)


def in_every_order(told: Sequence[list[ActionEvent]], most: int = 200) -> dict[str, Reconciled]:
    """Reconcile deliveries in every order, or in `most` random ones; all must agree."""
    orders: Iterable[tuple[int, ...]] = permutations(range(len(told)))
    if factorial(len(told)) > most:
        lots = Random(len(told))
        orders = [tuple(lots.sample(range(len(told)), len(told))) for _ in range(most)]
    results = []
    for order in orders:
        arrived = [facts(told[which], delivery=at) for at, which in enumerate(order)]
        # Everything may also be delivered twice.
        results.append(settled(*arrived, *arrived[::-1]))
    assert all(result == results[0] for result in results)
    return results[0]


def facts(events: list[ActionEvent], delivery: int = 1, source: UUID = SOURCE) -> list[Fact]:
    """Return the facts of events, with identifiers as written in place of hashes."""
    return [
        fact_of(
            event,
            source_id=source,
            delivery_id=UUID(int=delivery),
            who={"email": event.person.email} if event.person.email else {},
        )
        for event in events
    ]


def settled(*told: list[Fact]) -> dict[str, Reconciled]:
    """Reconcile facts into actions, by the shortest of the names under which they were reported."""
    groups = group_facts(fact for each in told for fact in each)
    return {
        min((fact.external_id for fact in group), key=lambda name: (len(name), name)): reconcile(
            group, known_as
        )
        for known_as, group in groups.items()
    }
