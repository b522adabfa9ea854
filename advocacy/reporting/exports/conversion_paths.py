"""Conversion paths as flat tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advocacy.reporting.exports.writers import Table, cells_of, major, table_of


def tables_of_paths(reports: Mapping[str, Mapping[str, Any]]) -> list[Table]:
    """Lay out reports of `influence.influences` by what they are by."""
    report = next(iter(reports.values()))
    currency = report["currency"]
    return [
        table_of(
            "credits",
            ("by", "id", "name", "model", "actions", "currency", "net"),
            (
                (by, row["id"], row["key"], model["model"], row["actions"], currency, net)
                for by, each in reports.items()
                for model in (*each["rules"], *each["models"])
                for row in model["rows"]
                for net in [major(row["amount_minor"], currency)]
            ),
        ),
        table_of(
            "assists",
            ("by", "id", "name", "credited", "assisted", "ratio"),
            (
                (by, *(row[name] for name in ("id", "key", "credited", "assisted", "ratio")))
                for by, each in reports.items()
                for row in each["assists"]
            ),
        ),
        table_of(
            "ways",
            ("way", "actions", "share", "currency", "net"),
            (
                (
                    " > ".join(row["path"]),
                    row["actions"],
                    row["share"],
                    currency,
                    major(row["amount_minor"], currency),
                )
                for row in report["paths"]
            ),
        ),
        table_of(
            "time_to_action",
            ("from_seconds", "to_seconds", "actions"),
            cells_of(report["seconds_to_action"]["steps"], "from_seconds", "to_seconds", "actions"),
        ),
        table_of(
            "helped",
            ("channel", "actions", "helped_by_social", "share"),
            cells_of(report["helped"], "channel", "actions", "helped_by_social", "share"),
        ),
    ]
