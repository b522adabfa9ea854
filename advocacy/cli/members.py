"""`advocacy member`: who of the staff may see what.

What a stranger would get wrong: no command sets a password. Each prints a one-time link with which
its member does, so that nobody but her ever knows it.
"""

from __future__ import annotations

import click

from advocacy.cli.context import WHO, in_app, org_option, settings_now, table
from advocacy.core.choices import ROLES


@click.group()
def member() -> None:
    """Members: who of the staff may sign in, and as what."""


@member.command("add")
@org_option
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), default=ROLES[0], show_default=True)
@click.option("--name", default="", help="How she is called; she may change it.")
@in_app
def member_add(org: str | None, email: str, role: str, name: str) -> None:
    """Make a member and print her one-time link, which ends after seven days.

    A reader sees reports; an editor also makes links and rehearses; an owner may all.

    Example: advocacy member add ana@example.org --role owner
    """
    from advocacy.storage import audit, members, organizations
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        made = members.put_member(
            settings_now().secret_key.encode(), owner.id, email, role, name.strip()
        )
        word = members.put_one_time_token(owner.id, made.id)
        audit.record(owner.id, WHO, "invited", f"{made.email}, {role}")
    click.echo(_one_time_url(word))


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
    table(("e-mail", "name", "role", "state", "last here", "sessions"), rows)


@member.command("role")
@org_option
@click.argument("email")
@click.argument("role", type=click.Choice(ROLES))
@in_app
def member_role(org: str | None, email: str, role: str) -> None:
    """Let a member do more or less, from her next click on.

    Example: advocacy member role ana@example.org editor
    """
    from advocacy.storage import audit, members, organizations
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        found = members.get_member(owner.id, email)
        members.set_role(owner.id, found.id, role)
        audit.record(owner.id, WHO, "role_changed", f"{found.email}, {role}")
    click.echo(f"{found.email} is {role} now")


@member.command("reset")
@org_option
@click.argument("email")
@in_app
def member_reset(org: str | None, email: str) -> None:
    """Print a new one-time link for a member who lost hers, or her password.

    Her password stays what it is until she uses the link.

    Example: advocacy member reset ana@example.org
    """
    from advocacy.storage import audit, members, organizations
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        found = members.get_member(owner.id, email)
        word = members.put_one_time_token(owner.id, found.id)
        audit.record(owner.id, WHO, "one_time_link_made", found.email)
    click.echo(_one_time_url(word))


@member.command("remove")
@org_option
@click.argument("email")
@in_app
def member_remove(org: str | None, email: str) -> None:
    """Remove a member; wherever she is signed in, she is out.

    Example: advocacy member remove ana@example.org
    """
    from advocacy.storage import audit, members, organizations
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        found = members.get_member(owner.id, email)
        members.remove_member(owner.id, found.id)
        audit.record(owner.id, WHO, "removed", found.email)
    click.echo(f"{found.email} is no member any more")


def _one_time_url(word: str) -> str:
    return f"{settings_now().public_url}/set-password/{word}"
