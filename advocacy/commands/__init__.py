"""What the commands share: the application around them, errors of one line, tables.

What a stranger would get wrong: an error is one line that says what to do, and nothing is printed
twice: keys and tokens are shown when they are made and never again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec
from zoneinfo import available_timezones

import click
from flask import Flask
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from advocacy import create_app, embedded
from advocacy.destinations import BadDestination
from advocacy.linking import BadLink
from advocacy.report import BadRange
from advocacy.slugs import is_slug
from advocacy.store import campaigns
from advocacy.store.members import BadEmail, LastOwner
from config.logging import configure
from config.settings import Settings, SettingsError, read_settings

Arguments = ParamSpec("Arguments")

VAR_DIR = Path(os.environ.get("VAR_DIR", "var"))


class Refusal(click.ClickException):
    """An error of one line that says what to do."""


def application(log_level: str = "WARNING") -> Flask:
    """Return the application for the environment, or for what `make run` left in `var/env`."""
    for name, value in embedded.remembered(VAR_DIR).items():
        os.environ.setdefault(name, value)
    settings = read_settings()
    configure(os.environ.get("LOG_LEVEL", log_level))
    return create_app(settings)


REFUSED = (
    campaigns.Taken,
    campaigns.NotFound,
    BadRange,
    BadLink,
    BadEmail,
    LastOwner,
)
"""What a command may be asked for that cannot be: it ends with one line that says what to do."""


def in_app(
    command: Callable[Arguments, None],
) -> Callable[Arguments, None]:
    """Run a command inside the application and put every known error into one line."""

    @wraps(command)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            with application().app_context():
                command(*args, **kwargs)
        except SettingsError as error:
            raise Refusal(str(error)) from None
        except REFUSED as error:
            raise Refusal(str(error)) from None
        except BadDestination as error:
            raise Refusal(f"the destination {error}") from None
        except IntegrityError:
            raise Refusal("another command made the same just now; look, and try again") from None
        except OperationalError:
            raise Refusal(
                "the database does not answer; start it with `make run`, or set DATABASE_URL"
            ) from None
        except ProgrammingError as error:
            if "UndefinedTable" in type(error.orig).__name__:
                raise Refusal("the database has no tables yet; run `advocacy migrate`") from None
            raise

    return run


def settings_now() -> Settings:
    """Return the settings of the application that a command runs in."""
    from flask import current_app

    settings: Settings = current_app.extensions["settings"]
    return settings


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows in columns."""
    written = [[str(cell) for cell in row] for row in [headings, *rows]]
    widths = [max(len(row[index]) for row in written) for index in range(len(headings))]
    for row in written:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def zone_name(_context: Any, _parameter: Any, name: str) -> str:
    """Check the name of a time zone."""
    if name not in available_timezones():
        raise Refusal(f"{name} is no time zone; write it as America/Chicago")
    return name


def slug_word(_context: Any, _parameter: Any, word: str) -> str:
    """Check a slug: it stands in URLs."""
    if not is_slug(word):
        raise Refusal(f"{word!a} cannot stand in a URL; use letters, digits and dashes only")
    return word.lower()


org_option = click.option("--org", help="Slug of the organization; not needed where there is one.")
