"""Real servers for every test that needs them: one PostgreSQL and one Valkey for the whole run.

With DATABASE_URL and REDIS_URL set, those are used instead: each run creates its own database there
and drops it afterwards.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from werkzeug.datastructures import Headers

from advocacy.app import create_app
from advocacy.cli.dev.embedded_servers import own_database, servers
from advocacy.core.ids import new_id
from advocacy.ingestion.wakeup import NullNotifier
from advocacy.storage.db import db
from config import logging
from config.settings import Settings, read_settings
from tests.support.world import World, empty_tables

pytest_plugins = ["tests.support.mail", "tests.support.operator"]


class Browser(FlaskClient):
    """A client that sends the same-site header of browsers with forms."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request; headers of the test take precedence."""
        if args and not isinstance(args[0], str):
            return super().open(*args, **kwargs)
        headers = Headers(kwargs.get("headers") or {})
        if not {"Origin", "Sec-Fetch-Site", "Referer"} & set(headers.keys()):
            headers["Sec-Fetch-Site"] = "same-origin"
        return super().open(*args, **{**kwargs, "headers": headers})


Flask.test_client_class = Browser

# Property tests: a few examples in every run, many in `make test-slow` (--hypothesis-profile full).
hypothesis_settings.register_profile("fast", max_examples=25, deadline=None)
hypothesis_settings.register_profile("full", max_examples=300, deadline=None)
hypothesis_settings.load_profile("fast")

SECRET_KEY = "tests-only-" + "k" * 40


@pytest.fixture(scope="session")
def environment() -> Iterator[dict[str, str]]:
    """The environment variables of the servers, with a database of this run.

    Their folder is not pytest's: as root, PostgreSQL runs as another user, and a second run of
    pytest revokes that user's access to pytest's folder.
    """
    with (
        tempfile.TemporaryDirectory(
            prefix="advocacy-servers-", ignore_cleanup_errors=True
        ) as folder,
        servers(Path(folder)) as variables,
        own_database(variables, f"advocacy_test_{new_id().hex}") as own,
    ):
        if not os.environ.get("DATABASE_URL"):
            _need_no_disk(own["DATABASE_URL"])
        yield {**own, "SECRET_KEY": SECRET_KEY, "QUEUE": "drain"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cut",
        action="store_true",
        help="Cut the tables by organization; see tests/architecture/cut.py",
    )
    parser.addoption(
        "--histories", type=int, default=3, help="How many random histories tests/torture tries"
    )
    parser.addoption("--seed", type=int, default=1, help="The seed of the first of them")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--cut"):
        from tests.architecture import cut

        print(f"\nnot looked at: {', '.join(cut.unseen())}")
        if told := cut.told():
            print(f"\n{told}\n")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _need_no_disk(url: str) -> None:
    """Turn off fsync of the embedded PostgreSQL: no test simulates a power failure."""
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as server:
        server.execute("alter system set fsync = off")
        server.execute("select pg_reload_conf()")


@pytest.fixture(scope="session")
def wired(
    environment: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
) -> Flask:
    """The application with its tables."""
    from advocacy.cli.dev.up import migrate

    settings = read_settings(
        {
            **environment,
            "VAR_DIR": str(tmp_path_factory.mktemp("var")),
            "PUBLIC_URL": "http://127.0.0.1:8000",
            "BATCH_SIZE": "50",
        }
    )
    app = create_app(settings)
    app.extensions["notifier"] = NullNotifier()
    with app.app_context():
        if pytestconfig.getoption("--cut"):
            from tests.architecture import cut

            cut.make_tables()
            cut.watch()
        else:
            migrate()
    return app


@pytest.fixture
def app(wired: Flask) -> Iterator[Flask]:
    """The application, within its context, on empty tables."""
    with wired.app_context():
        empty_tables()
        yield wired
        db.session.rollback()


@pytest.fixture
def settings(app: Flask) -> Settings:
    found: Settings = app.extensions["settings"]
    return found


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def world(app: Flask) -> World:
    """One organization with a campaign, two posts, their links, and a source of each provider."""
    return World(app)


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True, scope="session")
def product_logs() -> None:
    """Log as the product does: structlog's default takes seconds to format a traceback."""
    logging.configure("DEBUG")
    structlog.configure(
        # To the current standard error, which pytest replaces in each test.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> None:
    """Use the cheapest password hashes, since hundreds of tests sign in."""
    from argon2 import PasswordHasher

    from advocacy.web import passwords

    passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def no_outside_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove settings from the environment: tests get theirs from fixtures."""
    for name in ("SECRET_KEY", "PUBLIC_URL", "VAR_DIR"):
        if name in os.environ:
            monkeypatch.delenv(name)
