"""The pages of single actions: the newest ones of a campaign, and the receipt of each.

The sentences of a receipt are in `analytics/explain_text.py`, so that page, API and CLI agree.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import Blueprint, current_app, g, render_template, request
from flask_babel import gettext as _

from advocacy.analytics import explain_text
from advocacy.analytics.activation import MODELS
from advocacy.analytics.explain import explain
from advocacy.analytics.latest_actions import BadCursor, find_actions
from advocacy.analytics.receipt import ReceiptShare
from advocacy.core import vocabulary
from advocacy.core.events import ActionKind
from advocacy.reporting.formats import percent_of
from advocacy.storage import campaigns, errors, posts
from advocacy.web import auth
from advocacy.web.errors import Problem
from advocacy.web.i18n import said

blueprint = Blueprint("receipts", __name__)

_PAGE = 50


@blueprint.app_template_filter("moment")
def moment(at: datetime, timezone: str) -> str:
    """Format an instant in a time zone."""
    return vocabulary.moment(at, timezone)


@blueprint.app_template_filter("share")
def share(given: ReceiptShare) -> str:
    """Format a share as a percentage, with the fraction if that is short."""
    percentage = percent_of(given.percent)
    return f"{given.share} ({percentage})" if explain_text.is_short(given.share) else percentage


@blueprint.app_template_filter("noun")
def noun(kind: str) -> str:
    """Return the noun for an action of this kind."""
    return said(vocabulary.noun(kind))


@blueprint.app_template_filter("platform")
def platform(name: str) -> str:
    """Return the name of a platform in its own spelling."""
    placed = {"email": _("Email"), "sms": _("Text message"), "web": _("Web page")}
    return str(placed.get(name) or vocabulary.platform_named(name))


@blueprint.get("/actions/<uuid:action_id>")
@auth.needs_session
def receipt_page(action_id: UUID) -> str:
    """Show the receipt of one action."""
    try:
        receipt = explain(current_app.extensions["settings"], g.org_id, action_id)
    except errors.NotFound:
        raise Problem(404, _("Not Found"), _("There is no action %(id)s.", id=action_id)) from None
    return render_template(
        "receipt.html",
        receipt=receipt,
        path=[touch for touch in receipt.touches if touch.number],
        models=MODELS,
        models_say=vocabulary.MODELS_SAY,
        statements=explain_text.STATEMENTS,
    )


@blueprint.get("/campaigns/<slug>/actions")
@auth.needs_session
def actions_page(slug: str) -> str:
    """List the newest actions of a campaign, each with a link to its receipt."""
    post, kind, cursor = (request.args.get(name, "") for name in ("post", "kind", "cursor"))
    counted = request.args.get("counted") != "no"
    try:
        chosen = UUID(post) if post else None
        found = find_actions(
            g.org_id,
            slug,
            post_id=chosen,
            kind=ActionKind(kind) if kind else "",
            counted=counted,
            limit=_PAGE,
            cursor=cursor,
        )
    except errors.NotFound:
        raise Problem(404, _("Not Found"), _("There is no campaign %(slug)s.", slug=slug)) from None
    except (BadCursor, ValueError):
        raise Problem(
            422,
            _("No such actions"),
            _("Choose the post and the kind from the lists on this page."),
        ) from None
    campaign = campaigns.get_campaign(g.org_id, slug)
    return render_template(
        "actions.html",
        found=found,
        posts=posts.list_posts(g.org_id, campaign.id),
        kinds=list(ActionKind),
        chosen={"post": chosen, "kind": kind or None, "counted": None if counted else "no"},
        cursor=cursor,
    )
