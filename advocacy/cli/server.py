"""`advocacy migrate`, `doctor`, `up`, `demo`: the installation itself."""

from __future__ import annotations

import sys

import click

from advocacy.cli import context
from advocacy.cli.context import Refusal, in_app


@click.command()
@in_app
def migrate() -> None:
    """Bring the tables up to this version.

    Example: advocacy migrate
    """
    from advocacy.cli.dev.up import migrate as bring_up

    bring_up()
    click.echo("the tables are up to date")


@click.command()
def doctor() -> None:
    """Say in words what is wrong with the set-up.

    Example: advocacy doctor
    """
    from advocacy.cli.dev.doctor import examine, state_of

    troubles = 0
    for name, words in examine(context.application):
        state = state_of(words)
        click.echo(f"{state:5}  {name}" + (f": {words}" if words else ""))
        troubles += state == "wrong"
    if troubles:
        raise Refusal(f"{troubles} to mend")


@click.command()
@click.option("--port", default=8000, show_default=True)
def up(port: int) -> None:
    """Start everything on this machine: servers, tables, web, worker, clock.

    Example: advocacy up --port 8080
    """
    from advocacy.cli.dev.up import start

    sys.exit(start(context.VAR_DIR, port))


@click.command()
def demo() -> None:
    """Do one whole round on free ports and a throw-away folder, and check every figure.

    Example: advocacy demo
    """
    from advocacy.cli.dev.demo import play

    sys.exit(play())
