"""Comparing, filtering and making a link by keyboard; downloads match the page."""

from __future__ import annotations

import csv
import re

import pytest
from playwright.sync_api import Page, expect

from advocacy.core.vocabulary import platform_named

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

_FOCUSED = """() => {
  const on = document.activeElement, label = on.labels && on.labels[0];
  const own = [...(label || on).childNodes].filter(n => n.nodeName !== 'SELECT');
  return {
    name: on.getAttribute('aria-label') || own.map(n => n.textContent).join(' ').trim(),
    seen: getComputedStyle(on).outlineStyle !== 'none',
  };
}"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is named so, first of all, has the focus and shows it."""
    passed = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        passed.append(focused["name"][:60])
        if focused["name"].startswith(name):
            assert focused["seen"], f"nobody sees that {name!r} has the focus"
            return
    raise AssertionError(f"Tab does not come to {name!r}, but to {passed}")


def test_comparing_filtering_and_downloading_work_by_keyboard(watched, tmp_path):
    page = watched.page
    watched.sign_in("/campaigns/stay/posts")
    watched.go("/campaigns/stay/posts?group_by=kind")
    tab_to(page, "Skip to content")
    page.keyboard.press("Enter")
    tab_to(page, "Compare with")
    page.keyboard.press("Enter")
    tab_to(page, "Previous period")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("compare=before"))
    expect(page.locator("main")).to_contain_text("compared with")
    tab_to(page, "Filter")
    page.keyboard.press("Enter")
    tab_to(page, "Platform")
    page.keyboard.type("Instagram")
    tab_to(page, "Show")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"platform=instagram"))
    expect(page.locator(".chips")).to_contain_text("Platform: Instagram")
    assert "group_by=kind" in page.url
    assert "compare=before" in page.url

    tab_to(page, "CSV")
    with page.expect_download() as got:
        page.keyboard.press("Enter")
    path = tmp_path / "kinds.csv"
    got.value.save_as(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        total, *rows = csv.DictReader(file)
    rows = [row for row in rows if row["actions"] != "0"]
    shown = page.locator("main table.rows tbody tr").all()
    assert len(rows) == len(shown) > 2
    for tr, row in zip(shown, rows, strict=True):
        cells = [cell.inner_text().split()[0] for cell in tr.locator("td.num").all()]
        expected = [f"{int(row[name]):,}" for name in ("actions", "supporters", "new")]
        assert cells[:3] == expected, row
    sum_of = page.locator("main table.rows tfoot td.num").first.inner_text().split()[0]
    assert sum_of == f"{int(total['actions']):,}"
    assert int(total["actions"]) == sum(int(row["actions"]) for row in rows)


def test_a_link_is_made_by_keyboard(watched):
    page = watched.page
    watched.sign_in_as_editor("/")
    tab_to(page, "Links")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/links"))
    tab_to(page, "Sign out")
    for name, text in (
        ("Campaign", "Stop"),
        ("Post URL", "https://www.instagram.com/p/Ckeyboard1/"),
        ("Action page", "https://actionnetwork.org/petitions/stop-the-execution"),
    ):
        tab_to(page, name)
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    made = page.locator(".made code").first
    expect(made).to_have_text(re.compile(r"/r/\w+$"))
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()


def test_a_platform_leads_to_its_posts_and_a_post_to_its_days(watched):
    page = watched.page
    watched.sign_in("/campaigns/stay/posts")
    watched.go("/campaigns/stay/posts?group_by=platform&from=2000-01-01")
    page.locator("table.rows").get_by_role("link", name=platform_named("instagram")).click()
    expect(page.locator(".chips")).to_contain_text(platform_named("instagram"))
    page.locator("table.rows tbody").get_by_role("link").first.click()
    page.wait_for_url(re.compile("/posts/[0-9a-f-]{36}"))
    page.get_by_text("Show by day").click()
    assert page.locator("details[open] tbody tr").count() > 5
