"""The pages staff look at. They show what the API answers, from the same verb.

What a stranger would get wrong: nothing is loaded from elsewhere and nothing is inline; the
Content-Security-Policy says so, and the browser test holds it.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import format_decimal
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from advocacy.analytics.activation import MODELS, BadRange, activation
from advocacy.analytics.breakdown import Question
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.analytics.tracking_loss import (
    BEFORE_DAYS,
    LATELY_DAYS,
    Carried,
    in_words,
    lost_sources,
)
from advocacy.core.dates import day_in
from advocacy.core.vocabulary import TIERS_MEAN, noun
from advocacy.providers import BY_SLUG
from advocacy.reporting import charts
from advocacy.reporting.email import weekly_content
from advocacy.reporting.email.surge_alerts import SHOWN
from advocacy.storage import campaigns, email_outbox, inbox, organizations, surges, totals
from advocacy.storage.models import Campaign
from advocacy.web import auth
from advocacy.web.cached_figures import groups_of
from advocacy.web.date_presets import OFFERED_DAYS, last_days, offered
from advocacy.web.errors import Problem
from advocacy.web.i18n import chosen, said
from advocacy.web.pages import live

blueprint = Blueprint("dashboard", __name__)

_MOST_POSTS = 25
"""How many posts a campaign's page lists; comparisons have all."""
OVERVIEW_DAYS = 30
"""Of how many days the overview shows the figures if not asked, beside as many before."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
# The packaged Swagger UI writes style attributes; scripts stay as strict as elsewhere.
_STYLED = _POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


# Where signing in may lead: a path of plain letters. Browsers take "//", "/\\" and even "/", a tab
# and "/" for the beginning of another host, so nothing cleverer is let through.
_OWN_PAGE = re.compile(r"/|(/[\w-]+)+", re.ASCII)

_ORIGIN = re.compile(r"https?://[^/?#]+(?=[/?#]|$)")


@blueprint.after_app_request
def protect(response: Response) -> Response:
    """Say to the browser what these pages may do."""
    styled = request.endpoint == "documentation.page"
    response.headers.setdefault("Content-Security-Policy", _STYLED if styled else _POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if current_app.extensions["settings"].https:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint not in {"static", "documentation.bundle"}:
        response.headers.setdefault("Cache-Control", "no-store")
    return response


@blueprint.app_template_filter("money")
def money(minor: int | None, currency: str) -> str:
    """Write minor units as people do; a dash where there is none."""
    return "–" if minor is None else weekly_content.money(minor, currency)


@blueprint.app_template_filter("number")
def number(value: float | None) -> str:
    """Write a number with its thousands apart and at most one decimal; a dash for none."""
    return weekly_content.number(value)


@blueprint.app_template_filter("decimal")
def decimal(value: float, most: int = 1) -> str:
    """Write a number with a decimal, or as many as it has and no more than `most`."""
    return str(format_decimal(value, format="#,##0.0" + "#" * (most - 1)))


@blueprint.app_template_filter("percent")
def percent(share: float | None) -> str:
    """Write a share as a whole percentage; what is little is not nothing."""
    return weekly_content.percent(share)


@blueprint.app_template_filter("signed")
def signed(value: float) -> str:
    """Write by how much something changed, with its sign."""
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{number(abs(value))}"


@blueprint.app_template_filter("signed_percent")
def signed_percent(share: float) -> str:
    """Write by what part something changed, as a whole percentage with its sign."""
    return f"{'+' if share > 0 else '−' if share < 0 else '±'}{percent(abs(share))}"


@blueprint.before_app_request
def refuse_other_sites() -> None:
    """Refuse every form that another site sends; webhooks and the API have keys of their own."""
    changes = request.method not in {"GET", "HEAD", "OPTIONS"}
    if changes and not request.path.startswith(("/webhooks/", "/api/")):
        same_site()


@blueprint.get("/sign-in")
def sign_in_page() -> str:
    """Show where an e-mail address and a password are asked for, or a token."""
    return render_template("sign_in.html", wrong="")


@blueprint.post("/sign-in")
def sign_in() -> auth.Page:
    """Begin a session with what was filled in: a token, or an e-mail address and a password."""
    after = request.args.get("next", "")
    after = after if _OWN_PAGE.fullmatch(after) else url_for("dashboard.overview")
    if (token := request.form.get("token")) is not None:
        if auth.sign_in(token.strip()):
            return redirect(after)
        return render_template("sign_in.html", wrong="token"), 401
    email, password = (request.form.get(name, "") for name in ("email", "password"))
    if not (email and password):
        return render_template("sign_in.html", wrong="empty", email=email), 401
    if seconds := auth.wait_for(email):
        page = render_template("sign_in.html", wrong="often", email=email, seconds=seconds)
        return page, 429, {"Retry-After": str(seconds)}
    found = auth.accounts(email, password)
    if len(found) > 1:
        auth.offer(found, after)
        return redirect(url_for("members.choose_page"))
    if not any(auth.begin(org_id, member_id) for org_id, _name, member_id in found):
        return render_template("sign_in.html", wrong="password", email=email), 401
    return redirect(after)


@blueprint.post("/sign-out")
def sign_out() -> BaseResponse:
    """End the session."""
    auth.sign_out()
    return redirect(url_for("dashboard.sign_in_page"))


@blueprint.get("/")
@auth.needs_session
def overview() -> str:
    """Show all campaigns beside the days before, or say what to do first."""
    now = datetime.now(UTC)
    days = request.args.get("days", OVERVIEW_DAYS, type=int)
    days = days if days in OFFERED_DAYS else OVERVIEW_DAYS
    return render_template(
        "overview.html",
        lately=_lately(now, days),
        days=days,
        ranges=[
            (last_days(each), url_for("dashboard.overview", days=each), each == days)
            for each in OFFERED_DAYS
        ],
        lost=[
            (each.source, in_words(each, room.CODE_PARAMETERS, room.title))
            for each in lost_sources(
                Carried(*row) for row in totals.carried_codes(g.org_id, LATELY_DAYS, BEFORE_DAYS)
            )
            if (room := BY_SLUG[each.provider])
        ],
        surges=surges.list_surges(g.org_id, now - SHOWN),
        stuck=email_outbox.count_stuck(g.org_id, now),
        waiting=inbox.counts(g.org_id),
        define=lambda name: _(DEFINITIONS[name]),
    )


def _lately(now: datetime, days: int) -> dict[str, Any] | None:
    """Return the activation of the last days by campaign, beside the days before."""
    owner = organizations.find_organization(g.org_id)
    if owner is None:
        return None
    today = day_in(now, owner.timezone)
    first = today - timedelta(days=days - 1)
    question = Question("campaign", first, today, compare="before")
    return groups_of(owner, question)


@blueprint.get("/campaigns/<slug>")
@auth.needs_session
def campaign_page(slug: str) -> str:
    """Show one campaign: the figures, a chart by day, the posts in order."""
    campaign = campaigns.find_campaign(g.org_id, slug)
    if campaign is None:
        raise Problem(404, _("Not Found"), _("There is no campaign %(slug)s.", slug=slug))
    live_mark = live.mark_of(campaign)
    try:
        first, last = (_day(request.args.get(name)) for name in ("from", "to"))
        report = activation(campaign, first, last, request.args.get("model") or MODELS[0])
    except KeyError:
        raise Problem(
            422,
            _("No such model"),
            _("Available models: %(models)s.", models=", ".join(MODELS)),
        ) from None
    except (BadRange, ValueError):
        raise Problem(
            422,
            _("No such days"),
            _("Enter dates as YYYY-MM-DD, with the first not after the last."),
        ) from None
    return report_page(campaign, report, live_mark=live_mark)


def report_page(
    campaign: Campaign,
    report: dict[str, Any],
    *,
    view_link: Any = None,
    live_mark: str = "",
) -> str:
    """Render a report; for a view link without the ways to anything else."""
    base = report.get("rounded_to")
    return render_template(
        "campaign.html",
        report=report,
        posts=report["posts"] if view_link else _foremost(report["posts"]),
        most=_MOST_POSTS,
        models=MODELS,
        live_mark=live_mark,
        chart=_chart(report),
        meaning=TIERS_MEAN,
        waiting={} if view_link else inbox.counts(campaign.org_id),
        view_link=view_link,
        rounding_note=weekly_content.rounding_note(base) if base else "",
        define=lambda name: _(DEFINITIONS[name]),
        ranges=[] if view_link else _ranges(campaign, report),
    )


def _foremost(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the posts behind the first ones, and never what has no post."""
    of_posts = [row for row in rows if row["post"]]
    behind = {id(row) for row in of_posts[_MOST_POSTS:]}
    return [row for row in rows if id(row) not in behind]


def _ranges(campaign: Campaign, report: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Return what the page offers to choose with one click: some days, and the whole campaign."""
    today = day_in(datetime.now(UTC), campaign.timezone)
    model = None if report["model"] == MODELS[0] else report["model"]
    address = partial(url_for, "dashboard.campaign_page", slug=campaign.slug, model=model)
    asked = "from" in request.args or "to" in request.args
    whole = (_("the whole campaign"), address(), not asked)
    return [*offered(today, address, report["from"], report["to"]), whole]


def _chart(report: dict[str, Any]) -> dict[str, Any]:
    words = charts.Words(
        _("Actions by day, stacked by kind; the table below shows the same data."),
        _("day"),
        _("kind"),
        _("actions"),
        {kind: said(noun(kind)) for kind in charts.COLOURS},
    )
    drawn = charts.actions_by_day(report["by_day"], report["from"], report["to"], words)
    return charts.in_language(drawn, chosen())


def _day(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None


def same_site() -> None:
    """Refuse a form that another site sends, or of which nothing says that ours sent it.

    Browsers say where a form comes from: today's in Sec-Fetch-Site and Origin, those of before
    2020 in Origin or, on the own site, in Referer, which our Referrer-Policy has them send. One has
    to agree and none may disagree.
    """
    headers = request.headers
    own = {current_app.extensions["settings"].public_url, request.host_url.rstrip("/")}
    signs = []
    if (site := headers.get("Sec-Fetch-Site")) is not None:
        signs.append(site in {"same-origin", "none"})
    if (origin := headers.get("Origin")) is not None:
        signs.append(origin in own)
    if not signs and (referer := headers.get("Referer")):
        found = _ORIGIN.match(referer)
        signs.append(found is not None and found[0] in own)
    if not signs or not all(signs):
        raise Problem(403, _("Forbidden"), _("This form was submitted from another site."))
