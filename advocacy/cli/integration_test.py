"""`advocacy rehearse` and `advocacy alarm`: check that tools return tracking codes."""

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
@click.option("--address", default="", help="URL of the web process, as seen from here.")
@in_app
def rehearse_campaign(org: str | None, slug: str, address: str) -> None:
    """Send a test action to the webhook endpoint of each connected tool, before launch.

    Example: advocacy rehearse stay

    Prints for each tool whether the code was returned. Test actions are stored, never counted.
    """
    from advocacy.ingestion.integration_test import run_integration_test
    from advocacy.storage import campaigns, organizations

    owner = organizations.get_organization(org)
    campaign = campaigns.get_campaign(owner.id, slug)
    failed = count = 0
    for each in run_integration_test(settings_now(), campaign, address):
        count += 1
        failed += bool(each.trouble)
        result = each.trouble or f"the code was returned in {each.carries}, evidence {each.tier}"
        state = "wrong" if each.trouble else "ok   "
        click.echo(f"{state}  {each.source}: {result} ({each.seconds:.1f} s)")
    if not count:
        raise Refusal("no tool is connected yet; connect one with `advocacy source create`")
    if failed:
        raise Refusal(f"{failed} of {counted(count, 'tool')} did not return the code")


@click.command("alarm")
@org_option
@click.option("--lately", default=LATELY_DAYS, show_default=True, help="Number of recent days.")
@click.option(
    "--before",
    default=BEFORE_DAYS,
    show_default=True,
    help="Number of days before those, to compare with.",
)
@in_app
def alarm(org: str | None, lately: int, before: int) -> None:
    """List the tools that have stopped returning tracking codes.

    Example: advocacy alarm --lately 1
    """
    from advocacy.storage import organizations, totals

    owner = organizations.get_organization(org)
    figures = [Carried(*row) for row in totals.carried_codes(owner.id, lately, before)]
    lost = lost_sources(figures)
    for each in lost:
        provider = BY_SLUG[each.provider]
        click.echo(f"{each.source}: {in_words(each, provider.CODE_PARAMETERS, provider.title)}")
    if lost:
        raise Refusal(
            f"{len(lost)} of {counted(len(figures), 'source')} no longer return tracking codes"
        )
    click.echo(f"no change: {counted(len(figures), 'source')} checked")
