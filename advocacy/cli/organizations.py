"""`advocacy org`: create, change and list organizations."""

from __future__ import annotations

import click

from advocacy.cli.context import (
    Refusal,
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
