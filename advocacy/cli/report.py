"""`advocacy report`: print the activation of a campaign, or create the weekly report."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Unpack

import click

from advocacy.attribution.rules import RULES
from advocacy.cli.context import Refusal, counted, in_app, org_option, table
from advocacy.cli.email_reports import WeeklyOptions, make_weekly, weekly_options

if TYPE_CHECKING:
    from advocacy.analytics.figures import CampaignActivation, PostFigures


@click.command()
@org_option
@click.argument("slug", required=False)
@weekly_options
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]))
@click.option(
    "--model",
    type=click.Choice(list(RULES)),
    default=next(iter(RULES)),
    show_default=True,
    help="How actions with several touches are credited.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the API response.")
@in_app
def report(
    org: str | None,
    slug: str | None,
    first: datetime | None,
    last: datetime | None,
    model: str,
    as_json: bool,
    weekly: bool,
    **of_weekly: Unpack[WeeklyOptions],
) -> None:
    """Print the activation of a campaign, or create the weekly report.

    \b
    Example: advocacy report stay --from 2026-11-01 --to 2026-11-07
    Example: advocacy report stay --model position_based
    Example: advocacy report --weekly --campaign stay --week 2026-W47 --pdf stay.pdf
    """
    from advocacy.analytics.activation import activation
    from advocacy.storage import campaigns, organizations

    owner = organizations.get_organization(org)
    if weekly:
        of_weekly["campaign"] = of_weekly["campaign"] or slug
        make_weekly(owner, **of_weekly)
        return
    if not slug:
        raise Refusal("name a campaign: advocacy report SLUG; see `advocacy campaign list`")
    found = activation(
        campaigns.get_campaign(owner.id, slug),
        first.date() if first else None,
        last.date() if last else None,
        model,
    )
    if as_json:
        from advocacy.web.api.schemas import Activation

        click.echo(json.dumps(Activation().dump(found), indent=2))
    else:
        print_activation(found)


def shown(actions: float) -> str:
    """Format a number of actions: an integer if it is one, else with two decimals."""
    return f"{int(actions)}" if actions == int(actions) else f"{actions:.2f}"


def between(row: PostFigures) -> str:
    """Format the actions of a row, with the bounds if some are inferred."""
    lower, upper = row.bounds.lower, row.bounds.upper
    certain = lower == upper or row.post is None
    return shown(row.actions) + ("" if certain else f" ({shown(lower)} to {shown(upper)})")


def print_activation(found: CampaignActivation) -> None:
    """Print an activation report as text."""
    from advocacy.core.money import format_minor

    people, clicks, about = found.supporters, found.clicks, found.campaign
    click.echo(f"{about.name}, {found.first} to {found.last} ({about.timezone})")
    click.echo(
        f"{counted(people.distinct, 'supporter')} activated: {people.new} new, "
        f"{people.returning} returning; {counted(found.actions, 'action')}"
    )
    for money in found.money:
        gross, refunded, net, renewed = (
            format_minor(minor or 0, money.currency)
            for minor in (
                money.gross_minor,
                money.refunded_minor,
                money.net_minor,
                money.renewals.gross_minor,
            )
        )
        apart = f"; including {renewed} from renewals" if money.renewals.donations else ""
        click.echo(f"net raised {net}: {gross} given, {refunded} refunded{apart}")
    click.echo(f"{counted(clicks.human, 'click')} by people, {counted(clicks.other, 'other')}\n")
    rows = [
        (
            row.post.title or row.post.id if row.post else "(unattributed)",
            row.post.platform if row.post else "",
            row.clicks.human,
            between(row),
            row.supporters.distinct,
            row.supporters.new,
            ", ".join(f"{kind} {shown(n)}" for kind, n in row.by_kind.items()),
            ", ".join(format_minor(each.net_minor or 0, each.currency) for each in row.money),
        )
        for row in found.posts
    ]
    table(("post", "platform", "clicks", "actions", "supporters", "new", "by kind", "net"), rows)
    click.echo()
    table(
        ("evidence", "actions", "share"),
        [(each.tier, shown(each.actions), f"{each.share:.0%}") for each in found.evidence],
    )
