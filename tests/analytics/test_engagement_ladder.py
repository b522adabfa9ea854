"""The ladder, from deliveries to the API and the page: rungs, climbs, cohorts, gifts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from advocacy.analytics.activation import BadRange
from advocacy.analytics.engagement_ladder import ladder

NOW = datetime.now(UTC).replace(microsecond=0)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def api(world, path="/api/v1/campaigns/stay/ladder", **query):
    answer = world.app.test_client().get(
        path, query_string=query, headers={"Authorization": f"Bearer {world.token()}"}
    )
    assert answer.status_code == 200, answer.json
    return answer.json


@pytest.fixture
def climbed(world):
    """Ana signed, and calls now; Ben came new and gave; Cleo gives monthly; Dan is refunded."""
    code = world.links
    world.act("signature", id="a1", email="ana@example.org", code=code["x"], at=ago(60))
    world.act("call", id="a2", email="ana@example.org", code=code["instagram"], at=ago(5))
    world.act("call", id="a3", email="ana@example.org", code=code["x"], at=ago(4))
    world.act("donation", id="b1", email="ben@example.org", amount="10", currency="USD", at=ago(3))
    world.act("signature", id="c1", email="cleo@example.org", at=ago(100))
    world.act(
        "donation",
        id="c2",
        email="cleo@example.org",
        amount="30",
        currency="USD",
        recurs_as="m1",
        at=ago(50),
    )
    world.act("signature", id="d1", email="dan@example.org", at=ago(40))
    world.act("donation", id="d2", email="dan@example.org", amount="5", currency="USD", at=ago(2))
    world.act("donation.refunded", id="d2", amount="5", currency="USD", at=ago(1))
    world.drain()
    return world


def test_each_stands_on_the_highest_rung(climbed):
    found = api(climbed)
    rungs = {row["rung"]: (row["people"], row["joined"], row["climbed"]) for row in found["rungs"]}
    assert rungs == {
        "clicked": (0, 0, 0),
        "signed": (1, 0, 0),  # Dan: his gift went back
        "called": (1, 0, 1),  # Ana
        "gave": (1, 1, 0),  # Ben
        "gives_monthly": (1, 0, 0),  # Cleo
    }
    assert (found["people"], found["joined"], found["climbed"]) == (4, 1, 1)
    assert found["still_monthly"] == 1
    assert found["climbs"] == [{"from": "signed", "to": "called", "people": 1}]


def test_who_has_only_clicked_is_there_when_a_tool_names_her(climbed):
    nobodys = "A click cannot be linked to a person until that person acts."
    client = climbed.member("reader")
    climbed.click("x", at=ago(3))
    assert f'clicked<br><span class="hint">{nobodys}</span>' in client.get("/ladder").text
    climbed.act("click", id="k", email="kim@example.org", at=ago(3))
    # A gift that all went back is none: of two who gave, one has signed and stays.
    climbed.act("donation", id="g", email="gil@example.org", amount="5", currency="USD", at=ago(3))
    climbed.act("donation.refunded", id="g", amount="5", currency="USD", at=ago(2))
    climbed.drain()
    people = {row["rung"]: row["people"] for row in api(climbed)["rungs"]}
    assert (people["clicked"], people["signed"], people["gave"]) == (1, 1, 1)  # Kim, Dan, Ben
    assert f'<br><span class="hint">{nobodys}' not in client.get("/ladder").text


def test_the_post_is_that_of_the_first_action_on_the_new_rung(climbed):
    posts = api(climbed)["posts"]
    assert [(row["post"] and row["post"]["platform"], row["climbed"]) for row in posts] == [
        ("instagram", 1),
        (None, 0),
    ]


def test_the_range_says_when_somebody_climbed(climbed):
    day = ago(50).date().isoformat()
    found = api(climbed, **{"from": (ago(51)).date().isoformat(), "to": day})
    assert found["climbs"] == [{"from": "signed", "to": "gives_monthly", "people": 1}]
    assert found["people"] == 2  # Ana, who had signed, and Cleo


def test_the_organization_adds_people_up_once(climbed):
    everywhere = api(climbed, "/api/v1/ladder")
    assert everywhere["about"] == {
        "campaign": None,
        "name": "Hope",
        "timezone": "America/New_York",
    }
    assert everywhere["people"] == api(climbed)["people"]


def test_who_comes_back(world):
    base = datetime(2026, 3, 10, 12, tzinfo=UTC)
    for name, days in {"ana": (0, 25, 60), "ben": (0,), "cleo": (5, 5.1), "dan": (30,)}.items():
        for number, day in enumerate(days):
            world.act(
                "signature",
                id=f"{name}{number}",
                email=f"{name}@example.org",
                at=base + timedelta(days=day),
            )
    world.drain()
    found = api(world, **{"from": "2026-06-01", "to": "2026-06-30"})
    march, april = found["retention"]
    assert (march["month"], march["people"], april["people"]) == ("2026-03", 3, 1)
    assert [each["people"] for each in march["months"]] == [1, 1, 0]
    assert [each["share"] for each in march["months"]] == [0.3333, 0.3333, 0.0]
    # The first 90 days of Ana, Ben and Cleo ended in June; only Ana came on a second day.
    assert found["repeat"] == {"days": 90, "people": 3, "again": 1, "share": 0.3333}


def test_gifts(climbed):
    found = api(climbed, **{"from": ago(70).date().isoformat()})
    assert found["gifts"] == [
        {
            "currency": "USD",
            "gifts": 2,
            "average_minor": 750,  # 10.00 and 5.00, before the refund
            "net_minor": 4000,
            "recurring_net_minor": 3000,
            "recurring_share": 0.75,
        }
    ]


def test_an_empty_organization_and_a_range_that_is_none(world):
    found = api(world)
    assert (found["people"], found["posts"], found["retention"], found["gifts"]) == (0, [], [], [])
    with pytest.raises(BadRange):
        ladder(world.org_id, None, ago(1).date(), ago(2).date())


@pytest.mark.parametrize("path", ["/campaigns/stay/people", "/ladder"])
def test_the_page_shows_numbers_or_says_what_to_do(climbed, path):
    client = climbed.app.test_client()
    client.post("/sign-in", data={"token": climbed.token()})
    html = client.get(path).get_data(as_text=True)
    assert re.search(r"Supporters</dt>\s*<dd>4</dd>", html)
    assert "example.org" not in html
    assert client.get(path, query_string={"from": "x"}).status_code == 422
    early = client.get(path, query_string={"to": "2020-01-01"}).get_data(as_text=True)
    assert 'href="/connections">Connect the tool' in early
