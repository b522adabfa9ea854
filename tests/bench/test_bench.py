"""How `make bench` evaluates its figures; the figures themselves are not tested."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from rich.console import Console

from bench import load, webhooks
from bench.__main__ import SIZES, _sizes
from bench.history import write_export
from bench.results import Row, below, faster, percentile, picture, show, unmeasured, write


def test_percentiles_are_by_nearest_rank():
    assert percentile([5.0], 0.99) == 5
    assert percentile(list(range(1, 101)), 0.95) == 95
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile([1, 2], 0) == 1
    with pytest.raises(ValueError):
        percentile([], 0.5)


def test_a_rate_is_judged_against_another():
    row = faster("one", "rows/s", 30, 100, "COPY", 0.2)
    assert (row.ratio, row.met, row.target) == (0.3, True, "≥ 20% of it")
    assert "COPY: 100 rows/s" in row.compared_to
    assert faster("one", "rows/s", 30, 100, "COPY", 4).met is False
    assert faster("one", "rows/s", 30, 0, "nothing", 4).met is None


def test_a_delay_is_judged_against_a_maximum():
    assert below("one", "ms", 4.999, 5).met is True
    assert below("one", "ms", 5, 5).met is False


def test_results_are_written_and_shown(tmp_path):
    rows = [
        Row("drain", 900, "events/s", series="drain", size=10_000),
        Row("drain", 1200, "events/s", series="drain", size=100_000),
        below("report", "ms", 12.5, 50, series="report, p95", size=10_000),
        unmeasured("redirect", "redirects/s", "wrk is not on the PATH", "≥ 20 % of nginx"),
    ]
    path = write(tmp_path, {"cores": 2}, rows)
    told = json.loads(path.read_text())
    assert told["machine"] == {"cores": 2}
    assert [row["value"] for row in told["rows"]] == [900, 1200, 12.5, None]
    assert {"name", "value", "unit", "compared_to", "ratio", "target", "met"} <= set(
        told["rows"][0]
    )
    assert told["rows"][3]["note"] == "not measured: wrk is not on the PATH"
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")

    console = Console(width=160, record=True, quiet=False, file=(tmp_path / "shown").open("w"))
    show({"cores": 2}, rows, console)
    shown = console.export_text()
    assert "1,200 events/s" in shown
    assert "wrk is not on the PATH" in shown


def test_without_results_there_is_no_chart(tmp_path):
    assert picture([below("report", "ms", 1, 50)]) is None
    write(tmp_path, {}, [unmeasured("drain", "events/s", "no reason")])
    assert not (tmp_path / "bench.png").exists()


def test_delays_are_measured_from_the_sending_time():
    seen = [(1.0, 0), (2.0, 2), (5.0, 2), (6.0, 4)]
    assert list(webhooks.delays_of([0.0, 0.5, 1.0, 3.0], seen)) == [2.0, 1.5, 5.0, 3.0]
    # What was never seen has no delay, and is told of by the caller.
    assert list(webhooks.delays_of([0.0, 0.5, 1.0], [(2.0, 1)])) == [2.0]


def test_sizes():
    assert _sizes(None, quick=False) == list(SIZES)
    assert _sizes(None, quick=True) == [10_000, 100_000]
    assert _sizes("5_000,1000", quick=True) == [1_000, 5_000]


@pytest.mark.parametrize(
    "words",
    [("--sizes", "few"), ("--sizes", "10"), ("--only", "nothing")],
)
def test_invalid_arguments_are_reported_before_anything_starts(words, root):
    ran = subprocess.run(
        [sys.executable, "-m", "bench", *words], cwd=root, capture_output=True, text=True
    )
    assert ran.returncode == 2
    assert "Invalid value" in ran.stderr


class Slow(http.server.BaseHTTPRequestHandler):
    """Answers one of ten late, and `/no` with 503."""

    protocol_version = "HTTP/1.1"
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        if self.path == "/slow":
            time.sleep(0.2)
        self.send_response(503 if self.path == "/no" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_args: object) -> None:
        return


@pytest.fixture
def slow() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def asking(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode()


def test_an_open_loop_keeps_its_rate_and_hides_no_waiting(slow):
    """One connection, a server that takes 0.2 s: later requests wait longer."""
    sent = load.at_rate(slow, [asking("/slow")] * 5, rate=50, connections=1)
    assert len(sent.latencies) == 5
    assert sent.wrong(200) == 0
    assert sent.latencies[0] == pytest.approx(0.2, abs=0.15)
    # It was due after 0.08 s and had its turn after 0.8 s.
    assert sent.latencies[-1] > 0.7
    assert sent.at[-1] - sent.at[0] == pytest.approx(0.08, abs=0.01)


def test_an_open_loop_counts_other_statuses(slow):
    sent = load.at_rate(slow, [asking("/yes"), asking("/no")] * 10, rate=200, connections=4)
    assert sent.statuses == {200: 10, 503: 10}
    assert sent.wrong(200) == 10


def test_signed_requests_are_accepted_by_the_provider():
    from datetime import UTC, datetime

    from advocacy.core.events import Delivery
    from advocacy.ingestion.connections import new_secret
    from advocacy.providers import standard_webhooks

    secret = new_secret("standard")
    posts = webhooks.signed(secret, 3)
    assert len({post[0] for post in posts}) == 3
    for name, unix, signature, body in posts:
        headers = {
            "webhook-id": name,
            "webhook-timestamp": unix,
            "webhook-signature": signature,
            "content-type": "application/json",
        }
        verified = standard_webhooks.verify(
            Delivery(body.encode(), headers), (secret,), datetime.now(UTC)
        )
        (event,) = standard_webhooks.parse(verified)
        assert event.kind == "signature"


def test_the_export_can_be_imported(tmp_path):
    from datetime import UTC, datetime

    from advocacy.core.events import Verified
    from advocacy.core.tabular.table import open_table
    from advocacy.ingestion.facts import events_of
    from advocacy.providers.csv_exports import ROW
    from advocacy.providers.export_layouts import LAYOUTS

    export = tmp_path / "contributions.csv"
    write_export(export, 200, "abcdefabcdef")
    with export.open("rb") as file:
        rows = [row.values for row in open_table(file, LAYOUTS["actblue"]).rows()]
    events = [
        event
        for row in rows
        for event in events_of(
            "actblue", Verified(json.dumps(row).encode(), datetime.now(UTC), content_type=ROW)
        )
    ]
    assert len(rows) == 200 < len(events)
    assert len({event.external_id for event in events}) == 200
