"""Fixtures: a real browser, and a web process with three weeks of a campaign."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page

from advocacy.cli.dev.up import free_port
from advocacy.storage import members, organizations
from advocacy.storage.session import transaction
from tests.support import chromium as chromium_support
from tests.support import sample_campaign, web_process
from tests.support.world import PASSWORD, empty_tables

WIDTHS = (360, 768, 1280)
THEMES = ("light", "dark")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

VIOLATIONS = """
document.addEventListener('securitypolicyviolation', (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


@dataclass
class Site:
    """Where the dashboard is, and how to get in."""

    address: str
    token: str
    editor: str
    owner: str


@dataclass
class Watched:
    """A page, with everything that a person would not see: errors, and who else was asked."""

    page: Page
    site: Site
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.site.address + path)

    def sign_in_as_editor(self, after: str = "/") -> None:
        """Come with the session of somebody who may make links."""
        self._come_with(self.site.editor)
        self.go(after)

    def sign_in_as_owner(self, after: str = "/") -> None:
        """Come with the session of somebody who may see everything."""
        self._come_with(self.site.owner)
        self.go(after)

    def _come_with(self, value: str) -> None:
        session = {"name": "session", "value": value, "url": self.site.address}
        self.page.context.add_cookies([session])  # type: ignore[list-item]

    def sign_in(self, after: str = "/") -> None:
        self.go(f"/sign-in?next={after}")
        self.page.fill("#token", self.site.token)
        self.page.press("#token", "Enter")
        self.page.wait_for_url(f"{self.site.address}{after}")

    def look_everywhere(self, folder: Path, name: str) -> None:
        """Look at a page at three widths in both themes: nobody is kept out, nothing sticks out.

        The pictures are kept in a folder, to be looked at.
        """
        page = self.page
        assert page.locator("h1").count() == page.locator("main").count() == 1
        assert page.locator("th:not([scope])").count() == 0
        for theme in THEMES:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                page.screenshot(path=folder / f"{name}-{width}-{theme}.png", full_page=True)
                beyond = page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                assert beyond <= 0, f"{name} is {beyond} pixels wider than {width}"
                if width != 768:
                    found = Axe().run(page, options={"runOnly": RULES})
                    wrong = [
                        (each["id"], [node["html"][:160] for node in each["nodes"]][:3])
                        for each in found.response["violations"]
                    ]
                    assert wrong == [], f"{name} at {width} pixels in {theme}"


@pytest.fixture(scope="package")
def site(
    wired: Flask, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    if chromium_support.CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine; `make browser` says how to get it")
    with wired.app_context():
        empty_tables()
        token = sample_campaign.fill(wired)
        editor, owner = (_session(wired, role) for role in ("editor", "owner"))
    folder = tmp_path_factory.mktemp("browser")
    variables = {**environment, "VAR_DIR": str(folder), "LOG_LEVEL": "WARNING"}
    with web_process.gunicorn(variables, free_port(), folder / "gunicorn.log") as address:
        yield Site(address, token, editor, owner)


def _session(app: Flask, role: str) -> str:
    with transaction():
        org_id = organizations.get_organization(None).id
        master = app.extensions["settings"].secret_key.encode()
        made = members.put_member(master, org_id, f"{role}@example.org", role)
        word = members.put_one_time_token(org_id, made.id)
    client = app.test_client()
    client.post(f"/set-password/{word}", data={"password": PASSWORD})
    session = client.get_cookie("session")
    assert session is not None
    return session.value


@pytest.fixture(scope="package")
def browser_process() -> Iterator[Browser]:
    if chromium_support.CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine; `make browser` says how to get it")
    with chromium_support.browser() as running:
        yield running


@pytest.fixture(scope="package")
def chromium(site: Site, browser_process: Browser) -> Browser:
    """The browser, once there is a site to look at."""
    return browser_process


@pytest.fixture
def watched(site: Site, chromium: Browser) -> Iterator[Watched]:
    """A fresh visitor. At the end there must have been no error and no other host."""
    context = chromium.new_context(locale="en-US", timezone_id="America/Chicago")
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.add_init_script(VIOLATIONS)
    made = Watched(page, site)
    page.on("console", lambda m: made.errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: made.errors.append(str(error)))
    page.on("request", lambda request: made.asked.append(request.url))
    yield made
    context.close()
    assert made.errors == []
    elsewhere = [
        url for url in made.asked if not url.startswith((site.address + "/", "data:", "blob:"))
    ]
    assert elsewhere == []
    assert made.asked


@pytest.fixture(scope="session")
def screenshots(root: Path) -> Path:
    folder = root / "var" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
