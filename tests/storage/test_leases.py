"""Leases are exclusive, and their deliveries survive the worker."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from advocacy.core.prefetch import run_inline
from advocacy.ingestion import drain
from advocacy.storage import inbox, leases
from advocacy.storage.session import transaction
from tests.support.sql import run
from tests.support.world import World


@pytest.fixture
def full(world: World) -> World:
    """A world in which six deliveries wait."""
    for number in range(6):
        world.act("call", id=f"c{number}", email=f"p{number}@example.org")
    return world


def batch(world: World, limit: int, seconds: int = 60) -> tuple[UUID, list[UUID]]:
    claim = leases.new_lease_id()
    with transaction():
        rows = leases.claim_batch(world.org_id, claim, seconds, limit)
    return claim, [row.id for row in rows]


def retry(world: World, most: int = 3) -> tuple[UUID, list[UUID]]:
    claim = leases.new_lease_id()
    with transaction():
        rows = leases.claim_again(world.org_id, claim, 60, most)
    return claim, [row.id for row in rows]


def let_run_out() -> None:
    with transaction():
        run("update claims set until = now() - interval '1 s'")


def attempts() -> list[int]:
    return [n for (n,) in run("select attempts from waiting order by id")]


def test_two_leases_are_disjoint_and_oldest_first(full):
    in_order = [id for (id,) in run("select id from waiting order by id")]
    assert [batch(full, 2)[1], batch(full, 3)[1], batch(full, 3)[1], batch(full, 3)[1]] == [
        in_order[:2],
        in_order[2:5],
        in_order[5:],
        [],
    ]
    assert retry(full)[1] == [], "nothing has failed"


def test_a_lease_starts_after_the_last_position(full):
    in_order = [id for (id,) in run("select id from waiting order by id")]
    with transaction():
        rows = leases.claim_batch(full.org_id, leases.new_lease_id(), 60, 9, in_order[2])
    assert [row.id for row in rows] == in_order[3:]
    assert batch(full, 9)[1] == in_order[:3]


def test_a_delivery_committed_late_is_drained_too(full):
    """The drain has passed it; it looks from the first again before it says that nothing waits."""
    settings = replace(full.settings, batch_size=2)
    (first,) = run("select id from waiting order by id limit 1")[0]
    with transaction():
        run("delete from waiting where id = :id", id=first)

    def late(read):
        if inbox.count_open(full.org_id).pending == 3:
            with transaction():
                inbox.put_waiting(full.org_id, [first])
        return run_inline(read)

    assert drain.drain(settings, full.org_id, begin=late).done == 6


def test_a_killed_workers_batch_is_leased_again(full):
    _, held = batch(full, 4, seconds=-1)
    assert set(batch(full, 9)[1]).isdisjoint(held), "nobody's before it is found to be over"
    assert retry(full)[1] == held
    assert attempts() == [0] * 6


def test_what_is_lost_twice_is_halved_until_one_is_left(full):
    """Only a delivery that was alone has used an attempt."""
    _, held = batch(full, 4, seconds=-1)
    assert retry(full)[1] == held
    let_run_out()
    assert retry(full)[1] == held[:2]
    assert retry(full)[1] == held[2:]
    let_run_out()
    parts = [retry(full)[1] for _ in range(5)]
    assert sorted(parts) == sorted([*([each] for each in held), []])
    assert attempts() == [0] * 6
    with transaction():
        run(
            "update claims set until = now() - interval '1 s' where :id = any(delivery_ids)",
            id=held[2],
        )
    assert retry(full)[1] == [held[2]]
    assert attempts() == [0, 0, 1, 0, 0, 0]


def count_attempt(world: World, claim: UUID, delivery_id: UUID) -> None:
    with transaction():
        leases.count_attempt(world.org_id, delivery_id, 3, "failed", "Error")
        leases.release_lease(world.org_id, claim)


def test_a_delivery_that_fails_singly_repeatedly_is_quarantined(full):
    claim, (bad,) = batch(full, 1)
    for tries in (1, 2, 3):
        count_attempt(full, claim, bad)
        assert sorted(attempts()) == [0, 0, 0, 0, 0, *([tries] if tries < 3 else [])]
        claim, found = retry(full)
        assert found == ([bad] if tries < 3 else [])
    (row,) = inbox.list_quarantined(full.org_id)
    assert (row.id, row.reason, row.detail, row.attempts) == (bad, "failed", "Error", 3)


def test_a_delivery_that_kills_its_worker_is_identified(full):
    _, (bad,) = batch(full, 1, seconds=-1)
    for tries in (0, 1, 2):
        assert retry(full)[1] == [bad]
        assert attempts()[0] == tries
        let_run_out()
    assert retry(full)[1] == []
    (row,) = inbox.list_quarantined(full.org_id)
    assert (row.id, row.reason, row.attempts) == (bad, "killed_worker", 3)
    assert attempts() == [0] * 5


def test_a_claim_that_is_renewed_is_not_lost(full):
    claim, held = batch(full, 2, seconds=-1)
    with transaction():
        leases.renew_leases(full.org_id, [claim], 60)
    assert retry(full)[1] == []
    let_run_out()
    assert retry(full)[1] == held
    with transaction():
        leases.renew_leases(full.org_id, [claim], 60)
    assert len(run("select id from claims")) == 1, "a claim that has ended stays ended"


def test_an_ended_lease_stores_nothing(full):
    claim, held = batch(full, 2)
    with transaction():
        leases.hold_lease(full.org_id, claim)
        inbox.close(full.org_id, [held[0]])
    with transaction():
        leases.release_lease(full.org_id, claim)
    with pytest.raises(leases.LeaseLost), transaction():
        leases.hold_lease(full.org_id, claim)
    with pytest.raises(leases.LeaseLost), transaction():
        inbox.close(full.org_id, held)
    assert inbox.counts(full.org_id) == {"pending": 5, "done": 1, "quarantined": 0}
    assert batch(full, 1)[1] == [held[1]], "what was closed stays closed"
