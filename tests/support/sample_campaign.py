"""Three weeks of an invented campaign, for the README's picture and the browser tests.

Its clicks and deliveries go through the same functions as those of the endpoints.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from standardwebhooks import Webhook

from advocacy.core.errors import Refused
from advocacy.core.ids import new_click_id
from advocacy.core.records import Click
from advocacy.core.tracking_parameters import join_code
from advocacy.ingestion import drain
from advocacy.ingestion.connections import new_secret
from advocacy.ingestion.receive import KnownSources, WebhookRequest, receive_batch
from advocacy.ingestion.wakeup import NullNotifier
from advocacy.storage import campaigns, organizations, sources, tokens
from advocacy.storage import clicks as clicks_storage
from advocacy.storage import links as links_storage
from advocacy.storage import posts as posts_storage
from advocacy.storage.session import transaction

LOGIN = "advocacy:picture"
DAYS = 22
PETITION = "https://actionnetwork.org/petitions/stop-the-execution"
LETTER = "https://actionnetwork.org/letters/call-the-governor"
GIFTS = "https://secure.actblue.com/donate/stop-the-execution"
OWN_PAGE = "https://example.org/call"


@dataclass(frozen=True)
class Posted:
    """A post: platform, title, day after the start, reach, destination."""

    platform: str
    title: str
    url: str
    day: int
    reach: int
    provider: str
    page: str


POSTS = (
    Posted(
        "instagram",
        "His sister speaks: 60 seconds",
        "https://www.instagram.com/p/C9a1/",
        0,
        250,
        "action_network",
        PETITION,
    ),
    Posted(
        "facebook",
        "Tonight's vigil, live",
        "https://www.facebook.com/hope/posts/118",
        2,
        130,
        "action_network",
        PETITION,
    ),
    Posted(
        "x",
        "The governor has 14 days. Call.",
        "https://x.com/hope/status/1881",
        7,
        180,
        "action_network",
        LETTER,
    ),
    Posted(
        "tiktok",
        "What a clemency lawyer does all night",
        "https://www.tiktok.com/@hope/video/73",
        10,
        210,
        "standard",
        OWN_PAGE,
    ),
    Posted(
        "bluesky",
        "Thread: eleven doubts about the case",
        "https://bsky.app/profile/hope.org/post/3k",
        13,
        80,
        "action_network",
        PETITION,
    ),
    Posted(
        "instagram",
        "Pay for the last appeal",
        "https://www.instagram.com/p/C9f7/",
        15,
        160,
        "actblue",
        GIFTS,
    ),
)


@dataclass
class Filling:
    """The state while the campaign is generated, with clicks to be stored."""

    app: Flask
    began: datetime
    org_id: UUID
    keys: dict[str, str]
    secret: str
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    clicks: list[Click] = field(default_factory=list)
    numbers: int = 0
    gifts: list[dict[str, Any]] = field(default_factory=list)

    def number(self) -> int:
        """Return the next number."""
        self.numbers += 1
        return self.numbers

    def click(self, link: Any, at: datetime, why: str = "") -> str:
        """Log a click and return its id."""
        click_id = new_click_id()
        self.clicks.append(Click(click_id, self.org_id, link.id, at, why))
        return click_id

    def send(self, provider: str, body: object, headers: Mapping[str, str] | None = None) -> None:
        """Deliver a body of a tool."""
        settings = self.app.extensions["settings"]
        received = WebhookRequest(
            self.keys[provider],
            json.dumps(body).encode(),
            {"content-type": "application/json", **(headers or {})},
            f"{settings.public_url}/webhooks/{self.keys[provider]}",
        )
        (answer,) = receive_batch(
            KnownSources(settings.secret_key.encode(), 0), NullNotifier(), [received]
        )
        if isinstance(answer, Refused):
            raise answer

    def standard(self, kind: str, at: datetime, **data: object) -> None:
        """Send one action in our own format."""
        message, now = f"msg_{self.number()}", datetime.now(UTC)
        body = {"type": kind, "timestamp": at.isoformat(), "data": data}
        headers = {
            "webhook-id": message,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(message, now, json.dumps(body)),
        }
        self.send("standard", body, headers)

    def action_network(self, key: str, who: str, at: datetime, source: str) -> None:
        """Send one signature or call as Action Network does."""
        number = self.number()
        action: dict[str, Any] = {
            "identifiers": [f"action_network:picture-{number}"],
            "created_date": at.isoformat(),
            "modified_date": at.isoformat(),
            "action_network:referrer_data": {"source": source},
            "person": {"email_addresses": [{"primary": True, "address": who}]},
        }
        if key == "osdi:outreach":
            ocdid = "ocd-division/country:us/state:tx"
            action |= {"type": "phone", "targets": [{"title": "Governor", "ocdid": ocdid}]}
        self.send("action_network", [{key: action, "idempotency_key": f"{number:032x}"}])

    def actblue(self, who: str, at: datetime, code: str, click_id: str, amount: str) -> None:
        """Send one gift as ActBlue does."""
        number = self.number()
        body = {
            "donor": {"email": who},
            "contribution": {
                "createdAt": at.isoformat(),
                "orderNumber": f"AB{number}",
                "uniqueIdentifier": f"picture-{number}",
                "refcodes": {"refcode": code, "refcode2": click_id},
                "isRecurring": False,
                "recurringPeriod": "once",
                "status": "approved",
            },
            "lineitems": [
                {"sequence": 1, "lineitemId": number, "amount": amount, "paidAt": at.isoformat()}
            ],
            "form": {"name": "stop-the-execution"},
        }
        self.gifts.append(body)
        self.send("actblue", body, _basic())

    def refund(self, body: dict[str, Any], at: datetime) -> None:
        """Send the refund of a gift that was sent before."""
        again: dict[str, Any] = json.loads(json.dumps(body))
        again["lineitems"][0]["refundedAt"] = at.isoformat()
        self.send("actblue", again, _basic())


def _basic() -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(LOGIN.encode()).decode()}


def fill(app: Flask) -> str:
    """Create an organization with three weeks of a campaign; return a token for the dashboard."""
    now = datetime.now(UTC)
    with transaction():
        org = organizations.put_organization("hope", "Hope Project", "America/Chicago")
        before = campaigns.put_campaign(org.id, "spring", "Spring vigil", "America/Chicago")
        campaign = campaigns.put_campaign(org.id, "stay", "Stop the execution", "America/Chicago")
        posts = [
            posts_storage.put_post(
                org.id,
                campaign.id,
                each.platform,
                title=each.title,
                url=each.url,
                published_at=now - timedelta(days=DAYS - each.day),
            )
            for each in POSTS
        ]
        links = [
            links_storage.put_link(
                org.id,
                post,
                each.page,
                each.provider,
                {"source": each.platform, "campaign": "stay", "content": post.id.hex[-12:]},
            )
            for each, post in zip(POSTS, posts, strict=True)
        ]
        secret, keys = new_secret("standard"), {}
        for provider, word in (("action_network", ""), ("actblue", LOGIN), ("standard", secret)):
            source, keys[provider] = sources.put_source(
                org.id, provider, provider, campaign_id=campaign.id
            )
            if word:
                master = app.extensions["settings"].secret_key.encode()
                sources.put_secret(master, org.id, source.id, word, now, timedelta(0))
        _, keys["earlier"] = sources.put_source(
            org.id, "action_network", "earlier", campaign_id=before.id
        )
        _, token = tokens.put_token(org.id, "picture", "admin", now + timedelta(days=1))
        filling = Filling(app, now - timedelta(days=DAYS), org.id, keys, secret)
    _earlier(filling)
    for each, link in zip(POSTS, links, strict=True):
        _spread(filling, each, link)
    for gift in filling.chance.sample(filling.gifts, 4):
        filling.refund(gift, now - timedelta(hours=filling.chance.randrange(2, 60)))
    with transaction():
        clicks_storage.put_clicks(org.id, filling.clicks, stripe=0)
    while drain.drain(app.extensions["settings"], org.id).stopped_early:
        pass
    return token


def _earlier(filling: Filling) -> None:
    """Add an earlier campaign with some of the people, who are returning in this one."""
    keys = filling.keys
    kept, keys["action_network"] = keys["action_network"], keys["earlier"]
    for number in range(0, 400, 3):
        at = filling.began - timedelta(days=40, minutes=number)
        filling.action_network("osdi:signature", _person(number), at, "")
    keys["action_network"] = kept


def _person(number: int) -> str:
    return f"supporter{number}@example.org"


def _spread(filling: Filling, posted: Posted, link: Any) -> None:
    """Generate the activity of a post: most in its first two days, some for a week."""
    chance = filling.chance
    now = datetime.now(UTC)
    for _ in range(posted.reach * 4):
        hours = min(chance.expovariate(1 / 34), 24.0 * 9)
        at = filling.began + timedelta(days=posted.day, hours=hours + 2)
        if at > now - timedelta(minutes=30):
            continue
        if chance.random() < 0.09:
            filling.click(link, at, chance.choice(("preview", "preview", "head", "prefetch")))
            continue
        click_id = filling.click(link, at)
        if chance.random() < 0.21:
            _act(filling, posted, link, click_id, at + timedelta(minutes=chance.randrange(1, 25)))


def _act(filling: Filling, posted: Posted, link: Any, click_id: str, at: datetime) -> None:
    chance = filling.chance
    who = _person(chance.randrange(1500))
    luck = chance.random()
    # Some tools, browsers and people lose some of the link's parameters, a few all of them.
    carried = click_id if luck < 0.74 else ""
    code = link.code if luck < 0.86 else ""
    if posted.provider == "action_network":
        key = "osdi:outreach" if posted.page == LETTER else "osdi:signature"
        filling.action_network(key, who, at, join_code(code, carried) if carried else code)
    elif posted.provider == "actblue":
        amount = chance.choice(("5.00", "10.00", "15.00", "25.00", "25.00", "50.00", "100.00"))
        filling.actblue(who, at, code, carried, amount)
    elif luck < 0.86:
        kind = "call" if chance.random() < 0.7 else "letter"
        filling.standard(kind, at, email=who, code=code, click_id=carried)
    elif luck < 0.94:
        utm = {f"utm_{name}": value for name, value in link.utm.items()}
        filling.standard("call", at, email=who, **utm)
    else:
        filling.standard("call", at, email=who, referrer=f"https://www.{posted.platform}.com/")
