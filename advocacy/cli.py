"""The operator's commands: `advocacy <word> <what>`. Each is in its room of `commands/`."""

from __future__ import annotations

import click

from advocacy.commands import (
    distributing,
    generating,
    goals,
    history,
    making,
    members,
    receipt,
    rehearsal,
    reporting,
    running,
    sources,
    working,
)
from config.garbage import collect_seldom


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Tell what social posts set in motion.

    Example, from nothing to a tracking link:

    \b
      advocacy org create --slug hope --name "Hope Project"
      advocacy campaign create --slug stay --name "Stop the execution"
      advocacy post create --campaign stay --platform instagram --title "Call today"
      advocacy link create --post POST_ID --to https://actionnetwork.org/petitions/stay
    """
    collect_seldom()


for _command in (
    making.org,
    making.campaign,
    making.post,
    making.link,
    sources.source,
    making.token,
    goals.goal,
    members.member,
    rehearsal.rehearse_campaign,
    rehearsal.alarm,
    history.import_history,
    working.report,
    reporting.subscription,
    receipt.explain_action,
    working.replay,
    working.rebuild,
    working.erase,
    running.migrate,
    running.doctor,
    running.up,
    running.demo,
    generating.generate_rows,
    distributing.distribute,
):
    main.add_command(_command)
