"""Subscriptions to email reports in a real browser, by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_subscription_is_added_and_ended_by_keyboard(watched):
    watched.sign_in_as_editor("/")
    page = watched.page
    page.get_by_role("navigation", name="Organization").get_by_role("link", name="Reports").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("No mail server is configured")
    expect(page.get_by_label("Email address")).to_have_value("editor@example.org")
    page.get_by_label("Day of the week").focus()
    page.keyboard.type("Fri")
    page.get_by_role("button", name="Save").press("Enter")
    row = page.get_by_role("row", name="editor@example.org")
    expect(row).to_contain_text("Friday 08:00")
    row.get_by_role("button", name="Stop").press("Enter")
    expect(page.locator("main")).to_contain_text("No one receives an email report yet")
