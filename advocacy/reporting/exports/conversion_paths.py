"""Conversion paths as flat tables."""

from __future__ import annotations

from collections.abc import Mapping

from advocacy.analytics.conversion_paths import Influence
from advocacy.reporting.exports.writers import Table, major, table_of


def tables_of_paths(reports: Mapping[str, Influence]) -> list[Table]:
    """Return the tables of `conversion_paths.influences`; paths are those of the first report."""
    report = next(iter(reports.values()))
    currency = report.currency
    return [
        table_of(
            "credits",
            ("by", "id", "name", "model", "actions", "currency", "net"),
            (
                (by, row.id, row.key, model.model, row.actions, currency, net)
                for by, each in reports.items()
                for model in (*each.rules, *each.models)
                for row in model.rows
                for net in [major(row.amount_minor, currency)]
            ),
        ),
        table_of(
            "assists",
            ("by", "id", "name", "credited", "assisted", "ratio"),
            (
                (by, row.id, row.key, row.credited, row.assisted, row.ratio)
                for by, each in reports.items()
                for row in each.assists
            ),
        ),
        table_of(
            "ways",
            ("way", "actions", "share", "currency", "net"),
            (
                (
                    " > ".join(row.path),
                    row.actions,
                    row.share,
                    currency,
                    major(row.amount_minor, currency),
                )
                for row in report.paths
            ),
        ),
        table_of(
            "time_to_action",
            ("from_seconds", "to_seconds", "actions"),
            (
                (step.from_seconds, step.to_seconds, step.actions)
                for step in report.seconds_to_action.steps
            ),
        ),
        table_of(
            "helped",
            ("channel", "actions", "helped_by_social", "share"),
            ((row.channel, row.actions, row.helped_by_social, row.share) for row in report.helped),
        ),
    ]
