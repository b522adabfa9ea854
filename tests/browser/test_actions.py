"""The pages of single actions in a real browser: navigation to a receipt, and its layout."""

from __future__ import annotations

import json
import urllib.request

import pytest
from playwright.sync_api import expect

from advocacy.analytics.activation import MODELS

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def ask(site, path: str) -> dict:
    """Ask the API for what the page has to show."""
    request = urllib.request.Request(  # noqa: S310
        f"{site.address}/api/v1{path}", headers={"Authorization": f"Bearer {site.token}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        found: dict = json.load(answer)
        return found


def receipts(site) -> list[dict]:
    """Return the receipts of the newest actions."""
    listed = ask(site, "/campaigns/stay/actions?limit=200")["actions"]
    return [ask(site, f"/actions/{each['id']}/explain") for each in listed]


def richest(site) -> dict:
    """Return the receipt with the most touches in the path, of a gift where there is one."""
    return max(
        receipts(site),
        key=lambda each: (
            sum(touch["number"] is not None for touch in each["touches"]),
            each["money"] is not None,
        ),
    )


def test_a_receipt_is_reached_from_the_campaign_by_keyboard(watched):
    watched.sign_in("/campaigns/stay")
    page = watched.page
    tabs = page.get_by_role("navigation", name="Campaign", exact=True)
    tabs.get_by_role("link", name="Actions").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Latest actions")
    listed = ask(watched.site, "/campaigns/stay/actions")["actions"]
    links = page.get_by_role("region", name="Actions").get_by_role("link")
    assert links.count() == len(listed) == 50
    links.first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{watched.site.address}/actions/{listed[0]['id']}")
    found = ask(watched.site, f"/actions/{listed[0]['id']}/explain")
    expect(page.locator(".summary")).to_have_text(found["summary"])
    page.get_by_role("link", name="Latest actions").click()
    page.get_by_role("link", name="Earlier actions").click()
    expect(page.get_by_role("link", name="Newest")).to_be_visible()


def test_post_and_kind_can_be_chosen(watched):
    watched.sign_in("/campaigns/stay/actions")
    page = watched.page
    page.get_by_label("Post").select_option(label="Instagram: Pay for the last appeal")
    page.get_by_label("Kind").select_option("donation")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**kind=donation**")
    rows = page.get_by_role("region", name="Actions").locator("tbody tr").all()
    assert rows
    for row in rows:
        assert row.locator("th").inner_text().startswith("Donation, ")
        assert "Pay for the last appeal" in row.locator("td").first.inner_text()
    # Names under which only another tool knows these gifts make no action that is not counted.
    page.get_by_label("Post").select_option("")
    page.get_by_label("Counted").select_option("no")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("main")).to_contain_text("No actions.")
    expect(page.get_by_label("Kind")).to_have_value("donation")


def test_the_shares_are_those_of_the_api(watched):
    found = richest(watched.site)
    path = [touch for touch in found["touches"] if touch["number"] is not None]
    assert len(path) > 1
    watched.sign_in(f"/actions/{found['action']['id']}")
    rows = watched.page.get_by_role("region", name="Shares by model").locator("tbody tr").all()
    assert set(path[0]["shares"]) == set(MODELS)
    for row, model in zip(rows, MODELS, strict=True):
        assert row.locator("th").inner_text().startswith(model.replace("_", " "))
        for cell, touch in zip(row.locator("td").all(), path, strict=True):
            share = touch["shares"][model]
            assert f"{share['percent']:.2f}".rstrip("0").rstrip(".") + " %" in cell.inner_text()


def test_a_receipt_needs_no_script(site, chromium):
    found = richest(site)
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.address}/sign-in?next=/actions/{found['action']['id']}")
    page.fill("#token", site.token)
    page.press("#token", "Enter")
    expect(page.locator(".summary")).to_have_text(found["summary"])
    # Only the file with the keyboard shortcuts, which a page does without.
    assert page.locator("script:not([src])").count() == 0
    context.close()
