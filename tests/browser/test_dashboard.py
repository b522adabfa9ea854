"""The dashboard in a real browser, with its Content-Security-Policy."""

from __future__ import annotations

import json
import re
import urllib.request
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from advocacy.reporting.charts import COLOURS
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
        for group in page.locator("main .tile").all()
    }


def charted(page) -> dict:
    """Return what the chart is drawn from, once it is drawn."""
    page.wait_for_selector("#by-day canvas")
    found: dict = json.loads(page.locator("#by-day-spec").text_content())
    assert page.locator("#by-day").get_attribute("data-bars") == str(len(found["labels"]))
    return found


def drawn_actions(page) -> float:
    return sum(sum(each["values"]) for each in charted(page)["series"])


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

    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Sign out":
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
    assert shown["Net raised"] == f"${money['net_minor'] / 100:,.0f}"
    assert money["refunded_minor"] > 0

    rows = page.get_by_role("region", name="Posts").locator("tbody tr").all()
    # The page lists the posts that had clicks or actions.
    listed = [row for row in report["posts"] if row["clicks"]["human"] or row["actions"]]
    posts = [row["post"] for row in listed]
    told = [post["title"] or post["url"] if post else "Unattributed" for post in posts]
    assert [row.locator("th .title, th em").inner_text() for row in rows] == told
    cells = [row.locator("td").nth(2) for row in rows]
    shown = [cell.text_content().partition(" (")[0] for cell in cells]
    assert shown == [f"{row['actions']:,}" for row in listed]
    ranges = [
        f"{row['bounds']['lower']:,} to {row['bounds']['upper']:,}"
        for row in report["posts"]
        if row["post"] and row["bounds"]["lower"] != row["bounds"]["upper"]
    ]
    assert [title for cell in cells if (title := cell.get_attribute("title"))] == ranges != []
    # Each kind of evidence is in the picture, so that it shows what the page can show.
    assert all(row["actions"] for row in report["evidence"])
    assert len({row["platform"] for row in report["platforms"] if row["platform"]}) == 5


def test_the_chart_and_its_table_have_the_same_data(watched):
    watched.sign_in("/campaigns/stay")
    report, page = report_of(watched.site), watched.page
    spec = charted(page)
    assert drawn_actions(page) == sum(row["actions"] for row in report["by_day"]) > 300
    # Nothing of the page is loaded but from itself.
    scripts = {url.partition("?")[0] for url in watched.asked if ".js" in url}
    names = {"shell.js", "live.js", "plot.js", "vendor/uplot.js"}
    assert scripts == {f"{watched.site.address}/static/{name}" for name in names}
    # Something is drawn in the colour of each kind.
    colours = page.evaluate(
        """() => { const canvas = document.querySelector("#by-day canvas");
          const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          const seen = new Set();
          for (let at = 0; at < data.length; at += 4)
            if (data[at + 3] === 255) seen.add([0, 1, 2].map((by) =>
              data[at + by].toString(16).padStart(2, "0")).join(""));
          return [...seen]; }"""
    )
    assert {COLOURS[each["kind"]].strip("#") for each in spec["series"]} <= set(colours)

    page.locator("#live-days").get_by_text("Show as table").click()
    cells = page.locator("#live-days details tbody tr").all()
    assert [cell.inner_text().split() for cell in cells] == [
        [row["day"], row["kind"], f"{row['actions']:,}"] for row in report["by_day"]
    ]


def test_a_bar_has_a_tooltip_with_its_number(watched):
    watched.sign_in("/campaigns/stay")
    page = watched.page
    spec = charted(page)
    place = page.locator("#by-day .u-over")
    box = place.bounding_box()
    most = max(
        range(len(spec["labels"])),
        key=lambda at: sum(each["values"][at] for each in spec["series"]),
    )
    x = (most + 0.6) / (len(spec["labels"]) + 0.2) * box["width"]
    place.hover(position={"x": x, "y": box["height"] / 2})
    tip = page.locator(".plot-tip")
    expect(tip).to_be_visible()
    total = sum(each["values"][most] for each in spec["series"])
    expect(tip).to_contain_text(spec["labels"][most])
    expect(tip).to_contain_text(f"{total:,} actions")


def test_days_can_be_chosen(watched):
    watched.sign_in("/campaigns/stay")
    page, site = watched.page, watched.site
    whole = report_of(site)
    first = date.fromisoformat(whole["from"]) + timedelta(days=7)
    last = first + timedelta(days=3)
    page.locator(".controls summary").first.click()
    page.get_by_label("From", exact=True).fill(first.isoformat())
    page.get_by_label("To", exact=True).fill(last.isoformat())
    page.get_by_role("button", name="Show").click()
    page.wait_for_url(re.compile(rf"/campaigns/stay\?compare=before&from={first}&to={last}$"))

    some = report_of(site, f"?from={first}&to={last}")
    assert 0 < some["actions"] < whole["actions"]
    assert figures(page)["Actions"] == f"{some['actions']:,}"
    assert drawn_actions(page) == sum(row["actions"] for row in some["by_day"])
    assert len(charted(page)["labels"]) == 4


def test_keys_choose_days_and_the_comparison(watched):
    watched.sign_in("/campaigns/stay")
    page = watched.page
    page.keyboard.press("w")
    page.wait_for_url(re.compile(r"from=.*compare=before|compare=before.*from="))
    assert len(charted(page)["labels"]) == 7
    page.keyboard.press("x")
    page.wait_for_url(re.compile(r"compare=none"))
    assert charted(page)["before"] == []
    # The choice holds on the next tab.
    page.locator(".tabs").get_by_role("link", name="Posts").click()
    page.wait_for_url(re.compile(r"/(explore|posts)\?.*compare=none"))
    expect(page.locator("h1")).to_be_visible()


def test_posts_are_sorted_and_narrowed_by_a_click(watched):
    watched.sign_in("/campaigns/stay")
    page = watched.page
    posts = page.get_by_role("region", name="Posts")
    posts.get_by_role("link", name="Clicks").click()
    page.wait_for_url(re.compile(r"sort=clicks"))
    cells = posts.locator("tbody tr:not(:has(em)) td:nth-of-type(2)").all_inner_texts()
    clicks = [int(each.replace(",", "")) for each in cells]
    assert clicks == sorted(clicks, reverse=True) and len(clicks) > 2
    assert posts.locator("th[aria-sort=descending]").inner_text().startswith("Clicks")
    page.locator("#live-platforms").get_by_role("link", name="Instagram").click()
    page.wait_for_url(re.compile(r"platform=instagram"))
    platforms = set(posts.locator("tbody tr td:nth-of-type(1)").all_inner_texts())
    assert platforms == {"Instagram"}
    expect(page.get_by_role("link", name="All platforms")).to_be_visible()


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
        expect(watched.page.locator("h1")).to_have_text("Overview")
    assert all("422" in error for error in watched.errors)
    watched.errors.clear()


def test_the_page_of_the_api_shows_its_operation(watched):
    page = watched.page
    watched.go("/api/reference")
    operation = page.locator(".opblock-get").first
    expect(operation).to_contain_text("/api/v1/campaigns/{slug}/activation")
    operation.locator("button.opblock-summary-control").click()
    for word in ("People are counted separately", "from", "401", "422", "503"):
        expect(operation).to_contain_text(word)
    expect(page.get_by_role("button", name="Authorize").first).to_be_visible()


def test_the_operation_can_be_tried_from_its_page(watched):
    page = watched.page
    watched.go("/api/reference")
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
    page.wait_for_selector("#by-day canvas")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1
    page.locator(".controls summary").first.click()
    for name in ("From", "To"):
        expect(page.get_by_label(name, exact=True)).to_be_visible()
    assert page.locator("#by-day").get_attribute("role") == "img"
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
            page.wait_for_selector("#by-day canvas")
            assert page.locator("#by-day canvas").bounding_box()["width"] <= width
            over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(over) <= 0, (theme, width)
