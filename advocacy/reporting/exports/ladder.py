"""The engagement ladder as flat tables."""

from __future__ import annotations

from advocacy.analytics.ladder_figures import CohortMonth, Ladder
from advocacy.reporting.exports.writers import Table, major, table_of


def tables_of_ladder(ladder: Ladder) -> list[Table]:
    """Return the tables of a ladder."""
    return [
        table_of(
            "summary",
            ("figure", "value"),
            [
                ("about", ladder.about.name),
                ("timezone", ladder.about.timezone),
                ("from", ladder.first),
                ("to", ladder.last),
                ("people", ladder.people),
                ("joined", ladder.joined),
                ("climbed", ladder.climbed),
                ("still_monthly", ladder.still_monthly),
                ("repeat_days", ladder.repeat.days),
                ("repeat_people", ladder.repeat.people),
                ("repeat_again", ladder.repeat.again),
                ("repeat_share", ladder.repeat.share),
            ],
        ),
        table_of(
            "rungs",
            ("rung", "people", "joined", "climbed"),
            ((row.rung, row.people, row.joined, row.climbed) for row in ladder.rungs),
        ),
        table_of(
            "climbs",
            ("from", "to", "people"),
            ((row.lower, row.higher, row.people) for row in ladder.climbs),
        ),
        table_of(
            "posts",
            ("post", "title", "platform", "climbed", "joined"),
            (
                (str(row.post.id), row.post.title, row.post.platform, row.climbed, row.joined)
                if row.post
                else ("", "Unattributed", "", row.climbed, row.joined)
                for row in ladder.posts
            ),
        ),
        table_of(
            "retention",
            ("month", "months_after", "people", "share"),
            (
                (row.month, each.since, each.people, each.share)
                for row in ladder.retention
                for each in (CohortMonth(0, row.people, None), *row.months)
            ),
        ),
        table_of(
            "gifts",
            ("currency", "gifts", "average", "net", "recurring_net", "recurring_share"),
            (
                (
                    row.currency,
                    row.gifts,
                    major(row.average_minor, row.currency),
                    major(row.net_minor, row.currency),
                    major(row.recurring_net_minor, row.currency),
                    row.recurring_share,
                )
                for row in ladder.gifts
            ),
        ),
    ]
