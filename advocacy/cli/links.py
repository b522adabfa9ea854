"""`advocacy link`: create, list, move and disable tracking links."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import click

from advocacy.cli.context import (
    WHO,
    Refusal,
    counted,
    in_app,
    org_option,
    settings_now,
    slug_word,
    table,
)


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
