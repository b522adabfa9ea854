"""Any history counts once, with several workers that are slow, killed and disturbed.

Each seed generates deliveries of three tools about few people with many identifiers, clicks that
are loaded late, and staff who move a link, erase a person, compact and rebuild meanwhile. The
result must equal that of a rebuild from the same deliveries, with none lost and none in quarantine.
`make torture` tries hundreds of seeds; a seed gives the same history again, with other timing.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from advocacy.ingestion import drain, erasure, figures
from advocacy.ingestion.reassign_link import move_link
from advocacy.storage import links
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from config.settings import Settings
from tests.support.deliveries import DELIVERIES
from tests.support.derived_rows import NOW, rows_of
from tests.support.sql import run
from tests.support.stripe_deliveries import STRIPE_SECRET, stripe
from tests.support.world import World

WORKERS = 3


class Killed(BaseException):
    """What a worker dies of between two statements."""


class Trouble:
    """Makes the statements of threads that ask for it slow, and sometimes the last of their try."""

    def __init__(self) -> None:
        self._of = threading.local()

    def begin(self, chance: random.Random, *, kills: bool = False) -> None:
        self._of.chance, self._of.kills = chance, kills

    def end(self) -> None:
        self._of.chance = None

    def __call__(self, *_: object) -> None:
        chance = getattr(self._of, "chance", None)
        if chance is None:
            return
        if chance.random() < 0.3:
            time.sleep(chance.random() * 0.006)
        if self._of.kills and chance.random() < 0.004:
            raise Killed


@pytest.fixture
def trouble(app: Flask) -> Iterator[Trouble]:
    """Trouble for all statements, and deadlocks that are found at once."""
    found = Trouble()
    with transaction():
        run("alter role current_user set deadlock_timeout = '30ms'")
    db.session.remove()
    db.engine.dispose()
    event.listen(db.engine, "before_cursor_execute", found)
    yield found
    event.remove(db.engine, "before_cursor_execute", found)
    with transaction():
        run("alter role current_user reset deadlock_timeout")
    db.session.remove()
    db.engine.dispose()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    first, number = (metafunc.config.getoption(name) for name in ("--seed", "--histories"))
    # One in every run; `make torture` runs all that it is asked for.
    metafunc.parametrize(
        "seed",
        [
            first,
            *(pytest.param(n, marks=pytest.mark.slow) for n in range(first + 1, first + number)),
        ],
    )


def test_any_history_counts_once_and_can_be_rebuilt(world: World, trouble: Trouble, seed: int):
    chance = random.Random(seed)
    number = (
        tell_own(world, chance) + tell_stripe(world, chance) + tell_action_network(world, chance)
    )
    settings = replace(
        world.settings, batch_size=chance.choice([1, 2, 5]), lease_seconds=1, max_attempts=20
    )
    kills, erases, moves = (chance.random() < share for share in (0.5, 0.3, 0.5))
    with ThreadPoolExecutor(WORKERS + 2) as pool:
        parts = [
            pool.submit(ship_late, world, trouble, random.Random(seed + 1)),
            pool.submit(disturb, world, trouble, random.Random(seed + 2), settings, erases, moves),
            *(
                pool.submit(work, world, trouble, random.Random(seed + 3 + at), settings, kills)
                for at in range(WORKERS)
            ),
        ]
        for part in parts:
            part.result()
    work_off(world, settings)
    assert run(f"select status, count(*) from {DELIVERIES} group by 1") == [("done", number)]
    rows = rows_of(world)
    assert figures.differences(world.org_id) == []
    drain.rebuild(world.settings, world.org_id)
    again = rows_of(world)
    assert {name: rows[name] for name in rows if rows[name] != again[name]} == {
        name: again[name] for name in rows if rows[name] != again[name]
    }


def tell_own(world: World, chance: random.Random) -> int:
    """Tell of few people's actions in our own format, again and again; returns how many times."""
    number = chance.choice([15, 30])
    for _ in range(number):
        kind = chance.choice(["signature", "donation", "donation", "donation.refunded"])
        more: dict[str, Any] = named(chance)
        at = NOW - timedelta(
            hours=chance.choice([1, 1, 2, 30, 24 * 12, 24 * 45]), minutes=chance.randint(0, 59)
        )
        if kind != "signature":
            more |= {"amount": f"{chance.randint(1, 9)}.00", "currency": "USD"}
        if kind == "donation" and chance.random() < 0.5:
            more |= {"recurs_as": f"m{chance.randint(1, 2)}", "renewal": chance.random() < 0.5}
        if kind == "donation.refunded":
            at += timedelta(minutes=5)
        if chance.random() < 0.3:
            more["code"] = world.links[chance.choice(["x", "instagram"])]
        name = f"{kind[0]}{chance.randint(1, 8)}"
        assert world.act(kind, id=name, at=at, **more).status_code == 200
    return number


def named(chance: random.Random) -> dict[str, str]:
    """Return some of a person's names; few people share few of them."""
    names = {
        "email": (0.75, f"e{chance.randint(1, 4)}@example.org"),
        "phone": (0.3, f"+1202555010{chance.randint(1, 3)}"),
        "person_id": (0.15, f"x{chance.randint(1, 3)}"),
        "click_id": (0.5, chance.choice("bcde") * 26),
    }
    return {name: said for name, (share, said) in names.items() if chance.random() < share}


def tell_stripe(world: World, chance: random.Random) -> int:
    """Tell of three payments by several of Stripe's names each, in any order."""
    world.add_source("stripe", STRIPE_SECRET)
    told: list[tuple[str, dict[str, Any]]] = []
    for number in range(3):
        payment, invoice, charge = f"pi_{number}", f"in_{number}", f"ch_{number}"
        same = {"currency": "usd", "customer": f"cus_{number % 2}"}
        email = f"e{number + 1}@example.org"
        both = {"payment_intent": payment, "invoice": invoice, **same}
        told += [
            ("checkout.session.completed", {
                "id": f"cs_{number}", "mode": "payment", "payment_status": "paid",
                "amount_total": 1200, "customer_details": {"email": email}, **both,
            }),
            ("payment_intent.succeeded", {"id": payment, "amount_received": 1200, **same}),
            ("charge.succeeded", {"id": charge, "amount_captured": 1200, **both}),
            ("invoice.paid", {
                "id": invoice, "amount_paid": 1200, "customer_email": email, **same,
            }),
            ("refund.created", {
                "id": f"re_{number}", "charge": charge, "payment_intent": payment,
                "amount": 200, "currency": "usd",
            }),
        ]  # fmt: skip
    chosen = chance.sample(told, chance.randint(5, len(told)))
    for kind, thing in chosen:
        body = {
            "id": f"evt_{kind}_{thing['id']}",
            "object": "event",
            "created": int(NOW.timestamp()) - chance.randint(0, 9999),
            "data": {"object": thing},
            "livemode": True,
            "type": kind,
        }
        assert stripe(world, json.dumps(body).encode()).status_code == 200
    return len(chosen)


def tell_action_network(world: World, chance: random.Random) -> int:
    """Tell of several signatures in one delivery, as Action Network does."""
    deliveries = 4
    for number in range(deliveries):
        body = []
        for place in range(chance.randint(1, 4)):
            person: dict[str, Any] = {
                "email_addresses": [
                    {"primary": True, "address": f"e{chance.randint(1, 4)}@example.org"}
                ]
            }
            if chance.random() < 0.5:
                person["phone_numbers"] = [
                    {"primary": True, "number": f"+1202555010{chance.randint(1, 3)}"}
                ]
            modified = NOW - timedelta(minutes=chance.randint(1, 50))
            signature = {
                "identifiers": [f"action_network:an{chance.randint(1, 8)}"],
                "created_date": (NOW - timedelta(hours=1)).isoformat(),
                "modified_date": modified.isoformat(),
                "person": person,
                "action_network:referrer_data": {
                    "source": chance.choice(["none", "b" * 26, "e" * 26])
                },
            }
            body.append({"osdi:signature": signature, "idempotency_key": f"{number}{place}"})
        assert world.post("action_network", json.dumps(body).encode()).status_code == 200
    return deliveries


def ship_late(world: World, trouble: Trouble, chance: random.Random) -> None:
    """Let the clicks come that deliveries named before."""
    with world.app.app_context():
        trouble.begin(chance)
        for letter in chance.sample("bcde", 4):
            time.sleep(chance.random() * 0.15)
            at = NOW - timedelta(hours=chance.choice([1, 2, 3, 40, 24 * 13]))
            world.click(chance.choice(["x", "instagram"]), at=at, click_id=letter * 26)
        trouble.end()


def disturb(
    world: World,
    trouble: Trouble,
    chance: random.Random,
    settings: Settings,
    erases: bool,
    moves: bool,
) -> None:
    """Do what staff and the clock do meanwhile; what the database refuses is tried again."""
    with world.app.app_context():
        trouble.begin(chance)
        time.sleep(chance.random() * 0.6)
        if moves:
            insist(lambda: move_link(world.org_id, world.links["x"], world.posts["instagram"]))
        if erases:
            time.sleep(chance.random() * 0.3)
            who = {"email": "e1@example.org", "phone": "", "region": "US"}
            insist(lambda: erasure.erase(world.settings, world.org_id, **who))
        for _ in range(4):
            figures.fold_news(world.org_id, above=0)
            time.sleep(chance.random() * 0.1)
            if chance.random() < 0.4:
                insist(lambda: drain.rebuild(settings, world.org_id))
            with transaction():
                links.create_share_link(world.org_id, world.links["x"])
        trouble.end()


def insist(deed: Any) -> None:
    for _ in range(3):
        try:
            deed()
        except DBAPIError:
            db.session.rollback()
        else:
            return


def work(
    world: World, trouble: Trouble, chance: random.Random, settings: Settings, kills: bool
) -> None:
    """Drain three times; who is killed leaves her claims behind."""
    with world.app.app_context():
        trouble.begin(chance, kills=kills)
        for _ in range(3):
            try:
                drain.drain(settings, world.org_id)
            except Killed:
                db.session.rollback()
                time.sleep(chance.random())
        trouble.end()


def work_off(world: World, settings: Settings) -> None:
    """Drain until nothing waits: what the killed had claimed is free after a second."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        drain.drain(settings, world.org_id)
        if not run(f"select 1 from {DELIVERIES} where status = 'pending' limit 1"):
            break
        db.session.rollback()
        time.sleep(0.3)
    world.drain()
