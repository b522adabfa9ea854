"""Tables wider than the screen: a visible edge, and a sticky first column."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from advocacy import web

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TEMPLATES = sorted((Path(web.__file__).parent / "templates").glob("*.html"))
POSTS = "/campaigns/stay/posts?compare=before"
COMPARED = "/explore?group_by=platform&compare=before&gifts=true"


def test_every_scrolling_table_can_be_reached_by_keyboard():
    found = [
        (path.name, tag)
        for path in TEMPLATES
        for tag in re.findall(r'<\w+ class="scroll"[^>]*>', path.read_text())
    ]
    assert len(found) > 20
    for name, tag in found:
        assert 'tabindex="0"' in tag, (name, tag)
        assert re.search(r"aria-label(ledby)?=", tag), (name, tag)
        assert 'role="region"' in tag or tag.startswith("<section"), (name, tag)


@pytest.mark.parametrize("language", ["en", "fr", "es"])
def test_common_tables_fit_a_laptop(watched, language):
    page = watched.page
    page.set_extra_http_headers({"Accept-Language": language})
    page.set_viewport_size({"width": 1280, "height": 900})
    watched.sign_in_as_owner()
    for address in ("/", "/campaigns/stay", POSTS, "/campaigns/stay/paths"):
        watched.go(address)
        wide = page.locator(".scroll").evaluate_all(
            """all => all.filter(each => each.checkVisibility())
                         .filter(each => each.scrollWidth > each.clientWidth)
                         .map(each => each.getAttribute("aria-label"))"""
        )
        assert wide == [], address


def test_on_a_phone_the_first_column_is_sticky_and_the_edge_is_shaded(watched):
    page = watched.page
    page.set_viewport_size({"width": 375, "height": 800})
    watched.sign_in_as_owner(COMPARED)
    table = page.locator(".scroll").first
    name = table.get_by_role("rowheader").first
    figure = table.get_by_role("cell").first
    before, figure_before = name.bounding_box(), figure.bounding_box()
    table.evaluate("each => each.scrollTo(60, 0)")
    assert name.bounding_box()["x"] == before["x"]
    assert figure.bounding_box()["x"] < figure_before["x"]
    # The covers move with the table, the shades stay.
    attached = table.evaluate("each => getComputedStyle(each).backgroundAttachment")
    assert attached == "local, local, scroll, scroll"


def test_on_a_phone_the_navigation_is_one_line(watched):
    page = watched.page
    page.set_viewport_size({"width": 375, "height": 800})
    watched.sign_in_as_owner("/")
    assert page.locator(".bottom-bar").bounding_box()["height"] < 90
    page.locator(".bottom-bar summary").click()
    last = page.get_by_role("button", name="Sign out")
    last.focus()
    expect(last).to_be_in_viewport()
