"""`advocacy token`: create, list and revoke tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from advocacy.cli.context import (
    in_app,
    org_option,
    table,
)
from advocacy.core.choices import SCOPES


@click.group()
def token() -> None:
    """Tokens for the API and the dashboard."""


@token.command("create")
@org_option
@click.option("--name", required=True)
@click.option("--scope", default="reports", type=click.Choice(SCOPES), show_default=True)
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3650))
@in_app
def token_create(org: str | None, name: str, scope: str, days: int) -> None:
    """Create a token and print it, once.

    Example: advocacy token create --name "Monday report"
    """
    from advocacy.storage import organizations, tokens
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        until = datetime.now(UTC) + timedelta(days=days)
        _, token = tokens.put_token(owner.id, name, scope, until)
        click.echo(token)


@token.command("list")
@org_option
@in_app
def token_list(org: str | None) -> None:
    """List the tokens, without their secrets.

    Example: advocacy token list
    """
    from advocacy.storage import organizations, tokens

    owner = organizations.get_organization(org)
    rows = [
        (each.name, each.scope, each.expires_at.date(), "revoked" if each.revoked_at else "valid")
        for each in tokens.list_tokens(owner.id)
    ]
    table(("name", "scope", "until", "state"), rows)


@token.command("revoke")
@org_option
@click.option("--name", required=True)
@in_app
def token_revoke(org: str | None, name: str) -> None:
    """Revoke a token immediately.

    Example: advocacy token revoke --name "Monday report"
    """
    from advocacy.storage import organizations, tokens
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        tokens.revoke_token(owner.id, name, datetime.now(UTC))
    click.echo(f"token {name} is revoked")
