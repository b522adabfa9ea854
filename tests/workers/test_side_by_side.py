"""Two drains of one organization in one process."""

from __future__ import annotations

import random
import threading

import pytest

from advocacy import process
from advocacy.store import inbox, run
from workers import side_by_side


@pytest.fixture
def drained_by(monkeypatch) -> set[int]:
    """The threads that worked on a batch; what they do is left as it is."""
    threads: set[int] = set()
    parse = process.parse_batch

    def noted(*arguments):
        threads.add(threading.get_ident())
        return parse(*arguments)

    monkeypatch.setattr(process, "parse_batch", noted)
    return threads


def test_a_backlog_is_drained_by_two_and_counted_once(world, drained_by):
    chance = random.Random(11)
    # Few people in many actions, so that both drains want the same rows.
    for number in range(260):
        person = chance.randrange(25)
        world.act("call", message_id=f"msg_{number}", email=f"p{person}@example.org")
    assert inbox.waits_more_than(world.org_id, world.settings.batch_size)
    assert side_by_side.drain(world.app, world.org_id) is False
    assert len(drained_by) == 2

    counts = inbox.counts(world.org_id)
    assert (counts["pending"], counts["done"], counts["quarantined"]) == (0, 260, 0)
    assert run("select count(*) as n, sum(case when counted then 1 end) as c from actions")[0] == (
        260,
        260,
    )
    before = world.report()
    assert before["supporters"]["distinct"] == 25
    process.rebuild(world.settings, world.org_id)
    assert world.report() == before


def test_a_single_batch_is_worth_one_drain(world, drained_by):
    for number in range(3):
        world.act("call", message_id=f"msg_{number}", email=f"p{number}@example.org")
    assert not inbox.waits_more_than(world.org_id, world.settings.batch_size)
    side_by_side.drain(world.app, world.org_id)
    assert drained_by == {threading.get_ident()}


def test_an_error_of_one_is_raised_when_both_have_ended(world, monkeypatch):
    for number in range(60):
        world.act("call", message_id=f"msg_{number}", email=f"p{number}@example.org")
    asked = threading.Barrier(2)

    def fails(*_arguments, **_more):
        asked.wait(10)
        raise RuntimeError("on purpose")

    monkeypatch.setattr(process, "drain", fails)
    with pytest.raises(RuntimeError, match="on purpose"):
        side_by_side.drain(world.app, world.org_id)
