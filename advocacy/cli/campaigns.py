"""`advocacy campaign`: create and list campaigns."""

from __future__ import annotations

import click

from advocacy.cli.context import (
    campaign_slug,
    in_app,
    org_option,
    table,
    zone_name,
)


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
