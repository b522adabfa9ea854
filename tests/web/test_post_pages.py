"""Wherever a post is named, its title links to its page, with a small link to the platform."""

from __future__ import annotations

import html
import re

import pytest

from advocacy.storage.models import Post
from advocacy.storage.session import transaction
from tests.support.shared_reports import crowd, look, make

PUBLISHED = "https://www.instagram.com/p/C9f7/"
LINK = re.compile(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', re.S)


def publish(world):
    with transaction() as session:
        session.get(Post, (world.org_id, world.posts["instagram"])).url = PUBLISHED
    return world


@pytest.fixture
def published(walked):
    return publish(walked)


def links_of(page: str) -> list[tuple[str, str]]:
    """Return every link as (address, its whole name)."""
    return [
        (html.unescape(address), re.sub(r"<[^>]+>", "", name))
        for address, name in LINK.findall(page)
    ]


@pytest.mark.parametrize(
    ("path", "campaign"),
    [
        ("/campaigns/stay", "/campaigns/stay"),
        ("/campaigns/stay/paths", "/campaigns/stay"),
        ("/campaigns/stay/posts", "/campaigns/stay"),
        ("/explore?group_by=post", ""),
        ("/links", "/campaigns/stay"),
    ],
)
def test_a_title_leads_to_the_posts_page_and_a_small_link_to_where_it_is(published, path, campaign):
    found = links_of(published.member("editor").get(path).text)
    by_title = {address for address, name in found if name == "On instagram"}
    assert by_title
    for address in by_title:
        leads = f"{campaign}/posts/" if campaign else "/explore?post="
        assert address.startswith(f"{leads}{published.posts['instagram']}")
    assert {name for address, name in found if address == PUBLISHED} == {
        "open on Instagram: On instagram"
    }
    # What has no address yet has no way to one.
    assert not [name for _address, name in found if name.startswith("open on X")]
    assert "On x" in [name for _address, name in found]


def test_paths_spell_platforms_as_they_do(published):
    page = published.member("reader").get("/campaigns/stay/paths").text
    assert "instagram:" not in page
    assert page.count('<span class="hint">Instagram</span>') == 2


def test_a_view_link_leads_only_to_the_platform(world):
    publish(world)
    crowd(world, 20, "instagram")
    crowd(world, 20, "x", since=20)
    world.drain()
    page = look(world, make(world.member("editor"), range="all")).text
    found = links_of(page)
    assert (PUBLISHED, "open on Instagram: On instagram") in found
    assert not [address for address, _name in found if "explore" in address or "/posts/" in address]
