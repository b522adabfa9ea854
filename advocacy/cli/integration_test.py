"""`advocacy rehearse` and `advocacy alarm`: knowing that it works."""

from __future__ import annotations

import click

from advocacy.analytics.tracking_loss import (
    BEFORE_DAYS,
    LATELY_DAYS,
    Carried,
    in_words,
    lost_sources,
)
from advocacy.cli.context import Refusal, counted, in_app, org_option, settings_now
from advocacy.providers import BY_SLUG


@click.command("rehearse")
@org_option
@click.argument("slug")
@click.option("--address", default="", help="Where the web process is reached from here.")
@in_app
def rehearse_campaign(org: str | None, slug: str, address: str) -> None:
    """Send a marked test action of each connected tool through the real doors, before launch.

    Example: advocacy rehearse stay

    Says for each tool whether the code came back. Test actions are kept and never counted.
    """
    from advocacy.ingestion.integration_test import run_integration_test
    from advocacy.storage import campaigns, organizations

    owner = organizations.get_organization(org)
    campaign = campaigns.get_campaign(owner.id, slug)
    failed = count = 0
    for each in run_integration_test(settings_now(), campaign, address):
        count += 1
        failed += bool(each.trouble)
        told = each.trouble or f"the code came back in {each.carries}, evidence {each.tier}"
        click.echo(
            f"{'wrong' if each.trouble else 'ok   '}  {each.source}: {told} ({each.seconds:.1f} s)"
        )
    if not count:
        raise Refusal("no tool is connected yet; connect one with `advocacy source create`")
    if failed:
        raise Refusal(f"{failed} of {counted(count, 'tool')} did not bring the code back")


@click.command("alarm")
@org_option
@click.option("--lately", default=LATELY_DAYS, show_default=True, help="So many days are lately.")
@click.option("--before", default=BEFORE_DAYS, show_default=True, help="So many days before those.")
@in_app
def alarm(org: str | None, lately: int, before: int) -> None:
    """Name the tools that used to bring codes back and stopped doing so.

    Example: advocacy alarm --lately 1
    """
    from advocacy.storage import organizations, totals

    owner = organizations.get_organization(org)
    figures = [Carried(*row) for row in totals.carried_codes(owner.id, lately, before)]
    lost = lost_sources(figures)
    for each in lost:
        room = BY_SLUG[each.provider]
        click.echo(f"{each.source}: {in_words(each, room.CODE_PARAMETERS, room.title)}")
    if lost:
        raise Refusal(f"{len(lost)} of {counted(len(figures), 'source')} lost the codes")
    click.echo(f"as before, codes come back from {counted(len(figures), 'source')}")
