"""One payment that a tool reports under several ids is one donation, in every order."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import permutations
from random import Random

import pytest

from advocacy.ingestion import drain
from advocacy.storage.session import transaction
from tests.support.counterparts import PAYLOADS
from tests.support.deliveries import DELIVERIES
from tests.support.derived import NOW, derived
from tests.support.sql import run
from tests.support.stripe_deliveries import STRIPE_SECRET, stripe


@pytest.fixture
def stories():
    """The payloads of Stripe that belong to one subscription or payment, by folder order."""
    found = {}
    for path in sorted((PAYLOADS / "stripe").glob("*.json")):
        found[path.stem] = json.dumps(json.loads(path.read_text())).encode()
    return found


@pytest.mark.parametrize("many", [2, pytest.param(12, marks=pytest.mark.slow)])
def test_stripe_deliveries_in_any_order_give_the_same_rows(app, stories, many):
    from tests.support.world import World, empty_tables

    def play(order: list[str], *, drain_each: bool):
        empty_tables()
        world = World(app)
        world.add_source("stripe", STRIPE_SECRET)
        for name in order:
            assert stripe(world, stories[name]).status_code == 200
            if drain_each:
                world.drain()
        world.drain()
        rows = run(
            """select external_id, counted, gross_minor, refunded_minor, currency, code, renewal,
                      recurs_as from actions order by 1"""
        )
        counted = [tuple(row)[2:] for row in rows if row.counted]
        before = derived()
        drain.rebuild(world.settings, world.org_id)
        assert derived()["actions"] == before["actions"]
        return sorted(counted)

    names = list(stories)
    expected = play(names, drain_each=False)
    assert expected
    chance = Random(7)
    for turn in range(many):
        order = list(names)
        chance.shuffle(order)
        assert play(order, drain_each=bool(turn % 2)) == expected, order


def test_a_gift_reported_by_actblue_and_action_network_counts_once(world):
    from base64 import b64encode

    paid = (NOW - timedelta(hours=3)).isoformat()
    theirs = {
        "donor": {"email": "ana@example.org"},
        "contribution": {
            "orderNumber": "AB77",
            "uniqueIdentifier": "uq77",
            "status": "approved",
            "recurringPeriod": "once",
            "createdAt": paid,
            "refcodes": {"refcode": world.links["x"]},
        },
        "lineitems": [{"lineitemId": 7, "amount": "12.00", "paidAt": paid, "sequence": 1}],
    }
    copy = [
        {
            "osdi:donation": {
                "identifiers": ["act_blue:uq77", "action_network:copy-of-77"],
                "created_date": paid,
                "modified_date": paid,
                "amount": "12.00",
                "currency": "USD",
                "action_network:referrer_data": {"source": "none"},
                "person": {"email_addresses": [{"primary": True, "address": "ana@example.org"}]},
            },
            "idempotency_key": "copy",
        }
    ]
    login = {"Authorization": "Basic " + b64encode(world.login.encode()).decode()}
    tell = [
        lambda: world.post("actblue", json.dumps(theirs).encode(), login),
        lambda: world.post("action_network", json.dumps(copy).encode()),
    ]
    for order in permutations(tell):
        with transaction():
            for table in ("actions", "action_names", "supporters", "cells", "cell_news", "inbox"):
                run(f"delete from {table}")
        for send in order:
            assert send().status_code == 200
            world.drain()
        (money,) = world.report().money
        assert (money.gross_minor, money.donations) == (1200, 1)
        posts = {r.post.platform: r.actions for r in world.report().posts if r.post}
        assert posts["x"] == 1


def test_an_event_that_stripe_sends_again_is_the_same_though_fewer_wait_for_it(world):
    world.add_source("stripe", STRIPE_SECRET)
    body = (PAYLOADS / "stripe" / "charge_succeeded.json").read_bytes()
    assert b'"pending_webhooks": 2' in body
    assert stripe(world, body).status_code == 200
    assert stripe(world, body.replace(b'hooks": 2', b'hooks": 1')).status_code == 200
    # What else is changed is another body all the same.
    assert stripe(world, body.replace(b'"livemode"', b'"liveMode"')).status_code == 200
    rows = run(f"select status, reason from {DELIVERIES} order by received_at")
    assert [tuple(row) for row in rows] == [("pending", ""), ("quarantined", "id_reuse")]
