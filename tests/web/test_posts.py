"""A campaign's posts as rows to sort and filter, and the page of each post."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest

from advocacy.storage.models import Post
from advocacy.storage.session import transaction

AT = datetime(2026, 5, 6, 16, 20, tzinfo=UTC)
DAYS = "from=2026-05-01&to=2026-05-31"
PAGE = f"/campaigns/stay/posts?{DAYS}"


@pytest.fixture
def staff(world):
    return world.member("reader")


@pytest.fixture
def busy(world):
    """Three people act through Instagram, one of them again through X and later calls."""
    with transaction() as session:
        for platform in ("instagram", "x"):
            session.get(Post, (world.org_id, world.posts[platform])).published_at = AT
    for number in range(3):
        at = AT + timedelta(hours=number, minutes=30)
        click = world.click("instagram", at=at - timedelta(minutes=5))
        world.act("signature", email=f"{number}@example.org", click_id=click, at=at)
    for hour in range(4):
        world.click("x", at=AT + timedelta(hours=hour))
    world.act(
        "call", email="0@example.org", code=world.links["x"], at=AT + timedelta(days=4), id="call"
    )
    world.act("letter", email="stranger@example.org", at=AT)
    world.drain()
    return world


def rows(page: str) -> list[str]:
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.S)[1]
    found = re.findall(r'<th scope="row">(.*?)</th>', body, re.S)
    return [" ".join(re.sub("<[^>]+>", " ", each).split()) for each in found]


def test_rows_are_sorted_by_the_heading_and_what_has_no_post_is_last(busy, staff):
    assert rows(staff.get(PAGE).text) == ["Instagram On instagram", "X On x", "Unattributed"]
    page = staff.get(f"{PAGE}&sort=-clicks").text
    assert rows(page) == ["X On x", "Instagram On instagram", "Unattributed"]
    assert re.search(r'aria-sort="descending"><a href="[^"]*sort=clicks"', page)
    assert staff.get(f"{PAGE}&sort=beauty").status_code == 422


def test_each_row_says_what_kinds_its_actions_are(busy, staff):
    page = staff.get(PAGE).text
    strips = re.findall(r'<svg class="strip"[^>]*aria-label="([^"]*)"', page)
    assert strips == ["signature 3", "call 1", "letter 1"]
    # As long as their part of the longest row.
    widths = re.findall(r'<rect class="kind-\w+" x="0.0" width="([\d.]+)"', page)
    assert widths == ["100.0", "33.33", "33.33"]


def test_a_platform_leads_to_its_posts(busy, staff):
    page = html.unescape(staff.get(f"{PAGE}&group_by=platform").text)
    (address,) = re.findall(r'<th scope="row"><a href="([^"]*)">Instagram</a>', page)
    shown = staff.get(address).text
    assert rows(shown) == ["Instagram On instagram"]
    assert "Platform: Instagram" in shown


def test_a_week_leads_to_its_days(busy, staff):
    page = html.unescape(staff.get(f"{PAGE}&group_by=week").text)
    (address,) = re.findall(r'<th scope="row"><a href="([^"]*)">2026-W19</a>', page)
    assert "from=2026-05-04&to=2026-05-10" in address


def test_rows_with_nothing_in_these_days_are_left_out_and_said(busy, staff):
    page = staff.get("/campaigns/stay/posts?from=2026-06-01&to=2026-06-30&compare=before").text
    assert "No matching actions in this period" in page
    busy.act("call", email="9@example.org", code=busy.links["x"], at=AT + timedelta(days=30))
    busy.drain()
    page = staff.get("/campaigns/stay/posts?from=2026-06-01&to=2026-06-30&compare=before").text
    assert rows(page) == ["X On x"]
    assert "2 without clicks or actions in these days are left out." in page


def test_the_former_address_leads_to_the_posts_with_its_parameters(busy, staff):
    answer = staff.get(
        f"/campaigns/stay/explore?group_by=platform&platform=x&platform=tiktok&{DAYS}"
    )
    assert answer.status_code == 301
    assert answer.location == (
        f"/campaigns/stay/posts?group_by=platform&platform=x&platform=tiktok&{DAYS}"
    )
    post = busy.posts["x"]
    answer = staff.get(f"/campaigns/stay/explore?post={post}&group_by=day&{DAYS}")
    assert answer.location == f"/campaigns/stay/posts/{post}?{DAYS}"
    answer = staff.get(f"/campaigns/stay/explore.csv?group_by=kind&{DAYS}")
    assert answer.location == f"/campaigns/stay/posts.csv?group_by=kind&{DAYS}"
    answer = staff.get(f"/campaigns/stay/ladder?{DAYS}")
    assert (answer.status_code, answer.location) == (301, f"/campaigns/stay/people?{DAYS}")


def outcome(page: str, name: str) -> str:
    found = re.search(rf"<dt>{name}</dt><dd>(.*?)</dd>", page, re.S)[1]
    return " ".join(re.sub("<[^>]+>", " ", found).split())


def test_the_page_of_a_post_says_what_came_of_it(busy, staff):
    page = staff.get(f"/campaigns/stay/posts/{busy.posts['instagram']}?{DAYS}").text
    assert "3 people did 3 actions through this post." in page
    assert "It is number 1 of 2 posts with actions in these days." in page
    assert outcome(page, "Came again") == "1 of 3"
    assert outcome(page, "Passed on") == "1.0 ×"
    assert "3 actions within 72 hours" in page
    later = "from=2026-05-08&to=2026-05-31"
    page = staff.get(f"/campaigns/stay/posts/{busy.posts['x']}?{later}").text
    # The caller had signed before and came four days after it was published.
    assert outcome(page, "Climbed") == "1"
    assert outcome(page, "Came again") == "0 of 1"
    assert "No actions in the first 72 hours" in page


def test_a_post_of_another_campaign_or_none_has_no_page(busy, staff):
    for wrong in ("00000000-0000-0000-0000-000000000009", "nonsense"):
        assert staff.get(f"/campaigns/stay/posts/{wrong}").status_code == 404
