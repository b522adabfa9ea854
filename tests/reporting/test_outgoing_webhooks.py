"""Outgoing webhooks, sent to a real server and verified by the library of the receivers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from advocacy.core.public_addresses import is_public
from advocacy.reporting.webhooks import http_client, outbox
from advocacy.storage import outgoing_webhooks
from advocacy.storage.session import transaction
from tests.support.api import bearer, problem_of
from tests.support.sql import run
from tests.support.surges import clicks, watch
from tests.support.world import World

API = "/api/v1/webhooks"


class Receiver(ThreadingHTTPServer):
    """A server with the requests that it received; `status` is what it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.requests = 204, []
        self.url = f"http://127.0.0.1:{self.server_port}/hook?of=us"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def settings(world) -> object:
    return replace(
        world.settings, outgoing_private_hosts="127.0.0.1", public_url="https://act.example.org"
    )


def connect(world: World, settings, url: str, form: str = "standard", events=outbox.events.EVENTS):
    with transaction():
        made, secret = outbox.connect(
            settings,
            world.org_id,
            name="Ours",
            url=url,
            form=form,
            wanted=tuple(events),
            language="en",
        )
        return made.id, secret


def attempts(world: World, webhook_id) -> list[tuple[str, int, str]]:
    with transaction():
        rows = outgoing_webhooks.list_attempts(world.org_id, webhook_id)
    return [(row.event, row.status, row.outcome) for row in rows]


def surge(world: World, settings) -> None:
    clicks(world, 40)
    assert watch(world, settings) == 1


# What is sent.


def test_a_surge_is_sent_once_and_verified_by_the_receiver(world, settings, receiver):
    webhook_id, secret = connect(world, settings, receiver.url)
    surge(world, settings)
    assert outbox.send_due(settings, world.org_id) == 1
    assert outbox.send_due(settings, world.org_id) == 0
    ((path, headers, body),) = receiver.requests
    event = Webhook(secret).verify(body, {name.lower(): headers[name] for name in headers})
    assert path == "/hook?of=us"
    assert event["type"] == "surge.noticed"
    assert datetime.fromisoformat(event["timestamp"]).tzinfo is not None
    assert event["data"] == {
        "what": "clicks",
        "counted": 40,
        "usual": 0.0,
        "minutes": 10,
        "post": {"platform": "instagram", "title": "On instagram", "url": ""},
        "campaign": {"slug": "stay", "name": "Stay"},
        "dashboard_url": "https://act.example.org/campaigns/stay",
    }
    assert attempts(world, webhook_id) == [("surge.noticed", 204, "sent")]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", {name.lower(): headers[name] for name in headers})


def next_monday() -> datetime:
    """Return when a week from now is over everywhere."""
    now = datetime.now(UTC)
    return (now + timedelta(days=8 - now.weekday())).replace(hour=0)


def test_the_figures_of_a_week_are_sent_on_monday(world, settings, receiver):
    _id, secret = connect(world, settings, receiver.url)
    for n in range(7):
        world.act("signature", email=f"p{n}@example.org", code=world.links["x"])
    world.drain()
    assert outbox.send_due(settings, world.org_id) == 0
    assert outbox.send_due(settings, world.org_id, next_monday()) == 1
    assert outbox.send_due(settings, world.org_id, next_monday()) == 0
    ((_path, headers, body),) = receiver.requests
    event = Webhook(secret).verify(body, {name.lower(): headers[name] for name in headers})
    assert event["type"] == "report.weekly"
    data = event["data"]
    assert (data["now"]["actions"], data["now"]["supporters"]) == (7, 7)
    assert data["rounded_to"] == 0
    assert data["posts"][0]["title"] == "On x"
    assert "example.org" not in json.dumps(data).replace("act.example.org", "")


def test_a_webhook_gets_only_its_events_and_nothing_from_before(world, settings, receiver):
    surge(world, settings)
    connect(world, settings, receiver.url)
    connect(world, settings, receiver.url, events=["report.weekly"])
    assert outbox.send_due(settings, world.org_id) == 0
    assert receiver.requests == []


@pytest.mark.parametrize("form", ["slack", "teams"])
def test_a_channel_gets_a_sentence_with_rounded_figures(world, settings, receiver, form):
    connect(world, settings, receiver.url, form)
    run("update posts set title = '<!channel> *now* [x](y)'")
    clicks(world, 43)
    assert watch(world, settings) == 1
    assert outbox.send_due(settings, world.org_id) == 1
    ((_path, _headers, body),) = receiver.requests
    message = json.loads(body)
    if form == "slack":
        assert set(message) == {"text"}
        text = message["text"]
        assert "<!channel>" not in text and "&lt;!channel&gt; ∗now∗" in text
        assert "<https://act.example.org/campaigns/stay|Open the dashboard>" in text
    else:
        (card,) = message["attachments"]
        assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
        text = "\n".join(each["text"] for each in card["content"]["body"])
        assert "\\*now\\* \\[x\\]\\(y\\)" in text
        assert card["content"]["actions"][0]["url"] == "https://act.example.org/campaigns/stay"
    assert "surging" in text
    assert "43" not in text and ("40 clicks" in text or "45 clicks" in text)


# When it fails.


def test_a_failure_is_tried_again_with_the_same_id_and_body(world, settings, receiver):
    webhook_id, _secret = connect(world, settings, receiver.url)
    surge(world, settings)
    receiver.status = 500
    now = datetime.now(UTC)
    assert outbox.send_due(settings, world.org_id, now) == 0
    assert attempts(world, webhook_id) == [("surge.noticed", 500, "waiting")]
    assert outbox.send_due(settings, world.org_id, now + timedelta(seconds=4)) == 0
    assert len(receiver.requests) == 1
    receiver.status = 200
    assert outbox.send_due(settings, world.org_id, now + timedelta(seconds=5)) == 1
    first, second = receiver.requests
    assert first[1]["webhook-id"] == second[1]["webhook-id"]
    assert first[2] == second[2]
    assert attempts(world, webhook_id) == [
        ("surge.noticed", 200, "sent"),
        ("surge.noticed", 500, "sent"),
    ]


def test_after_ten_attempts_a_message_has_failed(world, settings, receiver):
    webhook_id, _secret = connect(world, settings, receiver.url, events=["surge.noticed"])
    surge(world, settings)
    receiver.status, now = 503, datetime.now(UTC)
    for pause in (timedelta(0), *outbox.PAUSES):
        now += pause
        outbox.send_due(settings, world.org_id, now)
    found = attempts(world, webhook_id)
    assert len(found) == 10
    assert {outcome for _event, _status, outcome in found} == {"failed"}


def test_a_webhook_that_fails_for_five_days_is_disabled(world, settings, receiver):
    webhook_id, _secret = connect(world, settings, receiver.url, events=["surge.noticed"])
    surge(world, settings)
    receiver.status, now = 500, datetime.now(UTC)
    outbox.send_due(settings, world.org_id, now)
    outbox.send_due(settings, world.org_id, now + timedelta(days=4))
    with transaction():
        assert outgoing_webhooks.get_webhook(world.org_id, webhook_id).disabled_at is None
    outbox.send_due(settings, world.org_id, now + timedelta(days=5, seconds=1))
    with transaction():
        assert outgoing_webhooks.get_webhook(world.org_id, webhook_id).disabled_at
    assert [row.did for row in run("select did from audit")] == ["webhook_failed"]
    outbox.send_due(settings, world.org_id, now + timedelta(days=9))
    assert len(receiver.requests) == 3


def test_old_messages_are_deleted_with_their_attempts(world, settings, receiver):
    webhook_id, _secret = connect(world, settings, receiver.url)
    surge(world, settings)
    outbox.send_due(settings, world.org_id)
    assert attempts(world, webhook_id)
    now = datetime.now(UTC)
    with transaction():
        assert outgoing_webhooks.delete_old_messages(world.org_id, now) == 0
        later = now + outgoing_webhooks.LOGGED_FOR + timedelta(minutes=1)
        assert outgoing_webhooks.delete_old_messages(world.org_id, later) == 1
    assert attempts(world, webhook_id) == []


def test_an_address_that_is_gone_is_disabled_at_once(world, settings, receiver):
    webhook_id, _secret = connect(world, settings, receiver.url)
    surge(world, settings)
    receiver.status = 410
    outbox.send_due(settings, world.org_id)
    with transaction():
        assert outgoing_webhooks.get_webhook(world.org_id, webhook_id).disabled_at


def test_a_redirect_is_a_failure_and_is_not_followed(world, settings, receiver):
    webhook_id, _secret = connect(world, settings, receiver.url)
    surge(world, settings)
    receiver.status = 307
    assert outbox.send_due(settings, world.org_id) == 0
    assert attempts(world, webhook_id) == [("surge.noticed", 307, "waiting")]


def test_a_server_that_is_down_is_logged(world, settings):
    webhook_id, _secret = connect(world, settings, "http://127.0.0.1:9/")
    surge(world, settings)
    assert outbox.send_due(settings, world.org_id) == 0
    assert attempts(world, webhook_id) == [("surge.noticed", 0, "waiting")]


def test_a_response_that_never_ends_is_cut_off(monkeypatch):
    monkeypatch.setattr(http_client, "SECONDS", 0.5)

    class Slow(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                while True:
                    self.wfile.write(b"H")
                    threading.Event().wait(0.1)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    began = datetime.now(UTC)
    with pytest.raises((OSError, http_client.http.client.HTTPException)):
        http_client.post(
            f"http://127.0.0.1:{server.server_port}/", b"", {}, frozenset({"127.0.0.1"})
        )
    assert datetime.now(UTC) - began < timedelta(seconds=5)
    server.shutdown()
    server.server_close()


# Where it may lead.


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.1"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1"),
        *("::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "ff02::1", "no address"),
    ],
)
def test_an_address_of_a_private_network_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("url", ["https://localhost/", "https://127.1/", "https://[::1]/"])
def test_a_name_of_a_private_address_is_not_reached(url):
    with pytest.raises(http_client.BadAddress, match="private network"):
        http_client.post(url, b"", {}, frozenset())


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https://",
        "https://a@example.org/",
        "https://x y/",
    ],
)
def test_a_wrong_url_is_refused_when_a_webhook_is_made(world, url):
    with pytest.raises(http_client.BadAddress):
        connect(world, world.settings, url)


# By API.


def test_a_webhook_is_made_tried_changed_and_removed_by_api(world, receiver):
    settings = replace(world.settings, outgoing_private_hosts="127.0.0.1")
    world.app.extensions["settings"] = settings
    client, headers = world.app.test_client(), bearer(world.token("admin"))
    try:
        made = client.post(
            API,
            json={"name": "Ours", "url": receiver.url, "events": ["surge.noticed"]},
            headers=headers,
        )
        assert made.status_code == 201, made.text
        path, secret = made.headers["Location"], made.get_json()["secret"]
        assert set(client.get(path, headers=headers).get_json()) == set(made.get_json()) - {
            "secret"
        }
        queued = client.post(f"{path}/test", headers=headers)
        assert queued.status_code == 202
        assert outbox.send_due(settings, world.org_id) == 1
        ((_path, sent, body),) = receiver.requests
        assert sent["webhook-id"] == queued.get_json()["message_id"]
        event = Webhook(secret).verify(body, {name.lower(): sent[name] for name in sent})
        assert event["type"] == "webhook.test"
        (attempt,) = client.get(f"{path}/attempts", headers=headers).get_json()["attempts"]
        assert (attempt["status"], attempt["outcome"]) == (204, "sent")
        assert attempt["message_id"] == sent["webhook-id"]
        changed = client.patch(
            path, json={"events": ["report.weekly"], "disabled": True}, headers=headers
        ).get_json()
        assert changed["events"] == ["report.weekly"]
        assert changed["disabled_at"]
        assert client.delete(path, headers=headers).status_code == 204
        assert client.get(API, headers=headers).get_json() == {"webhooks": []}
    finally:
        world.app.extensions["settings"] = world.settings


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "http://example.org/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["unknown"]}, "events.0"),
        ({"format": "carrier pigeon"}, "format"),
    ],
)
def test_a_wrong_webhook_is_refused_by_field(world, change, field):
    body = {"name": "Ours", "url": "https://example.org/", "events": ["surge.noticed"], **change}
    answer = world.app.test_client().post(API, json=body, headers=bearer(world.token("admin")))
    assert [each["field"] for each in problem_of(answer, 422)["errors"]] == [field]


def test_url_and_secret_are_stored_encrypted(world, settings, receiver):
    _id, secret = connect(world, settings, receiver.url)
    (row,) = run("select sealed_url, sealed_secret from outgoing_webhooks")
    assert b"hook" not in bytes(row.sealed_url)
    assert secret.encode() not in bytes(row.sealed_secret)
