"""`advocacy generate`: a sample organization of any size, for benchmarks and trials."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from advocacy.cli.context import Refusal, in_app, settings_now, slug_word
from advocacy.core.choices import SHORTEST_DAYS

if TYPE_CHECKING:
    from rich.progress import TaskID


@click.command("generate")
@click.option("--actions", type=click.IntRange(min=1), help="Number of actions, already counted.")
@click.option("--deliveries", type=click.IntRange(min=1), help="Number of pending deliveries.")
@click.option("--org", default="generated", show_default=True, callback=slug_word)
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0, 1_000_000))
@click.option("--days", default=365, show_default=True, type=click.IntRange(SHORTEST_DAYS, 3650))
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day; default: today.")
@in_app
def generate_rows(
    actions: int | None,
    deliveries: int | None,
    org: str,
    seed: int,
    days: int,
    until: datetime | None,
) -> None:
    """Create an organization with sample data of any size, for benchmarks and trials.

    \b
    Example: advocacy generate --actions 1000000
    Example: advocacy generate --deliveries 10000 --org trial

    With --actions, it creates actions, clicks and totals. With --deliveries, it creates payloads
    of Action Network and ActBlue in the inbox, pending for the worker.
    """
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from advocacy.ingestion import sample_data
    from advocacy.storage import errors

    if (actions is None) == (deliveries is None):
        raise Refusal("use either --actions or --deliveries, with a number")
    make, number = (
        (sample_data.fill, actions) if actions is not None else (sample_data.deliver, deliveries)
    )
    began = time.monotonic()
    last = until.replace(tzinfo=UTC) if until else None
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, of: int) -> None:
            sort = what.partition(" ")[0] if what.startswith("counting") else what
            if sort not in tasks:
                tasks[sort] = bar.add_task(what, total=of)
            bar.update(tasks[sort], description=what, completed=done, total=of)

        try:
            made = make(
                settings_now(),
                org,
                number or 0,
                seed=seed,
                days=days,
                until=last,
                progress=show,
            )
        except errors.Taken:
            raise Refusal(
                f"there is already an organization {org}, and sample data needs a new one; "
                "choose another slug with --org"
            ) from None
    parts = [
        f"{count:,} {what}"
        for what, count in (
            ("actions", made.actions),
            ("clicks", made.clicks),
            ("pending deliveries", made.deliveries),
        )
        if count
    ]
    click.echo(
        f"{', '.join(parts)} in {time.monotonic() - began:.1f} s; use --org {org} to see them"
    )
