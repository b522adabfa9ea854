"""The timing page: the heat map, best times, filters as chips, files."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest

PAGE = "/campaigns/stay/timing"
MONDAY = datetime(2025, 3, 3, 17, tzinfo=UTC)  # noon in New York
DAYS = "?from=2025-03-03&to=2025-03-09"


@pytest.fixture
def staff(world):
    return world.member("reader")


@pytest.fixture
def busy(world):
    """A hundred signatures at noon of a Monday, one of them through Instagram."""
    for number in range(100):
        at = MONDAY + timedelta(seconds=number)
        click = {"click_id": world.click("instagram", at=at)} if not number else {}
        world.act("signature", id=f"{number}", email=f"p{number}@example.org", at=at, **click)
    world.drain()
    return world


def titles(page: str) -> list[str]:
    """Return what the cells of the heat map say when pointed at."""
    return list(re.findall(r'<td class="heat-[1-5]" title="([^"]*)"', page))


def test_the_best_time_and_the_heat_map_are_on_the_campaigns_clock(busy, staff):
    page = staff.get(PAGE + DAYS).text
    assert "Best time for actions: Monday 11:00–13:00, 83.5 times the average hour." in page
    assert titles(page) == ["Mon 12: 100"]
    assert titles(staff.get(f"{PAGE}{DAYS}&show=clicks").text) == ["Mon 12: 1"]


def test_filters_are_chips_that_can_be_removed(busy, staff):
    page = staff.get(f"{PAGE}{DAYS}&platform=instagram&kind=signature").text
    assert titles(page) == ["Mon 12: 1"]
    assert "Too few actions to name a best time" in page
    chips = {
        " ".join(re.sub("<[^>]+>", "", name).split()): href.replace("&amp;", "&")
        for href, name in re.findall(r'class="filter-chip" href="([^"]*)">(.*?)</a>', page, re.S)
    }
    assert set(chips) == {
        "Platform: Instagram remove this filter",
        "Kind: signature remove this filter",
    }
    rest = chips["Platform: Instagram remove this filter"]
    assert "platform" not in rest
    assert "kind=signature" in rest
    assert "from=2025-03-03" in rest


def test_the_range_and_filters_are_carried_to_the_other_tabs(busy, staff):
    page = staff.get(f"{PAGE}{DAYS}&platform=instagram&platform=x&show=clicks").text
    tabs = re.findall(r'href="([^"]*)"', page.split('class="tabs"')[1].split("</nav>")[0])
    assert len(tabs) == 6
    for tab in tabs:
        assert tab.endswith(
            "?from=2025-03-03&amp;to=2025-03-09&amp;platform=instagram&amp;platform=x"
        )


def test_without_a_choice_it_is_the_last_thirty_days(world, staff):
    page = staff.get(PAGE).text
    assert "No clicks and no actions in these days." in page
    assert re.search(r'aria-current="true"[^>]*>Last 30 days<', page)


def test_of_a_campaign_that_has_ended_it_is_all_of_it(busy, staff):
    page = staff.get(PAGE).text
    assert titles(page)
    assert re.search(r'aria-current="true"[^>]*>Whole campaign<', page)


def test_a_file_has_the_same_figures(busy, staff):
    rows = list(csv.DictReader(io.StringIO(staff.get(f"{PAGE}.csv{DAYS}").text.lstrip("\ufeff"))))
    assert len(rows) == 7 * 24
    (noon,) = [row for row in rows if row["actions"] != "0"]
    assert (noon["weekday"], noon["hour"], noon["actions"], noon["clicks"]) == (
        "0",
        "12",
        "100",
        "1",
    )
    found = staff.get(f"{PAGE}.json{DAYS}").get_json()
    assert (found["from"], found["to"], len(found["cells"])) == ("2025-03-03", "2025-03-09", 168)


@pytest.mark.parametrize(
    "query",
    ["?from=soon", "?from=2025-03-09&to=2025-03-03", "?post=x", "?model=best", "?kind=dance"],
)
def test_a_link_with_invalid_values_is_refused(busy, staff, query):
    assert staff.get(PAGE + query).status_code == 422
