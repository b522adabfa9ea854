"""The overview and a campaign's first page: what leads, what is compared, what needs attention."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from advocacy.storage import posts as posts_storage
from advocacy.storage.session import transaction
from tests.support.sql import run

NOW = datetime.now(UTC)


@pytest.fixture
def reader(world):
    """Two actions through Instagram and one through X these days, one more a month earlier."""
    for number, (kind, platform, days) in enumerate(
        [
            ("call", "instagram", 1),
            ("signature", "instagram", 2),
            ("call", "x", 3),
            ("call", "x", 40),
        ]
    ):
        person = {"email": f"{number}@example.org", "id": f"a{number}"}
        world.act(kind, code=world.links[platform], at=NOW - timedelta(days=days), **person)
    world.drain()
    return world.member("reader")


def words(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.unescape(answer.text)).split())


def chart(answer) -> dict:
    return json.loads(re.search(r'id="by-day-spec">(.*?)</script>', answer.text, re.S)[1])


def test_a_campaign_leads_with_a_sentence_beside_the_period_before(reader):
    page = reader.get("/campaigns/stay")
    assert "3 people acted; 3 for the first time. That is 200 % more" in words(page)
    assert "The most actions came through “On instagram” (Instagram): 2." in words(page)
    drawn = chart(page)
    assert len(drawn["labels"]) == 30
    assert sum(drawn["before"]) == 1
    assert sum(sum(each["values"]) for each in drawn["series"]) == 3


def test_without_a_comparison_nothing_is_compared_on_any_tab(reader):
    page = reader.get("/campaigns/stay?compare=none")
    assert chart(page)["before"] == [] and 'class="chip' not in page.text
    assert "than in the period before" not in words(page)
    tabs = re.findall(
        r'<a href="(/campaigns/stay/[^"]+compare=none[^"]*)"', html.unescape(page.text)
    )
    assert len(tabs) >= 4
    for tab in tabs:
        assert reader.get(tab).status_code in {200, 202}, tab


def test_a_year_earlier_is_said_as_such(world, reader):
    world.act("call", id="y", email="y@example.org", at=NOW - timedelta(days=366))
    world.drain()
    assert "more than a year earlier" in words(reader.get("/campaigns/stay?compare=year"))


@pytest.mark.parametrize("query", ["compare=later", "from=x", "model=nothing"])
def test_what_cannot_be_shown_is_explained(reader, query):
    assert reader.get(f"/campaigns/stay?{query}").status_code == 422


def test_a_published_post_is_marked_on_its_day(world, reader):
    with transaction():
        run(
            "update posts set published_at = :at where org_id = :o and id = :id",
            at=NOW - timedelta(days=2),
            o=world.org_id,
            id=world.posts["instagram"],
        )
    marks = {each["text"]: each["at"] for each in chart(reader.get("/campaigns/stay"))["marks"]}
    assert marks["“On instagram” (Instagram)"] in {26, 27}


def titles(page) -> list[str]:
    rows = re.search(r'id="live-posts".*?</tbody>', page.text, re.S)[0]
    return re.findall(r'<span class="title"><a [^>]*>([^<]+)</a>', rows)


def test_posts_are_in_the_chosen_order_and_of_the_chosen_platform(reader):
    assert titles(reader.get("/campaigns/stay")) == ["On instagram", "On x"]
    assert titles(reader.get("/campaigns/stay?platform=x")) == ["On x"]
    page = reader.get("/campaigns/stay?sort=new")
    assert titles(page) == ["On instagram", "On x"]
    assert re.search(r'aria-sort="descending"><a class="sort" href="[^"]*sort=new', page.text)
    assert titles(reader.get("/campaigns/stay?sort=nothing")) == ["On instagram", "On x"]


def test_the_overview_has_the_top_posts_of_the_week(world, reader):
    with transaction():
        posts_storage.put_post(world.org_id, world.campaign_id, "x", title="Nobody came")
    page = reader.get("/")
    top = html.unescape(re.search(r'id="top".*?</section>', page.text, re.S)[0])
    assert re.findall(r'<span class="title"><a [^>]*>([^<]+)</a>', top) == ["On instagram", "On x"]
    assert "signature 1, call 1" in top


def test_what_needs_attention_is_said_and_nothing_else(world, reader):
    assert "Nothing needs attention." in words(reader.get("/"))
    with transaction():
        run(
            "update inbox set received_at = received_at - interval '10 days' where org_id = :o",
            o=world.org_id,
        )
    page = words(reader.get("/"))
    assert "has sent nothing for 10 days." in page and "Nothing needs attention" not in page


def test_a_row_of_the_overview_has_the_course_of_its_campaign(reader):
    page = reader.get("/").text
    row = re.search(r'<tr><th scope="row"><span class="title">.*?</tr>', page, re.S)[0]
    assert row.count("<polyline") == 1
    assert page.count('<dd class="course">') >= 3
