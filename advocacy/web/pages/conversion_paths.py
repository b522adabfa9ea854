"""The page of conversion paths: all models side by side, assists, top paths, delays, social's help.

Note: the columns of one table do not have the same sum. Models of single actions count renewals and
unattributed actions; Markov and Shapley see only actions with a known path.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _

from advocacy.analytics import explain_text
from advocacy.analytics.activation import BadRange
from advocacy.analytics.conversion_paths import DelayStep, Influence, ModelCredits, ModelShare
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.analytics.model_agreement import Agreement, KeyAgreement, agreement
from advocacy.core.vocabulary import platform_named
from advocacy.reporting import formats
from advocacy.reporting.exports.conversion_paths import tables_of_paths
from advocacy.storage import posts
from advocacy.storage.models import Campaign
from advocacy.web import auth
from advocacy.web.api.influence import Influence as InfluenceSchema
from advocacy.web.cached_figures import influences_of, when
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.downloads import file_of, files_at
from advocacy.web.errors import Problem
from advocacy.web.i18n import model, said
from advocacy.web.pages.campaign_view import default_days, question_of, view_of

blueprint = Blueprint("paths", __name__)

ORDERS = ("1", "2", "3")
_MAX_ROWS = 50
_NAMED = 4
"""How many platforms the answer names."""


@blueprint.app_template_filter("duration")
def duration(seconds: int) -> str:
    """Write a duration in one unit."""
    return said(explain_text.duration(timedelta(seconds=seconds)))


@blueprint.get("/campaigns/<slug>/paths")
@auth.needs_session
def page(slug: str) -> str:
    """Show what was on the path to a campaign's actions, by every model."""
    campaign, order, reports = _requested(slug)
    by_platform, by_post = reports["platform"], reports["post"]
    days = {"from": str(by_platform.first), "to": str(by_platform.last)}
    agreed = agreement([*by_platform.rules, *by_platform.models])
    steps = [
        {"step": _upper_limit(each), "actions": each.actions}
        for each in by_platform.seconds_to_action.steps
    ]
    return render_template(
        "paths.html",
        view=view_of(campaign, question_of(campaign, "platform")),
        agreement=agreed,
        answer=_answer(agreed),
        usual=model(agreed.models[0]) if agreed.models else "",
        opened="order" in request.args or "currency" in request.args,
        report=by_platform,
        counted=when(by_platform.counted_at, campaign.timezone),
        orders=ORDERS,
        order=order,
        define=lambda name: _(DEFINITIONS[name]),
        tables=[
            _table(_("By platform"), _("Platform"), by_platform),
            _table(_("By post"), _("Post"), by_post),
        ],
        assists=[
            (_("Platform"), by_platform.assists, True),
            (_("Post"), by_post.assists, False),
        ],
        posts={str(post.id): post for post in posts.list_posts(campaign.org_id, campaign.id)},
        most=_MAX_ROWS,
        files=files_at(
            lambda written: url_for(
                "paths.file",
                slug=campaign.slug,
                written=written,
                order=order,
                currency=by_platform.currency or None,
                **days,  # type: ignore[arg-type]
            )
        ),
        steps=steps,
    )


@blueprint.get("/campaigns/<slug>/paths.<any(csv, xlsx, json):written>")
@auth.needs_session
def file(slug: str, written: str) -> Response:
    """Return what the page shows, as a file."""
    campaign, _order, reports = _requested(slug)
    days = reports["platform"]
    content = {by: InfluenceSchema().dump(report) for by, report in reports.items()}
    name = f"{campaign.slug}-ways-{days.first}-{days.last}"
    return file_of(tables_of_paths(reports), content, written, name)


def _requested(slug: str) -> tuple[Campaign, str, dict[str, Influence]]:
    """Return the campaign, the Markov order, and the reports by platform and by post."""
    campaign = campaign_or_404(slug)
    order = request.args.get("order") or ORDERS[0]
    if order not in ORDERS:
        raise Problem(422, _("No such order"), _("The Markov order must be 1, 2 or 3."))
    currency = request.args.get("currency", "")
    if currency and not (currency.isascii() and currency.isalpha() and currency.isupper()):
        raise Problem(422, _("No such currency"), _("Enter a currency as three letters, e.g. USD."))
    try:
        first, last = (_day(request.args.get(name)) for name in ("from", "to"))
        if first is None and last is None:
            first, last = default_days(campaign)
        reports = influences_of(
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
    return campaign, order, reports


def _answer(agreed: Agreement) -> str:
    """Say where the models agree and where not, with the shares of the first platforms."""
    rows = agreed.rows[:_NAMED]
    if not rows:
        return ""

    def shares(rows: Sequence[KeyAgreement]) -> str:
        return ", ".join(f"{platform_named(row.key)} {formats.percent(row.usual)}" for row in rows)

    if agreed.agrees:
        return str(
            _(
                "All models agree within %(points)s of a hundred actions: %(shares)s.",
                points=_points(agreed.spread),
                shares=shares(rows),
            )
        )
    most = agreed.disputed[0]
    text = _(
        "The models disagree most about %(platform)s: %(least)s (%(least_by)s) to %(most)s "
        "(%(most_by)s).",
        platform=platform_named(most.key),
        least=formats.percent(most.least),
        least_by=model(most.least_by),
        most=formats.percent(most.most),
        most_by=model(most.most_by),
    )
    if agreed.agreed:
        text += " " + _("They agree about %(shares)s.", shares=shares(agreed.agreed[:_NAMED]))
    return str(text)


def _points(spread: float) -> str:
    """Write a difference of shares in actions of a hundred, rounded up."""
    return formats.number(max(1, math.ceil(round(spread * 100, 4))))


@dataclass(frozen=True, slots=True)
class _Table:
    """Models side by side: a row for each key (id, name, a share for each model), and the sums."""

    title: str
    first: str
    of_platforms: bool
    models: Sequence[ModelCredits]
    rows: Sequence[tuple[str, str, Sequence[ModelShare]]]
    sums: Sequence[ModelShare]


def _table(title: str, first: str, report: Influence) -> _Table:
    models = [*report.rules, *report.models]
    shares = {model.model: {row.id: row for row in model.rows} for model in models}
    names = {row.id: row.key for model in reversed(models) for row in model.rows}
    usual = shares[models[0].model] if models else {}

    def share(key: str, model: ModelCredits) -> ModelShare:
        return shares[model.model].get(key) or ModelShare(key, names[key], 0, 0)

    def rank(key: str) -> tuple[bool, float, str, str]:
        return not key, -usual[key].actions if key in usual else 0, names[key], key

    return _Table(
        title,
        first,
        report.by == "platform",
        models,
        [
            (key, names[key], [share(key, each) for each in models])
            for key in sorted(names, key=rank)
        ],
        [
            ModelShare(
                "",
                "",
                round(sum(row.actions for row in model.rows), 6),
                sum(row.amount_minor for row in model.rows),
            )
            for model in models
        ],
    )


def _upper_limit(step: DelayStep) -> str:
    """Write the upper limit of an interval of time."""
    seconds = step.to_seconds
    if seconds is None:
        return str(_("longer"))
    for length, unit in ((86400, _("d")), (3600, _("h")), (60, _("min"))):
        if seconds >= length and seconds % length == 0:
            # Short units, so that the labels of all bars fit beside each other on a phone.
            return f"≤ {seconds // length} {unit}"
    return f"≤ {seconds} s"


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
