"""Batches that take longer than a lease, and batches of which one delivery fails."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from advocacy.core.crypto import fingerprint, seal
from advocacy.core.events import Verified
from advocacy.core.ids import new_id
from advocacy.ingestion import drain
from advocacy.storage import inbox
from advocacy.storage.session import transaction
from tests.support.deliveries import DELIVERIES
from tests.support.derived_rows import NOW
from tests.support.sql import run
from tests.support.world import World


@pytest.mark.parametrize("slow", ["parse_batch", "apply_batch"])
def test_a_batch_slower_than_the_lease_stays_its_worker_s(world, monkeypatch, slow):
    """Another worker looks for expired leases all the while."""
    settings = replace(world.settings, lease_seconds=1)
    for number in range(3):
        world.act("call", id=f"c{number}", email=f"p{number}@example.org")
    whole, slept, beats = getattr(drain, slow), threading.Event(), []

    def slowly(*asked, **more):
        if threading.get_ident() in own and not slept.is_set():
            slept.set()
            time.sleep(2.5)
        return whole(*asked, **more)

    own: list[int] = []
    monkeypatch.setattr(drain, slow, slowly)

    def work() -> bool:
        own.append(threading.get_ident())
        return drain.drain_backlog(
            settings, world.org_id, world.app.app_context, beat=lambda: beats.append(1)
        )

    with ThreadPoolExecutor(1) as worker, capture_logs() as logs:
        working = worker.submit(work)
        assert slept.wait(20)
        found = []
        while not working.done():
            found.append(drain.read_again(settings, world.org_id))
            found.append(drain.read_batch(settings, world.org_id, 10))
            time.sleep(0.1)
        assert working.result() is False
    assert set(found) == {None} and len(found) > 10
    assert len(beats) > 3
    assert run(f"select distinct status, attempts from {DELIVERIES}") == [("done", 0)]
    assert [each for each in logs if each["event"] in {"claim_lost", "lease_not_renewed"}] == []
    assert run("select count(*) from actions") == [(3,)]


def deliver(world: World, number: int) -> None:
    """Store so many deliveries as the endpoint does, each of one call."""
    with transaction():
        (source,) = run("select id from sources where provider = 'standard'")[0]
        arrived = []
        for n in range(number):
            body = (
                f'{{"type": "call", "timestamp": "{NOW.isoformat()}",'
                f' "data": {{"id": "c{n}", "email": "p{n}@example.org"}}}}'
            ).encode()
            delivery_id = new_id()
            arrived.append(
                inbox.NewDelivery(
                    id=delivery_id,
                    source_id=source,
                    external_id=f"m{n}",
                    verified=Verified(body, NOW, content_type="application/json"),
                    sealed=seal(world.master, world.org_id, f"body:{delivery_id}", body),
                    digest=fingerprint(world.master, world.org_id, body),
                )
            )
        inbox.put_deliveries(world.org_id, arrived)


@pytest.mark.parametrize("bad", [0, 1234, 1999])
def test_one_bad_delivery_among_2000_costs_eleven_tries_and_no_other_one(world, bad):
    settings = replace(world.settings, batch_size=2000)
    deliver(world, 2000)
    with transaction() as session:
        session.execute(
            text(
                """create function broken() returns trigger language plpgsql as
                   $$begin raise exception 'on purpose' using errcode = '22003'; end$$"""
            )
        )
        session.execute(
            text(
                f"""create trigger broken before insert on actions for each row
                    when (new.external_id = 'c{bad}') execute function broken()"""
            )
        )
    try:
        with capture_logs() as logs:
            drained = drain.drain(settings, world.org_id, seconds=120)
    finally:
        with transaction() as session:
            session.execute(text("drop function broken cascade"))
    failed = [each["deliveries"] for each in logs if each["event"] == "batch_failed"]
    # Found after eleven tries, and then tried alone three times.
    assert len([number for number in failed if number > 1]) in {10, 11}
    assert [number for number in failed if number == 1] == [1] * settings.max_attempts
    assert (drained.done, run("select * from claims")) == (1999, [])
    assert run(
        f"select status, reason, attempts, count(*) from {DELIVERIES} group by 1, 2, 3 order by 1"
    ) == [("done", "", 0, 1999), ("quarantined", "failed", 3, 1)]
    assert run(f"select external_id from {DELIVERIES} where status = 'quarantined'") == [
        (f"m{bad}",)
    ]
