"""`advocacy explain`: the receipt of one action, and a list of the newest actions."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING
from uuid import UUID

import click

from advocacy.analytics import explain_text
from advocacy.cli.context import Refusal, in_app, org_option, settings_now, table
from advocacy.core import vocabulary

if TYPE_CHECKING:
    from advocacy.analytics.latest_actions import ActionList, ActionPost
    from advocacy.analytics.receipt import CreditedPost, Receipt, ReceiptShare

_WIDTH = 96


@click.command("explain")
@org_option
@click.argument("action_id", type=click.UUID, required=False)
@click.option("--newest", metavar="CAMPAIGN", help="List the newest actions of this campaign.")
@click.option("--json", "as_json", is_flag=True, help="Print the API response.")
@in_app
def explain_action(
    org: str | None, action_id: UUID | None, newest: str | None, as_json: bool
) -> None:
    """Explain why an action is credited as it is.

    \b
    Example: advocacy explain --newest stay
    Example: advocacy explain 0198a5c2-7f4e-8d31-9b0a-6f2e1c4d5a70
    """
    from advocacy.analytics.explain import explain
    from advocacy.analytics.latest_actions import find_actions
    from advocacy.storage import organizations

    if (action_id is None) == (newest is None):
        raise Refusal("enter the id of an action, or --newest CAMPAIGN to list ids")
    owner = organizations.get_organization(org)
    if action_id:
        receipt = explain(settings_now(), owner.id, action_id)
        if as_json:
            from advocacy.web.api import action_schemas

            _print_json(action_schemas.Receipt().dump(receipt))
        else:
            print_receipt(receipt)
        return
    found = find_actions(owner.id, newest or "", limit=20)
    if as_json:
        from advocacy.web.api import action_schemas

        _print_json(action_schemas.Actions().dump(found))
    else:
        _print_newest(found)


def _print_json(content: object) -> None:
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))


def _print_newest(found: ActionList) -> None:
    zone = found.campaign.timezone
    rows = [
        (
            each.id,
            vocabulary.moment(each.at, zone),
            each.kind,
            each.tier,
            _credited_to(each.post, each.platform),
        )
        for each in found.actions
    ]
    table(("action", f"when ({zone})", "kind", "evidence", "credited to"), rows)


def _credited_to(post: ActionPost | CreditedPost | None, platform: str) -> str:
    if post is None:
        return vocabulary.platform_named(platform) or "(unattributed)"
    return f"{vocabulary.platform_named(post.platform)}: {post.title or post.id}"


def print_receipt(receipt: Receipt) -> None:
    """Print a receipt as text."""
    from advocacy.core.money import format_minor

    action, zone = receipt.action, receipt.action.timezone
    campaign = f", {action.campaign.name}" if action.campaign else ""
    what, when = vocabulary.noun(action.kind).capitalize(), vocabulary.moment(action.at, zone)
    click.echo(f"{what}, {when} ({zone}){campaign}")
    _print_wrapped(receipt.summary)
    if not receipt.current:
        _print_wrapped(
            "New information has arrived since this was counted; reports will include it after the"
            " next processing run."
        )
    if receipt.inherits:
        _print_wrapped(f"{receipt.inherits.text} See {receipt.inherits.action_id}.")
    if money := receipt.money:
        gross, refunded, net = (
            format_minor(minor, money.currency)
            for minor in (money.gross_minor, money.refunded_minor, money.net_minor)
        )
        click.echo(f"{net} net: {gross} given, {refunded} returned")
        for refund in money.returns:
            amount = format_minor(refund.amount_minor, money.currency)
            click.echo(f"  {vocabulary.moment(refund.at, zone)}  {amount} returned")
    click.echo("\nEvidence")
    for evidence in receipt.evidence:
        _print_wrapped(evidence.text, f"  {'+' if evidence.used else '-'} {evidence.tier:<10}")
    _print_touches(receipt, zone)
    click.echo("\nDeliveries")
    for delivery in receipt.deliveries:
        said = ", ".join(explain_text.STATEMENTS.get(each, each) for each in delivery.statements)
        received = vocabulary.moment(delivery.received_at, zone)
        click.echo(f"  {delivery.id}  {delivery.source.name}, {received}: {said}")
    for change in receipt.restated:
        _print_wrapped(
            f"{change.text} The action was attributed again.",
            f"  {vocabulary.moment(change.at, zone)} ",
        )


def _print_wrapped(text: str, prefix: str = "") -> None:
    click.echo(
        textwrap.fill(text, _WIDTH, initial_indent=prefix, subsequent_indent=" " * len(prefix))
    )


def _print_touches(receipt: Receipt, zone: str) -> None:
    from advocacy.analytics.activation import MODELS
    from advocacy.core.money import format_minor

    path = [touch for touch in receipt.touches if touch.number]
    click.echo("\nTouches")
    if not receipt.touches:
        click.echo("  none")
    for touch in receipt.touches:
        when = vocabulary.moment(touch.at, zone) if touch.timed else "with the action"
        credited = _credited_to(touch.post, touch.platform)
        _print_wrapped(f"{credited}, {when}. {touch.text}", f"  {touch.number or '-'} ")
    if not path:
        return
    click.echo()
    money = receipt.money

    def cell(given: ReceiptShare) -> str:
        share = explain_text.share_shown(given.share, given.percent)
        return f"{share}, {format_minor(given.net_minor, money.currency)}" if money else share

    table(
        ("model", *(f"touch {touch.number}" for touch in path)),
        [(model, *(cell(touch.shares[model]) for touch in path)) for model in MODELS],
    )
