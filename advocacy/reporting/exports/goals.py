"""Goals as flat tables."""

from __future__ import annotations

from collections.abc import Sequence

from advocacy.analytics.goals import GoalProgress
from advocacy.core.spreadsheets import Cell
from advocacy.reporting.exports.writers import Table, major, table_of

_HEADINGS = (
    *("goal", "name", "about", "measure", "currency", "from", "to", "timezone", "state"),
    *("start", "target", "reached", "pace", "ahead", "share"),
    *("forecast_low", "forecast_middle", "forecast_high", "days_left"),
)


def tables_of_goals(goals: Sequence[GoalProgress]) -> list[Table]:
    """Return the goals, the points of their lines, and their districts; money in major units."""
    return [
        table_of("goals", _HEADINGS, map(_goal, goals)),
        table_of(
            "points",
            ("goal", "day", "reached", "pace"),
            (
                (str(goal.id), each.day, _number(goal, each.reached), _number(goal, each.pace))
                for goal in goals
                for each in goal.points
            ),
        ),
        table_of(
            "districts",
            ("goal", "district", "calls", "left"),
            (
                (str(goal.id), row.district, row.calls, row.left)
                for goal in goals
                for row in goal.districts
            ),
        ),
    ]


def _goal(goal: GoalProgress) -> tuple[Cell, ...]:
    end = goal.forecast
    forecast = (end.low, end.middle, end.high) if end else (None, None, None)
    return (
        *(str(goal.id), goal.name, goal.about, goal.measure, goal.currency),
        *(goal.first, goal.last, goal.timezone, goal.state),
        *(
            _number(goal, each)
            for each in (goal.start, goal.target, goal.reached, goal.pace, goal.ahead)
        ),
        goal.share,
        *(_number(goal, each) for each in forecast),
        goal.days_left,
    )


def _number(goal: GoalProgress, number: int | None) -> Cell:
    return major(number, goal.currency) if goal.currency else number
