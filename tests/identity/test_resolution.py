"""Identity resolution with real deliveries equals the partition of all edges.

`tests/identity/test_graph.py` holds the rules; here the short cut, the rows, the locks and the
erasing are held to them.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import permutations
from typing import Any
from unittest.mock import ANY
from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from advocacy.core.crypto import organization_key
from advocacy.core.events import Person
from advocacy.identity import known, resolution
from advocacy.identity.graph import Edge, Limits, partition
from advocacy.identity.hashing import digests
from advocacy.identity.known import states_of
from advocacy.ingestion import drain, erasure, facts
from advocacy.storage import inbox
from advocacy.storage.clicks import by_supporter
from advocacy.storage.db import db
from tests.support.deliveries import facts_in
from tests.support.sql import run
from tests.support.stored_figures import stored_figures
from tests.support.world import World, empty_tables

NOW = datetime.now(UTC).replace(microsecond=0)
CLICKS = {f"C{number}": letter * 26 for number, letter in enumerate("cde", 1)}
KIOSK = "+12025550100"
FIELDS = {
    "E": lambda number: {"email": f"e{number}@example.org"},
    "P": lambda number: {"phone": f"+1202555010{number}"},
    "X": lambda number: {"person_id": f"x{number}"},
    "C": lambda number: {"click_id": CLICKS[f"C{number}"]},
}


def tell(world: World, action: str, who: str, minute: int = 0, **more: Any) -> None:
    """Report an action with the identifiers in `who`, such as "E1 P2 C1"."""
    fields: dict[str, Any] = {}
    for word in who.split():
        fields |= FIELDS[word[0]](word[1:])
    at = NOW - timedelta(hours=1) + timedelta(minutes=minute)
    assert world.act("signature", id=action, at=at, **fields, **more).status_code == 200


def people_of(world: World) -> dict[str, Any]:
    """Return whose each action is, by its external id."""
    rows = run("select external_id, supporter_id from actions where org_id = :o", o=world.org_id)
    return {row.external_id: row.supporter_id for row in rows}


DERIVED = {
    "actions": "select id, supporter_id, post_id, tier, path::text from actions where org_id = :o",
    "supporters": "select id, first_acted_at from supporters where org_id = :o",
    "names": "select name, supporter_id, blocked, parts from names where org_id = :o",
}


def rows_of(world: World) -> dict[str, list[str]]:
    """Return all that is derived of people."""
    return {
        table: sorted(str(tuple(row)) for row in run(statement, o=world.org_id))
        for table, statement in DERIVED.items()
    } | {"cells": stored_figures(world.org_id)}


def identifiers_of(row: Any) -> dict[str, str]:
    """Return what a kept action named, by kind."""
    digests = {
        "email": row.email_digest,
        "phone": row.phone_digest,
        "person_id": row.person_digest,
    }
    who = {kind: digest.hex() for kind, digest in digests.items() if digest}
    return who | ({"click": row.click_id} if row.click_id else {})


def hold_to_the_rules(world: World) -> None:
    """Compare the rows with a partition of everything that was named."""
    actions = run("select * from actions where org_id = :o and not test", o=world.org_id)
    edges = [Edge(row.id, who) for row in actions if (who := identifiers_of(row))]
    made = partition(edges, resolution.LIMITS)
    assert {row.id: row.supporter_id for row in actions if row.id in made.edges} == made.edges
    named = {
        one
        for each in edges
        for one in each.identifiers
        if one.kind != "email" or {"phone", "person_id"} & each.who.keys()
    }
    assert states_of(world.org_id, named) == {
        one: (made.identifiers[one], made.blocked.get(one, ""), ANY) for one in named
    }
    (rows,) = run("select count(*) from names where org_id = :o", o=world.org_id)
    assert rows == (sum(one.kind != "click" for one in named),)
    clicks_of = by_supporter(world.org_id, {each for each in made.edges.values() if each})
    human = {
        each.click_id
        for each in run("select * from touches where org_id = :o and human", o=world.org_id)
    }
    assert {each.click_id: who for who, some in clicks_of.items() for each in some} == {
        one.digest: who
        for one, who in made.identifiers.items()
        if one.kind == "click" and one.digest in human and who
    }
    firsts: dict[Any, datetime] = {}
    for row in actions:
        if row.supporter_id and row.counted:
            first = firsts.get(row.supporter_id, row.occurred_at)
            firsts[row.supporter_id] = min(first, row.occurred_at)
    assert firsts == {
        row.id: row.first_acted_at
        for row in run("select * from supporters where org_id = :o", o=world.org_id)
    }


words = st.sets(
    st.sampled_from(
        [f"{letter}{number}" for letter in "EEPXC" for number in range(1, 4)] + ["X4", "X5", "E4"]
    ),
    max_size=3,
).map(lambda some: " ".join({word[0]: word for word in sorted(some)}.values()))
histories = st.lists(st.tuples(st.integers(1, 7), words, st.booleans()), min_size=1, max_size=14)


@pytest.mark.parametrize("size", [2, 8])
@settings(
    max_examples=settings().max_examples // 8,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(history=histories)
def test_any_batches_give_the_partition_of_all_edges(app, size, history):
    """The same action told again is a correction; a True drains what was told so far."""
    empty_tables()
    world = World(app)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resolution, "LIMITS", Limits(size=size))
        for number in range(1, 4):
            world.click("x", at=NOW - timedelta(hours=2), click_id=CLICKS[f"C{number}"])
        for minute, (action, who, then_drain) in enumerate(history):
            tell(world, f"a{action}", who, minute)
            if then_drain:
                world.drain()
        world.drain()
        hold_to_the_rules(world)
        before = rows_of(world)
        drain.rebuild(world.settings, world.org_id)
        assert rows_of(world) == before


EXAMPLES = {
    "one person, three events": ["E1", "E1 P1", "P1"],
    "a click of two people": ["E1 C1", "C1", "E2 C1"],
    "a phone of two addresses": ["E1 P1", "E2 P1", "P1"],
    "a phone that finds its address late": ["P1 C1", "P1", "E1 P1"],
    "a petition that knows only the click": ["C1", "E1 C1", "P1 E1"],
    "hop by hop": ["P1", "P1 X1", "X1 E1"],
}


@pytest.mark.parametrize("many", [2, pytest.param(6, marks=pytest.mark.slow)])
@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_every_order_of_arrival_gives_the_same_people(app, example, many):
    orders = list(permutations(enumerate(EXAMPLES[example])))
    seen = set()
    # The first and the last order, or all of them.
    for order in orders if many == 6 else (orders[0], orders[-1]):
        for together in (False, True):
            empty_tables()
            world = World(app)
            for number, who in order:
                tell(world, f"a{number}", who, number)
                if not together:
                    world.drain()
            world.click("x", at=NOW - timedelta(hours=2), click_id=CLICKS["C1"])
            world.drain()
            hold_to_the_rules(world)
            found = people_of(world)
            # Ids are keyed by the organization, and each world is a new one: compare who is who.
            who = [found[each] for each in sorted(found)]
            seen.add(tuple(one and who.index(one) for one in who))
    assert len(seen) == 1


def test_a_join_brings_evidence_and_a_split_takes_it_back(world):
    """A phone call has no post until its caller turns out to have clicked."""
    world.click("instagram", at=NOW - timedelta(hours=3), click_id=CLICKS["C1"])
    tell(world, "signed", "E1 C1")
    tell(world, "called", "P1", 5)
    world.drain()

    def tiers() -> dict[str, str]:
        return dict(map(tuple, run("select external_id, tier from actions")))

    assert tiers() == {"signed": "click_id", "called": "unattributed"}

    tell(world, "gave", "E1 P1", 10)
    world.drain()
    assert tiers() == {"signed": "click_id", "called": "identity", "gave": "identity"}
    assert len(set(people_of(world).values())) == 1
    report = world.report()
    assert report.supporters.distinct == 1

    # The phone is a household's: the tool tells another address with it.
    tell(world, "another", "E2 P1", 15)
    world.drain()
    assert tiers()["called"] == "unattributed"
    assert len(set(people_of(world).values())) == 3
    hold_to_the_rules(world)


def test_a_correction_splits_wrongly_joined_people_and_is_restated(world):
    yesterday = -60 * 24
    tell(world, "called", "P1", yesterday)
    tell(world, "gave", "E1 P1", yesterday + 1)
    world.drain()
    assert len(set(people_of(world).values())) == 1
    tell(world, "gave", "E1 P2", yesterday + 2)
    world.drain()
    found = people_of(world)
    assert found["called"] != found["gave"]
    assert world.report().restated
    hold_to_the_rules(world)


def test_a_forwarded_link_credits_the_post_and_joins_no_one(world):
    click = world.click("x", at=NOW - timedelta(hours=2))
    for number in range(20):
        world.act(
            "signature",
            id=f"s{number}",
            email=f"friend{number}@example.org",
            click_id=click,
            at=NOW,
        )
        if number % 3 == 0:
            world.drain()
    world.drain()
    report = world.report()
    assert report.supporters.distinct == 20
    (post,) = [each for each in report.posts if each.actions]
    assert post.post.platform == "x"
    assert post.actions == 20


def test_the_signers_at_one_kiosk_are_not_read_again_for_each_next_one(world, monkeypatch):
    for number in range(10):
        world.act(
            "signature", id=f"s{number}", email=f"e{number}@example.org", phone="+12025550100"
        )
    world.drain()
    read: list[int] = []
    whole = known.names.actions_naming
    monkeypatch.setattr(
        known.names, "actions_naming", lambda *asked: (read.append(1), whole(*asked))[1]
    )
    world.act("signature", id="next", email="next@example.org", phone=KIOSK)
    world.drain()
    assert not read
    assert world.report().supporters.distinct == 11
    hold_to_the_rules(world)


def test_machines_and_placeholders_identify_no_one(world):
    tell(world, "one", "", email="noreply@example.org", phone="+15555555555")
    tell(world, "two", "", email="noreply@example.org", person_id="0")
    world.drain()
    assert set(people_of(world).values()) == {None}


def test_workers_that_each_see_a_part_of_a_join_see_all_of_it(world):
    """Each round three workers get one edge each at the same moment, of one phone."""
    one_by_one = replace(world.settings, batch_size=1)
    for round_ in range(8):
        phone = f"+1202555{2000 + round_}"
        for part in ("one", "two", "three"):
            more = {} if part == "three" else {"email": f"{part}{round_}@example.org"}
            world.act("signature", id=f"{part}{round_}", phone=phone, **more)
        start = threading.Barrier(3)

        def work(start: threading.Barrier = start) -> int:
            with world.app.app_context():
                start.wait()
                return drain.drain(one_by_one, world.org_id).done

        with ThreadPoolExecutor(3) as workers:
            done = [each.result() for each in [workers.submit(work) for _ in range(3)]]
        assert sum(done) == 3
        hold_to_the_rules(world)
        db.session.rollback()


def test_three_workers_on_a_crowd_that_hangs_together_lose_and_quarantine_nothing(world):
    """Few phones, ids and clicks among many addresses: nearly everything joins or parts people."""
    chance = random.Random(7)
    for number in range(3):
        world.click("x", at=NOW - timedelta(hours=11), click_id=CLICKS[f"C{number + 1}"])
    for number in range(300):
        who = [f"E{chance.randrange(60)}"] if chance.random() < 0.7 else []
        who += [f"P{chance.randrange(10)}"] if chance.random() < 0.5 else []
        who += [f"X{chance.randrange(40)}"] if chance.random() < 0.3 else []
        who += [f"C{chance.randrange(1, 4)}"] if chance.random() < 0.3 else []
        tell(world, f"a{number}", " ".join(who), chance.randrange(50))
    small = replace(world.settings, batch_size=25)

    def work() -> drain.Drained:
        with world.app.app_context():
            return drain.drain(small, world.org_id, seconds=120)

    with ThreadPoolExecutor(3) as workers:
        drained = [each.result() for each in [workers.submit(work) for _ in range(3)]]
    assert sum(each.done for each in drained) == 300
    assert sum(each.quarantined for each in drained) == 0
    hold_to_the_rules(world)
    rows = rows_of(world)
    drain.rebuild(world.settings, world.org_id)
    assert rows_of(world) == rows


def erase(world: World, **who: str) -> erasure.Erased:
    return erasure.erase(
        world.settings, world.org_id, **{"email": "", "phone": "", "region": "US"} | who
    )


def written(world: World) -> str:
    return "\n".join(
        row.written
        for table in ("actions", "names", "supporters", "touches", "inbox", "action_names")
        for row in run(
            f"select row_to_json(t)::text as written from {table} t where org_id = :o",
            o=world.org_id,
        )
    )


def test_erasing_removes_a_persons_joined_data_and_only_that(world):
    world.click("x", at=NOW - timedelta(hours=3), click_id=CLICKS["C1"])
    tell(world, "theirs", "E1 P1 C1")
    tell(world, "by phone", "P1", 1)
    tell(world, "by click", "C1", 2)
    tell(world, "another's", "E2 P2", 3)
    world.drain()
    before = world.report()
    key = organization_key(world.master, world.org_id, "identity")
    gone = digests(Person(email="e1@example.org", phone="+12025550101"), key, "US", "")

    erased = erase(world, email="e1@example.org")
    assert (erased.actions, erased.bodies, erased.clicks) == (3, 3, 1)
    dump = written(world)
    assert [digest for digest in gone.values() if digest in dump] == []
    assert dump.count(CLICKS["C1"]) == 1  # the click itself, which is nobody's
    hold_to_the_rules(world)
    after = world.report()
    assert after.actions == before.actions
    assert after.supporters == before.supporters
    # Which link is credited stays, by which click she came does not.
    assert {each.post.platform: each.actions for each in after.posts if each.post}["x"] == 3

    rows = rows_of(world)
    drain.rebuild(world.settings, world.org_id)
    assert rows_of(world) == rows
    tell(world, "again", "P1", 9)
    world.drain()
    assert people_of(world)["again"] is None


def test_erasing_removes_the_headers_of_a_call(world):
    key, click_id = "0123456789abcdef" * 2, world.click("x", at=NOW - timedelta(hours=2))
    world.add_source("twilio", key, {"supporter": "from"})

    def call(sid: str) -> None:
        query = urlencode({"code": world.links["x"], "click_id": click_id})
        address = f"/webhooks/{world.keys['twilio']}?{query}"
        fields = {
            "CallSid": sid,
            "CallStatus": "completed",
            "CallDuration": "49",
            "Direction": "outbound-api",
            "From": "+12025550101",
            "Timestamp": format_datetime(NOW - timedelta(hours=1)),
        }
        signed = RequestValidator(key).compute_signature(
            f"{world.settings.public_url}{address}", fields
        )
        answer = world.app.test_client().post(
            address, data=fields, headers={"X-Twilio-Signature": signed}
        )
        assert answer.status_code == 204
        world.drain()

    call("CA1")
    assert run("select click_id from actions")[0].click_id == click_id
    assert erase(world, phone="+12025550101").actions == 1
    call("CA2")  # late, of somebody who is erased
    rows = run("select row_to_json(t)::text as told from (select * from inbox) t")
    assert len(rows) == 2
    assert [row.told for row in rows if click_id in row.told] == []
    assert {row.click_id for row in run("select click_id from actions")} == {""}


def test_people_in_facts_are_found_in_batches(world, monkeypatch):
    for number in range(7):
        tell(world, f"a{number}", f"E{number % 2}")
    world.drain()
    naming: dict[str, set[Any]] = {}
    for fact in facts_in(world):
        for digest in fact.who.values():
            naming.setdefault(digest, set()).add(fact.delivery_id)
    assert sorted(map(len, naming.values())) == [3, 4]

    def find(hashes: Iterable[str]) -> set[UUID]:
        return facts.deliveries_naming(world.master, world.org_id, hashes)

    for with_body in (True, False):
        for many in (1, 2, 3, 7, 100):
            monkeypatch.setattr(inbox, "_FACTS_AT_ONCE", many)
            monkeypatch.setattr(facts, "_BODIES_AT_ONCE", many)
            for digest, told in naming.items():
                assert find([digest]) == told
            assert len(find(naming)) == 7
            assert find(["nobody's"]) == set()
        if with_body:
            expired = replace(world.settings, body_retention_days=0)
            assert erasure.drop_old_bodies(expired, world.org_id) == 7


def test_erasing_removes_test_actions(world):
    tell(world, "theirs", "E1 P1 X1")
    tell(world, "tried by phone", "P1", 1, test=True)
    tell(world, "tried by id", "X1", 2, test=True)
    tell(world, "another's try", "P2", 3, test=True)
    world.drain()
    key = organization_key(world.master, world.org_id, "identity")
    who = Person(email="e1@example.org", phone="+12025550101", person_id="x1")
    gone = digests(who, key, "US", str(world.sources["standard"]))
    erase(world, email="e1@example.org")
    for table in ("actions", "inbox"):
        rows = run(f"select row_to_json(t)::text as told from (select * from {table}) t")
        assert not [row.told for row in rows if any(each in row.told for each in gone.values())]
    assert run("select count(*) from inbox where body is not null")[0][0] == 1
    assert run("select count(*) from actions where test")[0][0] == 3


def test_erasing_one_of_a_household_leaves_the_other(world):
    tell(world, "ana", "E1 P1")
    tell(world, "ben", "E2 P1", 1)
    tell(world, "somebody", "P1", 2)
    world.drain()
    ben = people_of(world)["ben"]
    erase(world, email="e1@example.org")
    found = people_of(world)
    assert found["ben"] == ben
    # The phone is seen with one address now, and belongs to that person.
    assert found["somebody"] == ben
    hold_to_the_rules(world)

    erase(world, phone="+1 202 555 0101")
    hold_to_the_rules(world)
    rows = rows_of(world)
    drain.rebuild(world.settings, world.org_id)
    assert rows_of(world) == rows


def test_a_test_action_joins_no_one(world):
    tell(world, "gave", "E1 P1")
    tell(world, "tried", "E2 P1", 1, test=True)
    tell(world, "called", "P1", 2)
    world.drain()
    found = people_of(world)
    assert found["called"] == found["gave"]


def test_without_a_join_nothing_is_locked_or_stored(world):
    world.act("signature", id="plain", email="plain@example.org")
    world.drain()
    assert run("select * from names") == []
    assert people_of(world)["plain"]
