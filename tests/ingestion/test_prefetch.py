"""A drain prefetches the next batch while one is stored."""

from __future__ import annotations

import random
import threading

import pytest

from advocacy.ingestion import drain
from advocacy.storage import inbox
from tests.support.deliveries import DELIVERIES
from tests.support.sql import run


@pytest.fixture
def drained_by(monkeypatch) -> set[int]:
    """The threads that read a batch; what they do is left as it is."""
    threads: set[int] = set()
    parse = drain.parse_batch

    def noted(*arguments):
        threads.add(threading.get_ident())
        return parse(*arguments)

    monkeypatch.setattr(drain, "parse_batch", noted)
    return threads


def drained(world, others_wait=lambda: False) -> bool:
    """Drain as a worker does; say whether deliveries are still pending."""
    return drain.drain_backlog(world.settings, world.org_id, world.app.app_context, others_wait)


def test_a_backlog_is_read_ahead_and_counted_once(world, drained_by):
    chance = random.Random(11)
    # Few people in many actions, so that each batch has the people of the one before.
    for number in range(260):
        person = chance.randrange(25)
        world.act("call", message_id=f"msg_{number}", email=f"p{person}@example.org")
    assert inbox.has_more_pending(world.org_id, world.settings.batch_size)
    assert drained(world) is False
    assert len(drained_by) == 1
    assert drained_by != {threading.get_ident()}

    counts = inbox.counts(world.org_id)
    assert (counts["pending"], counts["done"], counts["quarantined"]) == (0, 260, 0)
    assert run("select count(*) as n, sum(case when counted then 1 end) as c from actions")[0] == (
        260,
        260,
    )
    before = world.report()
    assert before.supporters.distinct == 25
    drain.rebuild(world.settings, world.org_id)
    assert world.report() == before


def test_a_single_batch_is_not_worth_a_thread(world, drained_by):
    for number in range(3):
        world.act("call", message_id=f"msg_{number}", email=f"p{number}@example.org")
    assert not inbox.has_more_pending(world.org_id, world.settings.batch_size)
    drained(world)
    assert drained_by == {threading.get_ident()}


def test_prefetched_deliveries_are_released_if_storing_fails(world, monkeypatch):
    """What is no error of the batch ends the drain; the next batch waits untried."""
    for number in range(130):
        world.act("call", message_id=f"msg_{number}", email=f"p{number}@example.org")

    def fails(*_arguments, **_more):
        raise KeyboardInterrupt("on purpose")

    with monkeypatch.context() as patched:
        patched.setattr(drain, "apply_batch", fails)
        with pytest.raises(KeyboardInterrupt, match="on purpose"):
            drained(world)
    # The batch that failed is held until its time is over; the one behind it is free.
    (held,) = run("select cardinality(delivery_ids) from claims")
    assert held[0] == world.settings.batch_size
    assert run(f"select count(*) from {DELIVERIES} where attempts > 0")[0][0] == 0
    drained(world)
    assert inbox.counts(world.org_id)["pending"] == held[0]


def test_a_drain_yields_to_other_organizations_without_a_lease(world, monkeypatch):
    for number in range(130):
        world.act("call", message_id=f"msg_{number}", email=f"p{number}@example.org")
    monkeypatch.setattr(drain, "_TURN_SECONDS", 0.0)
    assert drained(world, lambda: True) is True
    assert run("select * from claims") == []
    assert inbox.counts(world.org_id)["done"] < 130
