"""Help is printed without loading what the commands run; a command loads what it needs itself."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest

from advocacy.cli import main

HEAVY = ("flask", "sqlalchemy", "numpy", "psycopg", "redis", "rich", "vl_convert", "cryptography")
SPECIAL = ("numpy", "vl_convert", "typst", "xlsxwriter", "flask_smorest", "rq")
"""What charts, files, the API and the queue take, and no ordinary command."""

_REPORTER = """
import atexit, sys
names = sys.argv.pop(1).split(",")
tell = lambda: sys.stderr.write("loaded:" + ",".join(n for n in names if n in sys.modules))
atexit.register(tell)
from advocacy.cli.main import main
main()
"""

_EVERY_HELP = """
import json, sys
from click.testing import CliRunner
from advocacy.cli.main import main
for words in json.loads(sys.argv[1]):
    told = CliRunner().invoke(main, [*words, "--help"])
    if told.exit_code or not told.output.startswith("Usage: "):
        sys.exit(f"{words}: {told.output} {told.exception!r}")
    if loaded := [name for name in sys.argv[2:] if name in sys.modules]:
        print(words, "loads", *loaded)
        break
"""


def every_command(
    command: click.Command = main.main, path: tuple[str, ...] = ()
) -> list[tuple[str, ...]]:
    """Return the words of every command and every group of them."""
    if not isinstance(command, click.Group):
        return [path]
    context = click.Context(command)
    within = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
    return [path, *(each for name, sub in within for each in every_command(sub, (*path, name)))]


def loaded(names: tuple[str, ...], *words: str, **variables: str) -> tuple[str, set[str]]:
    """Run a command in a process of its own; return its output and which modules it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", _REPORTER, ",".join(names), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=variables or None,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, set(filter(None, done.stderr.rpartition("loaded:")[2].split(",")))


def test_every_command_is_named():
    commands = every_command()
    assert len(commands) > 45
    assert {("report",), ("source", "create"), ("up",), ("import",)} <= set(commands)


def test_help_loads_nothing_of_what_a_command_runs():
    text, heavy = loaded(HEAVY, "--help")
    assert text.startswith("Usage: ")
    assert heavy == set()


def test_no_help_of_any_command_loads_what_it_runs():
    """All of them one after the other in one process: what one loads stays loaded."""
    done = subprocess.run(
        [sys.executable, "-c", _EVERY_HELP, json.dumps(every_command()), *HEAVY],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_the_check_notices_what_is_loaded(app, environment, tmp_path):
    _, heavy = loaded(HEAVY, "org", "list", **{**environment, "VAR_DIR": str(tmp_path)})
    assert {"flask", "sqlalchemy", "psycopg"} <= heavy


@pytest.mark.parametrize("words", ["org list", "campaign list", "link list", "report stay"])
def test_an_ordinary_command_loads_no_charts_and_no_pages(world, environment, tmp_path, words):
    _, heavy = loaded(SPECIAL, *words.split(), **{**environment, "VAR_DIR": str(tmp_path)})
    assert heavy == set()


def test_an_unknown_command_is_named():
    done = subprocess.run(
        [sys.executable, "-m", "advocacy.cli.main", "reprot"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "No such command 'reprot'" in done.stderr
