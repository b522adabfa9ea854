"""Deliveries of a tool's own test button are stored and not counted."""

from __future__ import annotations

import json

from advocacy.ingestion import drain
from tests.support.counterparts import payload
from tests.support.sql import run


def test_a_test_from_action_network_is_not_counted(world):
    assert world.post("action_network", payload("action_network", "test_send")).status_code == 200
    world.drain()
    for _ in range(2):
        assert run("select test, counted from actions") == [(True, False)]
        assert world.report().supporters.distinct == 0
        drain.rebuild(world.settings, world.org_id)

    # The same action, told in earnest afterwards, counts.
    body = json.loads(payload("action_network", "test_send"))
    body[0]["osdi:submission"] |= {"created_date": "2026-05-01T12:00:00Z"}
    assert world.post("action_network", json.dumps(body).encode()).status_code == 200
    world.drain()
    rows = run("select test, counted from actions order by 1")
    assert rows == [(False, True), (True, False)]
    assert world.report().supporters.distinct == 1
