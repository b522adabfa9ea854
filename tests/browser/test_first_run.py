"""The whole first run in a browser: from an empty database to a counted action, without a shell.

Everything is real: `advocacy up` with its processes and a database of its own, and Chromium. Of the
terminal only the one address is read that it prints.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from advocacy.cli.dev.embedded_servers import own_database
from advocacy.cli.dev.up import free_port
from advocacy.core.ids import new_id
from tests.browser.conftest import RULES, VIOLATIONS
from tests.support import chromium as chromium_support
from tests.support.processes import answers, until
from tests.support.world import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PERSON = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile"


@pytest.fixture
def printed(environment: dict[str, str], tmp_path: Path, root: Path) -> Iterator[str]:
    """Start `advocacy up` on an empty database; return what it prints."""
    if chromium_support.CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine; `make browser` says how to get it")
    port = free_port()
    with own_database(environment, f"advocacy_first_{new_id().hex}") as variables:
        output = tmp_path / "up.log"
        with output.open("wb") as log:
            up = subprocess.Popen(
                [sys.executable, "-m", "advocacy.cli", "up", "--port", str(port)],
                cwd=root,
                env={**os.environ, **variables, "VAR_DIR": str(tmp_path), "PUBLIC_URL": ""},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            until(lambda: up.poll() is not None or b"Ctrl-C" in output.read_bytes(), 90)
            assert up.poll() is None, output.read_text()
            until(lambda: answers(port))
            yield output.read_text()
        finally:
            os.killpg(up.pid, signal.SIGINT)
            up.wait(timeout=60)


@pytest.fixture
def page(printed: str, browser_process: Browser) -> Iterator[Page]:
    """A fresh browser, in which no page may report an error."""
    context = browser_process.new_context(locale="en-US", timezone_id="America/Chicago")
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    errors: list[str] = []
    opened.add_init_script(VIOLATIONS)
    opened.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


def check(page: Page, folder: Path, name: str) -> None:
    """Keep a picture of the page; nobody may be kept out, nothing stick out."""
    for width, theme in ((1280, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.screenshot(path=folder / f"first-run-{name}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
        wrong = [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in found]
        assert wrong == [], f"{name} at {width} pixels"
    page.set_viewport_size({"width": 1280, "height": 900})


def send(address: str, method: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request(method, parts.path, body or None, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.getheader("Location", "")


def signature(source: str) -> bytes:
    """Return what Action Network sends when somebody has signed who arrived with this source."""
    return json.dumps(
        [
            {
                "osdi:signature": {
                    "identifiers": ["action_network:first-one"],
                    "created_date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "action_network:referrer_data": {"source": source},
                    "person": {"email_addresses": [{"primary": True, "address": "b@example.org"}]},
                },
                "idempotency_key": "first-one",
            }
        ]
    ).encode()


def test_an_empty_installation_is_set_up_and_counts_without_a_shell(printed, page, screenshots):
    (address,) = re.findall(r"http://\S+/setup\?key=\S+", printed)
    page.goto(address)
    assert page.input_value("#timezone") == "America/Chicago", "guessed from the browser"
    check(page, screenshots, "you")
    page.fill("#organization", "Clean Water Alliance")
    page.fill("#name", "Ana")
    page.fill("#email", "ana@example.org")
    page.fill("#password", PASSWORD)
    page.click("main form button")

    page.wait_for_url("**/setup/campaign")
    check(page, screenshots, "campaign")
    page.fill("#name", "Save the river")
    page.press("#name", "Enter")

    page.wait_for_url("**/setup/tool")
    check(page, screenshots, "tool")
    page.click("text=Action Network")
    page.click("main form.card button")
    expect(page.get_by_text("Waiting for the first delivery")).to_be_visible()
    hook = page.inner_text(".made dd code")
    check(page, screenshots, "address")
    page.click("text=Send a test action")
    expect(page.get_by_text("The test action arrived and was read.")).to_be_visible()
    assert page.inner_text(".made dd code") == hook, "it is shown once, so it must stay"
    assert "on" not in (page.get_attribute("#waiting", "class") or "").split()

    # The tool's own first delivery turns the lamp green while the page is open.
    assert send(hook, "POST", signature("none"))[0] == 200
    expect(page.locator("#waiting.on")).to_have_text("Received: the tool is connected.")
    page.click("text=Continue")

    page.fill("#destination", "https://actionnetwork.org/petitions/river")
    page.fill("#title", "Sign today")
    check(page, screenshots, "link")
    page.click("main form.card button")
    link = page.inner_text(".made dd code")
    check(page, screenshots, "made")
    page.click("a.primary")
    checklist = page.locator("#checklist + ul li")
    expect(checklist).to_have_count(5)
    check(page, screenshots, "checklist")

    # A supporter taps the link and signs.
    status, location = send(link, "GET", **{"User-Agent": PERSON})
    assert status == 302
    source = parse_qs(urlsplit(location).query)["source"][0]
    body = signature(source).replace(b"first-one", b"second-one").replace(b"b@", b"c@")
    assert send(hook, "POST", body)[0] == 200

    def all_but_the_mail() -> bool:
        page.reload()
        return page.locator("#checklist + ul li.done").count() == 4

    until(all_but_the_mail, 60)
    page.goto(f"{page.url}campaigns/save-the-river")
    expect(page.locator("main")).to_contain_text("Sign today")

    # Example data on request, and gone with one click.
    page.goto(address)
    assert urlsplit(page.url).path == "/", "the address works once"
    page.set_default_timeout(90_000)
    page.click("text=See an example")
    page.wait_for_selector("#example")
    check(page, screenshots, "example")
    assert "Save the river" not in page.inner_text("main")
    page.click("text=Remove the example data")
    page.wait_for_selector("#checklist")
    assert "Save the river" in page.inner_text("main")
    page.click("text=Sign out")
    page.fill("#email", "ana@example.org")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_selector("#checklist")
