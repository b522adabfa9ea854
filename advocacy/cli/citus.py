"""`advocacy distribute`: distribute the tables over a Citus cluster, by organization."""

from __future__ import annotations

import click

from advocacy.cli.context import Refusal, in_app

_NONE = (
    "this PostgreSQL has no Citus: install it on every machine of the cluster (postgresql-<version>"
    "-citus), set shared_preload_libraries = 'citus' in postgresql.conf (first in the list),"
    " restart, and run `create extension citus;`"
    " in this database. A single PostgreSQL server needs none of this; see docs/operating.md, Sizes"
)
_NOT_CREATED = (
    "Citus is installed here but not in this database: on every machine set"
    " shared_preload_libraries = 'citus' in postgresql.conf (first in the list), restart, and run"
    " `create extension citus;` in this database; then register the machines with"
    " `select citus_add_node('host', 5432);`"
)


@click.command("distribute")
@click.option(
    "--shards",
    default=32,
    show_default=True,
    type=click.IntRange(1, 1024),
    help="Number of shards; two to four for each processor core of the cluster.",
)
@click.option("--dry-run", is_flag=True, help="Print the statements without running them.")
@in_app
def distribute(shards: int, dry_run: bool) -> None:
    """Distribute the tables over the machines of a Citus cluster, by organization.

    \b
    Example: advocacy distribute --dry-run
    Example: advocacy distribute --shards 64

    Run it after `advocacy migrate`, and again after each migration that creates a table; tables
    already distributed are not changed. It is one transaction: existing rows are moved, and
    writers are blocked meanwhile. A second one removes what is left of these rows on the
    coordinator. The extension and its machines must be installed; see docs/operating.md, Sizes.
    """
    from advocacy.storage import citus
    from advocacy.storage.session import transaction

    if not _distribute(shards, dry_run=dry_run):
        return
    with transaction():
        citus.begin()
        for table in citus.tables_left_behind():
            citus.clear_left_behind(table)
    with transaction():
        if left := citus.tables_left_behind():
            raise Refusal(
                f"the coordinator still has rows of {', '.join(left)} that no statement sees;"
                " stop what writes to them and run this again"
            )


def _distribute(shards: int, *, dry_run: bool) -> bool:
    """Distribute what is not distributed; return whether anything may have been changed."""
    from advocacy.storage import citus, server
    from advocacy.storage.session import transaction

    with transaction():
        if not citus.has_citus():
            raise Refusal(_NOT_CREATED if citus.could_have_citus() else _NONE)
        if server.revision() is None:
            raise Refusal("there are no tables yet; create them with `advocacy migrate`")
        machines = citus.machines()
        steps = citus.steps(shards)
        if not steps:
            click.echo("all tables are already distributed; nothing to do")
            return True
        if not dry_run:
            citus.begin()
        for number, step in enumerate(steps, 1):
            click.echo(f"{number:>3} of {len(steps)}  {step[0]}")
            if dry_run:
                click.echo(f"    {step[1]};")
            else:
                citus.do(step)
    if dry_run:
        click.echo("nothing was changed; run it without --dry-run to apply")
        return False
    click.echo(f"done: {shards} shards on {max(machines, 1)} machines")
    return True
