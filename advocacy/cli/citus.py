"""`advocacy distribute`: spread the tables over a Citus cluster, by organization."""

from __future__ import annotations

import click

from advocacy.cli.context import Refusal, in_app

_NONE = (
    "this PostgreSQL has no Citus: install it on every machine of the cluster (postgresql-<version>"
    "-citus), set shared_preload_libraries = 'citus', restart, and say `create extension citus;`"
    " in this database. One PostgreSQL needs none of that; see docs/operating.md, Sizes"
)
_NOT_CREATED = (
    "Citus is installed here but not in this database: say `create extension citus;` in it, on"
    " every machine, and make them known with `select citus_add_node('host', 5432);`"
)


@click.command("distribute")
@click.option(
    "--shards",
    default=32,
    show_default=True,
    type=click.IntRange(1, 1024),
    help="Into so many parts; two to four for each processor core of the cluster.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@in_app
def distribute(shards: int, dry_run: bool) -> None:
    """Spread the tables over the machines of a Citus cluster, each organization on one of them.

    \b
    Example: advocacy distribute --dry-run
    Example: advocacy distribute --shards 64

    To be run after `advocacy migrate`, and again after each migration that makes a table: what is
    spread already is left as it is. All of it is one transaction. Rows that are there are moved,
    and writers wait meanwhile. The extension and its machines have to be there; see
    docs/operating.md, Sizes.
    """
    from advocacy.storage import citus, server
    from advocacy.storage.session import transaction

    with transaction():
        if not citus.has_citus():
            raise Refusal(_NOT_CREATED if citus.could_have_citus() else _NONE)
        if server.revision() is None:
            raise Refusal("there are no tables yet; make them with `advocacy migrate`")
        machines = citus.machines()
        steps = citus.steps(shards)
        if not steps:
            click.echo("all tables are spread already; nothing to do")
            return
        if not dry_run:
            citus.begin()
        for number, step in enumerate(steps, 1):
            click.echo(f"{number:>3} of {len(steps)}  {step[0]}")
            if dry_run:
                click.echo(f"    {step[1]};")
            else:
                citus.do(step)
    if dry_run:
        click.echo("nothing was done; leave --dry-run away to do it")
    else:
        click.echo(f"done: {shards} shards on {max(machines, 1)} machines")
