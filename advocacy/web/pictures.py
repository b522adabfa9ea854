"""What templates draw small pictures with: geometry, and kinds in the order of charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from flask import Blueprint

from advocacy.reporting import svg
from advocacy.reporting.charts import COLOURS

blueprint = Blueprint("pictures", __name__)

_GLOBALS: Final[Mapping[str, Callable[..., object]]] = {
    "spark_line": svg.sparkline,
    "bar_length": svg.length,
    "strip_of": svg.strip,
    "funnel_of": svg.funnel,
    "heat_level": svg.level,
    "change_of": svg.change,
    "goal_position": svg.position,
    "curves_of": svg.curves,
}
for _name, _function in _GLOBALS.items():
    blueprint.add_app_template_global(_function, _name)


@blueprint.app_template_filter("in_order")
def in_order(by_kind: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return figures by kind of action in the order in which charts stack them, without zeros."""
    known = list(COLOURS)
    return sorted(
        ((kind, n) for kind, n in by_kind.items() if n),
        key=lambda each: known.index(each[0]) if each[0] in known else len(known),
    )
