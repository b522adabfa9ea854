"""Exports and webhooks of the same facts give the same money, actions and supporters.

One contract for every tool with both. A new one is added to `TOOLS`, with how its webhooks and its
export report each of `FACTS`, or why one of them does not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from advocacy.core.crypto import organization_key
from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionEvent, Person, Verified
from advocacy.core.tabular.table import Row
from advocacy.identity.hashing import digests, supporter_of
from advocacy.ingestion import drain
from advocacy.ingestion.csv_import import import_rows
from advocacy.providers import BY_SLUG, generic
from advocacy.providers.csv_exports import READERS, ROW, read_row
from advocacy.storage import sources
from tests.support.counterparts import in_every_order
from tests.support.sql import run

Body = Mapping[str, Any] | list[Any]
Columns = Mapping[str, str]

# Each fact, and what it comes to: (currency, gross, refunded) of each gift, in minor units.
FACTS: dict[str, list[tuple[str, int, int]]] = {
    "gift": [("USD", 2500, 0)],
    "partial refund": [("USD", 2500, 1000)],
    "full refund": [("USD", 2500, 2500)],
    "dispute lost": [("USD", 2500, 2500)],
    "dispute won": [("USD", 2500, 0)],
    "dispute needs response": [("USD", 2500, 1000)],
    "dispute after a refund": [("USD", 2500, 1500)],
    "inquiry": [("USD", 2500, 0)],
    "instalments": [("USD", 2500, 0), ("USD", 2500, 0)],
    "failed payment": [],
    "cancelled": [("USD", 2500, 0)],
    "test mode": [],
    "negative": [],
    "zero": [],
    "other currency": [("EUR", 2500, 0)],
    "no decimals": [("JPY", 2500, 0)],
}


def person(fact: str) -> str:
    return f"{fact.replace(' ', '.')}@example.org"


@dataclass(frozen=True)
class Both:
    """How one fact is told: the bodies of webhooks, and the rows of an export."""

    hooks: Sequence[Body]
    rows: Sequence[Columns]


# Stripe: instants are in seconds in webhooks, and to the minute in exports.
T0, T1, T2 = (int(datetime(2026, 5, day, 12, 0, 30, tzinfo=UTC).timestamp()) for day in (1, 2, 3))


def _stripe_event(kind: str, thing: Body, at: int = T0, live: bool = True) -> Body:
    name = f"evt_{kind}_{json.dumps(thing)}"
    return {
        "id": "evt_" + hashlib.sha256(name.encode()).hexdigest(),
        "object": "event",
        "type": kind,
        "created": at,
        "livemode": live,
        "data": {"object": thing},
    }


def _stripe_gift(fact: str, minor: int = 2500, currency: str = "usd", live: bool = True) -> list:
    name = fact.replace(" ", "_")
    money = {"currency": currency, "customer": f"cus_{name}", "livemode": live, "metadata": {}}
    session = money | {
        "id": f"cs_{name}",
        "amount_total": minor,
        "mode": "payment",
        "payment_intent": f"pi_{name}",
        "payment_status": "paid",
        "customer_details": {"email": person(fact), "phone": "+12025550143"},
    }
    intent = money | {"id": f"pi_{name}", "amount_received": minor, "invoice": None}
    charge = money | {
        "id": f"ch_{name}",
        "amount_captured": minor,
        "captured": True,
        "payment_intent": f"pi_{name}",
        "invoice": None,
        "billing_details": {"email": person(fact)},
    }
    return [
        _stripe_event("checkout.session.completed", session, T0 + 2, live),
        _stripe_event("payment_intent.succeeded", intent, T0, live),
        _stripe_event("charge.succeeded", charge, T0 + 1, live),
    ]


def _stripe_row(fact: str, amount: str = "25.00", **columns: str) -> Columns:
    name = fact.replace(" ", "_")
    return {
        "id": f"ch_{name}",
        "Created date (UTC)": "2026-05-01 12:00",
        "Amount": amount,
        "Amount Refunded": "0.00",
        "Currency": "usd",
        "Captured": "true",
        "Mode": "Live",
        "Status": "Paid",
        "Customer ID": f"cus_{name}",
        "Customer Email": person(fact),
        "PaymentIntent ID": f"pi_{name}",
        **columns,
    }


def _stripe_refund(fact: str, minor: int) -> list[Body]:
    name = fact.replace(" ", "_")
    refund = {"id": f"re_{name}", "amount": minor, "currency": "usd", "created": T1} | {
        "payment_intent": f"pi_{name}",
        "charge": f"ch_{name}",
        "status": "succeeded",
    }
    charge = {"id": f"ch_{name}", "payment_intent": f"pi_{name}", "currency": "usd"}
    return [
        _stripe_event("refund.created", refund, T1),
        _stripe_event("charge.refunded", charge | {"amount_refunded": minor}, T1 + 1),
    ]


def _stripe_dispute(fact: str, minor: int, *statuses: str) -> list[Body]:
    name = fact.replace(" ", "_")
    dispute = {"id": f"dp_{name}", "amount": minor, "currency": "usd", "created": T2} | {
        "payment_intent": f"pi_{name}",
        "charge": f"ch_{name}",
    }
    kinds = ("charge.dispute.created", "charge.dispute.closed")
    return [
        _stripe_event(kind, dispute | {"status": status}, T2 + 100 * at)
        for at, (kind, status) in enumerate(zip(kinds, statuses, strict=False))
    ]


def _disputed(amount: str, status: str) -> dict[str, str]:
    return {
        "Disputed Amount": amount,
        "Dispute Date (UTC)": "2026-05-03 12:00",
        "Dispute Status": status,
    }


def _stripe_instalment(fact: str, number: int) -> list[Body]:
    """A payment of a subscription as of 2025, whose invoice and intent do not name each other."""
    name = f"{fact.replace(' ', '_')}_{number}"
    money = {"currency": "usd", "customer": f"cus_{fact.replace(' ', '_')}"}
    invoice = money | {
        "id": f"in_{name}",
        "amount_paid": 2500,
        "billing_reason": "subscription_create" if number == 1 else "subscription_cycle",
        "customer_email": person(fact),
        "parent": {"subscription_details": {"subscription": f"sub_{fact.replace(' ', '_')}"}},
    }
    intent = money | {
        "id": f"pi_{name}",
        "amount_received": 2500,
        "description": "Subscription creation" if number == 1 else "Subscription update",
    }
    return [
        _stripe_event("invoice.paid", invoice, T0 + number),
        _stripe_event("payment_intent.succeeded", intent, T0 + number),
    ]


def _stripe_instalment_row(fact: str, number: int) -> Columns:
    name = f"{fact.replace(' ', '_')}_{number}"
    return _stripe_row(fact) | {
        "id": f"ch_{name}",
        "PaymentIntent ID": f"pi_{name}",
        "Invoice ID": f"in_{name}",
        "Description": "Subscription creation" if number == 1 else "Subscription update",
    }


def _stripe_ended(fact: str) -> Body:
    name = fact.replace(" ", "_")
    thing = {"id": f"sub_{name}", "customer": f"cus_{name}", "ended_at": T2}
    return _stripe_event("customer.subscription.deleted", thing, T2)


STRIPE: dict[str, Both | str] = {
    "gift": Both(_stripe_gift("gift"), [_stripe_row("gift")]),
    "partial refund": Both(
        _stripe_gift("partial refund") + _stripe_refund("partial refund", 1000),
        [
            _stripe_row(
                "partial refund",
                **{"Amount Refunded": "10.00", "Refunded date (UTC)": "2026-05-02 12:00"},
            )
        ],
    ),
    "full refund": Both(
        _stripe_gift("full refund") + _stripe_refund("full refund", 2500),
        [_stripe_row("full refund", **{"Amount Refunded": "25.00", "Status": "Refunded"})],
    ),
    "dispute lost": Both(
        _stripe_gift("dispute lost")
        + _stripe_dispute("dispute lost", 2500, "needs_response", "lost"),
        [_stripe_row("dispute lost", **_disputed("25.00", "lost"))],
    ),
    "dispute won": Both(
        _stripe_gift("dispute won") + _stripe_dispute("dispute won", 2500, "needs_response", "won"),
        [
            _stripe_row("dispute won", **_disputed("25.00", "Needs response")),
            _stripe_row("dispute won", **_disputed("25.00", "won")),
        ],
    ),
    "dispute needs response": Both(
        _stripe_gift("dispute needs response")
        + _stripe_dispute("dispute needs response", 1000, "needs_response"),
        [_stripe_row("dispute needs response", **_disputed("10.00", "needs_response"))],
    ),
    "dispute after a refund": Both(
        _stripe_gift("dispute after a refund")
        + _stripe_refund("dispute after a refund", 500)
        + _stripe_dispute("dispute after a refund", 1000, "under_review"),
        [
            _stripe_row("dispute after a refund", **{"Amount Refunded": "5.00"}),
            _stripe_row(
                "dispute after a refund",
                **{"Amount Refunded": "5.00"},
                **_disputed("10.00", "under review"),
            ),
        ],
    ),
    "inquiry": Both(
        _stripe_gift("inquiry") + _stripe_dispute("inquiry", 2500, "warning_needs_response"),
        [_stripe_row("inquiry", **_disputed("25.00", "warning_needs_response"))],
    ),
    "instalments": Both(
        [each for number in (1, 2) for each in _stripe_instalment("instalments", number)],
        [_stripe_instalment_row("instalments", number) for number in (1, 2)],
    ),
    "failed payment": Both(
        [
            _stripe_event("payment_intent.payment_failed", {"id": "pi_failed_payment"}),
            _stripe_event("charge.failed", {"id": "ch_failed_payment", "paid": False}),
        ],
        [
            _stripe_row("failed payment", Status=status)
            for status in ("Failed", "requires_payment_method", "Canceled", "Uncaptured")
        ],
    ),
    "cancelled": Both(
        [*_stripe_instalment("cancelled", 1), _stripe_ended("cancelled")],
        [_stripe_instalment_row("cancelled", 1)],
    ),
    "test mode": Both(
        _stripe_gift("test mode", live=False), [_stripe_row("test mode", Mode="Test")]
    ),
    "negative": Both(_stripe_gift("negative", -2500), [_stripe_row("negative", "-25.00")]),
    "zero": Both(_stripe_gift("zero", 0), [_stripe_row("zero", "0.00")]),
    "other currency": Both(
        _stripe_gift("other currency", currency="eur"),
        [_stripe_row("other currency", Currency="eur")],
    ),
    "no decimals": Both(
        _stripe_gift("no decimals", currency="jpy"),
        [_stripe_row("no decimals", "2500", Currency="jpy")],
    ),
}


def _actblue_hook(fact: str, number: int = 1, amount: str = "25.0", **contribution: Any) -> Body:
    line = contribution.pop("line", {})
    return {
        "donor": {"email": person(fact), "phone": "202-555-0143"},
        "contribution": {
            "orderNumber": "AB" + fact.replace(" ", ""),
            "status": "approved",
            "recurringPeriod": "once",
            "refcodes": {},
            **contribution,
        },
        "lineitems": [
            {
                "lineitemId": f"{fact.replace(' ', '')}{number}",
                "amount": amount,
                "sequence": number,
                "paidAt": f"2026-05-0{number}T12:00:30-04:00",
                **line,
            }
        ],
    }


def _actblue_row(fact: str, number: int = 1, amount: str = "25.00", **columns: str) -> Columns:
    return {
        "Receipt ID": "AB" + fact.replace(" ", ""),
        "Date": f"2026-05-0{number} 12:00:30",
        "Amount": amount,
        "Donor Email": person(fact),
        "Lineitem ID": f"{fact.replace(' ', '')}{number}",
        **columns,
    }


_MONTHLY = {"Recurring Total Months": "12"}
_ACTBLUE_DISPUTES = "ActBlue tells of no disputes"
ACTBLUE: dict[str, Both | str] = {
    "gift": Both([_actblue_hook("gift")], [_actblue_row("gift")]),
    "partial refund": "ActBlue refunds whole line items",
    "full refund": Both(
        [
            _actblue_hook("full refund"),
            _actblue_hook("full refund", line={"refundedAt": "2026-05-04T09:00:10-04:00"}),
        ],
        [
            _actblue_row("full refund"),
            _actblue_row("full refund", **{"Refund Date": "2026-05-04 09:00"}),
        ],
    ),
    "dispute lost": _ACTBLUE_DISPUTES,
    "dispute won": _ACTBLUE_DISPUTES,
    "dispute needs response": _ACTBLUE_DISPUTES,
    "dispute after a refund": _ACTBLUE_DISPUTES,
    "inquiry": _ACTBLUE_DISPUTES,
    "instalments": Both(
        [
            _actblue_hook("instalments", number, recurringPeriod="monthly", isRecurring=True)
            for number in (1, 2)
        ],
        [
            _actblue_row("instalments", number, **_MONTHLY, **{"Recurrence Number": str(number)})
            for number in (1, 2)
        ],
    ),
    "failed payment": Both([_actblue_hook("failed payment", status="declined")], []),
    "cancelled": Both(
        [
            _actblue_hook("cancelled", recurringPeriod="monthly"),
            _actblue_hook("cancelled", cancelledAt="2026-05-05T12:00:00-04:00"),
        ],
        [_actblue_row("cancelled", **_MONTHLY, **{"Recurrence Number": "1"})],
    ),
    "test mode": Both([_actblue_hook("test mode", thanksUrl="http://localhost:3000/thanks")], []),
    "negative": Both(
        [_actblue_hook("negative", amount="-25.0")], [_actblue_row("negative", amount="-25.00")]
    ),
    "zero": Both([_actblue_hook("zero", amount="0.0")], [_actblue_row("zero", amount="$0.00")]),
    "other currency": "ActBlue takes US dollars only",
    "no decimals": "ActBlue takes US dollars only",
}


def _an_hook(
    fact: str, number: int = 1, amount: str | None = "25.00", currency: str = "usd", **more: Any
) -> Body:
    donation = {
        "identifiers": [f"action_network:{fact.replace(' ', '-')}-{number}"],
        "created_date": "2026-05-01T16:00:30Z",
        "modified_date": "2026-05-01T16:00:30Z",
        "action_network:referrer_data": {"source": "none"},
        "person": {"email_addresses": [{"address": person(fact), "primary": True}]},
        "_links": {"osdi:person": {"href": f"https://an.example.org/people/{fact[:4]}"}},
        "amount": amount,
        "currency": currency,
        **more,
    }
    return [{"osdi:donation": donation, "idempotency_key": f"{fact}-{number}"}]


def _an_row(
    fact: str, number: int = 1, amount: str = "25.00", currency: str = "USD", **columns: str
) -> Columns:
    return {
        "uuid": f"{fact.replace(' ', '-')}-{number}",
        "Type": "Donation",
        "Timestamp (EST)": "2026-05-01 12:00",
        "Email": person(fact),
        "Person UUID": fact[:4],
        "Amount": amount,
        "Currency": currency,
        **columns,
    }


_AN_REFUNDS = "its donations know no amount that went back but all"
_AN_DISPUTES = "Action Network tells of no disputes"
ACTION_NETWORK: dict[str, Both | str] = {
    "gift": Both([_an_hook("gift")], [_an_row("gift")]),
    "partial refund": _AN_REFUNDS,
    "full refund": Both(
        [
            _an_hook("full refund"),
            _an_hook("full refund", amount=None, modified_date="2026-05-04T12:00:00Z"),
        ],
        [_an_row("full refund"), _an_row("full refund", amount="")],
    ),
    "dispute lost": _AN_DISPUTES,
    "dispute won": _AN_DISPUTES,
    "dispute needs response": _AN_DISPUTES,
    "dispute after a refund": _AN_DISPUTES,
    "inquiry": _AN_DISPUTES,
    "instalments": Both(
        [_an_hook("instalments", number) for number in (1, 2)],
        [_an_row("instalments", number) for number in (1, 2)],
    ),
    "failed payment": "a donation that failed is none in Action Network",
    "cancelled": "Action Network tells of no end of a recurring donation",
    "test mode": Both(
        [
            _an_hook(
                "test mode",
                created_date=None,
                modified_date=None,
                **{"action_network:referrer_data": {}},
            )
        ],
        [],
    ),
    "negative": Both(
        [_an_hook("negative", amount="-25.00")], [_an_row("negative", amount="-25.00")]
    ),
    "zero": Both([_an_hook("zero", amount="0.00")], [_an_row("zero", amount="0.00")]),
    "other currency": Both(
        [_an_hook("other currency", currency="EUR")], [_an_row("other currency", currency="EUR")]
    ),
    "no decimals": Both(
        [_an_hook("no decimals", amount="2500", currency="jpy")],
        [_an_row("no decimals", amount="2500", currency="JPY")],
    ),
}


MAPPING: dict[str, Any] = {
    "auth": {"method": "secret_path"},
    "delivery": "join(':', [id, status, back])",
    "kind": "'donation'",
    "when": "status != 'failed'",
    "said": "status",
    "says": {"cancelled": "ended"},
    "fields": {
        "id": "id",
        "at": "at",
        "stated_at": "changed",
        "email": "email",
        "amount": "amount",
        "currency": "currency",
        "returned": "back",
        "recurs_as": "plan",
        "renewal": "renewal",
        "test": "test",
    },
}


def _flat(fact: str, number: int = 1, **words: str) -> dict[str, str]:
    return {
        "id": f"{fact}-{number}",
        "at": f"2026-05-0{number}T12:00:00Z",
        "changed": f"2026-05-0{number}T12:00:00Z",
        "email": person(fact),
        "amount": "25.00",
        "currency": "USD",
        "back": "0.00",
        "plan": "",
        "renewal": "no",
        "status": "paid",
        "test": "no",
        **words,
    }


def _alike(*bodies: dict[str, str]) -> Both:
    return Both(bodies, bodies)


_FLAT_DISPUTES = "this mapping's tool tells of no disputes"
GENERIC: dict[str, Both | str] = {
    "gift": _alike(_flat("gift")),
    "partial refund": _alike(
        _flat("partial refund"),
        _flat("partial refund", back="10.00", changed="2026-05-03T12:00:00Z"),
    ),
    "full refund": _alike(
        _flat("full refund"), _flat("full refund", back="25.00", changed="2026-05-03T12:00:00Z")
    ),
    "dispute lost": _FLAT_DISPUTES,
    "dispute won": _FLAT_DISPUTES,
    "dispute needs response": _FLAT_DISPUTES,
    "dispute after a refund": _FLAT_DISPUTES,
    "inquiry": _FLAT_DISPUTES,
    "instalments": _alike(
        *(
            _flat("instalments", number, plan="p", renewal="yes" if number > 1 else "no")
            for number in (1, 2)
        )
    ),
    "failed payment": _alike(_flat("failed payment", status="failed")),
    "cancelled": _alike(
        _flat("cancelled", plan="q"),
        _flat("cancelled", plan="q", status="cancelled", changed="2026-05-03T12:00:00Z"),
    ),
    "test mode": _alike(_flat("test mode", test="yes")),
    "negative": _alike(_flat("negative", amount="-25.00")),
    "zero": _alike(_flat("zero", amount="0.00")),
    "other currency": _alike(_flat("other currency", currency="EUR")),
    "no decimals": _alike(_flat("no decimals", amount="2500", currency="JPY")),
}

STRIPE_SECRET = "whsec_both_ways"


def _send_stripe(world: Any, body: bytes) -> Any:
    import stripe as library

    stamp = int(time.time())
    proof = library.WebhookSignature._compute_signature(f"{stamp}.{body.decode()}", STRIPE_SECRET)
    return world.post("stripe", body, {"Stripe-Signature": f"t={stamp},v1={proof}"})


def _send_actblue(world: Any, body: bytes) -> Any:
    login = base64.b64encode(world.login.encode()).decode()
    return world.post("actblue", body, {"Authorization": f"Basic {login}"})


@dataclass(frozen=True)
class Tool:
    facts: Mapping[str, Both | str]
    send: Callable[[Any, bytes], Any]
    secret: str | None = None
    setup: Mapping[str, Any] | None = None


TOOLS: dict[str, Tool] = {
    "stripe": Tool(STRIPE, _send_stripe, STRIPE_SECRET),
    "actblue": Tool(ACTBLUE, _send_actblue),
    "action_network": Tool(ACTION_NETWORK, lambda world, body: world.post("action_network", body)),
    "generic": Tool(
        GENERIC, lambda world, body: world.post("generic", body), "", {"mapping": MAPPING}
    ),
}
every_tool = pytest.mark.parametrize("slug", TOOLS)


def told(tool: Tool) -> dict[str, Both]:
    return {fact: both for fact, both in tool.facts.items() if isinstance(both, Both)}


def test_every_tool_with_webhooks_and_exports_is_listed() -> None:
    assert TOOLS.keys() == READERS.keys() | {generic.slug}
    for tool in TOOLS.values():
        assert tool.facts.keys() == FACTS.keys()
        assert all(both for both in tool.facts.values()), "say why a fact is not told"
    assert generic.check_mapping(MAPPING) == []


# Without a database: in every order.


def _read(read: Callable[[], list[ActionEvent]]) -> list[ActionEvent]:
    try:
        return read()
    except Unreadable as error:
        assert error.reason == "bad_amount"
        return []


def _events(slug: str, both: Both) -> tuple[list[list[ActionEvent]], list[list[ActionEvent]]]:
    at, setup = datetime(2026, 6, 1, tzinfo=UTC), TOOLS[slug].setup or {}

    def hook(body: Body) -> list[ActionEvent]:
        return BY_SLUG[slug].parse(Verified(json.dumps(body).encode(), at, setup=setup))

    def row(columns: Columns) -> list[ActionEvent]:
        body = json.dumps(columns).encode()
        return read_row(slug, columns, Verified(body, at, content_type=ROW, setup=setup))

    return (
        [_read(lambda body=body: hook(body)) for body in both.hooks],
        [_read(lambda columns=columns: row(columns)) for columns in both.rows],
    )


@pytest.mark.parametrize(
    ("slug", "fact"),
    [(slug, fact) for slug, tool in TOOLS.items() for fact in told(tool)],
)
def test_a_fact_by_webhook_export_or_both_in_any_order_is_the_same(slug: str, fact: str) -> None:
    hooks, rows = _events(slug, told(TOOLS[slug])[fact])
    for way, events in {"webhooks": hooks, "export": rows, "both": [*hooks, *rows]}.items():
        settled = in_every_order(events).values() if events else ()
        found = sorted(
            (each.currency, each.gross_minor, each.refunded_minor, each.who.get("email"))
            for each in settled
            if each.counted
        )
        wanted = [(*money, person(fact)) for money in FACTS[fact]]
        if rows or way != "export":
            assert found == wanted, way


# With everything: endpoint, inbox, drain, import, rebuild.


def _hooks(world: Any, slug: str, facts: Sequence[str]) -> None:
    for fact in facts:
        for body in told(TOOLS[slug])[fact].hooks:
            answer = TOOLS[slug].send(world, json.dumps(body).encode())
            assert answer.status_code == 200, (fact, answer.data)
    world.drain()


def _rows(world: Any, slug: str, facts: Sequence[str]) -> None:
    source = next(each for each in sources.list_sources(world.org_id) if each.provider == slug)
    rows = [dict(row) for fact in facts for row in told(TOOLS[slug])[fact].rows]
    refused: list[str] = []
    import_rows(
        world.settings,
        source,
        (Row(line, row) for line, row in enumerate(rows, start=2)),
        {},
        lambda _, why: refused.append(why),
    )
    assert all(each.startswith("bad_amount") for each in refused)


def _both_by_turns(world: Any, slug: str, facts: Sequence[str]) -> None:
    for at, fact in enumerate(facts):
        for tell in (_hooks, _rows, _hooks) if at % 2 else (_rows, _hooks, _rows):
            tell(world, slug, [fact])


WAYS: dict[str, Sequence[Callable[[Any, str, Sequence[str]], None]]] = {
    "webhooks": [_hooks],
    "export": [_rows],
    "webhooks, then export": [_hooks, _rows],
    "export, then webhooks": [_rows, _hooks],
    "by turns, and twice": [_both_by_turns, _hooks, _rows],
}


def outcome(world: Any) -> list[tuple[Any, ...]]:
    rows = run(
        """select supporter_id, currency, gross_minor, refunded_minor from actions
           where counted order by 1, 2, 3, 4"""
    )
    return [tuple(row) for row in rows]


@every_tool
@pytest.mark.parametrize("way", WAYS)
def test_all_facts_come_to_the_same_money_actions_and_people(world, slug: str, way: str) -> None:
    tool = TOOLS[slug]
    if tool.secret is not None:
        world.add_source(slug, tool.secret, dict(tool.setup) if tool.setup else None)
    facts = [fact for fact, both in told(tool).items() if both.rows or way != "export"]
    key = organization_key(world.master, world.org_id, "identity")

    def who(fact: str) -> Any:
        return supporter_of(digests(Person(email=person(fact)), key, "US", ""))

    wanted = sorted((who(fact), *money) for fact in facts for money in FACTS[fact])
    for tell in WAYS[way]:
        tell(world, slug, facts)
    assert outcome(world) == wanted
    net = sum(gross - back for _, _, gross, back in wanted)
    assert sum(each.net_minor for each in world.report().money) == net
    assert world.report().supporters.distinct == len({row[0] for row in wanted})
    drain.rebuild(world.settings, world.org_id)
    assert outcome(world) == wanted


@pytest.mark.parametrize("ways", [(0, 1), (1, 0), (0, 1, 0, 1)])
def test_webhook_and_export_complete_each_other(world, ways: Sequence[int]) -> None:
    """The webhook knows no address and no end of the dispute, the export no code."""
    world.add_source("stripe", STRIPE_SECRET)
    intent = {
        "id": "pi_gift",
        "amount_received": 2500,
        "currency": "usd",
        "metadata": {"code": world.links["x"]},
    }
    hooks = [
        _stripe_event("payment_intent.succeeded", intent),
        *_stripe_dispute("gift", 2500, "needs_response"),
    ]
    row = {**_stripe_row("gift"), **_disputed("25.00", "won")}
    source = next(each for each in sources.list_sources(world.org_id) if each.provider == "stripe")
    for way in ways:
        if way:
            import_rows(
                world.settings, source, [Row(2, row)], {}, lambda *told: pytest.fail(str(told))
            )
        else:
            for body in hooks:
                _send_stripe(world, json.dumps(body).encode())
            world.drain()
    for _ in range(2):
        (found,) = run(
            """select supporter_id is not null as known, code, gross_minor, refunded_minor
               from actions where counted"""
        )
        assert tuple(found) == (True, world.links["x"], 2500, 0)
        drain.rebuild(world.settings, world.org_id)


@pytest.mark.parametrize("ways", ["hooks, row", "row, hooks", "hooks, row, row, hooks"])
def test_a_refund_only_in_the_export_counts_besides_a_dispute(world, ways: str) -> None:
    """What went back by the one is not what went back by the other, though it is more."""
    world.add_source("stripe", STRIPE_SECRET)
    source = next(each for each in sources.list_sources(world.org_id) if each.provider == "stripe")
    row = _stripe_row("gift", **{"Amount Refunded": "10.00"})
    for way in ways.split(", "):
        if way == "row":
            import_rows(
                world.settings, source, [Row(2, row)], {}, lambda *told: pytest.fail(str(told))
            )
        else:
            for body in [*_stripe_gift("gift"), *_stripe_dispute("gift", 1500, "needs_response")]:
                _send_stripe(world, json.dumps(body).encode())
            world.drain()
    assert [each[2:] for each in outcome(world)] == [(2500, 2500)]
    for body in _stripe_dispute("gift", 1500, "needs_response", "won"):
        _send_stripe(world, json.dumps(body).encode())
    world.drain()
    assert [each[2:] for each in outcome(world)] == [(2500, 1000)]


@pytest.mark.parametrize(
    ("status", "returned"),
    [
        ("Paid", 0),
        ("Refunded", 2500),
        ("Disputed", 2500),
        ("Dispute lost", 2500),
        ("needs_response", 2500),
        ("Dispute won", 0),
        ("won", 0),
        ("warning_needs_response", 0),
    ],
)
def test_a_status_of_stripe_is_read_where_the_columns_of_amounts_are_left_out(status, returned):
    row = {**_stripe_row("gift"), "Status": status}
    del row["Amount Refunded"]
    _, *more = READERS["stripe"](row, {})
    assert sum(each.amount_minor or 0 for each in more if each.said == "returned") == returned


def test_a_partial_refund_of_stripe_needs_its_amount():
    row = {**_stripe_row("gift"), "Status": "Partial refund", "Amount Refunded": ""}
    with pytest.raises(Unreadable, match="Amount Refunded"):
        READERS["stripe"](row, {})
