"""A gift and its refund have one id in a tool, and are two deliveries."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from advocacy.ingestion import drain
from advocacy.ingestion.replay import put_back
from advocacy.providers import mappings
from advocacy.storage.session import transaction
from tests.support.deliveries import DELIVERIES
from tests.support.sql import run

SECRET = "ea-bearer"
NOW = datetime.now(UTC)


def everyaction(world, **more: str):
    body = {
        "formType": "ContributionForm",
        "contributionId": 9001,
        "dateReceived": NOW.isoformat(),
        "amount": "40.00",
        "person": {"vanId": 7, "emails": [{"email": "ana@example.org"}]},
        **more,
    }
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
    assert world.post("generic", json.dumps(body).encode(), headers).status_code == 200


REFUNDED = {"status": "Refunded", "dateModified": (NOW + timedelta(minutes=1)).isoformat()}


def as_before() -> dict:
    """The mapping as it came along before, without the state in `delivery`."""
    named = "contributionId && join(':', ['contribution', to_string(contributionId)])"
    return mappings.get("everyaction") | {"delivery": f"{named} || formSubmissionId"}


def money(world) -> list[tuple[int, int]]:
    world.drain()
    return [tuple(row) for row in run("select gross_minor, refunded_minor from actions")]


@pytest.mark.parametrize("mapping", [mappings.get("everyaction"), as_before()])
@pytest.mark.parametrize("order", sorted(set(permutations(["made", "back", "made", "back"]))))
def test_a_refund_of_everyaction_takes_the_gift_back(world, mapping, order):
    world.add_source("generic", SECRET, {"mapping": mapping})
    for state in order:
        everyaction(world, **(REFUNDED if state == "back" else {}))
    assert money(world) == [(4000, 4000)]
    assert world.report().money[0].net_minor == 0
    assert run(f"select status, count(*) from {DELIVERIES} group by 1") == [("done", 2)]
    drain.rebuild(world.settings, world.org_id)
    assert money(world) == [(4000, 4000)]


def test_a_refund_that_was_flagged_as_a_used_id_is_tried_again(world, monkeypatch):
    world.add_source("generic", SECRET, {"mapping": as_before()})
    with monkeypatch.context() as before_the_update:
        before_the_update.setattr("advocacy.providers.generic._state_of", lambda *_: "")
        everyaction(world)
        everyaction(world, **REFUNDED)
        everyaction(world, **REFUNDED, note="again")
    assert money(world) == [(4000, 0)]
    flagged = f"select count(*) from {DELIVERIES} where reason = 'id_reuse'"
    assert run(flagged) == [(2,)]

    with transaction():
        assert put_back(world.master, world.org_id, reason="unknown_kind") == 0
        assert put_back(world.master, world.org_id, reason="id_reuse") == 1
    assert money(world) == [(4000, 4000)]
    # Of two bodies of that state the first stands, as ever.
    assert run(flagged) == [(1,)]
    with transaction():
        assert put_back(world.master, world.org_id) == 0
    drain.rebuild(world.settings, world.org_id)
    assert money(world) == [(4000, 4000)]


@pytest.mark.parametrize("message_id", ["m", "msg_p5jXN8AQM9LWM0D4loKWxJek", "zoe@example-org"])
def test_a_used_id_stays_flagged_where_it_is_one(world, message_id):
    """Ids that may be personal are sealed, each time differently: `sealing.seal_text`."""
    world.act("call", message_id, id="a", email="ana@example.org")
    world.act("call", message_id, id="b", email="bob@example.org")
    world.drain()
    with transaction():
        assert put_back(world.master, world.org_id) == 0
    assert run(f"select status, reason from {DELIVERIES} order by reason") == [
        ("done", ""),
        ("quarantined", "id_reuse"),
    ]
