"""Everything that is derived from deliveries, to compare before and after."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.support.sql import run

NOW = datetime.now(UTC).replace(microsecond=0)


def derived() -> dict[str, list[tuple[Any, ...]]]:
    """Return everything derived, as stored in the tables."""
    return {
        table: sorted(tuple(map(str, row)) for row in run(f"select * from {table}"))
        for table in ("actions", "supporters")
    } | {
        "totals": sorted(
            tuple(map(str, row))
            for row in run(
                """select campaign_id, day, post_id, kind, tier, platform, currency, model,
                          sum(units), sum(gross_minor), sum(refunded_minor)
                   from totals group by 1, 2, 3, 4, 5, 6, 7, 8
                   having sum(units) <> 0 or sum(gross_minor) <> 0"""
            )
        )
    }
