"""`advocacy explain`: the receipt of one action, and a list of the newest actions."""

from __future__ import annotations

import json
import textwrap
from datetime import date, datetime
from typing import Any
from uuid import UUID

import click

from advocacy.analytics import explain_text
from advocacy.cli.context import Refusal, in_app, org_option, settings_now, table
from advocacy.core import vocabulary

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
    from advocacy.analytics.explain import explain, find_actions
    from advocacy.storage import organizations

    if (action_id is None) == (newest is None):
        raise Refusal("enter the id of an action, or --newest CAMPAIGN to list ids")
    owner = organizations.get_organization(org)
    found = (
        explain(settings_now(), owner.id, action_id)
        if action_id
        else find_actions(owner.id, newest or "", limit=20)
    )
    if as_json:
        click.echo(json.dumps(found, default=_written, indent=2, ensure_ascii=False))
    elif action_id:
        print_receipt(found)
    else:
        _print_newest(found)


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _print_newest(found: dict[str, Any]) -> None:
    zone = found["campaign"]["timezone"]
    rows = [
        (
            each["id"],
            vocabulary.moment(each["at"], zone),
            each["kind"],
            each["tier"],
            _of(each),
        )
        for each in found["actions"]
    ]
    table(("action", f"when ({zone})", "kind", "evidence", "credited to"), rows)


def _of(touch: dict[str, Any]) -> str:
    post = touch["post"]
    if post is None:
        return vocabulary.platform_named(touch["platform"]) or "(unattributed)"
    return f"{vocabulary.platform_named(post['platform'])}: {post['title'] or post['id']}"


def print_receipt(found: dict[str, Any]) -> None:
    """Print a receipt as text."""
    from advocacy.analytics.activation import written_money

    action, zone = found["action"], found["action"]["timezone"]
    campaign = f", {action['campaign']['name']}" if action["campaign"] else ""
    what, when = vocabulary.noun(action["kind"]).capitalize(), vocabulary.moment(action["at"], zone)
    click.echo(f"{what}, {when} ({zone}){campaign}")
    _say(found["summary"])
    if not found["current"]:
        _say(
            "New information has arrived since this was counted; reports will include it after the"
            " next processing run."
        )
    if found["inherits"]:
        _say(f"{found['inherits']['says']} See {found['inherits']['action_id']}.")
    if money := found["money"]:
        gross, back, net = (
            written_money(money[name], money["currency"])
            for name in ("gross_minor", "refunded_minor", "net_minor")
        )
        click.echo(f"{net} net: {gross} given, {back} returned")
        for each in money["returns"]:
            amount = written_money(each["amount_minor"], money["currency"])
            click.echo(f"  {vocabulary.moment(each['at'], zone)}  {amount} returned")
    click.echo("\nEvidence")
    for each in found["evidence"]:
        _say(each["says"], f"  {'+' if each['used'] else '-'} {each['tier']:<10}")
    _print_touches(found, zone)
    click.echo("\nDeliveries")
    for each in found["deliveries"]:
        said = ", ".join(explain_text.SAID.get(word, word) for word in each["said"])
        received = vocabulary.moment(each["received_at"], zone)
        click.echo(f"  {each['id']}  {each['source']['name']}, {received}: {said}")
    for each in found["restated"]:
        _say(
            f"{each['says']} The action was attributed again.",
            f"  {vocabulary.moment(each['at'], zone)} ",
        )


def _say(words: str, before: str = "") -> None:
    click.echo(
        textwrap.fill(words, _WIDTH, initial_indent=before, subsequent_indent=" " * len(before))
    )


def _print_touches(found: dict[str, Any], zone: str) -> None:
    from advocacy.analytics.activation import MODELS, written_money

    path = [touch for touch in found["touches"] if touch["number"]]
    click.echo("\nTouches")
    if not found["touches"]:
        click.echo("  none")
    for touch in found["touches"]:
        when = vocabulary.moment(touch["at"], zone) if touch["timed"] else "with the action"
        _say(f"{_of(touch)}, {when}. {touch['says']}", f"  {touch['number'] or '-'} ")
    if not path:
        return
    click.echo()
    money = found["money"]

    def cell(given: dict[str, Any]) -> str:
        share = explain_text.share_shown(given["share"], given["percent"])
        return (
            f"{share}, {written_money(given['net_minor'], money['currency'])}" if money else share
        )

    table(
        ("model", *(f"touch {touch['number']}" for touch in path)),
        [(model, *(cell(touch["shares"][model]) for touch in path)) for model in MODELS],
    )
