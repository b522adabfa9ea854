"""A rehearsal before launch: one marked action of each connected tool, through the real doors.

For each source: follow a link of the campaign, make the delivery that the tool would send for a
supporter who arrived there, send it, wait for the worker, and say whether the code came back.

What a stranger would get wrong: this is no simulation. Redirect, door, inbox and worker are the
real ones; only the tool is played. The key it uses is made for it and gone afterwards, and what
came through that key is marked and never counted.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from advocacy.events import Delivery, Unreadable
from advocacy.ids import new_click_id, new_id
from advocacy.models import Campaign, Link, Source
from advocacy.phrases import say
from advocacy.providers import BY_SLUG, generic
from advocacy.store import actions, campaigns, inbox, transaction
from config.settings import Settings

WAIT_SECONDS = 30.0
AGENT = "advocacy-rehearsal/1"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How it went with one source. `trouble` is empty where the code came back."""

    source: str
    provider: str
    carries: str
    trouble: str
    tier: str = ""
    seconds: float = 0.0


def rehearse(settings: Settings, campaign: Campaign, address: str = "") -> Iterator[Rehearsed]:
    """Rehearse every source of the campaign's organization, one after the other.

    `address` is where the web process is reached from here; default: its public address.
    """
    at = (address or settings.public_url).rstrip("/")
    with transaction():
        links = campaigns.list_links(campaign.org_id, campaign.id)
        sources = [each for each in campaigns.list_sources(campaign.org_id) if not each.disabled_at]
    for source in sources:
        yield _rehearse_source(settings, at, source, links)


def _rehearse_source(settings: Settings, at: str, source: Source, links: Any) -> Rehearsed:
    room = BY_SLUG[source.provider]
    began = time.monotonic()

    def trouble(words: str) -> Rehearsed:
        seconds = time.monotonic() - began
        return Rehearsed(source.name, source.provider, _carries(source), words, "", seconds)

    link = next((each for each in links if each.provider == source.provider), None)
    link = link or next(iter(links), None)
    if link is None:
        return trouble(say("the campaign has no link yet; make one with `advocacy link create`"))
    with transaction():
        key = campaigns.put_rehearsal_key(source.org_id, source.id)
        at_door = campaigns.find_source_at_door(settings.secret_key.encode(), key)
    try:
        if at_door is None or (_needs_secret(source) and not at_door.secrets):
            return trouble(
                say("the source has no secret; give it one with `advocacy source rotate`")
            )
        landing = _landing(at, link, source)
        message_id = f"rehearsal-{new_id().hex}"
        secret = at_door.secrets[0] if at_door.secrets else ""
        delivery = room.rehearsal(
            landing,
            secret,
            message_id,
            datetime.now(UTC),
            source.setup,
            f"{settings.public_url}/webhooks/{key}",
        )
        status = _send(at, delivery)
        if status != room.ANSWER:
            return trouble(
                say(
                    "the webhook door answered %(status)s, the tool wants %(wanted)s",
                    status=status,
                    wanted=room.ANSWER,
                )
            )
        return _wait_for(source, _carries(source), key, link, began)
    except Unreadable as error:
        why = error.detail or error.reason
        if error.reason == "bad_secret":
            return trouble(say("the secret cannot be used: %(why)s", why=why))
        return trouble(say("no example can be made of the mapping: %(why)s", why=why))
    except (OSError, UnicodeEncodeError) as error:
        return trouble(
            say(
                "%(address)s cannot be reached (%(why)s); is the web process running?",
                address=at,
                why=error,
            )
        )
    finally:
        with transaction():
            campaigns.drop_rehearsal_key(source.org_id, key)


def _needs_secret(source: Source) -> bool:
    auth = source.setup.get("mapping", {}).get("auth", {}).get("method", "secret_path")
    trust = BY_SLUG[source.provider].TRUST
    return trust not in {"secret_path", "none"} or auth != "secret_path"


def _carries(source: Source) -> str:
    if source.provider == generic.slug:
        return generic.carries(source.setup.get("mapping") or {})
    return BY_SLUG[source.provider].CARRIES


def _landing(at: str, link: Link, source: Source) -> str:
    """Follow the link over HTTP; where it leads to another tool, carry its code to this one."""
    status, location = _request(f"{at}/r/{link.code}", "GET", b"", {"User-Agent": AGENT})
    if status != 302:
        raise OSError(f"the link answered {status}")
    if link.provider == source.provider and source.provider != generic.slug:
        return location
    page, click_id = "https://example.org/act", new_click_id()
    if source.provider == generic.slug:
        return generic.destination(page, link.code, click_id, source.setup.get("mapping"))
    return BY_SLUG[source.provider].destination(page, link.code, click_id)


def _send(at: str, delivery: Delivery) -> int:
    """Send a delivery to where the web process is reached, whatever address the tool was given."""
    public = urlsplit(delivery.url)
    query = f"?{public.query}" if public.query else ""
    return _request(f"{at}{public.path}{query}", "POST", delivery.body, dict(delivery.headers))[0]


def _request(url: str, method: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=10)
    try:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("Location") or ""
    finally:
        connection.close()


def _wait_for(source: Source, carries: str, key: str, link: Link, began: float) -> Rehearsed:
    """Wait until the worker has worked through the delivery; say what came of it."""

    def told(trouble: str, tier: str = "") -> Rehearsed:
        seconds = time.monotonic() - began
        return Rehearsed(source.name, source.provider, carries, trouble, tier, seconds)

    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with transaction():
            row = inbox.newest_test(source.org_id, source.id)
            if row is not None and row.status == "quarantined":
                return told(say("the delivery could not be read: %(why)s", why=row.reason))
            found = _action_of(source.org_id, row.id) if row and row.status == "done" else None
        if row is not None and row.status == "done":
            if found is None:
                return told(say("the delivery told of no action"))
            if found.code != link.code:
                return told(say("the code did not come back in %(carries)s", carries=carries))
            return told("", found.tier)
        time.sleep(0.1)
    return told(
        say(
            "no worker took the delivery within %(seconds)s s; is one running?",
            seconds=f"{WAIT_SECONDS:.0f}",
        )
    )


def _action_of(org_id: UUID, delivery_id: UUID) -> actions.Action | None:
    told = actions.of_delivery(org_id, delivery_id)
    return next((each for each in told if each.code), None) or next(iter(told), None)
