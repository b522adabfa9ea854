"""Pages to rename or archive a campaign, and to change or archive its posts."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from advocacy.core.dates import zone as zone_of
from advocacy.core.plain_text import visible
from advocacy.storage import campaigns, posts
from advocacy.storage.errors import NotFound
from advocacy.storage.models import Campaign, Post
from advocacy.storage.session import transaction
from advocacy.tracking.posts import BadPost, edit_post
from advocacy.web import auth
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.errors import Problem
from advocacy.web.i18n import said

blueprint = Blueprint("editing", __name__)

for_editors = auth.needs_role("editor")

LONGEST_NAME = 200
_LOCAL = "%Y-%m-%dT%H:%M"
_YEARS = range(2000, 2101)


@blueprint.get("/campaigns/<slug>/edit")
@for_editors
def campaign_page(slug: str) -> str:
    """Show the name of a campaign, its posts, and the button to archive it."""
    return _campaign_page(campaign_or_404(slug))


@blueprint.post("/campaigns/<slug>/edit")
@for_editors
def change_campaign(slug: str) -> auth.Page:
    """Rename a campaign."""
    campaign, name = campaign_or_404(slug), _line("name")
    if not name or len(name) > LONGEST_NAME:
        trouble = _("Enter a name of at most %(most)s characters.", most=LONGEST_NAME)
        return _campaign_page(campaign, trouble), 422
    with transaction():
        campaigns.rename_campaign(campaign, name)
        auth.record_audit("campaign_changed", slug)
    return redirect(url_for("editing.campaign_page", slug=slug, done="stored"), 303)


@blueprint.post("/campaigns/<slug>/<any(archive, restore):what>")
@for_editors
def archive_campaign(slug: str, what: str) -> auth.Page:
    """Archive a campaign, or restore it."""
    campaign = campaign_or_404(slug)
    with transaction():
        campaigns.archive_campaign(campaign, datetime.now(UTC) if what == "archive" else None)
        auth.record_audit(f"campaign_{what}d", slug)
    return redirect(url_for("editing.campaign_page", slug=slug), 303)


@blueprint.get("/campaigns/<slug>/posts/<uuid:post_id>/edit")
@for_editors
def post_page(slug: str, post_id: UUID) -> str:
    """Show what is known about a post, to change it."""
    return _post_page(*_found(slug, post_id))


@blueprint.post("/campaigns/<slug>/posts/<uuid:post_id>/edit")
@for_editors
def change_post(slug: str, post_id: UUID) -> auth.Page:
    """Change title, address, medium, author and time of a post."""
    campaign, post = _found(slug, post_id)
    try:
        with transaction():
            edit_post(
                post,
                title=_line("title"),
                url=_line("url"),
                medium=_line("medium"),
                author=_line("author"),
                published_at=_published(post, campaign),
            )
            auth.record_audit("post_changed", f"{slug} {post.title or post.url}")
    except BadPost as error:
        return _post_page(campaign, post, said(error.words)), 422
    except ValueError:
        return _post_page(campaign, post, _("Enter a day and a time from 2000 to 2100.")), 422
    return redirect(url_for("editing.campaign_page", slug=slug, done="stored"), 303)


@blueprint.post("/campaigns/<slug>/posts/<uuid:post_id>/<any(archive, restore):what>")
@for_editors
def archive_post(slug: str, post_id: UUID, what: str) -> auth.Page:
    """Archive a post, or restore it."""
    _campaign, post = _found(slug, post_id)
    with transaction():
        posts.archive_post(post, datetime.now(UTC) if what == "archive" else None)
        auth.record_audit(f"post_{what}d", f"{slug} {post.title or post.url}")
    return redirect(url_for("editing.campaign_page", slug=slug), 303)


def _published(post: Post, campaign: Campaign) -> datetime | None:
    """Return the time in the form, on the campaign's clock; None if it was not changed."""
    written, zone = request.form.get("published", ""), zone_of(campaign.timezone)
    if written == f"{post.published_at.astimezone(zone):{_LOCAL}}":
        return None
    at = datetime.strptime(written, _LOCAL).replace(tzinfo=zone)
    if at.year not in _YEARS:
        raise ValueError(written)
    return at.astimezone(UTC)


def _line(name: str) -> str:
    return " ".join(visible(request.form.get(name, "")).split())


def _found(slug: str, post_id: UUID) -> tuple[Campaign, Post]:
    campaign = campaign_or_404(slug)
    try:
        post = posts.get_post(g.org_id, post_id)
    except NotFound:
        post = None
    if post is None or post.campaign_id != campaign.id:
        raise Problem(404, _("Not Found"), _("There is no such post."))
    return campaign, post


def _campaign_page(campaign: Campaign, trouble: str = "") -> str:
    found = posts.list_posts(g.org_id, campaign.id)
    return render_template(
        "edit_campaign.html",
        campaign=campaign,
        posts=sorted(found, key=lambda post: post.archived_at is not None),
        longest=LONGEST_NAME,
        trouble=trouble,
        stored=request.args.get("done") == "stored",
    )


def _post_page(campaign: Campaign, post: Post, trouble: str = "") -> str:
    zone = zone_of(campaign.timezone)
    shown = {
        "title": post.title,
        "url": post.url,
        "medium": post.medium,
        "author": post.author,
        "published": f"{post.published_at.astimezone(zone):{_LOCAL}}",
    }
    if trouble:
        shown |= {name: request.form.get(name, "") for name in shown}
    return render_template(
        "edit_post.html",
        campaign=campaign,
        post=post,
        asked=shown,
        trouble=trouble,
        media=posts.media(g.org_id),
        authors=posts.authors(g.org_id),
    )
