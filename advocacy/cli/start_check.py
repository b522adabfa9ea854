"""Checks before a server starts its processes: `python -m advocacy.cli.start_check`.

Note: it is a process of its own, so that the server that forks has neither connections nor this
application's modules, which would be old ones after a reload.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from advocacy.app import create_edge_app
from advocacy.identity.key_check import WrongKey
from advocacy.storage.db import db
from config.settings import SettingsError, read_settings


def reason_not_to_start(make_app: Callable[[], Flask]) -> str:
    """Return why the server cannot start, or ''. Links redirect without PostgreSQL."""
    try:
        app = make_app()
        with app.app_context():
            app.extensions["key_check"].require()
            db.session.remove()
    except (SettingsError, WrongKey) as error:
        return str(error)
    except SQLAlchemyError:
        return ""
    return ""


if __name__ == "__main__":
    sys.exit(reason_not_to_start(lambda: create_edge_app(read_settings())) or 0)
