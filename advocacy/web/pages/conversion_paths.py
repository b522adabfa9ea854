"""The page of ways to actions: every model side by side, assists, sequences, delays, social's help.

Note: the columns of one table do not have the same sum. Models of one
action count renewals and what nobody brought; Markov and Shapley see only actions with a known way.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _

from advocacy.analytics import explain_text
from advocacy.analytics.activation import BadRange
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.reporting import charts
from advocacy.reporting.exports.conversion_paths import tables_of_paths
from advocacy.storage import posts
from advocacy.storage.models import Campaign
from advocacy.web import auth
from advocacy.web.api.influence import Influence as InfluenceSchema
from advocacy.web.cached_figures import influences_of, when
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.downloads import file_of, files_at
from advocacy.web.errors import Problem
from advocacy.web.i18n import chosen, said

blueprint = Blueprint("paths", __name__)

ORDERS = ("1", "2", "3")
_MOST_ROWS = 50


@blueprint.app_template_filter("duration")
def duration(seconds: int) -> str:
    """Write how long something took, in one unit."""
    return said(explain_text.duration(timedelta(seconds=seconds)))


@blueprint.get("/campaigns/<slug>/paths")
@auth.needs_session
def page(slug: str) -> str:
    """Show what was on the way to a campaign's actions, by every model."""
    campaign, order, both = _asked(slug)
    by_platform, by_post = both["platform"], both["post"]
    steps = [
        {"step": _step(each), "actions": each["actions"]}
        for each in by_platform["seconds_to_action"]["steps"]
    ]
    return render_template(
        "paths.html",
        report=by_platform,
        counted=when(by_platform["counted_at"], campaign.timezone),
        orders=ORDERS,
        order=order,
        define=lambda name: _(DEFINITIONS[name]),
        tables=[
            {
                "title": _("By platform"),
                "first": _("Platform"),
                "of_platforms": True,
                **_beside(by_platform),
            },
            {"title": _("By post"), "first": _("Post"), **_beside(by_post)},
        ],
        assists=[
            (_("Platform"), by_platform["assists"], True),
            (_("Post"), by_post["assists"], False),
        ],
        posts={str(post.id): post for post in posts.list_posts(campaign.org_id, campaign.id)},
        most=_MOST_ROWS,
        files=files_at(
            lambda written: url_for(
                "paths.file",
                slug=campaign.slug,
                written=written,
                order=order,
                currency=by_platform["currency"] or None,
                **{"from": by_platform["from"], "to": by_platform["to"]},
            )
        ),
        steps=steps,
        chart=charts.in_language(
            charts.bars(
                steps,
                "step",
                "actions",
                _("Actions by time from click to action; the table below shows the same data."),
                (_("time from click to action"), _("actions")),
            ),
            chosen(),
        ),
    )


@blueprint.get("/campaigns/<slug>/paths.<any(csv, xlsx, json):written>")
@auth.needs_session
def file(slug: str, written: str) -> Response:
    """Hand over what the page shows."""
    campaign, _order, both = _asked(slug)
    days = both["platform"]
    told = {by: InfluenceSchema().dump(report) for by, report in both.items()}
    name = f"{campaign.slug}-ways-{days['from']}-{days['to']}"
    return file_of(tables_of_paths(both), told, written, name)


def _asked(slug: str) -> tuple[Campaign, str, dict[str, dict[str, Any]]]:
    """Return the campaign, the order of the chain, and its ways by platform and by post."""
    campaign = campaign_or_404(slug)
    order = request.args.get("order") or ORDERS[0]
    if order not in ORDERS:
        raise Problem(422, _("No such order"), _("The Markov order must be 1, 2 or 3."))
    currency = request.args.get("currency", "")
    if currency and not (currency.isascii() and currency.isalpha() and currency.isupper()):
        raise Problem(422, _("No such currency"), _("Enter a currency as three letters, e.g. USD."))
    try:
        first, last = (_day(request.args.get(name)) for name in ("from", "to"))
        both = influences_of(
            campaign,
            first,
            last,
            grains=["platform", "post"],
            currency=currency,
            models=[f"markov_{order}", "shapley"],
        )
    except (BadRange, ValueError):
        raise Problem(
            422,
            _("No such days"),
            _("Enter dates as YYYY-MM-DD, with the first not after the last."),
        ) from None
    return campaign, order, both


def _beside(report: dict[str, Any]) -> dict[str, Any]:
    """Lay the models of a report side by side: a row for each key, a cell for each model."""
    models = [*report["rules"], *report["models"]]
    names: dict[str, str] = {}
    cells: dict[str, dict[str, dict[str, Any]]] = {}
    for model in models:
        for row in model["rows"]:
            names.setdefault(row["id"], row["key"])
            cells.setdefault(row["id"], {})[model["model"]] = row
    nothing = {"actions": 0, "amount_minor": 0}
    usual = models[0]["model"] if models else ""
    ordered = sorted(
        cells,
        key=lambda key: (
            not key,
            -cells[key].get(usual, nothing)["actions"],
            names[key],
            key,
        ),
    )
    return {
        "models": models,
        "rows": [
            (key, names[key], [cells[key].get(model["model"], nothing) for model in models])
            for key in ordered
        ],
        "sums": [
            {
                "actions": round(sum(row["actions"] for row in model["rows"]), 6),
                "amount_minor": sum(row["amount_minor"] for row in model["rows"]),
            }
            for model in models
        ],
    }


def _step(step: dict[str, Any]) -> str:
    """Write the end of a step as people say it."""
    seconds = step["to_seconds"]
    if seconds is None:
        return str(_("longer"))
    for length, unit in ((86400, _("d")), (3600, _("h")), (60, _("min"))):
        if seconds >= length and seconds % length == 0:
            # The unit is short so that the labels of all bars fit beside each other on a phone.
            return f"≤ {seconds // length} {unit}"
    return f"≤ {seconds} s"


def _day(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None
