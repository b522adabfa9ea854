"""Real servers for every test that needs them: one PostgreSQL and one Valkey for the whole run.

With DATABASE_URL and REDIS_URL set, those are used instead: each run makes a database of its own
there and drops it afterwards.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from sqlalchemy import text
from werkzeug.datastructures import Headers

from advocacy.app import create_app
from advocacy.cli.dev.embedded_servers import own_database, servers
from advocacy.core.ids import new_id
from advocacy.ingestion.wakeup import NullNotifier
from advocacy.storage import campaigns, links, organizations, posts, sources, tokens
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from config import logging
from config.settings import Settings, read_settings

pytest_plugins = ["tests.support.mail", "tests.support.operator"]


class Browser(FlaskClient):
    """A client that says, as browsers do, that a form comes from the site that it is sent to."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request; what the test says of where it comes from goes first."""
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
PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def environment() -> Iterator[dict[str, str]]:
    """The variables of the servers, with a database that is this run's own.

    Their folder is not pytest's: for root, PostgreSQL runs as another user, and a second run of
    pytest takes that user's right to enter pytest's folder away.
    """
    with (
        tempfile.TemporaryDirectory(
            prefix="advocacy-servers-", ignore_cleanup_errors=True
        ) as folder,
        servers(Path(folder)) as variables,
        own_database(variables, f"advocacy_test_{new_id().hex}") as own,
    ):
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


def empty_tables() -> None:
    """Remove every row of every table.

    By `delete`, and only where there is something: to truncate makes each table's files anew, which
    took longer than most tests.
    """
    tables = [table.name for table in reversed(db.metadata.sorted_tables)]
    filled = ", ".join(f'exists (select 1 from "{table}")' for table in tables)
    with transaction() as session:
        (found,) = session.execute(text(f"select {filled}"))
        for table, is_filled in zip(tables, found, strict=True):
            if is_filled:
                session.execute(text(f'delete from "{table}"'))


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


class World:
    """What tests act in. Made by the same functions as the operator's commands use."""

    def __init__(self, app: Flask, slug: str = "hope") -> None:
        self.app = app
        self.settings: Settings = app.extensions["settings"]
        self.master = self.settings.secret_key.encode()
        self.secret = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0NTY3"
        self.login = "advocacy:a:password"
        self.keys: dict[str, str] = {}
        self.sources: dict[str, Any] = {}
        with transaction():
            org = organizations.put_organization(slug, slug.title(), "America/New_York")
            self.org_id = org.id
            campaign = campaigns.put_campaign(org.id, "stay", "Stay", "America/New_York")
            self.campaign_id = campaign.id
            self.posts = {}
            self.links = {}
            for platform in ("instagram", "x"):
                post = posts.put_post(org.id, campaign.id, platform, title=f"On {platform}")
                utm = {"source": platform, "medium": "social", "campaign": "stay"}
                self.posts[platform] = post.id
                self.links[platform] = links.put_link(
                    org.id, post, "https://actionnetwork.org/petitions/stay", "action_network", utm
                ).code
            for provider, secret in (
                ("action_network", ""),
                ("actblue", self.login),
                ("standard", self.secret),
            ):
                self._put_source(provider, secret)

    def add_source(self, provider: str, secret: str, setup: dict[str, Any] | None = None) -> str:
        """Make a source and return its key."""
        with transaction():
            return self._put_source(provider, secret, setup)

    def _put_source(self, provider: str, secret: str, setup: dict[str, Any] | None = None) -> str:
        source, key = sources.put_source(
            self.org_id, provider, provider, campaign_id=self.campaign_id, setup=setup
        )
        if secret:
            sources.put_secret(
                self.master, self.org_id, source.id, secret, datetime.now(UTC), timedelta(0)
            )
        self.keys[provider], self.sources[provider] = key, source.id
        return key

    def token(self, scope: str = "reports") -> str:
        """Make an API token and return it."""
        with transaction():
            until = datetime.now(UTC) + timedelta(days=1)
            return tokens.put_token(self.org_id, "test", scope, until)[1]

    def member(self, role: str, email: str = "") -> FlaskClient:
        """Make a member and return a browser in which she is signed in."""
        from advocacy.storage import members

        with transaction():
            made = members.put_member(
                self.master, self.org_id, email or f"{role}@example.org", role
            )
            word = members.put_one_time_word(self.org_id, made.id)
        client = self.app.test_client()
        answer = client.post(f"/set-password/{word}", data={"password": PASSWORD})
        assert answer.status_code == 302
        return client

    def post(self, provider: str, body: bytes, headers: dict[str, str] | None = None) -> Any:
        """Send a delivery to the webhook door."""
        return self.app.test_client().post(
            f"/webhooks/{self.keys[provider]}", data=body, headers=headers or {}
        )

    def standard(self, body: str | bytes, *, message_id: str = "", secret: str = "") -> Any:
        """Send a delivery that is signed by the Standard Webhooks library."""
        from standardwebhooks import Webhook

        message_id, now = message_id or f"msg_{new_id().hex}", datetime.now(UTC)
        raw = body.encode() if isinstance(body, str) else body
        signature = (
            Webhook(secret or self.secret).sign(
                message_id, now, raw.decode("utf-8", "surrogateescape")
            )
            if raw.isascii()
            else _sign(secret or self.secret, message_id, now, raw)
        )
        return self.post(
            "standard",
            raw,
            {
                "webhook-id": message_id,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": signature,
            },
        )

    def act(self, kind: str, message_id: str = "", **data: Any) -> Any:
        """Send one action in our own format; `at` is its instant."""
        import json

        at = data.pop("at", datetime.now(UTC))
        body = json.dumps({"type": kind, "timestamp": at.isoformat(), "data": data})
        return self.standard(body, message_id=message_id)

    def click(self, platform: str, at: datetime | None = None, **more: Any) -> str:
        """Keep a click on a platform's link and return its id."""
        from advocacy.core.ids import new_click_id
        from advocacy.core.records import Click
        from advocacy.storage import clicks

        click_id = more.pop("click_id", "") or new_click_id()
        link = links.links_by_code(self.org_id, [self.links[platform]])[self.links[platform]]
        with transaction():
            clicks.put_clicks(
                self.org_id,
                [Click(click_id, self.org_id, link.link_id, at or datetime.now(UTC), **more)],
                slot=0,
            )
        return click_id

    def drain(self) -> Any:
        """Work through all that waits, as a worker does."""
        from advocacy.ingestion import drain as drain_ingestion

        return drain_ingestion.drain(self.settings, self.org_id)

    def report(self, **days: Any) -> dict[str, Any]:
        """Return the campaign's activation."""
        from advocacy.analytics.activation import activation

        with transaction():
            return activation(campaigns.get_campaign(self.org_id, "stay"), **days)


def _sign(secret: str, message_id: str, now: datetime, raw: bytes) -> str:
    """Sign bytes that the library, which takes text, cannot."""
    import base64
    import hmac

    from advocacy.providers.signatures import standard_key

    signed = f"{message_id}.{int(now.timestamp())}.".encode() + raw
    return "v1," + base64.b64encode(hmac.digest(standard_key(secret), signed, "sha256")).decode()


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True, scope="session")
def product_logs() -> None:
    """Log as the product does: structlog's default takes seconds to draw one traceback."""
    logging.configure("DEBUG")
    structlog.configure(
        # To what is standard error at that moment: pytest puts something else there in each test.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> None:
    """Hundreds of tests sign in: the same hash function with the least work it can do."""
    from argon2 import PasswordHasher

    from advocacy.web import passwords

    passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def no_outside_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests get their settings from fixtures, not from whoever runs them."""
    for name in ("SECRET_KEY", "PUBLIC_URL", "VAR_DIR"):
        if name in os.environ:
            monkeypatch.delenv(name)
