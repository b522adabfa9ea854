"""One whole round on this machine, by itself: clicks, signed webhooks, the report, every figure.

Everything is real: the servers, the processes of the Procfile, HTTP in between, signatures made as
the tools make them. What is expected is counted here from what was sent, by plain arithmetic that
shares nothing with the code it checks.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import click
from flask import Flask
from standardwebhooks import Webhook

from advocacy.analytics.activation import activation
from advocacy.cli.dev.up import free_port, procfile, running_servers
from advocacy.cli.report import print_activation
from advocacy.core.ids import new_id
from advocacy.ingestion.connections import new_secret
from advocacy.storage import actions, campaigns, inbox, organizations, sources, tokens
from advocacy.storage import links as links_storage
from advocacy.storage import posts as posts_storage
from advocacy.storage.session import transaction
from advocacy.tracking import click_log
from config.settings import Settings

PERSON = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile"
PREVIEW = "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"
ACTBLUE_LOGIN = "advocacy:demo-password"
_WAIT_SECONDS = 40.0


@dataclass(slots=True)
class Sent:
    """One action that the report has to show; `post` is its platform, or None."""

    post: str | None
    kind: str
    who: str
    tier: str
    amount: int = 0
    refunded: int = 0


@dataclass(slots=True)
class Round:
    """What has been set up, and the ledger of what was sent."""

    port: int
    links: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    secret: str = ""
    token: str = ""
    sent: list[Sent] = field(default_factory=list)
    people: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    answers: list[tuple[str, object, object]] = field(default_factory=list)
    numbers: int = 0

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request and return status, headers and body; redirects are not followed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body or None, headers or {})
        answer = connection.getresponse()
        found = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        connection.close()
        return found

    def follow(self, platform: str) -> dict[str, str]:
        """Tap the link as a person does; return the query that reaches the tool's page."""
        self.people[platform] += 1
        _, headers, _ = self.request("GET", self.links[platform], headers={"User-Agent": PERSON})
        query = parse_qs(urlsplit(headers.get("location", "")).query)
        return {name: values[0] for name, values in query.items()}

    def look(self, platform: str) -> None:
        """Fetch the link as a preview bot does, and with HEAD."""
        self.others[platform] += 2
        self.request("GET", self.links[platform], headers={"User-Agent": PREVIEW})
        self.request("HEAD", self.links[platform], headers={"User-Agent": PERSON})

    def hook(self, name: str, body: bytes, headers: dict[str, str], status: int = 200) -> None:
        """Send a webhook and note whether the answer is the one that the tool expects."""
        got, _, _ = self.request(
            "POST",
            f"/webhooks/{self.keys[name]}",
            body,
            {"Content-Type": "application/json", **headers},
        )
        self.answers.append((f"answer to {name}", status, got))

    def action_network(self, *items: dict[str, object]) -> None:
        """Send hashes in one array, unsigned, as Action Network does."""
        self.hook("action_network", json.dumps(list(items)).encode(), {})

    def actblue(
        self, body: dict[str, object], login: str = ACTBLUE_LOGIN, status: int = 200
    ) -> None:
        """Send one post with HTTP Basic, as ActBlue does."""
        encoded = base64.b64encode(login.encode()).decode()
        self.hook(
            "actblue", json.dumps(body).encode(), {"Authorization": f"Basic {encoded}"}, status
        )

    def standard(self, body: str, secret: str = "", status: int = 200) -> None:
        """Send one post signed by the Standard Webhooks library."""
        message_id, now = f"msg_{self.number()}", datetime.now(UTC)
        signature = Webhook(secret or self.secret).sign(message_id, now, body)
        self.hook(
            "standard",
            body.encode(),
            {
                "webhook-id": message_id,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": signature,
            },
            status,
        )

    def number(self) -> int:
        """Return the next number."""
        self.numbers += 1
        return self.numbers


def play() -> int:
    """Run the demo; returns the exit status."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="advocacy-demo-") as folder:
        port = free_port()
        os.environ.pop("PUBLIC_URL", None)
        os.environ.pop("SECRET_KEY", None)
        with running_servers(Path(folder), port, f"advocacy_demo_{new_id().hex}") as (
            app,
            variables,
        ):
            click.echo(f"servers and tables are up after {time.monotonic() - began:.1f} s")
            with (Path(folder) / "processes.log").open("w") as output:
                processes = procfile(variables, port, output)
                running = threading.Thread(target=processes.loop, daemon=True)
                _without_signals()
                running.start()
                try:
                    differing = _play(app, Round(port))
                finally:
                    processes.terminate()
                    running.join(timeout=30)
            if differing:
                click.echo((Path(folder) / "processes.log").read_text()[-4000:], err=True)
    click.echo(f"the round took {time.monotonic() - began:.1f} s")
    return 1 if differing else 0


def _without_signals() -> None:
    """Let honcho's loop run in a thread, where Python allows no signal handlers."""
    import signal

    real = signal.signal

    def only_in_main(
        number: int, handler: Callable[[int, FrameType | None], object] | int | None
    ) -> object:
        if threading.current_thread() is threading.main_thread():
            return real(number, handler)
        return None

    signal.signal = only_in_main  # type: ignore[assignment]


def _play(app: Flask, played: Round) -> int:
    with app.app_context():
        org_id = _prepare(app, played)
    _until(lambda: _answers(played), "the web process does not answer")
    click.echo("following five links and sending webhooks")
    _click_and_act(played)
    with app.app_context():
        settings: Settings = app.extensions["settings"]
        _until(lambda: _settled(settings, org_id), "deliveries are still pending")
        counts = inbox.counts(org_id)
    status, _, body = played.request(
        "GET",
        "/api/v1/campaigns/stay/activation",
        headers={"Authorization": f"Bearer {played.token}"},
    )
    report = json.loads(body)
    if status != 200:
        raise click.ClickException(f"the report answered {status}: {body!r}")
    with app.app_context(), transaction():
        print_activation(activation(campaigns.get_campaign(org_id, "stay")))
    click.echo(f"\n{counts['done']} deliveries done, {counts['quarantined']} quarantined")
    return _compare([*played.answers, *_figures(played, report, counts)])


def _prepare(app: Flask, played: Round) -> UUID:
    """Make the organization, a campaign with five posts, their links, three sources, a token."""
    master = app.extensions["settings"].secret_key.encode()
    pages = {
        "instagram": ("action_network", "https://actionnetwork.org/petitions/stay"),
        "x": ("action_network", "https://actionnetwork.org/petitions/stay"),
        "facebook": ("action_network", "https://actionnetwork.org/letters/call-the-governor"),
        "tiktok": ("actblue", "https://secure.actblue.com/donate/stay"),
        "bluesky": ("standard", "https://example.org/act"),
    }
    with transaction():
        org = organizations.put_organization("demo", "Demo organization", "America/New_York")
        campaign = campaigns.put_campaign(org.id, "stay", "Stop the execution", org.timezone)
        for platform, (provider, page) in pages.items():
            post = posts_storage.put_post(
                org.id, campaign.id, platform, title=f"Act today, on {platform}"
            )
            utm = {"source": platform, "medium": "social", "campaign": "stay"}
            link = links_storage.put_link(org.id, post, page, provider, utm)
            played.links[platform] = f"/r/{link.code}"
        played.secret = new_secret("standard")
        for provider, secret in (
            ("action_network", ""),
            ("actblue", ACTBLUE_LOGIN),
            ("standard", played.secret),
        ):
            source, played.keys[provider] = sources.put_source(
                org.id, provider, provider, campaign_id=campaign.id
            )
            if secret:
                sources.put_secret(
                    master, org.id, source.id, secret, datetime.now(UTC), timedelta(0)
                )
        _, played.token = tokens.put_token(
            org.id, "demo", "reports", datetime.now(UTC) + timedelta(days=1)
        )
        return org.id


def _click_and_act(played: Round) -> None:
    for platform in played.links:
        played.look(platform)
    _petition(played)
    _calls(played)
    _gifts(played)
    _own_format(played)


def _petition(played: Round) -> None:
    for name in ("ana", "ben", "cleo"):
        query = played.follow("instagram")
        played.action_network(_signature(played, name, query["source"]))
        played.sent.append(Sent("instagram", "signature", name, "click_id"))
    query = played.follow("x")
    played.action_network(_signature(played, "dora", query["source"][:12]))
    played.sent.append(Sent("x", "signature", "dora", "code"))
    # No code comes back: the first person is unknown, the second clicked and signed before.
    played.action_network(_signature(played, "eli", "none"))
    played.sent.append(Sent(None, "signature", "eli", "unattributed"))
    played.action_network(_signature(played, "ana", "none"))
    played.sent.append(Sent("instagram", "signature", "ana", "identity"))
    # A click without an action.
    played.follow("x")


def _calls(played: Round) -> None:
    query = played.follow("facebook")
    calls = [_outreach(played, "fay", query["source"], target) for target in ("tx/sd:1", "tx/sd:2")]
    unanswered = _outreach(played, "fay", query["source"], "")
    played.action_network(*calls, unanswered)
    played.action_network(*calls, unanswered)
    played.sent += [Sent("facebook", "call", "fay", "click_id")] * 2


def _gifts(played: Round) -> None:
    query = played.follow("tiktok")
    first = _gift(played, "gus", query, "25.00")
    played.actblue(first)
    played.actblue(first)
    played.actblue(first, login="advocacy:guessed", status=401)
    played.sent.append(Sent("tiktok", "donation", "gus", "click_id", amount=2500))
    query = played.follow("tiktok")
    second = _gift(played, "ben", query, "10.50")
    refund = json.loads(json.dumps(second))
    refund["lineitems"][0]["refundedAt"] = _now()
    # The refund arrives before its gift.
    played.actblue(refund)
    played.actblue(second)
    played.sent.append(Sent("tiktok", "donation", "ben", "click_id", amount=1050, refunded=1050))


def _own_format(played: Round) -> None:
    query = played.follow("bluesky")
    for kind, name in (("call", "hana"), ("signature", "hana")):
        data = {"email": f"{name}@example.org", **_carried(query)}
        played.standard(_body(kind, data))
        played.sent.append(Sent("bluesky", kind, name, "click_id"))
    utm = {name: value for name, value in query.items() if name.startswith("utm_")}
    played.standard(_body("signature", {"email": "ivo@example.org", **utm}))
    played.sent.append(Sent("bluesky", "signature", "ivo", "utm"))
    played.standard(_body("click", {"referrer": "https://l.instagram.com/"}))
    played.sent.append(Sent(None, "click", "", "referrer"))
    played.standard(_body("call", {"email": "x@example.org"}), new_secret("standard"), status=401)
    played.standard('{"type": "call", "timestamp": NaN}')


def _carried(query: dict[str, str]) -> dict[str, str]:
    return {"code": query["code"], "click_id": query["click_id"]}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _body(kind: str, data: Mapping[str, object]) -> str:
    return json.dumps({"type": kind, "timestamp": _now(), "data": data})


def _item(played: Round, key: str, name: str, source: str, **more: object) -> dict[str, object]:
    number = played.number()
    return {
        key: {
            "identifiers": [f"action_network:demo-{number}"],
            "created_date": _now(),
            "modified_date": _now(),
            "action_network:referrer_data": {"source": source},
            "person": {
                "given_name": name.title(),
                "email_addresses": [{"primary": True, "address": f"{name}@example.org"}],
            },
            "_links": {"osdi:person": {"href": f"https://actionnetwork.org/api/v2/people/{name}"}},
            **more,
        },
        "action_network:sponsor": {"title": "Demo organization"},
        "idempotency_key": f"{number:032x}",
    }


def _signature(played: Round, name: str, source: str) -> dict[str, object]:
    return _item(played, "osdi:signature", name, source)


def _outreach(played: Round, name: str, source: str, district: str) -> dict[str, object]:
    targets = [{"title": "Senator", "ocdid": f"ocd-division/country:us/state:{district}"}]
    return _item(
        played,
        "osdi:outreach",
        name,
        source,
        type="phone",
        duration=95,
        targets=targets if district else [],
    )


def _gift(played: Round, name: str, query: dict[str, str], amount: str) -> dict[str, object]:
    number = played.number()
    return {
        "donor": {"firstname": name.title(), "email": f"{name}@example.org", "phone": None},
        "contribution": {
            "createdAt": _now(),
            "orderNumber": f"AB{number}",
            "uniqueIdentifier": f"demo-{number}",
            "refcodes": {"refcode": query["refcode"], "refcode2": query["refcode2"]},
            "isRecurring": False,
            "recurringPeriod": "once",
            "status": "approved",
        },
        "lineitems": [
            {"sequence": 1, "lineitemId": 1000 + number, "amount": amount, "paidAt": _now()}
        ],
        "form": {"name": "stay"},
    }


def _until(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise click.ClickException(f"{otherwise} after {_WAIT_SECONDS:.0f} s")
        time.sleep(0.1)


def _answers(played: Round) -> bool:
    try:
        return played.request("GET", "/ready")[0] == 200
    except OSError:
        return False


def _settled(settings: Settings, org_id: UUID) -> bool:
    """Return whether all deliveries are counted, and attributed to late clicks as well."""
    with transaction():
        return (
            click_log.waiting_bytes(settings.var_dir / "clicks") == 0
            and inbox.counts(org_id)["pending"] == 0
            and not actions.ids_waiting_for_clicks(org_id, 1)
        )


def _figures(
    played: Round, report: dict[str, Any], counts: dict[str, int]
) -> Iterable[tuple[str, object, object]]:
    """Yield (name, expected from what was sent, found in the report)."""
    sent = played.sent
    yield "quarantined", 1, counts["quarantined"]
    yield "actions", len(sent), report["actions"]
    yield from _people("supporters", sent, report["supporters"])
    yield "clicks by people", played.people.total(), report["clicks"]["human"]
    yield "clicks by others", played.others.total(), report["clicks"]["other"]
    yield from _money("money", sent, report["money"])
    kinds = {row["kind"]: row for row in report["by_kind"]}
    for kind in sorted({each.kind for each in sent} | set(kinds)):
        of_kind = [each for each in sent if each.kind == kind]
        yield f"{kind}: actions", len(of_kind), kinds.get(kind, {}).get("actions")
        yield from _people(
            f"{kind}: supporters", of_kind, kinds.get(kind, {}).get("supporters", {})
        )
    for row in report["evidence"]:
        expected = sum(each.tier == row["tier"] for each in sent)
        yield f"evidence {row['tier']}", expected, row["actions"]
        yield f"share of {row['tier']}", round(expected / len(sent), 4), row["share"]
    posts = {row["post"]["platform"] if row["post"] else None: row for row in report["posts"]}
    yield "posts", sorted([*played.links, "(none)"]), sorted(key or "(none)" for key in posts)
    for platform, row in posts.items():
        of_post = [each for each in sent if each.post == platform]
        name = platform or "no post"
        yield f"{name}: actions", len(of_post), row["actions"]
        yield f"{name}: by kind", dict(Counter(each.kind for each in of_post)), row["by_kind"]
        yield from _people(f"{name}: supporters", of_post, row["supporters"])
        yield f"{name}: clicks", played.people[platform or ""], row["clicks"]["human"]
        yield f"{name}: other clicks", played.others[platform or ""], row["clicks"]["other"]
        yield from _money(name, of_post, row["money"])
    for row in report["platforms"]:
        if platform := row["platform"]:
            of_platform = [each for each in sent if each.post == platform]
            # The one click on a link that only has a referrer has a platform and no post.
            by_referrer = (
                sum(each.tier == "referrer" for each in sent) if platform == "instagram" else 0
            )
            yield f"platform {platform}: actions", len(of_platform) + by_referrer, row["actions"]
            yield f"platform {platform}: clicks", played.people[platform], row["clicks"]["human"]


def _people(
    name: str, sent: Sequence[Sent], found: dict[str, int]
) -> Iterable[tuple[str, object, object]]:
    distinct = len({each.who for each in sent if each.who})
    yield name, distinct, found.get("distinct")
    yield f"{name}, new", distinct, found.get("new")
    yield f"{name}, returning", 0, found.get("returning")


def _money(
    name: str, sent: Sequence[Sent], found: Sequence[dict[str, int]]
) -> Iterable[tuple[str, object, object]]:
    gifts = [each for each in sent if each.kind == "donation"]
    row = found[0] if found else {}
    gross, refunded = sum(each.amount for each in gifts), sum(each.refunded for each in gifts)
    yield f"{name}: gross", gross, row.get("gross_minor", 0)
    yield f"{name}: refunded", refunded, row.get("refunded_minor", 0)
    yield f"{name}: net", gross - refunded, row.get("net_minor", 0)
    yield f"{name}: gifts", len(gifts), row.get("donations", 0)


def _compare(figures: Sequence[tuple[str, object, object]]) -> int:
    differing = [figure for figure in figures if figure[1] != figure[2]]
    for name, expected, found in differing:
        click.echo(f"differs: {name}: sent {expected}, reported {found}")
    click.echo(f"{len(figures)} figures compared, {len(differing)} differ")
    return len(differing)
