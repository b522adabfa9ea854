"""The command line: `advocacy COMMAND`. Each command's module is imported when it is used."""

from __future__ import annotations

from importlib import import_module

import click

_COMMANDS = {
    "alarm": "integration_test:alarm",
    "campaign": "campaigns:campaign",
    "demo": "server:demo",
    "distribute": "citus:distribute",
    "doctor": "server:doctor",
    "erase": "maintenance:erase",
    "explain": "explain:explain_action",
    "generate": "generate:generate_rows",
    "goal": "goals:goal",
    "import": "import_csv:import_history",
    "link": "links:link",
    "member": "members:member",
    "migrate": "server:migrate",
    "org": "organizations:org",
    "post": "posts:post",
    "rebuild": "maintenance:rebuild",
    "rehearse": "integration_test:rehearse_campaign",
    "replay": "maintenance:replay",
    "report": "report:report",
    "source": "sources:source",
    "subscription": "email_reports:subscription",
    "token": "tokens:token",
    "up": "server:up",
}
"""Each command, with the module of this package and the name in it."""


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"advocacy.cli.{module}"), attribute)
        return command


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def main() -> None:
    """Track the actions that social posts lead to.

    Example, from an empty database to a tracking link:

    \b
      advocacy org create --slug hope --name "Hope Project"
      advocacy campaign create --slug stay --name "Stop the execution"
      advocacy post create --campaign stay --platform instagram --title "Call today"
      advocacy link create --post POST_ID --to https://actionnetwork.org/petitions/stay
    """
    from config.garbage import tune_garbage_collection

    tune_garbage_collection()


if __name__ == "__main__":
    main()
