"""The conversion paths page in a real browser: chart, table, small screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def open_tab(page, name: str) -> None:
    page.get_by_role("navigation", name="Campaign", exact=True).get_by_role(
        "link", name=name
    ).click()


def test_the_page_opens_from_the_campaign_and_begins_with_the_answer(watched):
    watched.sign_in("/campaigns/stay")
    page = watched.page
    open_tab(page, "Paths")
    expect(page.locator("h1")).to_contain_text("Paths to action")
    expect(page.locator(".summary")).to_contain_text("models")
    rows = page.get_by_role("region", name="Share of actions by platform").locator("tbody tr")
    dots = rows.first.locator("circle")
    assert dots.count() == 9  # eight models, and the usual one once more
    box = rows.first.locator("svg").bounding_box()
    for dot in dots.all():
        middle = dot.bounding_box()["x"] + dot.bounding_box()["width"] / 2
        assert box["x"] - 1 <= middle <= box["x"] + box["width"] + 1
    expect(page.get_by_role("region", name="By post")).to_be_hidden()
    page.get_by_text("Show the numbers").click()
    expect(page.get_by_role("region", name="By post")).to_be_visible()


def test_the_order_is_chosen_in_the_form(watched):
    watched.sign_in("/campaigns/stay/paths")
    page = watched.page
    page.get_by_text("Show the numbers").click()
    page.get_by_label("Markov order").select_option("2")
    page.locator("form", has=page.get_by_label("Markov order")).get_by_role("button").click()
    expect(page.get_by_role("region", name="By post").locator("thead")).to_contain_text("markov 2")


def test_nothing_overflows_on_a_phone(watched, screenshots):
    watched.page.set_viewport_size({"width": 360, "height": 740})
    watched.sign_in("/campaigns/stay/paths")
    width = watched.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360
    watched.page.screenshot(path=screenshots / "paths-phone.png", full_page=True)
    watched.page.set_viewport_size({"width": 1200, "height": 800})
    watched.page.screenshot(path=screenshots / "paths.png", full_page=True)


def test_the_ladder_opens_and_shows_its_steps(watched, screenshots):
    watched.sign_in("/campaigns/stay")
    page = watched.page
    open_tab(page, "People")
    expect(page.locator("h1")).to_contain_text("People")
    assert page.locator(".rungs li").count() >= 2
    page.get_by_text("Show the numbers").click()
    expect(page.get_by_role("region", name="Highest rung").locator("tbody tr")).to_have_count(5)
    page.set_viewport_size({"width": 360, "height": 740})
    page.reload()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size({"width": 1200, "height": 800})
    page.screenshot(path=screenshots / "ladder.png", full_page=True)
