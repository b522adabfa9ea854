"""The redirect with its click stored, against nginx and a Flask view that store nothing."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

from advocacy.cli.dev.up import free_port
from advocacy.storage import campaigns, links, organizations, posts
from advocacy.storage.session import execute, scalar, transaction
from advocacy.tracking import click_log
from bench import load, plain
from bench.results import Row, below, faster, percentile, unmeasured
from bench.workspace import PERSON, Workspace, get, until

NAME = "redirect, click kept"
RATE = 2_000
PROCESSES = ("links", "web")
"""The processes of the Procfile that redirect: alone, and together with everything else."""


def measure(workspace: Workspace) -> Iterator[Row]:
    """Yield the rows of the redirect."""
    with transaction():
        org = organizations.put_organization("redirect", "Redirect", "UTC")
        campaign = campaigns.put_campaign(org.id, "one", "One", "UTC")
        post = posts.put_post(org.id, campaign.id, "x")
        code = links.put_link(org.id, post, plain.ELSEWHERE, "action_network", {}).code
    agent = f"User-Agent: {PERSON}"
    if not load.find_wrk():
        yield unmeasured(NAME, "redirects/s", "wrk is not on the PATH")
    else:
        yield from _most(workspace, f"/r/{code}", agent)
    request = f"GET /r/{code} HTTP/1.1\r\nHost: 127.0.0.1\r\n{agent}\r\n\r\n".encode()
    for name in PROCESSES:
        with workspace.web(name) as (port, _):
            get(port, f"/r/{code}")
            load.at_rate(port, [request] * RATE, RATE)
            sent = load.at_rate(port, [request] * (RATE * workspace.seconds), RATE)
        wrong = sent.wrong(302)
        yield below(
            f"redirect by `{name}`, p99 at {RATE:,}/s",
            "ms",
            percentile(sent.latencies, 0.99) * 1000,
            5,
            f"median {percentile(sent.latencies, 0.5) * 1000:.2f} ms; {wrong} not answered with"
            " 302",
        )


def _most(workspace: Workspace, path: str, agent: str) -> Iterator[Row]:
    def most(port: int) -> load.Answered:
        return load.wrk(
            workspace.folder, f"http://127.0.0.1:{port}{path}", workspace.seconds, [agent]
        )

    ours, kept = {}, 0
    for name in PROCESSES:
        with workspace.web(name) as (port, _):
            get(port, path)
            ours[name] = most(port)
        kept += _kept(workspace)
        # Otherwise the second run would write into the index of the first one's clicks.
        with transaction():
            execute("truncate touches")
    with workspace.gunicorn("bench.plain:redirect", path) as port:
        flask = most(port)
    nginx = None
    if shutil.which("nginx"):
        with _nginx(workspace) as port:
            nginx = most(port)
    for name, found in ours.items():
        what = f"{NAME}, by `{name}`"
        if nginx:
            yield faster(what, "redirects/s", found.rate, nginx.rate, "nginx `return 302`", 0.2)
        else:
            yield unmeasured(what, "redirects/s", "nginx is not on the PATH", "≥ 20 % of nginx")
        yield faster(
            what, "redirects/s", found.rate, flask.rate, "a Flask view on gthread, no click kept", 4
        )
    answered = sum(found.requests - found.refused for found in ours.values())
    lost = answered - kept
    # One click for each connection that was cut at the end may be stored without being counted.
    yield Row(
        "clicks answered and not kept",
        max(0, lost),
        "clicks",
        target="0",
        met=lost <= 0,
        note=f"of {answered:,}; {sum(found.failed for found in ours.values())} without an answer",
    )


def _kept(workspace: Workspace) -> int:
    """Return how many clicks are loaded or on disk after the web process has ended."""
    from advocacy.tracking import click_loader

    folder = workspace.settings.var_dir / "clicks"
    click_loader.ship(folder)
    until(lambda: click_log.waiting_bytes(folder) == 0, "clicks are not shipped", 120)
    with transaction():
        return scalar(
            int,
            """select count(*) from touches t join organizations o on o.id = t.org_id
                   where o.slug = 'redirect'""",
        )


@contextlib.contextmanager
def _nginx(workspace: Workspace) -> Iterator[int]:
    port = free_port()
    folder = workspace.folder / "nginx"
    folder.mkdir()
    config = folder / "nginx.conf"
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"""daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 1024; }}
        http {{ access_log off; keepalive_requests 100000000; {temporary}
          server {{ listen 127.0.0.1:{port}; location / {{ return 302 {plain.ELSEWHERE}; }} }} }}"""
    )

    def answers() -> bool:
        with contextlib.suppress(OSError):
            return get(port, "/")[0] == 302
        return False

    with workspace.process("nginx", "-p", str(folder), "-c", str(config)):
        until(answers, "nginx does not answer")
        yield port
