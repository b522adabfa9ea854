"""Test a campaign's tools before launch: one marked test action of each, end to end.

For each source: follow a link of the campaign, build the delivery that the tool would send for a
supporter who arrived there, send it, wait for the worker, and report whether the code came back.

Note: redirect, endpoint, inbox and worker are the real ones; only the tool is simulated. The source
key is created for the test and deleted afterwards; what arrives with it is marked as a test and
never counted.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import UUID

from advocacy.core.errors import Unreadable
from advocacy.core.events import Delivery
from advocacy.core.ids import new_click_id, new_id
from advocacy.core.messages import say
from advocacy.ingestion.facts import facts_of
from advocacy.providers import BY_SLUG, generic, optional
from advocacy.storage import action_aliases, actions, inbox
from advocacy.storage import links as links_storage
from advocacy.storage import sources as sources_storage
from advocacy.storage.models import Campaign, Link
from advocacy.storage.session import transaction
from advocacy.storage.sources import SourceRow
from config.settings import Settings

WAIT_SECONDS = 30.0
_REQUEST_SECONDS = 5.0
AGENT = "advocacy-rehearsal/1"


@dataclass(frozen=True, slots=True)
class IntegrationResult:
    """The result for one source. `trouble` is empty if the code came back."""

    source: str
    provider: str
    carries: str
    trouble: str
    tier: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Sent:
    """A delivery that was accepted and is pending."""

    source: SourceRow
    code: str
    began: float


class _WrongAnswer(Exception):
    """The web process answered with something unexpected."""


def run_integration_test(
    settings: Settings, campaign: Campaign, address: str = "", wait_seconds: float = WAIT_SECONDS
) -> Iterator[IntegrationResult]:
    """Test all sources of a campaign at the same time; yield each result when it is known.

    `address` is the URL of the web process as seen from here; default: its public URL. Waits for no
    longer than `wait_seconds` in total.
    """
    at = (address or settings.public_url).rstrip("/")
    with transaction():
        links = [
            each
            for each in links_storage.list_links(campaign.org_id, campaign.id)
            if not each.disabled_at
        ]
        sources = sources_of(campaign)
    waiting: list[_Sent] = []
    unreachable = ""
    for source in sources:
        began = time.monotonic()
        try:
            waiting.append(_send_example(settings, at, source, links, unreachable))
        except _Trouble as error:
            unreachable = unreachable or error.unreachable
            yield _outcome(source, began, error.words)
    yield from _wait_for(settings.secret_key.encode(), waiting, wait_seconds)


def try_source(
    settings: Settings, source: SourceRow, address: str = "", wait_seconds: float = WAIT_SECONDS
) -> IntegrationResult:
    """Test one source; without a link yet, whether its delivery arrives and can be read."""
    at = (address or settings.public_url).rstrip("/")
    with transaction():
        links = [
            each
            for each in links_storage.list_links(source.org_id, source.campaign_id)
            if not each.disabled_at
        ]
    began = time.monotonic()
    try:
        sent = _send_example(settings, at, source, links, "", needs_link=False)
    except _Trouble as error:
        return _outcome(source, began, error.words)
    (found,) = _wait_for(settings.secret_key.encode(), [sent], wait_seconds)
    return found


def sources_of(campaign: Campaign) -> list[SourceRow]:
    """Return the active sources that can bring actions of a campaign.

    These are its own and those without a campaign.
    """
    return [
        each
        for each in sources_storage.list_sources(campaign.org_id)
        if not each.disabled_at and each.campaign_id in {campaign.id, None}
    ]


class _Trouble(Exception):
    """Why a delivery could not be sent; `unreachable` if no other could be, either."""

    def __init__(self, words: str, unreachable: str = "") -> None:
        super().__init__(words)
        self.words, self.unreachable = words, unreachable


def _outcome(source: SourceRow, began: float, trouble: str, tier: str = "") -> IntegrationResult:
    seconds = time.monotonic() - began
    return IntegrationResult(source.name, source.provider, _carries(source), trouble, tier, seconds)


def _send_example(
    settings: Settings,
    at: str,
    source: SourceRow,
    links: Sequence[Link],
    unreachable: str,
    *,
    needs_link: bool = True,
) -> _Sent:
    """Follow a link and send what the tool would send. Raises `_Trouble`."""
    provider = BY_SLUG[source.provider]
    began = time.monotonic()
    link = next((each for each in links if each.provider == source.provider), None)
    link = link or next(iter(links), None)
    if link is None and needs_link:
        raise _Trouble(say("the campaign has no links yet; create one with `advocacy link create`"))
    with transaction():
        key = sources_storage.put_test_key(source.org_id, source.id)
        received_by = sources_storage.find_source_by_key(settings.secret_key.encode(), key)
    try:
        if received_by is None or (_needs_secret(source) and not received_by.secrets):
            raise _Trouble(
                say("the source has no secret; give it one with `advocacy source rotate`")
            )
        if unreachable:
            raise _Trouble(unreachable)
        landing = _landing(at, link, source) if link else _landing_of("rehearsal", source)
        message_id = f"rehearsal-{new_id().hex}"
        secret = received_by.secrets[0] if received_by.secrets else ""
        delivery = provider.sample_delivery(
            landing,
            secret,
            message_id,
            datetime.now(UTC),
            source.setup,
            f"{settings.public_url}/webhooks/{key}",
        )
        status = _send(at, delivery)
        if status != provider.ANSWER:
            raise _Trouble(
                say(
                    "the webhook endpoint answered %(status)s, the tool expects %(wanted)s",
                    status=status,
                    wanted=provider.ANSWER,
                )
            )
        return _Sent(source, link.code if link else "", began)
    except Unreadable as error:
        why = error.detail or error.reason
        if error.reason == "bad_secret":
            raise _Trouble(say("the secret cannot be used: %(why)s", why=why)) from None
        raise _Trouble(
            say("no example can be created from the mapping: %(why)s", why=why)
        ) from None
    except (OSError, UnicodeEncodeError, http.client.HTTPException, _WrongAnswer) as error:
        words = say(
            "%(address)s cannot be reached (%(why)s); is the web process running?",
            address=at,
            why=error,
        )
        raise _Trouble(words, words if isinstance(error, OSError) else "") from None
    finally:
        with transaction():
            sources_storage.drop_test_key(source.org_id, key)


def _mapping(source: SourceRow) -> Mapping[str, object]:
    return optional.mapping(source.setup.get("mapping"))


def _needs_secret(source: SourceRow) -> bool:
    auth = optional.mapping(_mapping(source).get("auth")).get("method", "secret_path")
    trust = BY_SLUG[source.provider].TRUST
    return trust not in {"secret_path", "none"} or auth != "secret_path"


def _carries(source: SourceRow) -> str:
    if source.provider == generic.slug:
        return generic.query_template(_mapping(source))
    return BY_SLUG[source.provider].CODE_PARAMETERS


def _landing(at: str, link: Link, source: SourceRow) -> str:
    """Follow the link over HTTP; if it leads to another tool, put its code into this tool's URL."""
    status, location = _request(f"{at}/r/{link.code}", "GET", b"", {"User-Agent": AGENT})
    if status != 302:
        raise _WrongAnswer(f"the link answered {status}")
    if link.provider == source.provider and source.provider != generic.slug:
        return location
    return _landing_of(link.code, source)


def _landing_of(code: str, source: SourceRow) -> str:
    """Return the URL of an invented page of this tool, with the code as the tool carries it."""
    page, click_id = "https://example.org/act", new_click_id()
    if source.provider == generic.slug:
        return generic.destination(page, code, click_id, _mapping(source))
    return BY_SLUG[source.provider].destination(page, code, click_id)


def _send(at: str, delivery: Delivery) -> int:
    """Send a delivery to the web process, whatever URL the tool was given."""
    public = urlsplit(delivery.url)
    query = f"?{public.query}" if public.query else ""
    return _request(f"{at}{public.path}{query}", "POST", delivery.body, dict(delivery.headers))[0]


def _request(url: str, method: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=_REQUEST_SECONDS)
    try:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("Location") or ""
    finally:
        connection.close()


def _wait_for(
    master: bytes, waiting: Sequence[_Sent], wait_seconds: float
) -> Iterator[IntegrationResult]:
    """Wait until workers have processed the deliveries; yield the result of each."""
    deadline = time.monotonic() + wait_seconds
    while waiting and time.monotonic() < deadline:
        still = []
        for sent in waiting:
            with transaction():
                done = _look_for(master, sent)
            if done is None:
                still.append(sent)
            else:
                yield done
        waiting = still
        if waiting:
            time.sleep(0.1)
    for sent in waiting:
        yield _outcome(
            sent.source,
            sent.began,
            say(
                "no worker processed the delivery within %(seconds)s s; is one running?",
                seconds=f"{wait_seconds:.0f}",
            ),
        )


def _look_for(master: bytes, sent: _Sent) -> IntegrationResult | None:
    """Return the result of a delivery, or None while it is pending."""
    source = sent.source
    row = inbox.newest_test(source.org_id, source.id)
    if row is None or row.status not in {"done", "quarantined"}:
        return None
    if row.status == "quarantined":
        words = say("the delivery could not be read: %(why)s", why=row.reason)
        return _outcome(source, sent.began, words)
    found = _action_of(master, source.org_id, row.id)
    if found is None:
        return _outcome(source, sent.began, say("the delivery reported no action"))
    if sent.code and found.code != sent.code:
        words = say("the code was not returned in %(carries)s", carries=_carries(source))
        return _outcome(source, sent.began, words)
    return _outcome(source, sent.began, "", found.tier if sent.code else "")


def _action_of(master: bytes, org_id: UUID, delivery_id: UUID) -> actions.Action | None:
    names = [fact.action_id for fact in facts_of(master, org_id, [delivery_id])]
    known = action_aliases.find_aliases(org_id, names)
    found = actions.find_actions(org_id, {known.get(name, name) for name in names}).values()
    return next((each for each in found if each.code), None) or next(iter(found), None)
