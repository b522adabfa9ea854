"""From the webhook to the report: the same numbers whatever happens in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy.exc import DataError

from advocacy.analytics.figures import Renewals
from advocacy.ingestion import drain, erasure
from advocacy.storage import inbox, leases
from advocacy.storage.session import transaction
from tests.support.deliveries import DELIVERIES
from tests.support.derived import NOW, derived
from tests.support.figures import as_json
from tests.support.sql import run


def tell(world) -> list[Callable[[], Any]]:
    """Return what happens, each as something that can be done in any order."""
    click = "c" * 26
    other = "d" * 26
    code = world.links["instagram"]
    return [
        lambda: world.click("instagram", at=NOW - timedelta(hours=2), click_id=click),
        lambda: world.click("x", at=NOW - timedelta(hours=1), click_id=other),
        lambda: world.act(
            "signature",
            "m1",
            id="s1",
            email="ana@example.org",
            code=code,
            click_id=click,
            at=NOW - timedelta(minutes=50),
        ),
        lambda: world.act(
            "call", "m2", id="c1", email="ANA@example.org", at=NOW - timedelta(minutes=40)
        ),
        lambda: world.act(
            "donation",
            "m3",
            id="d1",
            email="ben@example.org",
            amount="25.00",
            currency="USD",
            click_id=other,
            at=NOW - timedelta(minutes=30),
        ),
        lambda: world.act(
            "donation.refunded",
            "m4",
            id="d1",
            amount="10.00",
            currency="USD",
            at=NOW - timedelta(minutes=20),
        ),
    ]


def numbers(world) -> dict[str, Any]:
    """The report, but for what was changed after it could be read: that depends on the order."""
    return {name: each for name, each in as_json(world.report()).items() if name != "restated"}


@pytest.fixture
def told(world):
    for happen in tell(world):
        happen()
    world.drain()
    return world


def test_the_report_shows_what_happened(told):
    found = numbers(told)

    assert found["actions"] == 3
    assert found["supporters"] == {"distinct": 2, "new": 2, "returning": 0}
    assert found["money"] == [
        {
            "currency": "USD",
            "gross_minor": 2500,
            "refunded_minor": 1000,
            "net_minor": 1500,
            "donations": 1,
            "renewals": {"donations": 0, "gross_minor": 0, "refunded_minor": 0},
        }
    ]
    posts = {row["post"]["platform"]: row for row in found["posts"] if row["post"]}
    assert posts["instagram"]["by_kind"] == {"signature": 1, "call": 1}
    assert posts["x"]["by_kind"] == {"donation": 1}
    tiers = {row["tier"]: row["actions"] for row in found["evidence"] if row["actions"]}
    assert tiers == {"click_id": 2, "identity": 1}


def test_all_sent_twice_gives_the_same_numbers(told):
    before, rows = numbers(told), derived()
    for happen in tell(told):
        happen()
    told.drain()
    assert (numbers(told), derived()) == (before, rows)


def test_rebuild_gives_the_same_rows(told):
    before, rows = numbers(told), derived()
    assert drain.rebuild(told.settings, told.org_id) == 4
    assert (numbers(told), derived()) == (before, rows)


def test_rebuild_without_bodies_gives_the_same_rows(told):
    rows = derived()
    expired = replace(told.settings, body_retention_days=0)
    assert erasure.drop_old_bodies(expired, told.org_id) == 4
    assert run("select count(*) from inbox where body is not null")[0][0] == 0
    drain.rebuild(told.settings, told.org_id)
    assert derived() == rows


def test_a_rebuild_sets_aside_what_can_no_longer_be_read(told):
    with transaction():
        run("update inbox set body = 'torn' where org_id = :o", o=told.org_id)
    drain.rebuild(told.settings, told.org_id)
    assert inbox.counts(told.org_id) == {"pending": 0, "done": 0, "quarantined": 4}
    assert derived()["actions"] == []


@pytest.mark.parametrize("many", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_every_order_of_arrival_gives_the_same_rows(app, many):
    from tests.support.world import World, empty_tables

    def play(order: tuple[int, ...], *, drain_each: bool) -> dict[str, Any]:
        empty_tables()
        world = World(app)
        events = tell(world)
        for index in order:
            events[index]()
            if drain_each:
                world.drain()
        world.drain()
        return numbers(world) | {
            "posts": [
                {**row, "post": row["post"] and row["post"]["platform"]}
                for row in numbers(world)["posts"]
            ]
        }

    orders = list(permutations(range(6)))
    expected = play(orders[0], drain_each=False)
    # Some of the 720 orders, evenly spread, drained at once or after each event.
    for order in orders[1 :: len(orders) // many]:
        assert play(order, drain_each=False) == expected, order
        assert play(order, drain_each=True) == expected, order


@pytest.mark.parametrize(
    "referrer", ["https://[evil", "https://exa\u2100mple.org/", "//[", "[", "https://a]b/"]
)
def test_an_invalid_referrer_stops_nothing(told, referrer):
    before = told.report().actions
    told.act("call", id="hers", email="eve@example.org", referrer=referrer)
    told.act("call", id="next", email="ben@example.org")
    told.drain()
    assert told.report().actions == before + 2
    (row,) = run("select tier from actions where external_id = 'hers'")
    assert row.tier == "unattributed"


def test_a_page_url_with_a_nul_stops_nothing(told):
    fields = {"id": "id", "at": "at", "url": "url", "email": "email"}
    told.add_source("generic", "", {"mapping": {"kind": "'signature'", "fields": fields}})
    before = told.report().actions
    for number, query in enumerate(("utm_source=%00", "utm_source=x&utm_term=a%00b", "")):
        told.post(
            "generic",
            json.dumps(
                {
                    "id": f"signed-{number}",
                    "at": datetime.now(UTC).isoformat(),
                    "url": f"https://example.org/act?{query}",
                    "email": f"{number}@example.org",
                }
            ).encode(),
        )
    assert told.drain().done == 3
    assert told.report().actions == before + 3


@pytest.mark.parametrize(
    "error",
    [pytest.param(DataError("no", {}, ValueError("no")), marks=pytest.mark.slow), ValueError("no")],
)
def test_a_batch_that_fails_is_tried_row_by_row(told, monkeypatch, error):
    """Whatever a transaction fails of: the others are counted, the one to blame is given up."""
    real = drain.apply_batch

    def settle(master, org_id, parsed, sources, **how):
        if any(fact.external_id == "poison" for told in parsed.facts.values() for fact in told):
            raise error
        return real(master, org_id, parsed, sources, **how)

    monkeypatch.setattr(drain, "apply_batch", settle)
    for index in range(5):
        told.act("call", id=f"good-{index}", email=f"{index}@example.org")
    told.act("call", id="poison", email="p@example.org")
    for _ in range(10):
        told.drain()
    assert inbox.counts(told.org_id) == {"pending": 0, "done": 9, "quarantined": 1}
    (row,) = inbox.list_quarantined(told.org_id)
    assert (row.reason, row.detail, row.attempts) == ("failed", type(error).__name__, 3)


def test_a_lost_lease_stores_nothing(told, monkeypatch):
    """A worker that slept past its time must not count what another one counts."""
    told.act("call", id="late", email="late@example.org")
    real = drain.parse_batch

    def parse(master, org_id, rows, sources):
        parsed = real(master, org_id, rows, sources)
        with transaction():
            run("update claims set until = now() - interval '1 s'")
        with transaction():
            leases.claim_again(told.org_id, leases.new_lease_id(), 30, 3)
        return parsed

    monkeypatch.setattr(drain, "parse_batch", parse)
    before = numbers(told)
    batch = drain.read_batch(told.settings, told.org_id, 10)
    drain.store_batch(told.settings, told.org_id, batch, drain.Drained())
    assert numbers(told) == before


def test_two_organizations_know_nothing_of_each_other(app):
    from tests.support.world import World

    alice, bob = World(app, "alice"), World(app, "bob")
    alice.act("signature", email="same@example.org", code=bob.links["x"])
    bob.act("signature", email="same@example.org")
    alice.drain()
    bob.drain()

    (mine,) = run("select * from actions where org_id = :o", o=alice.org_id)
    (theirs,) = run("select * from actions where org_id = :o", o=bob.org_id)
    assert mine.supporter_id != theirs.supporter_id
    assert mine.tier == theirs.tier == "unattributed"


def test_an_erased_person_stays_erased_and_the_counts_stay(told):
    from advocacy.ingestion import erasure

    before = numbers(told)
    (old,) = {
        row.supporter_id for row in run("select supporter_id from actions where kind = 'call'")
    }
    erased = erasure.erase(
        told.settings, told.org_id, email=" Ana@Example.org", phone="", region="US"
    )
    assert (erased.actions, erased.bodies, erased.clicks) == (2, 2, 1)

    after = numbers(told)
    assert after["supporters"] == before["supporters"]
    assert after["actions"] == before["actions"]
    for table in ("actions", "supporters", "touches", "inbox"):
        dump = "\n".join(str(row) for row in run(f"select * from {table}"))
        assert str(old) not in dump
        assert old.hex not in dump

    drain.rebuild(told.settings, told.org_id)
    assert numbers(told)["supporters"] == before["supporters"]
    told.act("call", id="again", email="ana@example.org")
    told.drain()
    assert run("select supporter_id from actions where external_id = 'again'")[0][0] is None


@pytest.mark.parametrize(
    "body",
    [
        '{"schema": "proca:action:2", "stage": "confirm", "actionId": %d, "contact": %s}',
        '{"schema": "proca:action:9", "actionId": %d, "contact": %s}',
        '{"not JSON": [%d, %s]',
    ],
)
def test_bodies_without_actions_are_erased_with_the_person(told, body):
    from advocacy.ingestion import erasure

    told.add_source("proca", "")
    identifiers = (
        '{"email": "Ana@Example.org"}',
        '{"email": "ana\\u0040example.org"}',
        '{"phone": "+1 (202) 555-0143", "email": null}',
        '"email=ana%40example.org&x=1"',
    )
    for number, contact in enumerate((*identifiers, '{"email": "joana@example.org"}')):
        told.post("proca", (body % (number, contact)).encode())
    told.drain()
    assert inbox.counts(told.org_id)["pending"] == 0
    erasure.erase(
        told.settings, told.org_id, email="ana@example.org", phone="(202) 555 0143", region="US"
    )
    rows = run(
        "select body is not null as kept from inbox where source_id = :s order by id",
        s=told.sources["proca"],
    )
    assert [row.kept for row in rows] == [False] * 4 + [True]


def test_a_body_that_reused_an_id_is_erased_with_the_person(told):
    from advocacy.ingestion import erasure

    for name, person in (("ana", "ana@example.org"), ("bob", "bob@example.org")):
        told.act("call", name, id=name, email=person)
        told.act("call", name, id=name, email=person, target="TX-07")
    told.drain()
    erasure.erase(told.settings, told.org_id, email="ana@example.org", phone="", region="US")

    rows = run(f"select external_id, body from {DELIVERIES} where reason = 'id_reuse' order by 1")
    assert [(row[0].partition("#")[0], bool(row.body)) for row in rows] == [
        ("ana", False),
        ("bob", True),
    ]


def test_every_body_expires_and_a_quarantined_one_later(told):
    from advocacy.ingestion import erasure

    told.act("call", "again", id="again", email="bob@example.org")
    told.act("call", "again", id="again", email="bob@example.org", target="TX-07")
    told.standard("{", message_id="unread")
    told.drain()

    def kept_after(days: int) -> set[str]:
        with transaction():
            run(
                """update inbox set received_at = now() - make_interval(days => :days)
                   where org_id = :o""",
                o=told.org_id,
                days=days,
            )
            run(
                """update quarantine set since = now() - make_interval(days => :days)
                   where org_id = :o""",
                o=told.org_id,
                days=days,
            )
        erasure.drop_old_bodies(told.settings, told.org_id)
        return {
            row.reason for row in run(f"select reason from {DELIVERIES} where body is not null")
        }

    assert kept_after(29) == {"", "id_reuse", "not_json"}
    # What could not be read waits longer until it can be.
    assert kept_after(31) == {"not_json"}
    assert kept_after(91) == set()
    # The deliveries stay, with their reasons, and count nothing.
    reasons = run(f"select reason from {DELIVERIES} where status = 'quarantined' order by 1")
    assert [row.reason for row in reasons] == ["id_reuse", "not_json"]
    assert inbox.requeue(told.org_id) == 0


def test_a_click_that_cannot_be_the_cause_does_not_hold_up_the_drain(world):
    """A click long after the action, or long before it, is looked at once and left alone."""
    late, old = "e" * 26, "f" * 26
    code = world.links["x"]
    world.act("call", id="c1", email="a@example.org", code=code, click_id=late, at=NOW)
    world.act("call", id="c2", email="b@example.org", code=code, click_id=old, at=NOW)
    world.drain()
    world.click("x", at=NOW + timedelta(hours=1), click_id=late)
    world.click("x", at=NOW - timedelta(days=8), click_id=old)
    assert world.drain().restated == 2
    assert world.drain().restated == 0
    assert {row.tier for row in run("select tier from actions")} == {"code"}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_renewals_belong_to_the_post_that_brought_the_first_gift(world, order):
    def gift(number: int, **more: Any) -> None:
        world.act(
            "donation",
            f"g{number}",
            id=f"g{number}",
            email="ana@example.org",
            amount="10.00",
            currency="USD",
            recurs_as="m1",
            renewal=number > 1,
            at=NOW - timedelta(days=90 - 30 * number),
            **more,
        )

    told = [
        lambda: gift(1, code=world.links["instagram"]),
        lambda: gift(2),
        lambda: gift(3, code=world.links["x"]),
    ]
    for index in order:
        told[index]()
        world.drain()
    posts = {row.post_id for row in run("select post_id from actions")}
    assert posts == {world.posts["instagram"]}
    (money,) = world.report().money
    assert (money.net_minor, money.donations) == (3000, 3)
    # They are shown apart, each on its own day, and with their post.
    apart = Renewals(donations=2, gross_minor=2000, refunded_minor=0)
    assert money.renewals == apart
    (post,) = [each for each in world.report().posts if each.actions]
    assert post.money[0].renewals == apart
    assert {row.kind for row in world.report().by_day} == {"donation"}
    assert {row.kind: row.actions for row in world.report().by_kind} == {"donation": 3}
