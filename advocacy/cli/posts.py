"""`advocacy post`: create and list posts."""

from __future__ import annotations

import click

from advocacy.cli.context import (
    in_app,
    org_option,
    table,
)


@click.group()
def post() -> None:
    """Posts: what was published on a platform."""


@post.command("create")
@org_option
@click.option("--campaign", "slug", required=True)
@click.option("--platform", required=True, help="instagram, x, facebook, tiktok, bluesky, …")
@click.option("--title", default="")
@click.option("--url", default="", help="URL of the post.")
@click.option("--medium", default="", help="video, image or text")
@click.option("--author", default="")
@in_app
def post_create(
    org: str | None, slug: str, platform: str, title: str, url: str, medium: str, author: str
) -> None:
    """Create a post in a campaign.

    Example: advocacy post create --campaign stay --platform instagram --title "Call today"
    """
    from advocacy.core.urls import check_destination
    from advocacy.storage import campaigns, organizations, posts
    from advocacy.storage.session import transaction

    if url:
        check_destination(url)
    with transaction():
        owner = organizations.get_organization(org)
        of = campaigns.get_campaign(owner.id, slug)
        made = posts.put_post(
            owner.id, of.id, platform.lower(), title=title, url=url, medium=medium, author=author
        )
        click.echo(made.id)


@post.command("list")
@org_option
@click.option("--campaign", "slug")
@in_app
def post_list(org: str | None, slug: str | None) -> None:
    """List posts, newest first.

    Example: advocacy post list --campaign stay
    """
    from advocacy.storage import campaigns, organizations, posts

    owner = organizations.get_organization(org)
    of = campaigns.get_campaign(owner.id, slug).id if slug else None
    rows = [
        (each.id, each.platform, each.title, each.url) for each in posts.list_posts(owner.id, of)
    ]
    table(("id", "platform", "title", "url"), rows)
