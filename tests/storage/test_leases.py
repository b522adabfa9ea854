"""Claims: whoever is at a delivery is alone at it, and what a claim held outlives its worker."""

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
    return [n for (n,) in run("select attempts from inbox order by received_at, id")]


def test_two_claims_hold_nothing_in_common_and_the_oldest_first(full):
    in_order = [id for (id,) in run("select id from inbox order by received_at, id")]
    assert [batch(full, 2)[1], batch(full, 3)[1], batch(full, 3)[1], batch(full, 3)[1]] == [
        in_order[:2],
        in_order[2:5],
        in_order[5:],
        [],
    ]
    assert retry(full)[1] == [], "nothing has failed"


def test_a_claim_begins_behind_what_was_reached(full):
    in_order = run("select received_at, id from inbox order by received_at, id")
    reached = tuple(in_order[2])
    with transaction():
        rows = leases.claim_batch(full.org_id, leases.new_lease_id(), 60, 9, reached)
    assert [row.id for row in rows] == [id for _, id in in_order[3:]]
    assert batch(full, 9)[1] == [id for _, id in in_order[:3]]


def test_what_was_received_earlier_and_committed_later_is_drained_too(full):
    """The drain has passed it; it looks from the first again before it says that nothing waits."""
    settings = replace(full.settings, batch_size=2)

    def late(read):
        if inbox.counts(full.org_id)["done"] == 4:
            full.act("call", id="late", email="late@example.org")
            with transaction():
                run(
                    "update inbox set received_at = received_at - interval '1 day' "
                    "where status = 'pending' and id not in "
                    "(select unnest(delivery_ids) from claims)"
                )
        return run_inline(read)

    assert drain.drain(settings, full.org_id, begin=late).done == 7


def test_what_a_killed_worker_held_is_claimed_again_as_a_batch(full):
    _, held = batch(full, 4, seconds=-1)
    assert set(batch(full, 9)[1]).isdisjoint(held), "nobody's before it is found to be over"
    assert retry(full)[1] == held
    assert attempts() == [0] * 6


def test_what_is_lost_twice_is_divided_until_one_is_left(full):
    """Only a delivery that was alone has used an attempt."""
    _, held = batch(full, 4, seconds=-1)
    assert retry(full)[1] == held
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


def test_a_batch_of_many_is_divided_in_few_parts(world):
    for number in range(40):
        world.act("call", id=f"c{number}", email="a@example.org")
    claim, held = batch(world, 40)
    with transaction():
        leases.fail_lease(world.org_id, claim, "failed", "Error")
    found = []
    while part := retry(world)[1]:
        assert len(part) <= 3
        found += part
    assert sorted(found) == sorted(held)
    assert set(attempts()) == {0}


def test_what_fails_alone_again_and_again_is_given_up(full):
    claim, (bad,) = batch(full, 1)
    for tries in (1, 2, 3):
        with transaction():
            leases.fail_lease(full.org_id, claim, "failed", "Error")
        assert sorted(attempts()) == [0, 0, 0, 0, 0, tries]
        claim, found = retry(full)
        assert found == ([bad] if tries < 3 else [])
    (row,) = inbox.list_quarantined(full.org_id)
    assert (row.id, row.reason, row.detail, row.attempts) == (bad, "failed", "Error", 3)


def test_whoever_kills_its_worker_is_known_by_that(full):
    _, (bad,) = batch(full, 1, seconds=-1)
    for _ in range(4):
        assert [*batch(full, 0)[1], *retry(full)[1]][:1] == [bad] or attempts()[0] == 3
        let_run_out()
    retry(full)
    (row,) = inbox.list_quarantined(full.org_id)
    assert (row.id, row.reason, row.attempts) == (bad, "killed_worker", 3)


def test_a_claim_that_was_ended_keeps_nothing(full):
    claim, held = batch(full, 2)
    with transaction():
        leases.hold_lease(full.org_id, claim)
        inbox.put_done(full.org_id, {held[0]: "[]"}, {})
    with transaction():
        leases.fail_lease(full.org_id, claim, "failed", "Error")
    with pytest.raises(leases.LeaseLost), transaction():
        leases.hold_lease(full.org_id, claim)
    with pytest.raises(leases.LeaseLost), transaction():
        inbox.put_done(full.org_id, dict.fromkeys(held, "[]"), {})
    assert inbox.counts(full.org_id) == {"pending": 5, "done": 1, "quarantined": 0}
    assert retry(full)[1] == [held[1]], "what was closed stays closed"


def test_what_an_older_version_has_leased_is_left_to_it(full):
    (oldest,) = run("select id from inbox order by received_at, id limit 1")[0]
    lease = "lease = gen_random_uuid(), attempts = 1, lease_until = now() + interval"
    with transaction():
        run(f"update inbox set {lease} '1 min' where id = :id", id=oldest)
    assert retry(full)[1] == []
    assert len(batch(full, 9)[1]) == 5
    with transaction():
        run(f"update inbox set {lease} '-1 s' where id = :id", id=oldest)
    assert retry(full)[1] == [oldest]


def test_what_is_claimed_is_no_work_for_others_until_its_time_is_over(full):
    assert inbox.organizations_with_work() == [full.org_id]
    batch(full, 4)
    assert inbox.organizations_with_work() == [full.org_id]
    batch(full, 4)
    assert inbox.organizations_with_work() == []
    with transaction():
        run("update claims set until = now() - interval '1 s'")
    assert inbox.organizations_with_work() == [full.org_id]
