"""Goals in a real browser: chart, table, small screen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from advocacy.analytics.goal_input import put_goal
from advocacy.storage import campaigns, organizations
from advocacy.storage import goals as store
from advocacy.storage.session import transaction

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def two_goals(watched, wired):
    today = datetime.now(UTC).date()
    first, last = today - timedelta(days=15), today + timedelta(days=20)
    with wired.app_context(), transaction():
        org_id = organizations.get_organization(None).id
        stay = campaigns.get_campaign(org_id, "stay")
        made = [
            put_goal(org_id, None, "supporters", "5000", first, last).id,
            put_goal(
                org_id, stay.id, "calls", "900", first, last, name="The vote",
                districts=["TX-07"], each_district=200,
            ).id,
        ]  # fmt: skip
    yield made
    with wired.app_context(), transaction():
        for each in made:
            store.remove_goal(org_id, each)


def test_each_goal_has_its_line_and_table(watched, two_goals, screenshots):
    watched.sign_in("/goals")
    page = watched.page
    for goal in two_goals:
        page.wait_for_selector(f"#line-{goal} svg")
        assert page.locator(f"#line-{goal} svg .mark-line path").count() == 2
    expect(page.get_by_role("heading", name="The vote")).to_be_visible()
    page.get_by_text("Show as table").first.click()
    assert page.locator("details tbody tr").count() > 5
    expect(page.get_by_role("region", name="Calls by district: The vote")).to_contain_text("TX-07")
    page.set_viewport_size({"width": 360, "height": 740})
    page.reload()
    page.wait_for_selector(".chart svg")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.screenshot(path=screenshots / "goals-phone.png", full_page=True)
    page.set_viewport_size({"width": 1200, "height": 800})
    page.screenshot(path=screenshots / "goals.png", full_page=True)


def test_without_a_goal_an_editor_sets_one_by_keyboard_and_removes_it(watched):
    watched.sign_in_as_editor("/goals")
    page = watched.page
    expect(page.locator("main")).to_contain_text("No goals yet.")
    page.get_by_label("Target").focus()
    page.keyboard.type("5,000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Supporters")).to_be_visible()
    expect(page.locator(".goal dd").nth(2)).to_have_text("5,000")
    sure = page.get_by_role("button", name="Confirm")
    expect(sure).to_be_hidden()
    page.locator("summary", has_text="Delete goal").press("Enter")
    sure.press("Enter")
    expect(page.locator("main")).to_contain_text("No goals yet.")
