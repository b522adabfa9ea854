"""The conversion paths page in a real browser: chart, table, small screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_the_page_opens_from_the_campaign_and_draws_its_chart(watched):
    watched.sign_in("/campaigns/stay")
    page = watched.page
    page.get_by_role("link", name="Paths to action").click()
    expect(page.locator("h1")).to_have_text("Paths to action")
    page.wait_for_selector("#delays svg")
    assert page.locator("#delays svg .mark-rect.role-mark path").count() == 10
    heights = page.eval_on_selector_all(
        "#delays svg .mark-rect.role-mark path", "all => all.map(one => one.getBBox().height)"
    )
    assert max(heights) > 50
    page.get_by_text("Show as table").click()
    rows = page.locator("details tbody tr")
    expect(rows).to_have_count(10)
    assert sum(int(row.locator("td").nth(1).inner_text()) for row in rows.all()) > 0


def test_the_order_is_chosen_in_the_form(watched):
    watched.sign_in("/campaigns/stay/paths")
    page = watched.page
    page.get_by_label("Markov order").select_option("2")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("region", name="By post").locator("thead")).to_contain_text("markov 2")


def test_nothing_overflows_on_a_phone(watched, screenshots):
    watched.page.set_viewport_size({"width": 360, "height": 740})
    watched.sign_in("/campaigns/stay/paths")
    watched.page.wait_for_selector("#delays svg")
    width = watched.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360
    watched.page.screenshot(path=screenshots / "paths-phone.png", full_page=True)
    watched.page.set_viewport_size({"width": 1200, "height": 800})
    watched.page.screenshot(path=screenshots / "paths.png", full_page=True)


def test_the_ladder_opens_and_draws_its_rungs(watched, screenshots):
    watched.sign_in("/campaigns/stay")
    page = watched.page
    page.locator("#main").get_by_role("link", name="Ladder").click()
    expect(page.locator("h1")).to_have_text("Ladder")
    page.wait_for_selector("#rungs svg")
    assert page.locator("#rungs svg .mark-rect.role-mark path").count() == 5
    expect(page.get_by_role("region", name="Highest rung").locator("tbody tr")).to_have_count(5)
    page.set_viewport_size({"width": 360, "height": 740})
    page.reload()
    page.wait_for_selector(".chart svg")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size({"width": 1200, "height": 800})
    page.screenshot(path=screenshots / "ladder.png", full_page=True)
