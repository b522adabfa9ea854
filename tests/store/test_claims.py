"""Claims: whoever is at a delivery is alone at it, and what a claim held outlives its worker."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from advocacy import process
from advocacy.ahead import at_once
from advocacy.store import claims, inbox, run, transaction
from tests.conftest import World


@pytest.fixture
def full(world: World) -> World:
    """A world in which six deliveries wait."""
    for number in range(6):
        world.act("call", id=f"c{number}", email=f"p{number}@example.org")
    return world


def batch(world: World, limit: int, seconds: int = 60) -> tuple[UUID, list[UUID]]:
    claim = claims.new_claim()
    with transaction():
        rows = claims.claim_batch(world.org_id, claim, seconds, limit)
    return claim, [row.id for row in rows]


def retry(world: World, most: int = 3) -> tuple[UUID, list[UUID]]:
    claim = claims.new_claim()
    with transaction():
        rows = claims.claim_retry(world.org_id, claim, 60, most)
    return claim, [row.id for row in rows]


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
        rows = claims.claim_batch(full.org_id, claims.new_claim(), 60, 9, reached)
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
        return at_once(read)

    assert process.drain(settings, full.org_id, begin=late).done == 7


def test_a_claim_that_ran_out_counts_as_a_try_and_each_is_tried_alone(full):
    _, held = batch(full, 2, seconds=-1)
    assert batch(full, 1)[1] not in held, "it is nobody else's before it is found to be over"
    tried = [retry(full)[1] for _ in range(3)]
    assert sorted(tried) == sorted([[held[0]], [held[1]], []])
    assert run("select distinct attempts from inbox where id = any(:ids)", ids=held) == [(1,)]
    assert len(batch(full, 9)[1]) == 3


def test_what_fails_again_and_again_is_given_up(full):
    _, (bad,) = batch(full, 1, seconds=-1)
    for tries in (1, 2):
        claim, (found,) = retry(full)
        assert found == bad
        with transaction():
            assert claims.give_up(full.org_id, claim, "failed", "Error") == 1
            (attempts,) = run("select attempts from inbox where id = :id", id=bad)[0]
        assert attempts == tries + 1
    assert retry(full)[1] == []
    (row,) = inbox.list_quarantined(full.org_id)
    assert (row.id, row.reason, row.detail, row.attempts) == (bad, "failed", "Error", 3)


def test_whoever_kills_its_worker_is_known_by_that(full):
    _, (bad,) = batch(full, 1, seconds=-1)
    for _ in range(2):
        assert retry(full)[1] == [bad]
        with transaction():
            run("update claims set until = now() - interval '1 s'")
    retry(full)
    (row,) = inbox.list_quarantined(full.org_id)
    assert (row.id, row.reason) == (bad, "killed_worker")


def test_a_claim_that_was_ended_keeps_nothing(full):
    claim, held = batch(full, 2)
    with transaction():
        claims.hold_claim(full.org_id, claim)
        inbox.put_done(full.org_id, {held[0]: "[]"}, {})
    with transaction():
        claims.give_up(full.org_id, claim, "", "")
    with pytest.raises(claims.LostClaim), transaction():
        claims.hold_claim(full.org_id, claim)
    with pytest.raises(claims.LostClaim), transaction():
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
