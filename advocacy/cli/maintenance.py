"""`advocacy replay`, `rebuild`, `report`, `erase`: work on stored deliveries and their figures."""

from __future__ import annotations

import sys
from uuid import UUID

import click

from advocacy.cli.context import Refusal, counted, in_app, org_option, settings_now, table


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
