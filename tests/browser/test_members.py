"""Members in a real browser: from an invitation to an invalid cookie, and a view link."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from advocacy.core.dates import day_in
from advocacy.storage import members, organizations
from advocacy.storage.session import transaction
from tests.support.sql import run

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PASSWORD = "correct horse battery"


@pytest.fixture
def owner(site, wired) -> Iterator[tuple[str, str]]:
    """A new owner's address and the path of her one-time link."""
    email = "ana@example.org"
    with wired.app_context():
        with transaction():
            organization = organizations.get_organization(None)
            master = wired.extensions["settings"].secret_key.encode()
            made = members.put_member(master, organization.id, email, "owner")
            word = members.put_one_time_token(organization.id, made.id)
        yield email, f"/set-password/{word}"
        with transaction():
            # Each test has its own; those who look at other pages stay signed in.
            for each in members.list_members(organization.id):
                if each.email not in {"editor@example.org", "owner@example.org"}:
                    members.remove_member(organization.id, each.id)
            run("delete from audit where org_id = :o", o=organization.id)


def set_password(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Your name").fill("Ana")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Repeat password").fill(PASSWORD)
    page.get_by_role("button", name="Save and sign in").click()
    expect(page.locator("h1")).to_have_text("Overview")


def sign_in(page: Page, site, email: str) -> None:
    page.goto(f"{site.address}/sign-in")
    expect(page.get_by_label("Email address")).to_be_focused()
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Overview")


def visitor(chromium: Browser, **more) -> Page:
    page = chromium.new_context(locale="en-US", **more).new_page()
    page.set_default_timeout(15_000)
    return page


def made_link(page: Page, site) -> str:
    """Return the link that is shown once, where this test's server listens."""
    shown = page.locator("#made").inner_text()
    return site.address + re.sub(r"^https?://[^/]+", "", shown)


def test_from_an_invitation_to_an_invalid_cookie(watched, site, owner, chromium):
    page = watched.page
    set_password(page, site.address + owner[1])
    page.get_by_role("link", name="Members").click()
    page.get_by_label("Email address").fill("bob@example.org")
    page.get_by_label("Role", exact=True).select_option("editor")
    page.get_by_role("button", name="Invite").click()
    link = made_link(page, site)

    bob = visitor(chromium)
    set_password(bob, link)
    copied = bob.context.cookies()
    thief = visitor(chromium)
    thief.context.add_cookies(copied)
    thief.goto(f"{site.address}/campaigns/stay")
    expect(thief.locator("h1")).to_have_text("Stop the execution")
    bob.get_by_role("button", name="Sign out").click()
    expect(bob.locator("h1")).to_have_text("Sign in")
    thief.reload()
    expect(thief.locator("h1")).to_have_text("Sign in")

    # In again with the password, and out by the owner's hand.
    sign_in(bob, site, "bob@example.org")
    watched.go("/members")
    page.get_by_role("button", name="Sign bob@example.org out everywhere").click()
    expect(page.get_by_role("button", name="Sign bob@example.org out")).to_have_count(0)
    bob.reload()
    expect(bob.locator("h1")).to_have_text("Sign in")
    # The link cannot be used again.
    answer = bob.goto(link)
    assert answer is not None and answer.status == 404
    for each in (bob, thief):
        each.context.close()
    expect(page.get_by_text("ended the sessions of bob@example.org")).to_be_visible()


def test_a_wrong_password_is_reported_and_changes_nothing(watched, site, owner):
    email, path = owner
    page = watched.page
    set_password(page, site.address + path)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password").fill("not the password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Incorrect email or password")
    expect(page.get_by_label("Email address")).to_have_value(email)
    # Chromium itself notes the 401 of the form on its console.
    assert all("401" in error for error in watched.errors)
    watched.errors.clear()
    sign_in(page, site, email)


def test_a_leader_sees_one_report_without_an_account(watched, site, owner, chromium):
    page = watched.page
    set_password(page, site.address + owner[1])
    watched.go("/campaigns/stay")
    page.locator("summary", has_text="Share").click()
    page.get_by_role("link", name="View links").click()
    page.get_by_label("Recipient").fill("The board")
    page.get_by_label("the whole campaign").check()
    page.get_by_role("button", name="Make a view link").click()
    link = made_link(page, site)

    # "HeadlessChrome" is a crawler's name, and crawlers do not count as openings.
    board = visitor(
        chromium,
        java_script_enabled=True,
        viewport={"width": 360, "height": 800},
        user_agent="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
    )
    said: list[str] = []
    board.on("console", lambda told: said.append(told.text) if told.type == "error" else None)
    board.goto(link)
    expect(board.locator("h1")).to_have_text("Stop the execution")
    board.wait_for_selector("#by-day canvas")
    # A view link shows completed days.
    yesterday = day_in(datetime.now(UTC), "America/Chicago") - timedelta(days=1)
    watched.go(f"/campaigns/stay?to={yesterday}&compare=none")
    for dt in ("Supporters", "New", "Actions"):
        figure = f"main .tile:has(dt:text-is('{dt}')) dd"
        shown, exact = (
            int(each.locator(figure).first.inner_text().replace(",", "")) for each in (board, page)
        )
        # People without an account see multiples of five.
        assert shown % 5 == 0 and abs(shown - exact) < 5
    assert board.get_by_role("navigation").count() == 0
    assert board.evaluate("document.documentElement.scrollWidth") <= 360
    assert said == []

    watched.go("/campaigns/stay/view-links")
    board_row = page.get_by_role("row", name="The board")
    expect(board_row.locator("td.num")).to_have_text(re.compile(r"^\s*1\D"))
    board_row.locator("summary", has_text="Revoke").click()
    board_row.get_by_role("button", name="Confirm").click()
    board.reload()
    expect(board.locator("h1")).to_have_text("Not found")
    board.context.close()
