"""`advocacy replay`, `rebuild`, `report`, `erase`: work on stored deliveries and their figures."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any
from uuid import UUID

import click

from advocacy.attribution.rules import RULES
from advocacy.cli.context import Refusal, counted, in_app, org_option, settings_now, table
from advocacy.cli.email_reports import make_weekly, weekly_options


@click.command()
@org_option
@click.option("--list", "only_list", is_flag=True, help="List quarantined deliveries only.")
@click.option("--reason", help="Only deliveries quarantined for this reason.")
@click.option("--id", "ids", multiple=True, type=click.UUID, help="Only this delivery; repeatable.")
@in_app
def replay(org: str | None, only_list: bool, reason: str | None, ids: tuple[UUID, ...]) -> None:
    """Process quarantined deliveries again.

    Example: advocacy replay --reason room_failed
    """
    from advocacy.ingestion import drain
    from advocacy.ingestion.replay import put_back
    from advocacy.storage import inbox, organizations
    from advocacy.storage.session import transaction

    owner = organizations.get_organization(org)
    if only_list:
        rows = [
            (row.id, row.source, f"{row.received_at:%Y-%m-%d %H:%M}", row.reason, row.detail)
            for row in inbox.list_quarantined(owner.id)
        ]
        table(("id", "source", "received", "reason", "detail"), rows)
        return
    settings = settings_now()
    with transaction():
        tried = put_back(settings.secret_key.encode(), owner.id, reason=reason, ids=ids or None)
    drained = drain.Drained()
    while (more := drain.drain(settings, owner.id)).stopped_early:
        drained.quarantined += more.quarantined
    still = inbox.counts(owner.id)["quarantined"]
    click.echo(f"{tried} processed again, {still} quarantined now")


@click.command()
@org_option
@in_app
def rebuild(org: str | None) -> None:
    """Rebuild actions, people and totals from the inbox and the clicks.

    Example: advocacy rebuild
    """
    from flask import current_app

    from advocacy.core.prefetch import background_thread
    from advocacy.ingestion import drain
    from advocacy.storage import inbox, organizations

    owner = organizations.get_organization(org)
    every = inbox.counts(owner.id)["done"]
    bar = click.progressbar(
        length=every, label="deliveries", file=sys.stderr, item_show_func=lambda said: said
    )
    with bar:

        def show(done: int) -> None:
            bar.update(done - bar.pos, "counting people" if done == every else None)

        with background_thread(current_app.app_context) as begin:
            done = drain.rebuild(settings_now(), owner.id, show, begin)
    click.echo(f"processed again: {counted(done, 'delivery', 'deliveries')}")


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
    **of_weekly: Any,
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
        make_weekly(owner, **{**of_weekly, "campaign": of_weekly["campaign"] or slug})
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
        click.echo(json.dumps(found, default=str, indent=2))
    else:
        print_activation(found)


def shown(actions: float) -> str:
    """Write a number of actions: whole where it is, else with two decimals."""
    return f"{int(actions)}" if actions == int(actions) else f"{actions:.2f}"


def between(row: dict[str, Any]) -> str:
    """Write the actions of a row, with the bounds where inference is involved."""
    lower, upper = row["bounds"]["lower"], row["bounds"]["upper"]
    certain = lower == upper or row["post"] is None
    return shown(row["actions"]) + ("" if certain else f" ({shown(lower)} to {shown(upper)})")


def print_activation(found: dict[str, Any]) -> None:
    """Print an activation report as text."""
    from advocacy.analytics.activation import written_money

    people, clicks = found["supporters"], found["clicks"]
    about = found["campaign"]
    click.echo(f"{about['name']}, {found['from']} to {found['to']} ({about['timezone']})")
    click.echo(
        f"{counted(people['distinct'], 'supporter')} activated: {people['new']} new, "
        f"{people['returning']} returning; {counted(found['actions'], 'action')}"
    )
    for money in found["money"]:
        gross, refunded, net = (
            written_money(money[name], money["currency"])
            for name in ("gross_minor", "refunded_minor", "net_minor")
        )
        later = money["renewals"]
        renewed = written_money(later["gross_minor"], money["currency"])
        apart = f"; including {renewed} from renewals" if later["donations"] else ""
        click.echo(f"net raised {net}: {gross} given, {refunded} refunded{apart}")
    click.echo(
        f"{counted(clicks['human'], 'click')} by people, {counted(clicks['other'], 'other')}\n"
    )
    rows = [
        (
            row["post"]["title"] or row["post"]["id"] if row["post"] else "(unattributed)",
            row["post"]["platform"] if row["post"] else "",
            row["clicks"]["human"],
            between(row),
            row["supporters"]["distinct"],
            row["supporters"]["new"],
            ", ".join(f"{kind} {shown(n)}" for kind, n in row["by_kind"].items()),
            ", ".join(written_money(each["net_minor"], each["currency"]) for each in row["money"]),
        )
        for row in found["posts"]
    ]
    table(("post", "platform", "clicks", "actions", "supporters", "new", "by kind", "net"), rows)
    click.echo()
    table(
        ("evidence", "actions", "share"),
        [
            (each["tier"], shown(each["actions"]), f"{each['share']:.0%}")
            for each in found["evidence"]
        ],
    )


@click.command()
@org_option
@click.option("--email", default="")
@click.option("--phone", default="")
@click.option("--region", default="US", show_default=True)
@click.confirmation_option(prompt="Permanently erase this person?")
@in_app
def erase(org: str | None, email: str, phone: str, region: str) -> None:
    """Erase one person; counts do not change.

    Example: advocacy erase --email someone@example.org
    """
    from advocacy.ingestion import erasure
    from advocacy.storage import organizations

    owner = organizations.get_organization(org)
    try:
        erased = erasure.erase(
            settings_now(), owner.id, email=email, phone=phone, region=region.upper()
        )
    except ValueError as error:
        raise Refusal(str(error)) from None
    bodies = counted(erased.bodies, "body", "bodies")
    click.echo(
        f"{counted(erased.actions, 'action')} anonymized; deleted: {bodies}, "
        f"the visitor data of {counted(erased.clicks, 'click')}"
    )
    if erased.waiting:
        click.echo(
            f"still pending: {counted(erased.waiting, 'delivery', 'deliveries')} "
            "with this person; run this again afterwards"
        )
