"""`advocacy member`: accounts of staff and their roles.

Note: no command sets a password. Commands print a one-time link with which members set their own.
"""

from __future__ import annotations

import click

from advocacy.cli.context import WHO, in_app, org_option, settings_now, table
from advocacy.core.choices import ROLES


@click.group()
def member() -> None:
    """Members: accounts of staff, with their roles."""


@member.command("add")
@org_option
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), default=ROLES[0], show_default=True)
@click.option("--name", default="", help="Their name; members can change it.")
@in_app
def member_add(org: str | None, email: str, role: str, name: str) -> None:
    """Create a member and print their one-time link, which expires after seven days.

    Readers view reports; editors also create links and run tests; owners can do everything.

    Example: advocacy member add ana@example.org --role owner
    """
    from advocacy.storage import audit, members, organizations
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        made = members.put_member(
            settings_now().secret_key.encode(), owner.id, email, role, name.strip()
        )
        token = members.put_one_time_token(owner.id, made.id)
        audit.record(owner.id, WHO, "invited", f"{made.email}, {role}")
    click.echo(_one_time_url(token))


@member.command("list")
@org_option
@in_app
def member_list(org: str | None) -> None:
    """List the members.

    Example: advocacy member list
    """
    from advocacy.storage import members, organizations

    owner = organizations.get_organization(org)
    rows = [
        (
            each.email,
            each.name,
            each.role,
            "joined" if each.joined else "invited",
            each.last_seen_on or "never",
            each.sessions,
        )
        for each in members.list_members(owner.id)
    ]
    table(("email", "name", "role", "state", "last active", "sessions"), rows)


@member.command("role")
@org_option
@click.argument("email")
@click.argument("role", type=click.Choice(ROLES))
@in_app
def member_role(org: str | None, email: str, role: str) -> None:
    """Change the role of a member, effective immediately.

    Example: advocacy member role ana@example.org editor
    """
    from advocacy.storage import audit, members, organizations
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        found = members.get_member(owner.id, email)
        members.set_role(owner.id, found.id, role)
        audit.record(owner.id, WHO, "role_changed", f"{found.email}, {role}")
    click.echo(f"{found.email} is now {role}")


@member.command("reset")
@org_option
@click.argument("email")
@in_app
def member_reset(org: str | None, email: str) -> None:
    """Print a new one-time link for a member who lost theirs, or their password.

    The password does not change until the link is used.

    Example: advocacy member reset ana@example.org
    """
    from advocacy.storage import audit, members, organizations
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        found = members.get_member(owner.id, email)
        token = members.put_one_time_token(owner.id, found.id)
        audit.record(owner.id, WHO, "one_time_link_made", found.email)
    click.echo(_one_time_url(token))


@member.command("remove")
@org_option
@click.argument("email")
@in_app
def member_remove(org: str | None, email: str) -> None:
    """Remove a member and end all their sessions.

    Example: advocacy member remove ana@example.org
    """
    from advocacy.storage import audit, members, organizations
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        found = members.get_member(owner.id, email)
        members.remove_member(owner.id, found.id)
        audit.record(owner.id, WHO, "removed", found.email)
    click.echo(f"removed {found.email}")


def _one_time_url(token: str) -> str:
    return f"{settings_now().public_url}/set-password/{token}"
