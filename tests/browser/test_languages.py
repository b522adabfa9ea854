"""Choosing a language in a real browser: texts, chart, screen reader labels."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

CAMPAIGN = "/campaigns/stay"


@pytest.mark.parametrize(
    ("language", "heading", "legend", "tip"),
    [
        ("fr", "Actions par", "appel", "actions"),
        ("es", "Acciones por", "llamada", "acciones"),
    ],
)
def test_a_language_is_chosen_by_keyboard_and_stays(watched, language, heading, legend, tip):
    watched.sign_in(CAMPAIGN)
    page = watched.page
    page.locator(".controls summary").first.click()
    page.get_by_label("From", exact=True).fill("2026-01-01")
    page.get_by_role("button", name="Show").click()
    here = page.url
    page.locator(".sidebar").get_by_label("Language").select_option(language)
    page.locator(".sidebar").get_by_role("button", name="Apply").press("Enter")
    page.wait_for_url(here)
    assert page.evaluate("document.documentElement.lang") == language
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    page.wait_for_selector("#by-day canvas")
    expect(page.locator("#live-days .legend")).to_contain_text(legend)
    page.locator("#by-day .u-over").hover()
    expect(page.locator(".plot-tip")).to_contain_text(tip)
    page.goto(watched.site.address + "/goals")
    assert page.evaluate("document.documentElement.lang") == language


def test_longer_words_do_not_break_the_page_on_a_telephone(watched):
    watched.sign_in(CAMPAIGN)
    page = watched.page
    page.set_viewport_size({"width": 360, "height": 740})
    for language in ("fr", "es"):
        page.locator(".bottom-bar summary").click()
        page.locator(".sheet .language select").select_option(language)
        page.locator(".sheet .language button").click()
        page.wait_for_selector(f"html[lang={language}]")
        for path in (
            "/",
            CAMPAIGN,
            f"{CAMPAIGN}/actions",
            f"{CAMPAIGN}/paths",
            "/ladder",
            "/goals",
        ):
            watched.go(path)
            over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(over) <= 0, (language, path)
