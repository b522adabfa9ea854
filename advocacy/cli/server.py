"""`advocacy migrate`, `doctor`, `up`, `demo`: run and check the installation."""

from __future__ import annotations

import sys

import click

from advocacy.cli import context
from advocacy.cli.context import Refusal, in_app


@click.command()
@in_app
def migrate() -> None:
    """Migrate the database to this version.

    Example: advocacy migrate
    """
    from advocacy.cli.dev.up import migrate as bring_up

    bring_up()
    click.echo("the tables are up to date")


@click.command()
def doctor() -> None:
    """Check the installation and say what to correct.

    Example: advocacy doctor
    """
    from advocacy.cli.dev.doctor import examine, state_of

    troubles = 0
    for name, words in examine(context.application):
        state = state_of(words)
        click.echo(f"{state:5}  {name}" + (f": {words}" if words else ""))
        troubles += state == "wrong"
    if troubles:
        raise Refusal(f"{troubles} to correct")


@click.command()
@click.option("--port", default=8000, show_default=True)
@click.option("--demo", "seeded", is_flag=True, help="Make a demo organization with a link.")
def up(port: int, seeded: bool) -> None:
    """Start everything on this machine: servers, migrations, web, worker, scheduler.

    Example: advocacy up --port 8080

    While nobody is a member, it prints an address for setting up in the browser.
    """
    from advocacy.cli.dev.up import start

    sys.exit(start(context.VAR_DIR, port, demo=seeded))


@click.command()
def demo() -> None:
    """Run the whole system in a temporary directory on free ports, and check every figure.

    Example: advocacy demo
    """
    from advocacy.cli.dev.demo import play

    sys.exit(play())
