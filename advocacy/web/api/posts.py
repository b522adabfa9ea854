"""List, make, change and archive posts."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from flask import g, url_for
from flask.views import MethodView
from marshmallow import Schema, fields

from advocacy.core.urls import LONGEST
from advocacy.storage import campaigns, posts
from advocacy.storage.errors import NotFound
from advocacy.storage.models import Campaign, Post
from advocacy.tracking.posts import LONGEST_TITLE, check_post, edit_post
from advocacy.web import auth
from advocacy.web.api import pages
from advocacy.web.api.endpoint import Query, endpoint, of_setup
from advocacy.web.api.transactions import invalid
from advocacy.web.campaigns import campaign_or_404
from advocacy.web.errors import Problem

_LONGEST_WORD = 100


class PostSetup(Schema):
    """A post."""

    id = fields.UUID()
    campaign = fields.Str(metadata={"description": "The slug of its campaign."})
    platform = fields.Str()
    title = fields.Str()
    url = fields.Str()
    medium = fields.Str()
    author = fields.Str()
    published_at = fields.DateTime()
    created_at = fields.DateTime()
    archived_at = fields.DateTime(
        allow_none=True,
        metadata={"description": "Archived posts leave lists; their links go on redirecting."},
    )


class PostPage(pages.Page):
    posts = fields.List(fields.Nested(PostSetup))


class NewPost(Schema):
    url = pages.text(LONGEST, "Its address. Needed, unless there is a title.", load_default="")
    title = pages.text(LONGEST_TITLE, load_default="")
    platform = pages.text(
        _LONGEST_WORD, "One word, such as instagram. Default: from the address.", load_default=""
    )
    medium = pages.text(_LONGEST_WORD, "One word, such as video.", load_default="")
    author = pages.text(_LONGEST_WORD, load_default="")
    published_at = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "Default: now."}
    )


class PostChange(Schema):
    """What to change; what is not sent stays."""

    url = pages.text(LONGEST)
    title = pages.text(LONGEST_TITLE)
    medium = pages.text(_LONGEST_WORD, shortest=1)
    author = pages.text(_LONGEST_WORD, shortest=1)
    published_at = fields.AwareDateTime()
    archived = fields.Bool()


def check_published(at: datetime) -> datetime:
    """Return in UTC when a post was or will be published. Raises a 422 `Problem`."""
    if not 2000 <= at.year <= 2100:
        raise invalid("published_at", "must be from 2000 to 2100")
    return at.astimezone(UTC)


def as_setup(post: Post, campaign: Campaign) -> dict[str, object]:
    """Return a post for `PostSetup`."""
    names = ("id", "platform", "title", "url", "medium", "author")
    times = ("published_at", "created_at", "archived_at")
    about = {name: getattr(post, name) for name in (*names, *times)}
    return {**about, "campaign": campaign.slug}


@of_setup.route("/campaigns/<slug>/posts")
class PostsOf(MethodView):
    """The posts of a campaign."""

    @endpoint(of_setup, PostPage, "Posts of a campaign", query=pages.PageQuery)
    def get(self, query: Query, slug: str) -> dict[str, object]:
        """Return the posts of a campaign, newest first."""
        campaign = campaign_or_404(slug)
        found = posts.list_post_page(g.org_id, campaign.id, **pages.wanted(query))
        rows, after = pages.page(found, query)
        return {"posts": [as_setup(each, campaign) for each in rows], "next": after}

    @endpoint(
        of_setup, PostSetup, "Make a post", body=NewPost, once=True, scope="write", status=201
    )
    def post(self, asked: Query, slug: str) -> tuple[dict[str, object], int, dict[str, str]]:
        """Make a post of a campaign; make its tracking links with `POST /links`."""
        campaign = campaign_or_404(slug)
        at = asked.pop("published_at")
        about = check_post(**asked)
        made = posts.put_post(
            g.org_id,
            campaign.id,
            about.platform,
            title=about.title,
            url=about.url,
            medium=about.medium,
            author=about.author,
            **({"published_at": check_published(at)} if at else {}),
        )
        auth.record_audit("post_made", f"{campaign.slug} {about.title or about.url}")
        location = url_for("setup.OnePost", post_id=made.id)
        return as_setup(made, campaign), 201, {"Location": location}


@of_setup.route("/posts/<uuid:post_id>")
class OnePost(MethodView):
    """A post."""

    @endpoint(of_setup, PostSetup, "A post")
    def get(self, post_id: UUID) -> dict[str, object]:
        """Return a post, archived or not."""
        return as_setup(*find_post_and_campaign(post_id))

    @endpoint(of_setup, PostSetup, "Change or archive a post", body=PostChange, scope="write")
    def patch(self, asked: Query, post_id: UUID) -> dict[str, object]:
        """Change, archive or restore a post. Its figures stay, and its links go on redirecting."""
        post, campaign = find_post_and_campaign(post_id)
        called = f"{campaign.slug} {post.title or post.url}"
        archived = asked.pop("archived", None)
        if "published_at" in asked:
            asked["published_at"] = check_published(asked["published_at"])
        if asked:
            edit_post(post, **asked)
            auth.record_audit("post_changed", called)
        if archived is not None:
            posts.archive_post(post, datetime.now(UTC) if archived else None)
            auth.record_audit("post_archived" if archived else "post_restored", called)
        return as_setup(post, campaign)


def find_post_and_campaign(post_id: UUID) -> tuple[Post, Campaign]:
    """Return a post of the organization and its campaign. Raises a 404 `Problem`."""
    try:
        post = posts.get_post(g.org_id, post_id)
    except NotFound:
        raise Problem(404, "Not Found", f"There is no post {post_id}.") from None
    campaign = next(
        each for each in campaigns.list_campaigns(g.org_id) if each.id == post.campaign_id
    )
    return post, campaign
