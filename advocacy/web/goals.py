"""The page of goals: what is reached, the pace, the forecast, and calls left before a vote.

What a stranger would get wrong: goals are made at the command line; the page only shows them.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, g, render_template
from flask_babel import gettext as _

from advocacy.definitions import DEFINITIONS
from advocacy.providers.base import exponent
from advocacy.web import auth, charts
from advocacy.web.counted import goals_of, when_of
from advocacy.web.languages import chosen

blueprint = Blueprint("goals", __name__)


@blueprint.get("/goals")
@auth.needs_session
def page() -> str:
    """Show every goal of the organization and its campaigns."""
    found, at = goals_of(g.org_id, current_app.extensions["settings"].small_group)
    return render_template(
        "goals.html",
        goals=[(goal, _title(goal), _chart(goal)) for goal in found],
        states=_states(),
        counted=when_of(g.org_id, at) if at else "",
        define=lambda name: _(DEFINITIONS[name]),
    )


def _title(goal: dict[str, Any]) -> str:
    measures = {
        "supporters": _("Supporters"),
        "donors": _("Donors"),
        "net": _("Money, net"),
        "calls": _("Calls"),
        "actions": _("Actions"),
    }
    title = goal["name"] or measures[goal["measure"]]
    growth = f" +{goal['growth_percent']:g} %" if goal["growth_percent"] else ""
    return f"{title}{growth}"


def _states() -> dict[str, str]:
    return {
        "not_begun": _("It has not begun."),
        "too_early": _("It is too early for a forecast: three full weeks are needed."),
        "likely": _("It will probably be reached."),
        "open": _("It can be reached and can be missed."),
        "unlikely": _("It will probably be missed if nothing changes."),
        "reached": _("It is reached."),
        "missed": _("It was missed."),
        "nothing_to_grow_over": _("There is nothing yet that it could grow over; set a number."),
        "withheld": _("It is about so few people that its figures are withheld."),
    }


def _chart(goal: dict[str, Any]) -> dict[str, Any] | None:
    if not goal["points"]:
        return None

    def units(number: float) -> float:
        return number / 10 ** exponent(goal["currency"]) if goal["currency"] else number

    last = goal["points"][-1]
    end = goal["forecast"]
    return charts.in_language(
        charts.toward(
            [{"day": each["day"], "value": units(each["reached"])} for each in goal["points"]],
            [
                {"day": goal["from"], "value": units(goal["start"])},
                {"day": goal["to"], "value": units(goal["target"])},
            ]
            if goal["target"]
            else [],
            [
                {"day": last["day"], "low": units(last["reached"]), "high": units(last["reached"])},
                {"day": goal["to"], "low": units(end["low"]), "high": units(end["high"])},
            ]
            if end
            else [],
            _("What is reached, its pace and the forecast; the table below says the same."),
            (_("reached"), _("pace")),
        ),
        chosen(),
    )
