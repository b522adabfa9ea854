"""Everything that is derived from deliveries, to compare before and after."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.support.sql import run
from tests.support.stored_figures import stored_figures

NOW = datetime.now(UTC).replace(microsecond=0)


def derived() -> dict[str, list[tuple[Any, ...]]]:
    """Return everything derived, as stored in the tables."""
    return {
        table: sorted(tuple(map(str, row)) for row in run(f"select * from {table}"))
        for table in ("actions", "supporters")
    } | {
        f"cells of {row.id}": [(text,) for text in stored_figures(row.id)]
        for row in run("select id from organizations")
    }
