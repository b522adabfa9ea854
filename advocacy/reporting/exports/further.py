"""The ladder, goals and ways to actions as flat tables, for spreadsheets and programs.

Pure, as `tables`, and by its rules: figures are those of the report that is handed in, money is in
major units, and headings are not translated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from advocacy.core.spreadsheets import Cell
from advocacy.reporting.exports.activation import Table, major


def tables_of_ladder(ladder: Mapping[str, Any]) -> list[Table]:
    """Lay out what `ladder.told` returns."""
    repeat = ladder["repeat"]
    return [
        _table(
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
        _table("rungs", ("rung", "people", "joined", "climbed"), _cells(ladder["rungs"])),
        _table("climbs", ("from", "to", "people"), _cells(ladder["climbs"])),
        _table(
            "posts",
            ("post", "title", "platform", "climbed", "joined"),
            ((*_post(row["post"]), row["climbed"], row["joined"]) for row in ladder["posts"]),
        ),
        _table(
            "retention",
            ("month", "months_after", "people", "share"),
            (
                (row["month"], each["since"], each["people"], each["share"])
                for row in ladder["retention"]
                for each in ({"since": 0, "people": row["people"], "share": None}, *row["months"])
            ),
        ),
        _table(
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


def tables_of_goals(goals: Iterable[Mapping[str, Any]]) -> list[Table]:
    """Lay out what `goals.goals` returns: the goals, the points of their lines, their districts."""
    every = list(goals)
    return [
        _table("goals", (*_OF_GOAL, *_GOAL_FIGURES, *_FORECAST), map(_goal, every)),
        _table(
            "points",
            ("goal", "day", "reached", "pace"),
            (
                (str(goal["id"]), each["day"], *(_of(goal, each[n]) for n in ("reached", "pace")))
                for goal in every
                for each in goal["points"]
            ),
        ),
        _table(
            "districts",
            ("goal", "district", "calls", "left"),
            (
                (str(goal["id"]), row["district"], row["calls"], row["left"])
                for goal in every
                for row in goal["districts"]
            ),
        ),
    ]


def tables_of_ways(reports: Mapping[str, Mapping[str, Any]]) -> list[Table]:
    """Lay out reports of `influence.influences` by what they are by."""
    report = next(iter(reports.values()))
    currency = report["currency"]
    return [
        _table(
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
        _table(
            "assists",
            ("by", "id", "name", "credited", "assisted", "ratio"),
            (
                (by, *(row[name] for name in ("id", "key", "credited", "assisted", "ratio")))
                for by, each in reports.items()
                for row in each["assists"]
            ),
        ),
        _table(
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
        _table(
            "time_to_action",
            ("from_seconds", "to_seconds", "actions"),
            _cells(report["seconds_to_action"]["steps"], "from_seconds", "to_seconds", "actions"),
        ),
        _table(
            "helped",
            ("channel", "actions", "helped_by_social", "share"),
            _cells(report["helped"], "channel", "actions", "helped_by_social", "share"),
        ),
    ]


_OF_GOAL = ("goal", "name", "about", "measure", "currency", "from", "to", "timezone", "state")
_GOAL_FIGURES = ("start", "target", "reached", "pace", "ahead")
_FORECAST = ("share", "forecast_low", "forecast_middle", "forecast_high", "days_left")


def _goal(goal: Mapping[str, Any]) -> tuple[Cell, ...]:
    end = goal["forecast"] or dict.fromkeys(("low", "middle", "high"))
    return (
        str(goal["id"]),
        *(goal[name] for name in _OF_GOAL[1:]),
        *(_of(goal, goal[name]) for name in _GOAL_FIGURES),
        goal["share"],
        *(_of(goal, end[name]) for name in ("low", "middle", "high")),
        goal["days_left"],
    )


def _of(goal: Mapping[str, Any], number: int | None) -> Cell:
    return major(number, goal["currency"]) if goal["currency"] else number


def _post(post: Mapping[str, Any] | None) -> tuple[Cell, Cell, Cell]:
    if post is None:
        return "", "No post found", ""
    return str(post["id"]), post["title"], post["platform"]


def _cells(rows: Iterable[Mapping[str, Any]], *names: str) -> Iterator[tuple[Cell, ...]]:
    for row in rows:
        yield tuple(row[name] for name in names or row)


def _table(name: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    return Table(name, tuple(headings), tuple(tuple(row) for row in rows))
