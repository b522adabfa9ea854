"""The page that says when supporters click and act: a heat map by weekday and hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from babel.dates import get_day_names
from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from advocacy.analytics.timing import ENOUGH, BestTime, Timing, TimingCell
from advocacy.reporting.exports.writers import table_of
from advocacy.web import auth
from advocacy.web.cached_figures import timing_of, when
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.downloads import file_of, files_at
from advocacy.web.pages.campaign_view import CampaignView, address, question_of, view_of

blueprint = Blueprint("timing", __name__)


@dataclass(frozen=True, slots=True)
class _Best:
    when: str
    times: float


@blueprint.get("/campaigns/<slug>/timing")
@auth.needs_session
def page(slug: str) -> str:
    """Show when supporters of a campaign click and act."""
    view, found = _requested(slug)
    show = "clicks" if request.args.get("show") == "clicks" else "actions"
    best = found.best_of_clicks if show == "clicks" else found.best_of_actions
    measures = (("actions", _("Actions")), ("clicks", _("Clicks")))
    return render_template(
        "timing.html",
        view=view,
        timing=found,
        counted=when(found.counted_at, found.timezone),
        show=show,
        what=_("clicks") if show == "clicks" else _("actions"),
        heading=_("Clicks by hour of the week")
        if show == "clicks"
        else _("Actions by hour of the week"),
        numbers_heading=_("Clicks in all") if show == "clicks" else _("Actions in all"),
        measures=[
            (label, address(show=None if name == "actions" else name), name == show)
            for name, label in measures
        ],
        best=[_Best(_when(each), each.times_average) for each in best],
        enough=ENOUGH,
        hours=[f"{hour:02}" for hour in range(24)],
        rows=_rows(found.cells, show, average=True),
        sums=_rows(found.cells, show, average=False),
        files=files_at(
            lambda written: url_for(
                "timing.file",
                slug=slug,
                written=written,
                **{**request.args.to_dict(flat=False), "from": view.first, "to": view.last},  # type: ignore[arg-type]
            )
        ),
    )


@blueprint.get("/campaigns/<slug>/timing.<any(csv, xlsx, json):written>")
@auth.needs_session
def file(slug: str, written: str) -> Response:
    """Return what the page shows as a file."""
    _view, found = _requested(slug)
    columns = ("weekday", "hour", "actions", "clicks", "times")
    cells = [asdict(cell) for cell in found.cells]
    table = table_of("timing", columns, [[cell[name] for name in columns] for cell in cells])
    about = {"timezone": found.timezone, "from": str(found.first), "to": str(found.last)}
    name = f"{slug}-timing-{found.first}-{found.last}"
    return file_of([table], {**about, "cells": cells}, written, name)


def _requested(slug: str) -> tuple[CampaignView, Timing]:
    campaign = campaign_or_404(slug)
    question = question_of(campaign, "post")
    return view_of(campaign, question), timing_of(campaign, question)


def _rows(
    cells: Sequence[TimingCell], show: str, *, average: bool
) -> list[tuple[str, list[float | None]]]:
    """Return a row for each weekday: its name and a value for each hour, None if it never came."""

    def value(cell: TimingCell) -> float | None:
        number: int = getattr(cell, show)
        if not cell.times:
            return None
        return round(number / cell.times, 2) if average else number

    return [
        (_weekday(day, "abbreviated"), [value(cell) for cell in cells if cell.weekday == day])
        for day in range(7)
    ]


def _when(best: BestTime) -> str:
    return f"{_weekday(best.weekday, 'wide')} {best.hour:02}:00–{best.until:02}:00"


def _weekday(number: int, width: str) -> str:
    names = get_day_names(width, "stand-alone", get_locale() or "en")  # type: ignore[arg-type]
    return str(names[number])
