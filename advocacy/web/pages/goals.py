"""The page of goals: what is reached, the pace, the forecast, and calls left before a vote.

Note: a goal cannot be changed, since earlier reports quoted it; editors delete it and set another.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from advocacy.analytics.glossary import DEFINITIONS
from advocacy.analytics.goal_input import BadGoal, put_goal
from advocacy.analytics.goals import GoalProgress
from advocacy.core.choices import MEASURES
from advocacy.core.dates import day_in
from advocacy.core.money import exponent
from advocacy.core.numbers import read_whole
from advocacy.reporting import charts
from advocacy.reporting.exports.goals import tables_of_goals
from advocacy.storage import campaigns, errors, organizations
from advocacy.storage import goals as store
from advocacy.storage.session import transaction
from advocacy.web import auth
from advocacy.web.api.goals import Goals as GoalsSchema
from advocacy.web.cached_figures import goals_of, when_of
from advocacy.web.downloads import file_of, files_at
from advocacy.web.errors import Problem
from advocacy.web.i18n import chosen, said

blueprint = Blueprint("goals", __name__)

_FIELDS = (
    "measure", "target", "currency", "campaign", "from", "until", "name", "districts", "each"
)  # fmt: skip
_USUAL_LENGTH = timedelta(days=90)


@blueprint.get("/goals")
@auth.needs_session
def page() -> str:
    """Show all goals of the organization and its campaigns, and editors the form for a new one."""
    return _page({})


@blueprint.get("/goals.<any(csv, xlsx, json):written>")
@auth.needs_session
def file(written: str) -> Response:
    """Return what the page shows, as a file."""
    found, at = goals_of(g.org_id)
    content = GoalsSchema().dump({"goals": found, "counted_at": at})
    return file_of(tables_of_goals(found), content, written, "goals")


@blueprint.post("/goals")
@auth.needs_role("editor")
def add() -> auth.Page:
    """Set a goal."""
    asked = {name: request.form.get(name, "").replace("\0", "").strip() for name in _FIELDS}
    asked["name"] = " ".join(asked["name"].split())
    try:
        with transaction():
            _put(asked)
            auth.record_audit("goal_set", asked["name"] or asked["measure"])
    except BadGoal as error:
        return _page(asked, said(error.args[0])), 422
    return redirect(url_for("goals.page"))


@blueprint.post("/goals/<uuid:goal_id>/remove")
@auth.needs_role("editor")
def remove(goal_id: UUID) -> auth.Page:
    """Delete a goal. Figures do not change."""
    try:
        with transaction():
            store.remove_goal(g.org_id, goal_id)
            auth.record_audit("goal_removed")
    except errors.NotFound:
        raise Problem(404, _("Not Found"), _("There is no such goal.")) from None
    return redirect(url_for("goals.page"))


def _put(asked: dict[str, str]) -> None:
    """Make the goal that the form asks for. Raises `BadGoal`."""
    campaign = campaigns.find_campaign(g.org_id, asked["campaign"]) if asked["campaign"] else None
    if asked["campaign"] and campaign is None:
        raise BadGoal(_("there is no such campaign"))
    try:
        first, last = (date.fromisoformat(asked[name]) for name in ("from", "until"))
        each = read_whole(asked["each"] or "0", chosen())
    except ValueError:
        raise BadGoal(_("enter its first and last day, and calls as a whole number")) from None
    put_goal(
        g.org_id,
        campaign.id if campaign else None,
        asked["measure"],
        asked["target"],
        first,
        last,
        name=asked["name"],
        currency=asked["currency"].upper(),
        districts=re.split(r"[,;\n]", asked["districts"]) if asked["districts"] else (),
        each_district=each,
        language=chosen(),
    )


def _page(asked: dict[str, str], trouble: str = "") -> str:
    found, at = goals_of(g.org_id)
    owner = organizations.find_organization(g.org_id)
    today = day_in(datetime.now(UTC), owner.timezone if owner else "UTC")
    return render_template(
        "goals.html",
        goals=[(goal, _title(goal), _chart(goal)) for goal in found],
        states=_states(),
        counted=when_of(g.org_id, at) if at else "",
        asked={"from": str(today), "until": str(today + _USUAL_LENGTH)} | asked,
        trouble=trouble,
        files=files_at(lambda written: url_for("goals.file", written=written)),
        measures={each: _measures()[each] for each in MEASURES},
        campaigns=campaigns.list_active_campaigns(g.org_id),
        define=lambda name: _(DEFINITIONS[name]),
    )


def _measures() -> dict[str, str]:
    return {
        "supporters": _("Supporters"),
        "donors": _("Donors"),
        "net": _("Net raised"),
        "calls": _("Calls"),
        "actions": _("Actions"),
    }


def _title(goal: GoalProgress) -> str:
    title = goal.name or _measures()[goal.measure]
    growth = f" +{goal.growth_percent:g} %" if goal.growth_percent else ""
    return f"{title}{growth}"


def _states() -> dict[str, str]:
    return {
        "not_begun": _("Not started"),
        "too_early": _("Too early for a forecast: three full weeks are needed"),
        "likely": _("On track"),
        "open": _("At risk"),
        "unlikely": _("Behind"),
        "reached": _("Reached"),
        "missed": _("Missed"),
        "nothing_to_grow_over": _("There is nothing to grow from yet; enter a number."),
    }


def _chart(goal: GoalProgress) -> charts.Definition | None:
    if not goal.points:
        return None

    def units(number: float) -> float:
        return number / 10 ** exponent(goal.currency) if goal.currency else number

    last = goal.points[-1]
    pace, forecast = [], []
    if goal.target:
        pace = [
            {"day": goal.first, "value": units(goal.start)},
            {"day": goal.last, "value": units(goal.target)},
        ]
    if end := goal.forecast:
        forecast = [
            {"day": last.day, "low": units(last.reached), "high": units(last.reached)},
            {"day": goal.last, "low": units(end.low), "high": units(end.high)},
        ]
    return charts.in_language(
        charts.toward(
            [{"day": each.day, "value": units(each.reached)} for each in goal.points],
            pace,
            forecast,
            _("Progress, pace and forecast; the table below shows the same data."),
            (_("reached"), _("pace"), _("forecast")),
        ),
        chosen(),
    )
