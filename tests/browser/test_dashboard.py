"""The dashboard in a real browser, with its Content-Security-Policy."""

from __future__ import annotations

import json
import re
import urllib.request
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import THEMES, WIDTHS

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def report_of(site, query: str = "") -> dict:
    """Ask the API for what the page has to show."""
    request = urllib.request.Request(  # noqa: S310
        f"{site.address}/api/v1/campaigns/stay/activation{query}",
        headers={"Authorization": f"Bearer {site.token}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        found: dict = json.load(answer)
        return found


def figures(page) -> dict[str, str]:
    return {
        group.locator("dt").inner_text(): group.locator("dd").first.inner_text()
        for group in page.locator(".figures > div").all()
    }


def bars(page) -> int:
    return page.locator("#by-day svg .mark-rect.role-mark path").count()


def test_signing_in_reading_and_signing_out_work_by_keyboard(watched):
    page, site = watched.page, watched.site
    watched.go("/")
    page.wait_for_url(re.compile(r"/sign-in\?next=/$"))
    expect(page.get_by_label("Email address")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.locator("#token")).to_be_focused()
    page.keyboard.type(site.token)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign in with the token")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.address}/")

    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Stop the execution":
            break
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Stop the execution")

    for _ in range(14):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Sign out":
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.address}/sign-in")
    watched.go("/campaigns/stay")
    page.wait_for_url(re.compile(r"/sign-in\?next=/campaigns/stay$"))


def test_an_invalid_token_is_refused_with_a_message(watched):
    page = watched.page
    watched.go("/sign-in")
    page.fill("#token", "aat_wrong")
    page.press("#token", "Enter")
    expect(page.get_by_role("alert")).to_have_text("This token is invalid or has expired.")
    assert page.locator("#token").get_attribute("aria-invalid") == "true"
    # Chromium itself notes the 401 of the form on its console.
    (error,) = watched.errors
    assert "401" in error
    watched.errors.clear()


def test_the_page_shows_the_figures_of_the_api(watched):
    watched.sign_in("/campaigns/stay")
    report, page = report_of(watched.site), watched.page
    shown = figures(page)
    assert report["actions"] > 300
    assert shown["Supporters"] == f"{report['supporters']['distinct']:,}"
    assert shown["New"] == f"{report['supporters']['new']:,}"
    assert shown["Returning"] == f"{report['supporters']['returning']:,}"
    assert shown["Actions"] == f"{report['actions']:,}"
    assert shown["Human clicks"] == f"{report['clicks']['human']:,}"
    (money,) = report["money"]
    assert shown["Net raised"].split() == [f"{money['net_minor'] / 100:,.2f}", "USD"]
    assert money["refunded_minor"] > 0

    rows = page.get_by_role("region", name="Posts").locator("tbody tr").all()
    posts = [row["post"] for row in report["posts"]]
    told = [post["title"] or post["url"] if post else "Unattributed" for post in posts]
    assert [row.locator("th").inner_text().split("\n")[0] for row in rows] == told
    cells = [row.locator("td").nth(2).inner_text().split("\n") for row in rows]
    assert [cell[0] for cell in cells] == [f"{row['actions']:,}" for row in report["posts"]]
    ranges = [
        f"{row['bounds']['lower']:,} to {row['bounds']['upper']:,}"
        for row in report["posts"]
        if row["post"] and row["bounds"]["lower"] != row["bounds"]["upper"]
    ]
    assert [cell[1] for cell in cells if len(cell) > 1] == ranges != []
    # Each kind of evidence is in the picture, so that it shows what the page can show.
    assert all(row["actions"] for row in report["evidence"])
    assert len({row["platform"] for row in report["platforms"] if row["platform"]}) == 5


def test_the_chart_and_its_table_have_the_same_data(watched):
    watched.sign_in("/campaigns/stay")
    report, page = report_of(watched.site), watched.page
    page.wait_for_selector("#by-day svg")
    assert bars(page) == len(report["by_day"]) > 20
    # Nothing of the page is loaded but from itself, and the bundle is one file.
    assert [
        url.partition("?")[0] for url in watched.asked if url.partition("?")[0].endswith(".js")
    ] == [
        f"{watched.site.address}/static/live.js",
        f"{watched.site.address}/static/vega.js",
        f"{watched.site.address}/static/chart.js",
    ]
    heights = page.eval_on_selector_all(
        "#by-day svg .mark-rect.role-mark path", "all => all.map(one => one.getBBox().height)"
    )
    assert max(heights) > 50

    page.get_by_text("Show as table").click()
    cells = page.locator("details tbody tr").all()
    assert [cell.inner_text().split() for cell in cells] == [
        [row["day"], row["kind"], f"{row['actions']:,}"] for row in report["by_day"]
    ]


def test_a_bar_has_a_tooltip_with_its_number(watched):
    watched.sign_in("/campaigns/stay")
    page = watched.page
    page.wait_for_selector("#by-day svg")
    page.locator("#by-day svg .mark-rect.role-mark path").first.hover()
    tip = page.locator("#vg-tooltip-element")
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("actions")


def test_days_can_be_chosen(watched):
    watched.sign_in("/campaigns/stay")
    page, site = watched.page, watched.site
    whole = report_of(site)
    first = date.fromisoformat(whole["from"]) + timedelta(days=7)
    last = first + timedelta(days=3)
    page.get_by_label("From", exact=True).fill(first.isoformat())
    page.get_by_label("To", exact=True).fill(last.isoformat())
    page.get_by_role("button", name="Show").click()
    page.wait_for_url(re.compile(rf"/campaigns/stay\?from={first}&to={last}&model=last_touch$"))

    some = report_of(site, f"?from={first}&to={last}")
    assert 0 < some["actions"] < whole["actions"]
    assert figures(page)["Actions"] == f"{some['actions']:,}"
    page.wait_for_selector("#by-day svg")
    assert bars(page) == len(some["by_day"])
    expect(page.get_by_label("From", exact=True)).to_have_value(first.isoformat())


def test_a_range_without_data_says_what_to_do(watched):
    watched.sign_in("/campaigns/stay")
    watched.go("/campaigns/stay?from=2020-01-01&to=2020-01-02")
    expect(watched.page.get_by_text("No actions were counted in this period")).to_be_visible()
    assert watched.page.locator("#by-day").count() == 0
    assert figures(watched.page)["Actions"] == "0"


def test_invalid_days_are_refused_with_a_link_back(watched):
    watched.sign_in("/campaigns/stay")
    for query in ("?from=x", "?from=2026-05-02&to=2026-05-01"):
        watched.go(f"/campaigns/stay{query}")
        expect(watched.page.locator("h1")).to_have_text("No such days")
        watched.page.get_by_role("link", name="Back to campaigns").click()
        expect(watched.page.locator("h1")).to_have_text("Campaigns")
    assert all("422" in error for error in watched.errors)
    watched.errors.clear()


def test_the_page_of_the_api_shows_its_operation(watched):
    page = watched.page
    watched.go("/api/")
    operation = page.locator(".opblock-get").first
    expect(operation).to_contain_text("/api/v1/campaigns/{slug}/activation")
    operation.locator("button.opblock-summary-control").click()
    for word in ("People are counted separately", "from", "401", "422", "503"):
        expect(operation).to_contain_text(word)
    expect(page.get_by_role("button", name="Authorize").first).to_be_visible()


def test_the_operation_can_be_tried_from_its_page(watched):
    page = watched.page
    watched.go("/api/")
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".dialog-ux")
    dialog.locator("input").fill(watched.site.token)
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").click()
    operation = page.locator(".opblock-get").first
    operation.locator("button.opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_placeholder("slug").fill("stay")
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table .response-col_status").last).to_contain_text(
        "200"
    )


def test_labels_headings_and_roles_are_there_for_screen_readers(watched):
    watched.sign_in("/campaigns/stay")
    page = watched.page
    page.wait_for_selector("#by-day svg")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1
    for name in ("From", "To"):
        expect(page.get_by_label(name, exact=True)).to_be_visible()
    # Vega gives the place a role of its own; the words have to be ours.
    assert page.locator("#by-day").get_attribute("role") in {"img", "graphics-document"}
    assert (page.locator("#by-day").get_attribute("aria-label") or "").startswith("Actions by day")
    unnamed = page.eval_on_selector_all(
        "input:not([type=hidden]), button, a, select",
        """all => all.filter(one => !(one.textContent.trim() || one.labels?.length
                                      || one.getAttribute('aria-label'))).length""",
    )
    assert unnamed == 0
    assert page.locator("th:not([scope])").count() == 0


def test_the_chart_fits_at_any_width_and_follows_the_theme(watched):
    page = watched.page
    watched.sign_in("/campaigns/stay")
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.reload()
            page.wait_for_selector("#by-day svg")
            assert page.locator("#by-day svg").bounding_box()["width"] <= width
            # Text of the chart follows the page's own ink.
            ink, label = page.evaluate(
                """() => [document.body, document.querySelector('#by-day .role-legend-label text')]
                         .map((one, at) => getComputedStyle(one)[at ? 'fill' : 'color'])"""
            )
            assert ink == label, (theme, width)
