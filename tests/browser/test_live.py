"""Live updates of an open page: by stream, by polling, without disturbing the reader."""

from __future__ import annotations

import csv
import json
import re
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
from playwright.sync_api import expect

from advocacy.core.ids import new_id
from advocacy.core.vocabulary import platform_named
from advocacy.ingestion import drain
from advocacy.storage import campaigns, organizations, sources
from advocacy.storage.session import transaction

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SIGNED_OUT = "You are signed out. Sign in again to see new actions."


@pytest.fixture
def act(wired: Flask, site) -> Callable[..., None]:
    """Send an action to the shown campaign: a real webhook, then a worker."""
    with wired.app_context(), transaction():
        org = organizations.get_organization(None)
        (campaign,) = (c for c in campaigns.list_campaigns(org.id) if c.slug == "stay")
        name = f"live-{new_id().hex[-8:]}"
        _, key = sources.put_source(org.id, "action_network", name, campaign_id=campaign.id)
        org_id = org.id

    def acted(source: str = "") -> None:
        body = [
            {
                "osdi:signature": {
                    "identifiers": [f"action_network:{new_id().hex}"],
                    "created_date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
                    "action_network:referrer_data": {"source": source},
                    "person": {
                        "email_addresses": [
                            {"primary": True, "address": f"{new_id().hex}@example.org"}
                        ]
                    },
                },
                "idempotency_key": new_id().hex,
            }
        ]
        request = urllib.request.Request(  # noqa: S310
            f"{site.address}/webhooks/{key}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            assert answer.status == 200
        with wired.app_context():
            drain.drain(wired.extensions["settings"], org_id)

    return acted


def figure(page, name: str):
    return page.locator("main .tile", has=page.get_by_text(name, exact=True)).locator("dd").first


def number(locator) -> int:
    return int(locator.inner_text().replace(",", ""))


def is_live(page) -> None:
    expect(page.locator("#live")).to_have_text("Live: new actions appear automatically.")


def test_an_action_appears_without_a_reload(watched, act):
    watched.sign_in("/campaigns/stay")
    page = watched.page
    is_live(page)
    page.wait_for_selector("#by-day canvas")
    page.evaluate("window.sameDocument = true")
    actions, supporters = figure(page, "Actions"), figure(page, "Supporters")
    before = number(actions), number(supporters)
    act()
    expect(actions).to_have_text(f"{before[0] + 1:,}", timeout=10_000)
    expect(supporters).to_have_text(f"{before[1] + 1:,}")
    assert page.evaluate("window.sameDocument") is True, "the page was reloaded"
    said = page.locator("#live-said")
    expect(said).to_have_text(f"Actions now: {before[0] + 1:,}; supporters: {before[1] + 1:,}.")
    assert said.get_attribute("role") == "status"
    # The chart is drawn from the new figures, and the table behind it says the same.
    kind = "signature"
    spec = json.loads(page.locator("#by-day-spec").text_content())
    (values,) = [each["values"] for each in spec["series"] if each["kind"] == kind]
    newest = [each for each in values if each][-1]
    page.locator("#live-days").get_by_text("Show as table").click()
    expect(page.locator("#live-days tbody tr").filter(has_text=kind).last).to_contain_text(
        f"{newest:,}"
    )
    page.wait_for_selector("#by-day canvas")
    # Another one, with the table open: it stays open.
    act()
    expect(actions).to_have_text(f"{before[0] + 2:,}", timeout=15_000)
    expect(page.locator("#live-days table")).to_be_visible()


def test_focus_and_selection_survive_an_update(watched, act):
    watched.sign_in("/campaigns/stay")
    page = watched.page
    is_live(page)
    link = page.locator("#live-posts a").first
    link.focus()
    href = link.get_attribute("href")
    # Text of the figures is marked, to be copied.
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#live-figures dd'))")
    marked = page.evaluate("getSelection().toString()")
    actions = figure(page, "Actions")
    before = number(actions)
    rows = page.locator("#live-posts tr").filter(has_text="Unattributed").locator("td").nth(2)
    credited = number(rows)
    act()
    expect(rows).to_have_text(f"{credited + 1:,}", timeout=10_000)
    assert page.evaluate("document.activeElement.getAttribute('href')") == href
    assert page.evaluate("getSelection().toString()") == marked
    assert number(actions) == before
    page.evaluate("getSelection().removeAllRanges()")
    expect(actions).to_have_text(f"{before + 1:,}", timeout=15_000)


def test_animations_respect_reduced_motion(watched, act):
    watched.page.emulate_media(reduced_motion="reduce")
    watched.sign_in("/campaigns/stay")
    page = watched.page
    is_live(page)
    actions = figure(page, "Actions")
    before = number(actions)
    act()
    expect(actions).to_have_text(f"{before + 1:,}", timeout=10_000)
    name = "element => getComputedStyle(element).animationName"
    expect(actions).to_have_class(re.compile("fresh"))
    assert actions.evaluate(name) == "none"
    page.emulate_media(reduced_motion="no-preference")
    assert actions.evaluate(name) == "fresh"


def test_a_page_without_a_stream_polls_instead(watched, act):
    page = watched.page
    full = {"status": 503, "headers": {"Retry-After": "60"}}
    page.route(re.compile(r"/live\?"), lambda route: route.fulfill(**full))
    page.clock.install()
    watched.sign_in("/campaigns/stay")
    expect(page.locator("#live")).to_have_text("New actions appear within ten seconds.")
    actions = figure(page, "Actions")
    before = number(actions)
    act()
    # The answer of a second is shared, and the page's clock runs ahead of the server's.
    time.sleep(1.1)
    page.clock.run_for(13_000)
    expect(actions).to_have_text(f"{before + 1:,}", timeout=10_000)
    # Chromium itself notes the 503 on its console.
    assert all("503" in error for error in watched.errors) and watched.errors
    watched.errors.clear()
    # When there is a place again, it is taken.
    page.unroute(re.compile(r"/live\?"))
    page.clock.run_for(80_000)
    is_live(page)


def test_a_hidden_page_holds_no_stream(watched, act):
    watched.sign_in("/campaigns/stay")
    page = watched.page
    is_live(page)
    hide = """hidden => {
      Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
      document.dispatchEvent(new Event('visibilitychange')); }"""
    page.evaluate(hide, True)
    actions = figure(page, "Actions")
    before = number(actions)
    act()
    page.wait_for_timeout(2500)
    assert number(actions) == before
    page.evaluate(hide, False)
    expect(actions).to_have_text(f"{before + 1:,}", timeout=10_000)


def test_a_signed_out_page_says_so_and_stops_updating(watched, act):
    watched.sign_in("/campaigns/stay")
    page = watched.page
    is_live(page)
    actions = figure(page, "Actions")
    before = number(actions)
    # Signed out in another tab.
    page.context.clear_cookies()
    act()
    expect(page.locator("#live-said")).to_have_text(SIGNED_OUT, timeout=10_000)
    assert number(actions) == before


def test_downloads_have_the_figures_of_the_page(watched, tmp_path):
    watched.sign_in("/campaigns/stay")
    page = watched.page
    with page.expect_download() as got:
        page.get_by_text("Download", exact=True).click()
        page.get_by_role("link", name="CSV of posts only").click()
    path = tmp_path / "posts.csv"
    got.value.save_as(path)
    assert got.value.suggested_filename.startswith("stay-")
    with path.open(encoding="utf-8-sig", newline="") as file:
        # The page lists the posts that had clicks or actions.
        rows = [
            row for row in csv.DictReader(file) if row["clicks"] != "0" or row["actions"] != "0"
        ]
    shown = page.locator("#live-posts tr").all()
    assert len(shown) == len(rows) > 3
    for tr, row in zip(shown, rows, strict=True):
        cells = [cell.text_content().strip().partition(" (")[0] for cell in tr.locator("td").all()]
        named = tr.locator("th .title, th em").inner_text()
        assert named == (row["title"] or row["url"] or row["post"])
        net = float(row["net_USD"])
        assert cells[:5] == [
            platform_named(row["platform"]),
            *(f"{int(row[name]):,}" for name in ("clicks", "actions", "supporters", "new")),
        ]
        assert cells[6] == (f"{net:,.2f} USD" if int(row["donation"]) else "")
    with page.expect_download() as got:
        page.get_by_role("link", name="Excel").click()
    assert got.value.suggested_filename.endswith(".xlsx")
