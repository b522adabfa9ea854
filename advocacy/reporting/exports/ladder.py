"""The engagement ladder as flat tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advocacy.reporting.exports.writers import Table, cells_of, major, post_cells, table_of


def tables_of_ladder(ladder: Mapping[str, Any]) -> list[Table]:
    """Lay out what `ladder.told` returns."""
    repeat = ladder["repeat"]
    return [
        table_of(
            "summary",
            ("figure", "value"),
            [
                ("about", ladder["about"]["name"]),
                ("timezone", ladder["about"]["timezone"]),
                ("from", ladder["from"]),
                ("to", ladder["to"]),
                *((name, ladder[name]) for name in ("people", "joined", "climbed")),
                ("still_monthly", ladder["still_monthly"]),
                ("repeat_days", repeat["days"]),
                *((f"repeat_{name}", repeat[name]) for name in ("people", "again", "share")),
            ],
        ),
        table_of("rungs", ("rung", "people", "joined", "climbed"), cells_of(ladder["rungs"])),
        table_of("climbs", ("from", "to", "people"), cells_of(ladder["climbs"])),
        table_of(
            "posts",
            ("post", "title", "platform", "climbed", "joined"),
            ((*post_cells(row["post"]), row["climbed"], row["joined"]) for row in ladder["posts"]),
        ),
        table_of(
            "retention",
            ("month", "months_after", "people", "share"),
            (
                (row["month"], each["since"], each["people"], each["share"])
                for row in ladder["retention"]
                for each in ({"since": 0, "people": row["people"], "share": None}, *row["months"])
            ),
        ),
        table_of(
            "gifts",
            ("currency", "gifts", "average", "net", "recurring_net", "recurring_share"),
            (
                (
                    row["currency"],
                    row["gifts"],
                    *(
                        major(row[f"{name}_minor"], row["currency"])
                        for name in ("average", "net", "recurring_net")
                    ),
                    row["recurring_share"],
                )
                for row in ladder["gifts"]
            ),
        ),
    ]
