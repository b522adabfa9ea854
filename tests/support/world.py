"""One organization with a campaign, two posts, their links, and a source of each provider."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from advocacy.analytics.figures import CampaignActivation
from advocacy.core.ids import new_id
from advocacy.storage import campaigns, links, organizations, posts, sources, tokens
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from config.settings import Settings

PASSWORD = "correct horse battery"


def empty_tables() -> None:
    """Delete every row of every table.

    With `delete`, and only from tables with rows: truncating recreates the files of each table,
    which took longer than most tests.
    """
    tables = [table.name for table in reversed(db.metadata.sorted_tables)]
    filled = ", ".join(f'exists (select 1 from "{table}")' for table in tables)
    with transaction() as session:
        (found,) = session.execute(text(f"select {filled}"))
        for table, is_filled in zip(tables, found, strict=True):
            if is_filled:
                session.execute(text(f'delete from "{table}"'))


class World:
    """An organization to test with, made with the functions that the CLI uses."""

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
        """Create a source and return its key."""
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
        """Create an API token and return it."""
        with transaction():
            until = datetime.now(UTC) + timedelta(days=1)
            return tokens.put_token(self.org_id, "test", scope, until)[1]

    def member(self, role: str, email: str = "") -> FlaskClient:
        """Create a member and return a browser in which they are signed in."""
        from advocacy.storage import members

        with transaction():
            made = members.put_member(
                self.master, self.org_id, email or f"{role}@example.org", role
            )
            word = members.put_one_time_token(self.org_id, made.id)
        client = self.app.test_client()
        answer = client.post(f"/set-password/{word}", data={"password": PASSWORD})
        assert answer.status_code == 302
        return client

    def post(self, provider: str, body: bytes, headers: dict[str, str] | None = None) -> Any:
        """Send a delivery to the webhook endpoint."""
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
        """Store a click on a platform's link and return its id."""
        from advocacy.core.ids import new_click_id
        from advocacy.core.records import Click
        from advocacy.storage import clicks

        click_id = more.pop("click_id", "") or new_click_id()
        link = links.links_by_code(self.org_id, [self.links[platform]])[self.links[platform]]
        with transaction():
            clicks.put_clicks(
                self.org_id,
                [Click(click_id, self.org_id, link.link_id, at or datetime.now(UTC), **more)],
                stripe=0,
            )
        return click_id

    def drain(self) -> Any:
        """Process all pending deliveries, as a worker does."""
        from advocacy.ingestion import drain as drain_ingestion

        return drain_ingestion.drain(self.settings, self.org_id)

    def report(self, **days: Any) -> CampaignActivation:
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
