"""`advocacy org`, `campaign`, `post`, `link`, `token`: create, list and change them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import click

from advocacy.cli.context import (
    WHO,
    Refusal,
    campaign_slug,
    counted,
    in_app,
    org_option,
    settings_now,
    slug_word,
    table,
    zone_name,
)


@click.group()
def org() -> None:
    """Organizations: each sees only its own."""


@org.command("create")
@click.option("--slug", required=True, callback=slug_word)
@click.option("--name", required=True)
@click.option("--timezone", default="UTC", callback=zone_name, show_default=True)
@click.option("--fallback-url", default="", help="Where supporters go whose link does not work.")
@in_app
def org_create(slug: str, name: str, timezone: str, fallback_url: str) -> None:
    """Create an organization.

    Example: advocacy org create --slug hope --name "Hope Project" --timezone America/New_York
    """
    from advocacy.storage import organizations
    from advocacy.storage.session import transaction

    checked = _fallback(fallback_url)
    with transaction():
        made = organizations.put_organization(slug, name, timezone)
        organizations.set_fallback_url(made, checked)
        click.echo(f"created organization {made.slug}")


@org.command("set")
@org_option
@click.option(
    "--fallback-url",
    required=True,
    help="Where supporters go whose link is disabled or unknown; '' to unset.",
)
@in_app
def org_set(org: str | None, fallback_url: str) -> None:
    """Change the settings of an organization.

    Example: advocacy org set --fallback-url https://example.org/act
    """
    from advocacy.storage import organizations
    from advocacy.storage.session import transaction

    checked = _fallback(fallback_url)
    with transaction():
        owner = organizations.get_organization(org)
        organizations.set_fallback_url(owner, checked)
        slug = owner.slug
    click.echo(f"fallback address of {slug}: {checked or 'none'}")


def _fallback(url: str) -> str:
    from advocacy.core.urls import BadDestination, check_destination

    try:
        return check_destination(url, local=not settings_now().https) if url else ""
    except BadDestination as error:
        raise Refusal(f"the fallback address {error}") from None


@org.command("list")
@in_app
def org_list() -> None:
    """List the organizations.

    Example: advocacy org list
    """
    from advocacy.storage import organizations

    rows = [
        (each.slug, each.name, each.timezone, each.fallback_url)
        for each in organizations.list_organizations()
    ]
    table(("slug", "name", "time zone", "fallback address"), rows)


@click.group()
def campaign() -> None:
    """Campaigns: each has its own report."""


@campaign.command("create")
@org_option
@click.option("--slug", required=True, callback=campaign_slug)
@click.option("--name", required=True)
@click.option(
    "--timezone", default="", help="Where its days begin. Default: the organization's time zone."
)
@in_app
def campaign_create(org: str | None, slug: str, name: str, timezone: str) -> None:
    """Create a campaign.

    Example: advocacy campaign create --slug stay --name "Stop it" --timezone America/Chicago
    """
    from advocacy.storage import campaigns, organizations
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        zone = zone_name(None, None, timezone) if timezone else owner.timezone
        made = campaigns.put_campaign(owner.id, slug, name, zone)
        click.echo(f"created campaign {made.slug}; time zone: {made.timezone}")


@campaign.command("list")
@org_option
@in_app
def campaign_list(org: str | None) -> None:
    """List the campaigns.

    Example: advocacy campaign list
    """
    from advocacy.storage import campaigns, organizations

    owner = organizations.get_organization(org)
    rows = [(each.slug, each.name, each.timezone) for each in campaigns.list_campaigns(owner.id)]
    table(("slug", "name", "time zone"), rows)


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


@click.group()
def link() -> None:
    """Tracking links, to be put into posts."""


@link.command("create")
@org_option
@click.option("--post", "post_id", required=True, type=click.UUID)
@click.option("--to", "destination", required=True, help="The page where supporters act.")
@click.option("--provider", help="How the page receives our code. Default: detected from its host.")
@click.option(
    "--source", "name", help="The source whose mapping says how the page receives our code."
)
@click.option(
    "--code", default="", callback=lambda _c, _p, word: slug_word(_c, _p, word) if word else ""
)
@click.option("--utm/--no-utm", default=True, help="Add utm_* parameters too.", show_default=True)
@in_app
def link_create(
    org: str | None,
    post_id: UUID,
    destination: str,
    provider: str | None,
    name: str | None,
    code: str,
    utm: bool,
) -> None:
    """Create a tracking link for a post.

    \b
    Example: advocacy link create --post POST_ID --to https://actionnetwork.org/petitions/stay
    Example: advocacy link create --post POST_ID --to https://donorbox.org/stay --source Gifts
    """
    from advocacy.storage import organizations, posts
    from advocacy.storage.session import transaction
    from advocacy.tracking import links

    settings = settings_now()
    with transaction():
        owner = organizations.get_organization(org)
        of = posts.get_post(owner.id, post_id)
        made = links.create_link(
            owner.id,
            of,
            destination,
            local=not settings.https,
            provider=provider,
            source=name,
            utm=utm,
            code=code,
        )
        click.echo(f"{settings.public_url}/r/{made.code}")


def _code(written: str) -> str:
    from advocacy.core.link_codes import code_of

    return code_of(written)


@link.command("share")
@org_option
@click.argument("code")
@in_app
def link_share(org: str | None, code: str) -> None:
    """Create a link that passes another one on; its actions are credited to the same post.

    Example: advocacy link share 4mczcfbctv5g
    """
    from advocacy.storage import links as links_storage
    from advocacy.storage import organizations
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        made = links_storage.create_share_link(owner.id, _code(code))
        click.echo(f"{settings_now().public_url}/r/{made.code}")


@link.command("move")
@org_option
@click.argument("code")
@click.option("--post", "post_id", required=True, type=click.UUID, help="The post it belongs to.")
@in_app
def link_move(org: str | None, code: str, post_id: UUID) -> None:
    """Move a link to another post. Its actions are attributed again.

    Example: advocacy link move 4mczcfbctv5g --post POST_ID
    """
    from advocacy.ingestion.reassign_link import PassedOn, move_link
    from advocacy.storage import organizations
    from advocacy.storage.session import transaction

    with transaction():
        owner_id = organizations.get_organization(org).id
    try:
        moved = move_link(owner_id, _code(code), post_id)
    except PassedOn as error:
        raise Refusal(str(error)) from None
    click.echo(
        f"moved {counted(moved.links, 'link')} with {counted(moved.clicks, 'click')}; attributed"
        f" again: {counted(moved.actions, 'action')}"
    )


@link.command("disable")
@org_option
@click.argument("code")
@in_app
def link_disable(org: str | None, code: str) -> None:
    """Disable a link. Actions already counted stay counted.

    Example: advocacy link disable 4mczcfbctv5g
    """
    from advocacy.storage import audit, organizations
    from advocacy.storage import links as links_storage
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        code = _code(code)
        links_storage.disable_link(owner.id, code, datetime.now(UTC))
        audit.record(owner.id, WHO, "link_disabled", code)
    click.echo(f"link {code} is disabled")


@link.command("enable")
@org_option
@click.argument("code")
@in_app
def link_enable(org: str | None, code: str) -> None:
    """Enable a disabled link.

    Example: advocacy link enable 4mczcfbctv5g
    """
    from advocacy.storage import audit, organizations
    from advocacy.storage import links as links_storage
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        code = _code(code)
        links_storage.enable_link(owner.id, code, datetime.now(UTC))
        audit.record(owner.id, WHO, "link_enabled", code)
    click.echo(f"link {code} is enabled")


@link.command("list")
@org_option
@click.option("--campaign", "slug")
@in_app
def link_list(org: str | None, slug: str | None) -> None:
    """List tracking links, newest first.

    Example: advocacy link list --campaign stay
    """
    from advocacy.storage import campaigns, organizations
    from advocacy.storage import links as links_storage

    public = settings_now().public_url
    owner = organizations.get_organization(org)
    of = campaigns.get_campaign(owner.id, slug).id if slug else None
    rows = [
        (f"{public}/r/{each.code}", each.provider, each.destination)
        for each in links_storage.list_links(owner.id, of)
    ]
    table(("link", "provider", "destination"), rows)


@click.group()
def token() -> None:
    """Tokens for the API and the dashboard."""


@token.command("create")
@org_option
@click.option("--name", required=True)
@click.option(
    "--scope", default="reports", type=click.Choice(["reports", "admin"]), show_default=True
)
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3650))
@in_app
def token_create(org: str | None, name: str, scope: str, days: int) -> None:
    """Create a token and print it, once.

    Example: advocacy token create --name "Monday report"
    """
    from advocacy.storage import organizations, tokens
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        until = datetime.now(UTC) + timedelta(days=days)
        _, token = tokens.put_token(owner.id, name, scope, until)
        click.echo(token)


@token.command("list")
@org_option
@in_app
def token_list(org: str | None) -> None:
    """List the tokens, without their secrets.

    Example: advocacy token list
    """
    from advocacy.storage import organizations, tokens

    owner = organizations.get_organization(org)
    rows = [
        (each.name, each.scope, each.expires_at.date(), "revoked" if each.revoked_at else "valid")
        for each in tokens.list_tokens(owner.id)
    ]
    table(("name", "scope", "until", "state"), rows)


@token.command("revoke")
@org_option
@click.option("--name", required=True)
@in_app
def token_revoke(org: str | None, name: str) -> None:
    """Revoke a token immediately.

    Example: advocacy token revoke --name "Monday report"
    """
    from advocacy.storage import organizations, tokens
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        tokens.revoke_token(owner.id, name, datetime.now(UTC))
    click.echo(f"token {name} is revoked")
