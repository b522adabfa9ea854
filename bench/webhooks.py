"""Signed webhooks: until the row is committed, and until they are in the report."""

from __future__ import annotations

import glob
import hmac
import json
import shutil
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from advocacy.core.ids import new_id
from advocacy.ingestion.connections import new_secret
from advocacy.providers.signatures import standard_key
from advocacy.storage import campaigns, inbox, organizations, sources, tokens
from advocacy.storage.session import execute, transaction
from bench import load
from bench.results import Row, below, faster, percentile, unmeasured
from bench.workspace import Workspace, get, until

NAME = "signed webhook to committed row"
RATE = 1_000
PROCESSES = ("links", "web")
"""The processes of the Procfile that receive webhooks."""
SEEN_RATE = 500


def prepare(slug: str, workspace: Workspace) -> tuple[str, str, str]:
    """Make an organization with a source of signed webhooks; return its key, secret and token."""
    secret = new_secret("standard")
    with transaction():
        org = organizations.put_organization(slug, slug, "UTC")
        campaign = campaigns.put_campaign(org.id, "one", "One", "UTC")
        source, key = sources.put_source(org.id, "standard", "Own", campaign_id=campaign.id)
        now = datetime.now(UTC)
        master = workspace.settings.secret_key.encode()
        sources.put_secret(master, org.id, source.id, secret, now, timedelta(0))
        _, token = tokens.put_token(org.id, "bench", "reports", now + timedelta(days=1))
    return key, secret, token


def signed(secret: str, number: int) -> list[tuple[str, str, str, str]]:
    """Return so many different posts: (id, timestamp, signature, body)."""
    key, now = standard_key(secret), datetime.now(UTC)
    instant, unix = now.isoformat(timespec="seconds"), str(int(now.timestamp()))
    posts = []
    for _ in range(number):
        name = f"msg_{new_id().hex}"
        data = {
            "email": f"{name}@example.org",
            "first_name": "Ana",
            "last_name": "Example",
            "postal_code": "78701",
            "comment": "Please act on this now.",
            "utm_source": "instagram",
            "utm_medium": "social",
        }
        body = json.dumps({"type": "signature", "timestamp": instant, "data": data})
        digest = hmac.digest(key, f"{name}.{unix}.{body}".encode(), "sha256")
        posts.append((name, unix, "v1," + b64encode(digest).decode(), body))
    return posts


def requests_of(path: str, posts: Sequence[tuple[str, str, str, str]]) -> list[bytes]:
    """Return posts as whole HTTP requests."""
    return [
        (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"webhook-id: {name}\r\nwebhook-timestamp: {unix}\r\nwebhook-signature: {signature}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        for name, unix, signature, body in posts
    ]


def measure(workspace: Workspace) -> Iterator[Row]:
    """Yield the rows of the webhook endpoint."""
    key, secret, _ = prepare("webhooks", workspace)
    path = f"/webhooks/{key}"
    if load.find_wrk():
        yield from _most(workspace, path, secret)
    else:
        yield unmeasured(NAME, "rows/s", "wrk is not on the PATH")
    for name in PROCESSES:
        with workspace.web(name) as (port, _):
            load.at_rate(port, requests_of(path, signed(secret, RATE)), RATE)
            posts = requests_of(path, signed(secret, RATE * workspace.seconds))
            sent = load.at_rate(port, posts, RATE)
        yield below(
            f"webhook by `{name}`, p99 at {RATE:,}/s",
            "ms",
            percentile(sent.latencies, 0.99) * 1000,
            25,
            f"median {percentile(sent.latencies, 0.5) * 1000:.2f} ms; "
            f"{sent.wrong(200, 201, 202, 204)} not answered with 2xx",
        )


def _most(workspace: Workspace, path: str, secret: str) -> Iterator[Row]:
    many = 12_000 * workspace.seconds
    with transaction():
        execute(
            """create table bench_plain (
                 id uuid primary key default gen_random_uuid(), name text, body text)"""
        )
    rates = {}
    for name in PROCESSES:
        before = inbox.counts(workspace.organization("webhooks"))["pending"]
        with workspace.web(name) as (port, _):
            posts = _lines(workspace.folder, signed(secret, many))
            url = f"http://127.0.0.1:{port}{path}"
            ours = load.wrk(workspace.folder, url, workspace.seconds, posts=posts)
        with transaction():
            kept = inbox.counts(workspace.organization("webhooks"))["pending"] - before
        workspace.say(f"`{name}` kept {kept:,} rows and answered {ours.requests:,} times")
        if ours.refused or ours.failed:
            workspace.say(f"refused or failed: {ours}")
        rates[name] = min(ours.rate, kept / ours.seconds)
        workspace.rest()
    with workspace.gunicorn("bench.plain:webhook()", "/ready", BENCH_SECRET=secret) as port:
        url = f"http://127.0.0.1:{port}/hook"
        naive = load.wrk(workspace.folder, url, workspace.seconds, posts=posts)
    body = signed(secret, 1)[0][3]
    pgbench = find_pgbench()
    inserts = _pgbench(workspace, pgbench, body) if pgbench else None
    for name, rate in rates.items():
        what = f"{NAME}, by `{name}`"
        if inserts:
            yield faster(what, "rows/s", rate, inserts, "pgbench, single-row inserts", 0.25)
        else:
            yield unmeasured(what, "rows/s", "pgbench is not there", "≥ 25 % of pgbench")
        yield faster(what, "rows/s", rate, naive.rate, "a Flask view, one commit a request", 2)


def _lines(folder: Path, posts: Sequence[tuple[str, str, str, str]]) -> Path:
    path = folder / "posts.txt"
    path.write_text("".join("\t".join(post) + "\n" for post in posts))
    return path


def find_pgbench() -> str | None:
    """Return the path of pgbench: on the PATH, or where Debian puts it."""
    every = sorted(glob.glob("/usr/lib/postgresql/*/bin/pgbench"))  # noqa: PTH207
    return shutil.which("pgbench") or (every[-1] if every else None)


def _pgbench(workspace: Workspace, program: str, body: str) -> float:
    script = workspace.folder / "insert.sql"
    # A colon before a word would be a variable of pgbench, so the body is not inlined.
    written = f"convert_from('\\x{body.encode().hex()}', 'UTF8')"
    script.write_text(
        f"insert into bench_plain (name, body) values ('bench', {written});\n"  # noqa: S608
    )
    url = workspace.variables["DATABASE_URL"].replace("postgresql+psycopg:", "postgresql:", 1)
    ran = subprocess.run(
        [program, "-n", "-M", "prepared", "-c", str(load.CONNECTIONS), "-j", "2",
         "-T", str(workspace.seconds), "-f", str(script), url],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    for line in ran.stdout.splitlines():
        if line.startswith("tps = "):
            return float(line.split()[2])
    raise RuntimeError(f"pgbench: {ran.stderr[-500:]}")


def measure_seen(workspace: Workspace) -> Iterator[Row]:
    """Yield the delay from sending a webhook to seeing it in the report, by the API.

    Also while one worker has a burst of another organization to process.
    """
    name = f"webhook sent to visible in the report, p95 at {SEEN_RATE}/s"
    delays, note = _seen(workspace, "seen")
    if delays:
        yield below(name, "s", percentile(delays, 0.95), 1, note)
    else:
        yield unmeasured(name, "s", note, "< 1 s")
    burst = 5_000 if workspace.quick else 30_000
    workspace.deliver(burst)
    delays, note = _seen(workspace, "seen-beside")
    if delays:
        p95 = round(percentile(delays, 0.95), 2)
        yield Row(f"the same beside another's burst of {burst:,}", p95, "s", note=note)


def _seen(workspace: Workspace, slug: str) -> tuple[list[float], str]:
    """Return the delays of webhooks sent to an organization, and a note about them."""
    key, secret, token = prepare(slug, workspace)
    seen: list[tuple[float, int]] = []
    stop = threading.Event()
    number = SEEN_RATE * max(workspace.seconds, 5)

    def look(port: int) -> None:
        while not stop.is_set():
            status, body = get(
                port, "/api/v1/campaigns/one/activation", {"Authorization": f"Bearer {token}"}
            )
            if status == 200:
                seen.append((time.monotonic(), json.loads(body)["actions"]))
            stop.wait(0.02)

    with (
        workspace.web() as (port, _),
        workspace.of_procfile("worker"),
        workspace.of_procfile("clock"),
    ):
        first = requests_of(f"/webhooks/{key}", signed(secret, 1))
        load.at_rate(port, first, 1)
        looking = threading.Thread(target=look, args=(port,), daemon=True)
        looking.start()
        until(lambda: seen and seen[-1][1] >= 1, "the first webhook is not in the report")
        posts = requests_of(f"/webhooks/{key}", signed(secret, number))
        sent = load.at_rate(port, posts, SEEN_RATE)
        late = ""
        try:
            until(lambda: seen[-1][1] >= number + 1, "not all webhooks are in the report")
        except RuntimeError:
            late = f"; {number + 1 - seen[-1][1]} are not in it after a minute"
        stop.set()
        looking.join(timeout=30)
    delays = list(delays_of(sent.at, [(at, count - 1) for at, count in seen]))
    refused = sent.wrong(200, 201, 202, 204)
    median = f"median {percentile(delays, 0.5):.3f} s; " if delays else "nothing was seen; "
    return delays, f"{median}{refused} refused{late}"


def delays_of(sent_at: Sequence[float], seen: Sequence[tuple[float, int]]) -> Iterator[float]:
    """Yield for each sent webhook, in order, how long it took until so many were seen.

    `seen` has (instant, number seen by then), in order of time.
    """
    looks = iter(seen)
    at, count = next(looks, (0.0, 0))
    for number, when in enumerate(sent_at, start=1):
        while count < number:
            found = next(looks, None)
            if found is None:
                return
            at, count = found
        yield at - when
