"""Texts of pages: time zones, number formats, next steps, and links to more."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

from flask_babel import force_locale

from advocacy.core.vocabulary import moment
from advocacy.reporting import formats
from advocacy.storage import posts as posts_storage
from advocacy.storage.session import transaction
from tests.support.surges import clicks, noticed, watch


def test_a_surge_is_noticed_by_the_clock_of_its_campaign(world, settings):
    clicks(world, 31)
    watch(world, settings)
    page = world.member("reader").get("/").text
    (told,) = re.findall(r"<time[^>]*>([^<]*) \(([^)]*)\)</time>", page)
    assert told[1] == "America/New_York"
    (row,) = noticed(world)
    assert told[0] == moment(row.noticed_at, "America/New_York")


def test_less_money_has_a_minus_and_large_shares_have_thousands(app):
    with app.test_request_context(), force_locale("en"):
        assert formats.money(-1_250_50, "USD") == "−1,250.50 USD"
        assert formats.number(-3) == "−3"
        assert formats.percent(161.2) == "16,120 %"
    with app.test_request_context(), force_locale("es"):
        assert formats.percent(161.2) == "16.120 %"


def test_where_nothing_happened_yet_the_next_step_is_said(world):
    page = world.member("editor").get("/").text
    assert 'href="/links?campaign=stay"' in page
    world.act("call", email="a@example.org")
    world.drain()
    assert 'href="/links?campaign=stay"' not in world.member("owner").get("/").text


def test_a_campaigns_page_lists_posts_with_figures_and_leads_to_all(world):
    with transaction():
        for number in range(30):
            posts_storage.put_post(world.org_id, world.campaign_id, "x", title=f"Further {number}")
    world.act("call", email="a@example.org", code=world.links["instagram"])
    world.act("call", email="b@example.org")
    world.drain()
    page = html.unescape(world.member("reader").get("/campaigns/stay").text)
    posts = re.search(r'id="live-posts".*?</tbody>', page, re.S)[0]
    assert posts.count("<tr>") == 2
    assert "On instagram" in posts and "Unattributed" in posts
    assert re.search(r'explore\?group_by=post&[^"]*">All posts', page)


def test_the_days_of_a_post_go_on_to_the_end_of_the_range(world):
    today = datetime.now(UTC).date()
    code = world.links["x"]
    at = datetime.now(UTC) - timedelta(days=9)
    world.act("call", email="a@example.org", code=code, at=at)
    world.drain()
    days = f"from={today - timedelta(days=12)}&to={today - timedelta(days=3)}"
    page = world.member("reader").get(f"/explore?group_by=day&{days}").text
    spec = re.search(r'id="groups-spec">(.*?)</script>', page, re.S)[1]
    # The day of the action, which is one of New York, and each to the range's end.
    days = dict.fromkeys(re.findall(r'"group": ?"([^"]+)"', spec))
    assert len(days) in {7, 8}, days
