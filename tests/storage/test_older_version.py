"""Statements of the previous version run beside this one."""

from __future__ import annotations

from advocacy.ingestion import drain, replay
from advocacy.storage import inbox, leases
from advocacy.storage.session import transaction
from tests.support.deliveries import DELIVERIES
from tests.support.sql import run
from tests.support.world import World


def as_before(world: World, status: str = "pending", reason: str = "") -> None:
    """Let all that waits be as the version before stores it."""
    with transaction():
        run(
            """update inbox set status = :status, reason = :reason
               where id in (select id from waiting) and org_id = :o""",
            o=world.org_id,
            status=status,
            reason=reason,
        )
        run("delete from waiting where org_id = :o", o=world.org_id)


def states() -> list[tuple[str, str]]:
    return [tuple(row) for row in run(f"select status, reason from {DELIVERIES} order by id")]


def tell(world: World, number: int) -> None:
    assert world.act("call", id=f"c{number}", email=f"p{number}@example.org").status_code == 200


def test_what_the_version_before_stores_is_found_and_counted_once(world):
    tell(world, 1)
    as_before(world)
    tell(world, 2)
    assert inbox.organizations_with_work() == [world.org_id]
    assert world.drain().done == 2
    assert world.report().actions == 2
    assert world.drain().done == 0


def test_what_the_version_before_quarantined_is_shown_and_tried_again(world):
    tell(world, 1)
    as_before(world, "quarantined", "not_json")
    assert inbox.organizations_with_work() == [world.org_id]
    world.drain()
    assert states() == [("quarantined", "not_json")]
    assert inbox.organizations_with_work() == []
    with transaction():
        assert replay.put_back(world.master, world.org_id) == 1
    world.drain()
    assert states() == [("done", "")]


def test_what_the_version_before_has_closed_is_not_counted_again(world):
    """It claimed the delivery before this version adopted it, and closes it as it always did."""
    tell(world, 1)
    with transaction():
        (row,) = leases.claim_batch(world.org_id, leases.new_lease_id(), 60, 1)
    as_before(world)
    assert world.drain().done == 0, "an older worker holds it"
    with transaction():
        run("delete from claims")
    assert world.drain().done == 1
    closed = run(
        """update inbox set status = 'done', done_at = now(), facts = '[]'
           where id = :id and status = 'pending' returning id""",
        id=row.id,
    )
    assert closed == [], "so it loses its claim and keeps nothing"


def test_the_version_before_finds_nothing_pending_in_what_this_one_stores(world):
    tell(world, 1)
    assert run("select id from inbox where status = 'pending'") == []


def test_a_rebuild_keeps_what_the_version_before_had_pending(world):
    tell(world, 1)
    as_before(world)
    assert drain.rebuild(world.settings, world.org_id) == 0
    assert world.drain().done == 1


def test_more_than_are_moved_at_once_are_moved(world, monkeypatch):
    monkeypatch.setattr(inbox, "_AT_ONCE", 2)
    for number in range(3):
        tell(world, number)
    as_before(world)
    with transaction():
        inbox.adopt_older(world.org_id)
    assert inbox.count_open(world.org_id) == (3, 0)
