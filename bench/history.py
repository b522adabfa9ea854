"""Importing a CSV export, against its floor and the drain."""

from __future__ import annotations

import csv
import random
import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from advocacy.storage import campaigns, links, organizations, posts, sources
from advocacy.storage.session import transaction
from bench.drain import rate_of, used_by
from bench.results import Row, faster
from bench.workspace import Workspace

LARGEST = 1_000_000
FLOOR = 0.15
DRAIN = 0.6
_COLUMNS = (
    "Receipt ID", "Date", "Amount", "Recurring Total Months", "Recurrence Number",
    "Reference Code", "Reference Code 2", "Donor First Name", "Donor Last Name", "Donor Email",
    "Donor Phone", "Donor ZIP", "Lineitem ID", "Refund Date",
)  # fmt: skip


def measure(workspace: Workspace) -> Iterator[Row]:
    """Yield the cost of `advocacy import` beside its floor, the drain and a plain COPY."""
    size = min(max(workspace.sizes), LARGEST)
    with transaction():
        org = organizations.put_organization("history", "History", "UTC")
        campaign = campaigns.put_campaign(org.id, "one", "One", "America/New_York")
        post = posts.put_post(org.id, campaign.id, "x")
        link = links.put_link(org.id, post, "https://secure.actblue.com/donate/x", "actblue", {})
        sources.put_source(org.id, "actblue", "ActBlue", campaign_id=campaign.id)
        code = link.code
    export = workspace.folder / "contributions.csv"
    workspace.say(f"writing {size:,} rows of an export")
    write_export(export, size, code)
    least = workspace.piece("import_floor", export)
    said = workspace.piece("import_csv", org.slug, export)
    ours = size / said["seconds"]
    found = re.search(r"([\d,]+) new, ([\d,]+) known, ([\d,]+) rejected", said["output"])
    if not found or int(found[1].replace(",", "")) != size:
        raise RuntimeError(f"unexpected output of the import: {said['output'][-300:]}")
    mine, floor = used_by(said), used_by(least)
    yield Row(
        f"import of {size:,} CSV rows, processor time of a row",
        round(mine.seconds * 1e6 / size, 1),
        "µs",
        compared_to=f"floor: {floor.seconds * 1e6 / size:.1f} µs",
        ratio=round(floor.seconds / mine.seconds, 3),
        target=f"≥ {FLOOR:.0%} of the floor",
        met=floor.seconds / mine.seconds >= FLOOR,
        note=f"{ours:,.0f} rows/s; the floor {size / least['seconds']:,.0f} rows/s",
    )
    drained = rate_of(workspace, workspace.deliver(size), 1)
    yield faster(f"import of {size:,} CSV rows", "rows/s", ours, drained, "drain", DRAIN)
    yield Row(
        f"COPY of {size:,} CSV rows, nothing encrypted or hashed",
        round(_copy(workspace, export, size)),
        "rows/s",
    )


def write_export(path: Path, rows: int, code: str) -> None:
    """Write so many invented contributions in the form of an ActBlue export."""
    chance = random.Random(1)  # noqa: S311 -- the same rows each time
    start = datetime(2025, 1, 1)  # noqa: DTZ001 -- ActBlue writes New York's time without a zone
    with path.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(_COLUMNS)
        for number in range(rows):
            at = start + timedelta(seconds=number * 31_536_000 // rows)
            who = int(rows * 0.6 * chance.random() ** 2)
            back = at + timedelta(days=2) if chance.random() < 0.04 else ""
            writer.writerow((
                f"AB{number}", at, chance.choice(("5.00", "25.00", "33.33")), "", "",
                code if chance.random() < 0.8 else "", "", f"Person {who}", "Example",
                f"person{who}@example.org", "", "78701", number, back,
            ))  # fmt: skip


def _copy(workspace: Workspace, export: Path, rows: int) -> float:
    url = workspace.variables["DATABASE_URL"].replace("postgresql+psycopg:", "postgresql:", 1)
    columns = ", ".join(f'"{name}" text' for name in _COLUMNS)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"create table bench_copied ({columns})".encode())
        connection.commit()
        began = time.monotonic()
        with (
            export.open("rb") as lines,
            cursor.copy("copy bench_copied from stdin with (format csv, header)") as copying,
        ):
            while piece := lines.read(1 << 20):
                copying.write(piece)
        connection.commit()
        seconds = time.monotonic() - began
        cursor.execute("drop table bench_copied")
    return rows / seconds
