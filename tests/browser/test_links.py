"""From a new link to its figures: page, click, webhook, live update."""

from __future__ import annotations

import csv
import json
import urllib.request
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from playwright.sync_api import expect

from advocacy.core.ids import new_id
from advocacy.ingestion import drain
from advocacy.storage import campaigns, organizations, sources
from advocacy.storage.session import transaction
from tests.support.sql import run

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PETITION = "https://actionnetwork.org/petitions/stop-the-execution"


class NoFollow(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def tap(link: str) -> str:
    """Follow a link as a supporter's browser does; returns what the petition's page is told."""
    request = urllib.request.Request(link, headers={"User-Agent": "Mozilla/5.0 (iPhone)"})  # noqa: S310
    try:
        urllib.request.build_opener(NoFollow).open(request, timeout=10)
    except urllib.error.HTTPError as answer:
        assert answer.code == 302, answer.code
        return answer.headers["Location"]
    raise AssertionError("it does not redirect")


def make_link(page, **asked: str) -> str:
    page.get_by_role("navigation", name="Organization").get_by_role("link", name="Links").click()
    page.select_option("#campaign", "stay")
    for name, text in asked.items():
        page.fill(f"#{name}", text)
    page.get_by_role("button", name="Create link").click()
    shown = page.locator(".made code").first
    expect(shown).to_be_visible()
    found: str = shown.inner_text()
    return found


def test_a_link_is_made_followed_and_its_action_appears(watched, wired: Flask):
    with wired.app_context(), transaction():
        org_id = organizations.get_organization(None).id
        (campaign,) = (c for c in campaigns.list_campaigns(org_id) if c.slug == "stay")
        _, key = sources.put_source(org_id, "action_network", "links", campaign_id=campaign.id)
    watched.sign_in_as_editor("/")
    page, site = watched.page, watched.site
    title = f"Made here {new_id().hex[-6:]}"
    post = f"https://www.threads.net/@hope/post/{new_id().hex}"
    link = make_link(page, post_url=post, title=title, destination=PETITION)
    assert link.startswith(f"{site.address}/r/")
    # The code is drawn, dark on white, and named for those who do not see it.
    qr = page.get_by_role("img", name="QR code of the link")
    expect(qr).to_be_visible()
    assert qr.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    with page.expect_download() as got:
        page.get_by_role("link", name="QR code as PNG").click()
    assert got.value.suggested_filename.endswith(".png")

    watched.go("/campaigns/stay")
    # A post is listed from its first click on.
    row = page.locator("#live-posts tr").filter(has_text=title)
    assert row.count() == 0
    expect(page.locator("#live")).to_have_text("Live: new actions appear automatically.")
    page.evaluate("window.sameDocument = true")

    # The redirect knows a new link within LINKS_REFRESH_SECONDS, or looks it up at once.
    location = tap(link)
    expect(row.locator("td").nth(1)).to_have_text("1", timeout=15_000)
    expect(row.locator("td").nth(0)).to_have_text("Threads")
    expect(row.locator("td").nth(2)).to_have_text("0")
    (carried,) = parse_qs(urlsplit(location).query)["source"]
    # Action Network tells whole seconds: she signs in the one after her tap.
    signed = datetime.now(UTC) + timedelta(seconds=1)
    body = [
        {
            "osdi:signature": {
                "identifiers": [f"action_network:{new_id().hex}"],
                "created_date": f"{signed:%Y-%m-%dT%H:%M:%SZ}",
                "action_network:referrer_data": {"source": carried},
                "person": {"email_addresses": [{"primary": True, "address": "ana@example.org"}]},
            },
            "idempotency_key": new_id().hex,
        }
    ]
    request = urllib.request.Request(  # noqa: S310
        f"{site.address}/webhooks/{key}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
    with wired.app_context():
        drain.drain(wired.extensions["settings"], org_id)
    expect(row.locator("td").nth(2)).to_have_text("1", timeout=15_000)
    assert page.evaluate("window.sameDocument") is True
    with wired.app_context():
        (action,) = run("select tier from actions where code = :code", code=link.rpartition("/")[2])
    assert action.tier == "click_id"


def test_a_link_is_copied(watched):
    watched.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    watched.sign_in_as_editor("/")
    page = watched.page
    link = make_link(page, post_url="https://x.com/a/status/99", destination=PETITION)
    page.locator(".made").get_by_role("button", name="Copy the link").click()
    expect(page.locator(".made").get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link


def test_an_error_is_shown_at_its_field(watched):
    watched.sign_in_as_editor("/links")
    page = watched.page
    page.fill("#destination", "http://example.org")
    page.fill("#title", "kept")
    page.get_by_role("button", name="Create link").click()
    expect(page.get_by_role("alert")).to_contain_text("must begin with https://")
    expect(page.locator("#title")).to_have_value("kept")
    # Chromium itself notes the 422 on its console.
    assert all("422" in error for error in watched.errors) and watched.errors
    watched.errors.clear()


def test_a_spreadsheet_is_uploaded_and_its_result_downloaded(watched, tmp_path):
    watched.sign_in_as_editor("/links/bulk")
    page = watched.page
    with page.expect_download() as got:
        page.get_by_role("link", name="template").click()
    path = tmp_path / "links.csv"
    got.value.save_as(path)
    page.set_input_files("#sheet", path)
    page.get_by_role("button", name="Create links").click()
    expect(page.get_by_role("status")).to_contain_text("1 link is ready")
    shown = page.locator("table code").inner_text()
    with page.expect_download() as got:
        page.get_by_role("link", name="Download the result as CSV").click()
    got.value.save_as(tmp_path / "made.csv")
    assert got.value.suggested_filename == "links-made.csv"
    with (tmp_path / "made.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["link"] == shown


def test_created_links_are_accessible_at_every_width_and_theme(watched, screenshots):
    watched.sign_in_as_editor("/")
    make_link(
        watched.page, post_url="https://x.com/a/status/7", title="A title", destination=PETITION
    )
    watched.look_everywhere(screenshots, "links-made")
