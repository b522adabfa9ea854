"""Shared by all commands: the application context, one-line errors, tables.

An error is one line that says what to do. Keys and tokens are printed once, when they are created.

Note: a module of this package imports Flask, SQL and the code that does the work inside of its
functions. `advocacy --help` loads all of these modules, and none of what they would run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

import click

from advocacy.core import dates
from advocacy.core.slugs import is_slug

if TYPE_CHECKING:
    from flask import Flask

    from config.settings import Settings

Arguments = ParamSpec("Arguments")

VAR_DIR = Path(os.environ.get("VAR_DIR", "var"))


WHO = "command line"
"""The actor in the audit log for what a command does."""


class Refusal(click.ClickException):
    """An error of one line that says what to do."""


def application(log_level: str = "WARNING") -> Flask:
    """Return the application for the environment, or for the one `make run` stored in `var/env`."""
    from advocacy.app import create_command_app
    from advocacy.cli.dev import embedded_servers
    from config import logging
    from config.settings import read_settings

    for name, value in embedded_servers.remembered(VAR_DIR).items():
        os.environ.setdefault(name, value)
    settings = read_settings()
    logging.configure(os.environ.get("LOG_LEVEL", log_level))
    return create_command_app(settings)


def in_app(
    command: Callable[Arguments, None],
) -> Callable[Arguments, None]:
    """Run a command in an application context and print each known error as one line."""

    @wraps(command)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            app = application()
            with app.app_context():
                with suppress(SQLAlchemyError):
                    # Without a database, the command itself reports it.
                    app.extensions["key_check"].require()
                command(*args, **kwargs)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if line := _in_one_line(error):
                raise Refusal(line) from None
            raise

    return run


def _in_one_line(error: Exception) -> str:
    """Return what to do about a known error; empty for an unexpected one."""
    from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

    from advocacy.analytics.activation import BadRange
    from advocacy.core.link_codes import BadCode
    from advocacy.core.urls import BadDestination
    from advocacy.identity.key_check import WrongKey
    from advocacy.storage.errors import NotFound, Taken
    from advocacy.storage.members import BadEmail, LastOwner
    from advocacy.tracking.links import BadLink
    from config.settings import SettingsError

    match error:
        case (
            SettingsError()
            | WrongKey()
            | Taken()
            | NotFound()
            | BadRange()
            | BadCode()
            | BadLink()
            | BadEmail()
            | LastOwner()
        ):
            return str(error)
        case BadDestination():
            return f"the destination {error}"
        case IntegrityError():
            return "another command created the same at this moment; check, and try again"
        case OperationalError():
            return "the database is not responding; start it with `make run`, or set DATABASE_URL"
        case ProgrammingError() if "UndefinedTable" in type(error.orig).__name__:
            return "the database has no tables yet; run `advocacy migrate`"
    return ""


def settings_now() -> Settings:
    """Return the settings of the application that a command runs in."""
    from flask import current_app

    settings: Settings = current_app.extensions["settings"]
    return settings


def counted(number: float, one: str, many: str = "") -> str:
    """Write a number of things: 1 action, 2 actions."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows in columns."""
    written = [[str(cell) for cell in row] for row in [headings, *rows]]
    widths = [max(len(row[index]) for row in written) for index in range(len(headings))]
    for row in written:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def zone_name(_context: object, _parameter: object, name: str) -> str:
    """Check the name of a time zone."""
    if trouble := dates.mistake(name):
        raise Refusal(trouble)
    return name


def slug_word(_context: object, _parameter: object, slug: str) -> str:
    """Check a slug, which is part of URLs."""
    if not is_slug(slug):
        raise Refusal(f"{slug!a} is not a valid slug; use letters, digits and dashes only")
    return slug.lower()


def campaign_slug(context: object, parameter: object, written: str) -> str:
    """Check a campaign's slug, which tools also return in utm_campaign."""
    slug = slug_word(context, parameter, written)
    # Imported here: `--help` loads no cryptography.
    from advocacy.core.minimization import utm_comes_back

    if not utm_comes_back(slug):
        raise Refusal(
            f"{written!a} looks like a phone number or a digest and would not be recognized in"
            " utm_campaign; use at most six digits"
        )
    return slug


org_option = click.option("--org", help="Slug of the organization; optional if there is only one.")
