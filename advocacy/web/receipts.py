"""The pages of single actions: a campaign's newest ones, and the receipt of each.

What a stranger would get wrong: they hold no script at all, and what a receipt says is worded in
`wording`, so that page, API and command say the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, g, render_template, request

from advocacy import wording
from advocacy.events import ActionKind
from advocacy.explain import BadCursor, explain, find_actions
from advocacy.report import MODELS
from advocacy.store import campaigns
from advocacy.web import auth
from advocacy.web.errors import Problem

blueprint = Blueprint("receipts", __name__)

_PAGE = 50


@blueprint.app_template_filter("moment")
def moment(at: datetime, timezone: str) -> str:
    """Write an instant as clocks in this time zone show it."""
    return wording.moment(at, timezone)


@blueprint.app_template_filter("share")
def share(given: dict[str, Any]) -> str:
    """Write a share as a fraction and as a percentage."""
    return wording.share_shown(given["share"], given["percent"])


@blueprint.app_template_filter("noun")
def noun(kind: str) -> str:
    """Write what an action of this kind is called."""
    return wording.noun(kind)


@blueprint.app_template_filter("platform")
def platform(name: str) -> str:
    """Write a platform's name as it writes itself."""
    return wording.platform_named(name)


@blueprint.get("/actions/<uuid:action_id>")
@auth.needs_session
def receipt_page(action_id: UUID) -> str:
    """Show the receipt of one action."""
    try:
        receipt = explain(current_app.extensions["settings"], g.org_id, action_id)
    except campaigns.NotFound:
        raise Problem(404, "Not Found", f"There is no action {action_id}.") from None
    return render_template(
        "receipt.html",
        receipt=receipt,
        path=[touch for touch in receipt["touches"] if touch["number"]],
        models=MODELS,
        models_say=wording.MODELS_SAY,
        said=wording.SAID,
    )


@blueprint.get("/campaigns/<slug>/actions")
@auth.needs_session
def actions_page(slug: str) -> str:
    """List the newest actions of a campaign, each with the way to its receipt."""
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
    except campaigns.NotFound:
        raise Problem(404, "Not Found", f"There is no campaign {slug}.") from None
    except (BadCursor, ValueError):
        raise Problem(
            422, "No such actions", "Choose post and kind from the lists of the page."
        ) from None
    campaign = campaigns.get_campaign(g.org_id, slug)
    return render_template(
        "actions.html",
        found=found,
        posts=campaigns.list_posts(g.org_id, campaign.id),
        kinds=list(ActionKind),
        chosen={"post": chosen, "kind": kind or None, "counted": None if counted else "no"},
        cursor=cursor,
    )
