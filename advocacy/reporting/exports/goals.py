"""Goals as flat tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from advocacy.core.spreadsheets import Cell
from advocacy.reporting.exports.writers import Table, major, table_of


def tables_of_goals(goals: Iterable[Mapping[str, Any]]) -> list[Table]:
    """Lay out what `goals.goals` returns: the goals, the points of their lines, their districts."""
    every = list(goals)
    return [
        table_of("goals", (*_OF_GOAL, *_GOAL_FIGURES, *_FORECAST), map(_goal, every)),
        table_of(
            "points",
            ("goal", "day", "reached", "pace"),
            (
                (str(goal["id"]), each["day"], *(_of(goal, each[n]) for n in ("reached", "pace")))
                for goal in every
                for each in goal["points"]
            ),
        ),
        table_of(
            "districts",
            ("goal", "district", "calls", "left"),
            (
                (str(goal["id"]), row["district"], row["calls"], row["left"])
                for goal in every
                for row in goal["districts"]
            ),
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
