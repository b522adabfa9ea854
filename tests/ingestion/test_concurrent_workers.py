"""Two workers, one of which pauses in the middle: the result equals a rebuild.

Each test names the place where the first one stands. The second one goes as far as it can then: to
its end, or to where it waits for a lock of the first.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy.exc import DataError

from advocacy.core.tabular.table import Row
from advocacy.identity import resolution
from advocacy.ingestion import csv_import, erasure, evidence, reconcile_batch
from advocacy.ingestion import drain as drain_ingestion
from advocacy.ingestion.reassign_link import move_link
from advocacy.reporting.email.subscriptions import subscribe
from advocacy.storage import email_outbox, inbox, organizations, sources
from advocacy.storage import links as links_storage
from advocacy.storage.db import db
from advocacy.storage.errors import Taken
from advocacy.storage.session import transaction
from advocacy.tracking import links
from tests.support.deliveries import DELIVERIES, facts_in
from tests.support.derived_rows import NOW, rows_of
from tests.support.sql import run
from tests.support.world import World

CLICKS = {1: "c" * 26, 2: "d" * 26}


def hold_to_a_rebuild(world: World) -> None:
    """Compare what is derived with what a rebuild makes."""
    rows = rows_of(world)
    drain_ingestion.rebuild(world.settings, world.org_id)
    assert rows == rows_of(world)


def tell(world: World, action: str, minute: int = 0, *, kind: str = "signature", **said: Any):
    """Tell an action of an hour ago and so many minutes."""
    at = NOW - timedelta(hours=1) + timedelta(minutes=minute)
    assert world.act(kind, id=action, at=at, **said).status_code == 200


def someone_waits() -> bool:
    return bool(run("select 1 from pg_locks where not granted limit 1"))


def one(world: World) -> Callable[[], int]:
    """Return what works through one delivery, as a worker does."""

    def work() -> int:
        done = drain_ingestion.Drained()
        batch = drain_ingestion.read_batch(world.settings, world.org_id, 1)
        drain_ingestion.store_batch(world.settings, world.org_id, batch, done)
        return done.done

    return work


@pytest.fixture
def stand(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run two workers side by side, while the first stands behind a call of a room's verb."""

    def side_by_side(
        room: Any,
        verb: str,
        first: Callable[[], Any],
        second: Callable[[], Any],
        when: Callable[..., object] = lambda *_: True,
    ) -> None:
        whole = getattr(room, verb)
        stands, second_is_done, whose = threading.Event(), threading.Event(), []

        def called(*asked: Any, **more: Any) -> Any:
            made = whole(*asked, **more)
            if threading.get_ident() in whose and not stands.is_set() and when(*asked):
                stands.set()
                until = time.monotonic() + 20
                while not second_is_done.is_set() and time.monotonic() < until:
                    if someone_waits():
                        break
                    second_is_done.wait(0.01)
            return made

        def within(work: Callable[[], Any]) -> Any:
            with world.app.app_context():
                return work()

        def leading() -> Any:
            whose.append(threading.get_ident())
            return within(first)

        monkeypatch.setattr(room, verb, called)
        with ThreadPoolExecutor(2) as workers:
            one_of_two = workers.submit(leading)
            assert stands.wait(20), f"{verb} was never called"
            try:
                workers.submit(within, second).result()
            finally:
                second_is_done.set()
            one_of_two.result()
        monkeypatch.setattr(room, verb, whole)
        db.session.rollback()

    return side_by_side


# One at a time ------------------------------------------------------------------------------------


def test_two_workers_of_one_organization_store_one_after_the_other(world, stand):
    """The second has read its delivery and waits; it sees all that the first one stored."""
    world.click("x", at=NOW - timedelta(hours=2), click_id=CLICKS[1])
    tell(world, "clicked", email="ana@example.org", click_id=CLICKS[1])
    tell(world, "called", 1, email="ana@example.org", phone="+12025550101")
    stand(reconcile_batch.actions, "find_actions", one(world), one(world))
    assert run("select tier from actions order by occurred_at") == [("click_id",), ("identity",)]
    hold_to_a_rebuild(world)


def test_only_a_batch_that_waits_again_after_a_crash_is_committed_without_waiting(
    world, monkeypatch
):
    """What is in the inbox was committed before; an export's rows are stored with their actions."""
    seen: list[str] = []
    for module, name in ((drain_ingestion, "apply_batch"), (csv_import, "apply_batch")):
        whole = getattr(module, name)

        def called(*asked: Any, whole: Any = whole, **how: Any) -> Any:
            seen.append(run("show synchronous_commit")[0][0])
            return whole(*asked, **how)

        monkeypatch.setattr(module, name, called)
    tell(world, "one", email="ana@example.org")
    world.drain()
    with transaction():
        source = sources.get_source(world.org_id, "actblue")
        assert run("show synchronous_commit") == [("on",)]
    row = {"Receipt ID": "AB1", "Lineitem ID": "77", "Date": "2026-11-20 10:00:00", "Amount": "5"}
    csv_import.import_rows(world.settings, source, [Row(2, row)], {}, lambda *_: None)
    drain_ingestion.rebuild(world.settings, world.org_id)
    assert seen == ["off", "on", "on"]


def test_a_worker_waits_for_no_other_organization(world):
    tell(world, "one", email="ana@example.org")
    with transaction():
        other = organizations.put_organization("other", "Other").id
        drain_ingestion.locks.lock_organization(other)

        def work() -> int:
            with world.app.app_context():
                run("set lock_timeout = '1s'")
                return one(world)()

        with ThreadPoolExecutor(1) as worker:
            assert worker.submit(work).result() == 1


# Clicks that are shipped meanwhile ----------------------------------------------------------------


def test_a_click_that_is_shipped_while_its_action_is_kept_is_somebody_s(world, stand):
    tell(world, "signed", email="ana@example.org", click_id=CLICKS[1])
    tell(world, "called", 1, email="ana@example.org")
    stand(
        evidence.clicks_storage,
        "by_click_id",
        one(world),
        lambda: world.click("x", at=NOW - timedelta(hours=2), click_id=CLICKS[1]),
    )
    world.drain()
    hold_to_a_rebuild(world)


def test_a_click_is_somebody_s_though_its_action_was_attributed_again_before(world):
    tell(world, "signed", email="ana@example.org", click_id=CLICKS[1])
    tell(world, "called", 1, email="ana@example.org")
    world.drain()
    for platform, number in (("instagram", 1), ("x", 2)):
        world.click(platform, at=NOW - timedelta(hours=2), click_id=CLICKS[number])
    tell(world, "gave", 2, email="ana@example.org", click_id=CLICKS[2])
    world.drain()
    hold_to_a_rebuild(world)


# Recurring gifts ----------------------------------------------------------------------------------


def test_a_renewal_stays_the_first_payment_s_when_its_donor_clicks_elsewhere(world):
    gift = {"kind": "donation", "amount": "10.00", "currency": "USD", "recurs_as": "monthly"}
    tell(world, "one", -90 * 24 * 60, email="ana@example.org", code=world.links["x"], **gift)
    tell(world, "two", 1, email="ana@example.org", renewal=True, **gift)
    world.drain()
    world.click("instagram", at=NOW - timedelta(hours=2), click_id=CLICKS[1])
    tell(world, "signed", 2, email="ana@example.org", click_id=CLICKS[1])
    world.drain()
    hold_to_a_rebuild(world)


def test_what_is_no_recurring_gift_after_all_gives_its_renewals_nothing(world):
    gift = {"kind": "donation", "amount": "10.00", "currency": "USD"}
    tell(world, "one", email="ana@example.org", code=world.links["x"], recurs_as="monthly", **gift)
    tell(world, "two", 1, email="ana@example.org", recurs_as="monthly", renewal=True, **gift)
    world.drain()
    tell(world, "one", 2, email="ana@example.org", code=world.links["x"], **gift)
    world.drain()
    hold_to_a_rebuild(world)


# Who waits ----------------------------------------------------------------------------------------


def test_what_waits_for_a_rebuild_was_not_tried(world, monkeypatch):
    """A rebuild of a million takes longer than a lock is waited for, and than a claim lasts."""
    settings = replace(world.settings, lease_seconds=2)
    tell(world, "one", email="ana@example.org")
    tell(world, "two", 1, email="ben@example.org")
    whole = drain_ingestion.locks.lock_organization

    def lock(*asked: Any, **how: Any) -> Any:
        run("set local lock_timeout = '100ms'")
        return whole(*asked, **how)

    monkeypatch.setattr(drain_ingestion.locks, "lock_organization", lock)
    whole(world.org_id)

    def drain() -> None:
        with world.app.app_context():
            for _ in range(6):
                drain_ingestion.drain(settings, world.org_id, seconds=0)

    with ThreadPoolExecutor(1) as worker:
        worker.submit(drain).result()
    assert run(f"select status, attempts from {DELIVERIES}") == [("pending", 0), ("pending", 0)]
    db.session.rollback()
    assert drain_ingestion.drain(settings, world.org_id).done == 2


def test_a_claim_is_held_by_whoever_waits_with_it(world, monkeypatch):
    """It runs out meanwhile, and the worker lives."""
    settings = replace(world.settings, lease_seconds=0)
    tell(world, "one", email="ana@example.org")
    drain_ingestion.locks.lock_organization(world.org_id)

    def work() -> None:
        with world.app.app_context():
            drain_ingestion.drain(settings, world.org_id)

    with ThreadPoolExecutor(1) as worker:
        working = worker.submit(work)
        until = time.monotonic() + 20
        while not someone_waits() and time.monotonic() < until:
            time.sleep(0.01)

        def look() -> Any:
            with world.app.app_context():
                return drain_ingestion.read_again(settings, world.org_id)

        with ThreadPoolExecutor(1) as other:
            assert other.submit(look).result() is None
        db.session.rollback()
        working.result()
    assert run(f"select status, attempts from {DELIVERIES}") == [("done", 0)]


def test_a_sweep_waits_for_no_rebuild(world):
    """It would keep a worker from all others, and leave those behind it out."""
    tell(world, "one", email="ana@example.org", click_id=CLICKS[1])
    world.drain()
    world.click("x", at=NOW - timedelta(hours=2), click_id=CLICKS[1])
    drain_ingestion.locks.lock_organization(world.org_id)

    def sweep() -> bool:
        with world.app.app_context():
            run("set lock_timeout = '1s'")
            return drain_ingestion.restate_waiting(world.org_id, drain_ingestion.Drained())

    with ThreadPoolExecutor(1) as worker:
        assert not worker.submit(sweep).result()
    db.session.rollback()
    assert drain_ingestion.restate_waiting(world.org_id, drain_ingestion.Drained())
    hold_to_a_rebuild(world)


# Links that are passed on -------------------------------------------------------------------------


def test_a_link_that_is_passed_on_while_it_is_moved_goes_with_it(world, stand):
    """So does one that passes on what was just passed on."""
    codes = [world.links["x"]]

    def pass_on() -> None:
        with transaction():
            codes.append(links_storage.create_share_link(world.org_id, codes[-1]).code)

    pass_on()
    for platform in ("instagram", "x"):
        stand(
            links_storage,
            "put_lookup_key",
            pass_on,
            partial(move_link, world.org_id, world.links["x"], world.posts[platform]),
        )
        rows = run("select distinct post_id from links where code = any(:codes)", codes=codes)
        assert rows == [(world.posts[platform],)]


# What comes again ---------------------------------------------------------------------------------


def test_a_gift_of_two_tools_is_of_the_one_that_told_first_whoever_was_kept_first(world):
    """Neither tool is where the money was given, and the first one's worker is slow."""
    with transaction():
        _, world.keys["affiliate"] = sources.put_source(
            world.org_id, "action_network", "affiliate", campaign_id=world.campaign_id
        )
    batches = []
    for key in ("action_network", "affiliate"):
        donation = {
            "identifiers": ["act_blue:uq77", f"action_network:of-{key}"],
            "created_date": NOW.isoformat(),
            "amount": "12.00",
            "currency": "USD",
            "person": {"email_addresses": [{"primary": True, "address": "ana@example.org"}]},
        }
        body = json.dumps([{"osdi:donation": donation, "idempotency_key": key}])
        assert world.post(key, body.encode()).status_code == 200
        batches.append(drain_ingestion.read_batch(world.settings, world.org_id, 1))
    for batch in reversed(batches):
        drain_ingestion.store_batch(world.settings, world.org_id, batch, drain_ingestion.Drained())
    hold_to_a_rebuild(world)


def test_what_an_earlier_delivery_says_of_other_actions_changes_nothing(world):
    """The second delivery corrects one of two actions; both are read again for it."""

    def signature(name: str, address: str) -> dict[str, Any]:
        signed = {
            "identifiers": [f"action_network:{name}"],
            "created_date": NOW.isoformat(),
            "person": {"email_addresses": [{"primary": True, "address": address}]},
        }
        return {"osdi:signature": signed, "idempotency_key": f"{name}{address}"}

    for body in (
        [signature("one", "ana@example.org"), signature("two", "ben@example.org")],
        [signature("one", "ana@example.net")],
    ):
        assert world.post("action_network", json.dumps(body).encode()).status_code == 200
        assert world.drain().done == 1
    assert run("select count(*) from actions") == [(2,)]
    hold_to_a_rebuild(world)


def test_of_a_delivery_that_ends_in_quarantine_nothing_is_kept(world, monkeypatch):
    """It tells of three people, of whom one has to be joined, and that fails each time."""
    tell(world, "known", email="ana@example.org", phone="+12025550101")
    world.drain()
    people = (("ben", "+12025550102"), ("cem", "+12025550101"), ("dan", None))
    body = [
        {
            "osdi:signature": {
                "identifiers": [f"action_network:{name}"],
                "created_date": NOW.isoformat(),
                "person": {
                    "email_addresses": [{"primary": True, "address": f"{name}@example.org"}],
                    "phone_numbers": [{"primary": True, "number": phone}] if phone else [],
                },
            },
            "idempotency_key": name,
        }
        for name, phone in people
    ]
    assert world.post("action_network", json.dumps(body).encode()).status_code == 200

    def fail(*_: Any) -> Any:
        raise DataError("a statement", {}, Exception("not such a value"))

    with monkeypatch.context() as patch:
        patch.setattr(resolution, "decide_component", fail)
        for _ in range(world.settings.max_attempts + 1):
            world.drain()
    assert run(f"select status from {DELIVERIES} order by received_at") == [
        ("done",),
        ("quarantined",),
    ]
    hold_to_a_rebuild(world)
    with transaction():
        assert inbox.requeue(world.org_id) == 1
    world.drain()
    assert run("select count(*) from actions") == [(4,)]
    hold_to_a_rebuild(world)


# Who was erased -----------------------------------------------------------------------------------


@pytest.fixture
def erased(world: World) -> str:
    """The hash of an address whose person was erased."""
    tell(world, "one", email="ana@example.org")
    world.drain()
    (fact,) = facts_in(world)
    erasure.erase(world.settings, world.org_id, email="ana@example.org", phone="", region="US")
    return fact.who["email"]


def nothing_of(world: World, erased: str, bodies: int = 0) -> bool:
    """Say whether no delivery tells of who was erased, and that many have a body."""
    told = any(erased in fact.who.values() for fact in facts_in(world))
    return not told and run("select count(body) from inbox") == [(bodies,)]


def test_nothing_of_who_was_erased_is_kept_of_an_export(world, erased):
    with transaction():
        source = sources.get_source(world.org_id, "actblue")
    row = {
        "Receipt ID": "AB1",
        "Lineitem ID": "77",
        "Date": "2026-11-20 10:00:00",
        "Amount": "5.00",
        "Donor Email": "ana@example.org",
    }
    assert (
        csv_import.import_rows(world.settings, source, [Row(2, row)], {}, lambda *_: None).new == 1
    )
    assert nothing_of(world, erased)


def test_who_is_named_by_a_part_of_what_is_told_of_another_s_gift_is_erased_there_too(world):
    gift = {"amount": "10.00", "currency": "USD"}
    tell(world, "one", kind="donation", email="ben@example.org", **gift)
    who = {"email": "ana@example.org", "phone": "+12025550101"}
    tell(world, "one", 1, kind="donation.refunded", **who, **gift)
    tell(world, "two", 2, **who)
    world.drain()
    hashes = {one for fact in facts_in(world) if "phone" in fact.who for one in fact.who.values()}
    assert len(hashes) == 2
    erasure.erase(world.settings, world.org_id, email="ana@example.org", phone="", region="US")
    assert all(nothing_of(world, each, bodies=1) for each in hashes)
    assert run("select count(*) from actions where email_digest is not null") == [(1,)]
    hold_to_a_rebuild(world)


# What is told of a post later ---------------------------------------------------------------------


def test_people_are_counted_by_what_their_post_turned_out_to_be(world):
    tell(world, "one", -3 * 24 * 60, email="ana@example.org", code=world.links["x"])
    tell(world, "two", -3 * 24 * 60, email="ben@example.org", code=world.links["instagram"])
    world.drain()
    about = {"title": "On x", "medium": "video", "author": "cleo"}
    asked = links.LinkRequest("stay", "https://actionnetwork.org/letters/it", platform="x", **about)
    with transaction():
        maker = links.LinkMaker(world.org_id, local=True)
        assert maker.put(maker.check(asked)).post.id == world.posts["x"]
    tell(world, "three", email="ana@example.org", code=world.links["x"])
    world.drain()
    hold_to_a_rebuild(world)


# Who gets a mail ----------------------------------------------------------------------------------


def test_whoever_asks_twice_at_once_gets_a_mail_once(world, stand):
    def ask() -> None:
        with suppress(Taken), transaction():
            organization = organizations.get_organization(None)
            subscribe(organization, "ana@example.org", "weekly", NOW)

    stand(email_outbox, "list_subscriptions", ask, ask)
    assert len(email_outbox.list_subscriptions(world.org_id)) == 1
