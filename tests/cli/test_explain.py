"""`advocacy explain`: from the newest actions to the receipt of one, in words and as JSON."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from advocacy.storage.session import transaction
from tests.support.sql import run
from tests.support.world import World

NOW = datetime.now(UTC).replace(microsecond=0)


def give(world) -> None:
    """A gift after two touches, some of which went back."""
    who = {"email": "canary@example.org"}
    first = world.click("instagram", at=NOW - timedelta(days=7))
    second = world.click("x", at=NOW - timedelta(minutes=3))
    world.act("signature", "m1", id="s1", click_id=first, at=NOW - timedelta(days=7), **who)
    world.act("donation", "m2", id="d1", click_id=second, amount="10.01", at=NOW, **who)
    world.act("donation.refunded", "m3", id="d1", amount="5.00", at=NOW + timedelta(days=1))
    world.drain()


def test_from_the_newest_actions_to_the_receipt_of_one(operator, world):
    give(world)
    listed = operator.does("explain", "--newest", "stay").splitlines()
    assert re.match(r"action +when \(America/New_York\) +kind +evidence +credited to", listed[0])
    assert re.search(r" donation +click_id +X: On x$", listed[1])
    action_id = listed[1].split()[0]

    told = operator.does("explain", action_id)
    assert (
        "Credited to the X post “On x”: "
        "its click id was returned with the donation 3 minutes later." in told
    )
    assert "5.01 USD net: 10.01 USD given, 5.00 USD returned" in told
    assert re.search(r"^linear +1/2 \(50 %\), 2\.5\d USD +1/2 \(50 %\), 2\.5\d USD$", told, re.M)
    assert re.search(r"^  \+ click_id +A click id was returned: a click on the X post", told, re.M)
    assert re.search(r"^  - code +No tracking code was returned\.$", told, re.M)
    assert re.search(r"^time_decay +33\.\d+ %, \d\.\d\d USD +66\.\d+ %, ", told, re.M)
    assert "canary" not in told
    assert max(map(len, told.splitlines())) <= 100

    found = json.loads(operator.does("explain", action_id, "--json"))
    assert found["action"]["id"] == action_id
    assert datetime.fromisoformat(found["action"]["at"]) == NOW
    assert json.loads(operator.does("explain", "--newest", "stay", "--json"))["actions"]


def test_an_invalid_argument_is_one_line(operator, world):
    both = "enter the id of an action, or --newest CAMPAIGN to list ids"
    assert operator.fails("explain") == both
    assert operator.fails("explain", uuid4(), "--newest", "stay") == both
    missing = uuid4()
    assert operator.fails("explain", missing) == (
        f"there is no action {missing}; see `advocacy explain --newest CAMPAIGN`"
    )
    assert operator.fails("explain", "--newest", "nothing").startswith("there is no campaign")
    # What is no id at all is told by the command line itself, with how it is used.
    assert operator.says("explain", "x").exit_code == 2


def test_another_organizations_action_is_not_found(operator, app):
    alice = World(app, "alice")
    World(app, "bob")
    alice.act("call", "m1", id="c1")
    alice.drain()
    listed = operator.does("explain", "--newest", "stay", "--org", "alice").splitlines()
    action_id = listed[1].split()[0]
    assert operator.does("explain", action_id, "--org", "alice").startswith("Call, ")
    assert operator.fails("explain", action_id, "--org", "bob").startswith("there is no action")


def test_the_example_of_the_documentation_is_what_is_printed(operator, world, root):
    at = datetime(2026, 5, 9, 18, 30, tzinfo=UTC)
    who = {"email": "ana@example.org"}
    week, day = timedelta(days=7), timedelta(days=1)
    with transaction():
        for platform, title in (("instagram", "His sister speaks"), ("x", "Call today")):
            run("update posts set title = :t where platform = :p", t=title, p=platform)
        run("update campaigns set name = 'Stop the execution'")
    first = world.click("instagram", at=at - week)
    second = world.click("x", at=at - timedelta(minutes=3))
    code = world.links["x"]
    world.act("signature", "m1", id="s1", click_id=first, at=at - week, **who)
    world.act("donation", "m2", id="d1", click_id=second, code=code, amount="25.00", at=at, **who)
    world.act("donation.refunded", "m3", id="d1", amount="10.00", at=at + 2 * day)
    world.drain()
    with transaction():
        # As if it had arrived when it happened.
        run("update touches set seen_at = clicked_at")
        for name, arrived in (("m1", at - week), ("m2", at), ("m3", at + 2 * day)):
            run(
                "update inbox set received_at = :at where external_id = :n",
                at=arrived,
                n=name,
            )
    (row,) = run("select id from actions where external_id = 'd1'")
    told = operator.does("explain", row.id)
    written = (root / "docs" / "attribution.md").read_text()

    def without_ids(text: str) -> str:
        return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)

    assert without_ids(f"```\n{told}```\n") in without_ids(written)
