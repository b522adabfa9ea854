"""The commands: `advocacy COMMAND`. Each is in a module of `commands/`, loaded when used."""

from __future__ import annotations

from importlib import import_module

import click

_COMMANDS = {
    "alarm": "rehearsal:alarm",
    "campaign": "making:campaign",
    "demo": "running:demo",
    "distribute": "distributing:distribute",
    "doctor": "running:doctor",
    "erase": "working:erase",
    "explain": "receipt:explain_action",
    "generate": "generating:generate_rows",
    "goal": "goals:goal",
    "import": "history:import_history",
    "link": "making:link",
    "member": "members:member",
    "migrate": "running:migrate",
    "org": "making:org",
    "post": "making:post",
    "rebuild": "working:rebuild",
    "rehearse": "rehearsal:rehearse_campaign",
    "replay": "working:replay",
    "report": "working:report",
    "source": "sources:source",
    "subscription": "reporting:subscription",
    "token": "making:token",
    "up": "running:up",
}
"""Each command, with the module of `commands/` and the name in it."""


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
        command: click.Command = getattr(import_module(f"advocacy.cli.context.{module}"), attribute)
        return command


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def main() -> None:
    """Tell what social posts set in motion.

    Example, from nothing to a tracking link:

    \b
      advocacy org create --slug hope --name "Hope Project"
      advocacy campaign create --slug stay --name "Stop the execution"
      advocacy post create --campaign stay --platform instagram --title "Call today"
      advocacy link create --post POST_ID --to https://actionnetwork.org/petitions/stay
    """
    from config.garbage import collect_seldom

    collect_seldom()


if __name__ == "__main__":
    main()
