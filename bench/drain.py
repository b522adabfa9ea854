"""The worker's part: parse, identify, attribute and count pending deliveries."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from advocacy.storage import inbox
from advocacy.storage.session import scalar, transaction
from bench.processor import Usage
from bench.results import Row, faster, unmeasured
from bench.workspace import Workspace, said_by

NAME = "drain: parse, identify, attribute, count"
LARGEST = 1_000_000
JOBS = 400
FLOOR = 0.25
LOG = 2.0
KEPT = 0.75


def run(workspace: Workspace, org_id: UUID, workers: int) -> list[dict[str, Any]]:
    """Drain an organization with so many processes at once; return what each used."""
    children = [workspace.child_on_hold("drain", org_id) for _ in range(workers)]
    for child in children:
        go(child)
    said = [said_by(child) for child in children]
    with transaction():
        now = inbox.counts(org_id)
    if now["pending"] or now["quarantined"]:
        raise RuntimeError(f"not all deliveries were processed: {now}")
    return [{**each, "done": now["done"]} for each in said]


def rate_of(workspace: Workspace, org_id: UUID, workers: int) -> float:
    """Drain an organization with so many processes at once; return deliveries per second."""
    said = run(workspace, org_id, workers)
    return float(said[0]["done"] / max(each["seconds"] for each in said))


def go(child: subprocess.Popen[str]) -> None:
    """Start a process that waits for its signal."""
    assert child.stdin is not None  # noqa: S101
    child.stdin.write("go\n")
    child.stdin.flush()


def used_by(*parts: Mapping[str, Any]) -> Usage:
    """Return what these pieces of work used together."""
    database = [each["database_seconds"] for each in parts]
    return Usage(
        sum(each["python_seconds"] for each in parts),
        None if None in database else sum(database),
        sum(each["wal_bytes"] for each in parts),
    )


def measure(workspace: Workspace) -> Iterator[Row]:
    """Yield the rate of a drain at each size, against its floor and against RQ."""
    rates: dict[int, float] = {}
    for size in [each for each in workspace.sizes if each <= LARGEST]:
        org_id = workspace.deliver(size)
        least = workspace.piece("drain_floor", org_id)
        (said,) = run(workspace, org_id, 1)
        workspace.delivered[size] = org_id
        folded = workspace.piece("fold", org_id)
        rates[size] = size / said["seconds"]
        yield Row(
            f"{NAME}: {size:,} waiting",
            round(rates[size]),
            "events/s",
            compared_to=f"floor: {size / least['seconds']:,.0f} events/s",
            note="one worker; Action Network and ActBlue bodies",
            series="drain",
            size=size,
        )
        yield from _against_floor(size, used_by(said, folded), used_by(least))
        yield _log(org_id, size, used_by(said, folded))
    if not rates:
        return
    few, many = min(rates), max(rates)
    if few < many:
        yield faster(
            f"drain of {many:,} deliveries", "events/s", rates[many], rates[few],
            f"drain of {few:,}", KEPT,
        )  # fmt: skip
    fastest = max(rates.values())
    yield from _against_rq(workspace, fastest)


def _against_floor(size: int, ours: Usage, least: Usage) -> Iterator[Row]:
    """Yield the processor time of a delivery beside that of the floor."""
    each, floor = ours.of_each(size), least.of_each(size)
    database = each["database_us"]
    yield Row(
        f"processor time of a delivery, folding included: {size:,}",
        round(ours.seconds * 1e6 / size, 1),
        "µs",
        compared_to=f"floor: {least.seconds * 1e6 / size:.1f} µs (Python {floor['python_us']:.1f})",
        ratio=round(least.seconds / ours.seconds, 3),
        target=f"≥ {FLOOR:.0%} of the floor",
        met=least.seconds / ours.seconds >= FLOOR,
        note=f"Python {each['python_us']:.1f} µs, PostgreSQL "
        + ("not known" if database is None else f"{database:.1f} µs"),
    )


def _log(org_id: UUID, size: int, ours: Usage) -> Row:
    """Return the row of the write-ahead log of a delivery beside its encrypted body."""
    with transaction():
        body = scalar(
            float,
            "select avg(octet_length(body))::float8 from inbox where org_id = :o",
            o=org_id,
        )
    each = ours.wal_bytes / size
    return Row(
        f"write-ahead log of a delivery: {size:,}",
        round(each),
        "bytes",
        compared_to=f"encrypted body: {body:,.0f} bytes",
        ratio=round(each / body, 2),
        target=f"≤ {LOG:g} × of it",
        met=each <= LOG * body,
    )


def _against_rq(workspace: Workspace, fastest: float) -> Iterator[Row]:
    rates = {}
    for sort in ("simple", "forking"):
        org_id = workspace.deliver(JOBS)
        said = workspace.piece("rq", org_id, JOBS, sort)
        with transaction():
            done = inbox.counts(org_id)["done"]
        rates[sort] = done / said["seconds"]
    yield faster(NAME, "events/s", fastest, rates["forking"], "RQ, one job an event", 30)
    yield faster(
        NAME, "events/s", fastest, rates["simple"], "RQ's SimpleWorker, one job an event", 1
    )


def measure_several(workspace: Workspace) -> Iterator[Row]:
    """Yield the rate of several workers at once, against one."""
    size = min(max(workspace.sizes), 20_000 if workspace.quick else 100_000)
    cores = os.cpu_count() or 1
    one = rate_of(workspace, workspace.deliver(size), 1)
    least = 1.3
    for workers in [each for each in (2, 4, 8) if each <= max(2, cores)]:
        rate = rate_of(workspace, workspace.deliver(size), workers)
        ratio = rate / one
        yield Row(
            f"{workers} workers side by side",
            round(rate),
            "events/s",
            compared_to=f"one worker: {one:,.0f} events/s",
            ratio=round(ratio, 2),
            target=f"≥ {least:g} ×",
            met=ratio >= least if workers <= cores else None,
            note=""
            if workers < cores
            else f"{cores} cores are fewer than {workers} workers and their database sessions use",
        )
    if cores < 2:
        yield unmeasured("several workers", "events/s", "there is one core")
