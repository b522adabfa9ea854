"""The worker's part: parse, identify, attribute and count pending deliveries."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from uuid import UUID

from advocacy.storage import inbox
from advocacy.storage.session import transaction
from bench.results import Row, faster, unmeasured
from bench.workspace import Workspace, said_by

NAME = "drain: parse, identify, attribute, count"
LARGEST = 1_000_000
JOBS = 400
LEAST = 10_000


def drained(place: Workspace, size: int) -> UUID:
    """Return an organization with so many processed deliveries."""
    if size not in place.delivered:
        org_id = place.deliver(size)
        rate_of(place, org_id, 1)
        place.delivered[size] = org_id
    return place.delivered[size]


def rate_of(place: Workspace, org_id: UUID, workers: int) -> float:
    """Drain an organization with so many processes at once; return deliveries per second."""
    children = [place.child_on_hold("drain", org_id) for _ in range(workers)]
    for child in children:
        go(child)
    said = [said_by(child) for child in children]
    with transaction():
        now = inbox.counts(org_id)
    if now["pending"] or now["quarantined"]:
        raise RuntimeError(f"not all deliveries were processed: {now}")
    return float(now["done"] / max(each["seconds"] for each in said))


def go(child: subprocess.Popen[str]) -> None:
    """Start a process that waits for its signal."""
    assert child.stdin is not None  # noqa: S101
    child.stdin.write("go\n")
    child.stdin.flush()


def measure(place: Workspace) -> Iterator[Row]:
    """Yield the rate of a drain at each size, and against RQ with a job for each event."""
    fastest = 0.0
    for size in [each for each in place.sizes if each <= LARGEST]:
        org_id = place.deliver(size)
        rate = rate_of(place, org_id, 1)
        place.delivered[size] = org_id
        fastest = max(fastest, rate)
        yield Row(
            f"{NAME}: {size:,} waiting",
            round(rate),
            "events/s",
            target=f"≥ {LEAST:,} events/s",
            met=rate >= LEAST,
            note="one worker; Action Network and ActBlue bodies",
            series="drain",
            size=size,
        )
        folded = place.piece("fold", org_id)
        yield Row(
            f"folding what {size:,} deliveries changed of people, afterwards",
            round(folded["seconds"], 1),
            "s",
            note=f"{folded['changes']:,} changes that the drain had not folded; they count before",
        )
    if not fastest:
        return
    rates = {}
    for sort in ("simple", "forking"):
        org_id = place.deliver(JOBS)
        said = place.piece("rq", org_id, JOBS, sort)
        with transaction():
            done = inbox.counts(org_id)["done"]
        rates[sort] = done / said["seconds"]
    yield faster(NAME, "events/s", fastest, rates["forking"], "RQ, one job an event", 30)
    yield faster(
        NAME, "events/s", fastest, rates["simple"], "RQ's SimpleWorker, one job an event", 1
    )


def measure_several(place: Workspace) -> Iterator[Row]:
    """Yield the rate of several workers at once, against one."""
    size = min(max(place.sizes), 20_000 if place.quick else 100_000)
    cores = os.cpu_count() or 1
    one = rate_of(place, place.deliver(size), 1)
    for workers in [each for each in (2, 4, 8) if each <= max(2, cores)]:
        rate = rate_of(place, place.deliver(size), workers)
        ratio = rate / one
        lasts = cores >= 2 * workers
        yield Row(
            f"{workers} workers side by side",
            round(rate),
            "events/s",
            compared_to=f"one worker: {one:,.0f} events/s",
            ratio=round(ratio, 2),
            target=f"≥ {0.8 * workers:.1f} × while cores last",
            met=ratio >= 0.8 * workers if lasts else None,
            note=""
            if lasts
            else f"{cores} cores are fewer than {workers} workers and their database sessions use",
        )
    if cores < 2:
        yield unmeasured("several workers", "events/s", "there is one core")
