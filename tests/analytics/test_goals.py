"""Goals, from deliveries to the API, the page and the command."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from advocacy.analytics.forecast import Forecast
from advocacy.analytics.goal_input import BadGoal, put_goal
from advocacy.analytics.goals import goals
from advocacy.storage.session import transaction

NOW = datetime(2026, 6, 10, 16, tzinfo=UTC)


def at(day: str, hour: int = 12) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00+00:00")


def add(world, measure, target, first, last, campaign=True, **more):
    with transaction():
        return put_goal(
            world.org_id,
            world.campaign_id if campaign else None,
            measure,
            target,
            date.fromisoformat(first),
            date.fromisoformat(last),
            **more,
        ).id


def one(world, now=NOW, **more):
    (found,) = goals(world.org_id, now, **more)
    return found


def sign(world, numbers, day):
    for number in numbers:
        world.act("signature", id=f"{day}-{number}", email=f"p{number}@example.org", at=at(day))


def test_supporters_grow_over_those_there_were(world):
    sign(world, range(20), "2025-12-20")
    sign(world, [3, 20], "2026-03-01")  # one came back, one is new
    world.drain()
    add(world, "supporters", "+5%", "2026-01-01", "2026-12-31", campaign=False)
    found = one(world)
    assert (found.start, found.target, found.reached) == (20, 21, 21)
    assert (found.state, found.about, found.growth_percent) == ("reached", "Hope", 5.0)
    assert found.points[-1].reached == 21
    # On 10 June 161 of 365 days are gone.
    assert found.pace == round(20 + 161 / 365)


def test_money_is_net_and_each_on_its_own_day(world):
    for name, amount, day in (("a", "100", "2026-06-01"), ("b", "50.50", "2026-06-03")):
        world.act(
            "donation", id=name, email=f"{name}@example.org", amount=amount, currency="USD",
            at=at(day),
        )  # fmt: skip
    world.act("donation.refunded", id="a", amount="20", currency="USD", at=at("2026-06-05"))
    world.act(
        "donation", id="e", email="e@example.org", amount="7", currency="EUR", at=at("2026-06-02")
    )
    world.drain()
    add(world, "net", "1,000.50", "2026-06-01", "2026-06-30", currency="USD")
    found = one(world)
    assert (found.reached, found.target) == (13050, 100050)
    assert found.pace == round(100050 / 3)
    assert found.state == "too_early"
    by_day = {each.day.isoformat(): each.reached for each in found.points}
    assert by_day["2026-06-04"] == 15050
    assert by_day["2026-06-05"] == 13050


def test_donors_are_people_and_grow_over_the_time_before(world):
    gifts = (("a", "2026-05-05"), ("b", "2026-05-06"), ("a", "2026-06-02"), ("c", "2026-06-03"))
    for number, (who, day) in enumerate(gifts):
        world.act(
            "donation", id=f"g{number}", email=f"{who}@example.org", amount="5", currency="USD",
            at=at(day),
        )  # fmt: skip
    world.drain()
    add(world, "donors", "+100%", "2026-06-01", "2026-06-30")
    found = one(world)
    assert (found.target, found.reached, found.start) == (4, 2, 0)


def test_nothing_to_grow_over_is_said(world):
    add(world, "calls", "+10%", "2026-06-01", "2026-06-30")
    assert one(world).state == "nothing_to_grow_over"


def test_the_forecast_goes_on_from_full_weeks(world):
    day = at("2026-05-01")
    while day < NOW:
        world.act("call", id=f"c{day:%m%d}", email=f"c{day:%m%d}@example.org", at=day)
        day += timedelta(days=1)
    world.drain()
    add(world, "calls", "50", "2026-05-01", "2026-06-30")
    found = one(world)
    # A call a day: 41 by 10 June, and as alike weeks leave no doubt, 61 in the end.
    assert found.reached == 41
    assert found.forecast == Forecast(low=61, middle=61, high=61, weeks=5)
    assert found.state == "likely"
    assert goals(world.org_id, NOW) == goals(world.org_id, NOW)


def test_before_it_begins_and_when_it_is_over(world):
    add(world, "calls", "5", "2026-07-01", "2026-07-31")
    found = one(world)
    assert (found.state, found.reached, found.pace, found.points) == (
        "not_begun",
        0,
        None,
        (),
    )
    assert one(world, datetime(2026, 8, 2, tzinfo=UTC)).state == "missed"


def test_calls_are_counted_down_by_district(world):
    for number, district in enumerate(["TX-07", "TX-07", "TX-10", ""]):
        more = {"target": district} if district else {}
        world.act(
            "call", id=f"d{number}", email=f"d{number}@example.org", at=at("2026-06-02"), **more
        )
    world.drain()
    add(
        world, "calls", "300", "2026-06-01", "2026-06-30",
        districts=["TX-10", "TX-07", "TX-22"], each_district=100,
    )  # fmt: skip
    found = one(world)
    assert [(row.district, row.calls, row.left) for row in found.districts] == [
        ("TX-22", 0, 100),
        ("TX-10", 1, 99),
        ("TX-07", 2, 98),
        ("", 1, None),
    ]
    assert found.days_left == 21


@pytest.mark.parametrize(
    ("measure", "target", "more"),
    [
        ("magic", "5", {}),
        ("calls", "0", {}),
        ("calls", "-5", {}),
        ("calls", "1.5", {}),
        ("calls", "many", {}),
        ("calls", "NaN", {}),
        ("calls", "1e30", {}),
        ("calls", "+0%", {}),
        ("calls", "5", {"currency": "USD"}),
        ("net", "5", {}),
        ("net", "5.001", {"currency": "USD"}),
        ("net", "5", {"currency": "dollars"}),
        ("donors", "5", {"districts": ["TX-07"]}),
        ("calls", "5", {"each_district": -1}),
    ],
)
def test_what_is_no_goal_is_refused_in_words(world, measure, target, more):
    with pytest.raises(BadGoal):
        add(world, measure, target, "2026-01-01", "2026-12-31", **more)
    with pytest.raises(BadGoal, match="first day"):
        add(world, "calls", "5", "2026-12-31", "2026-01-01")


def test_the_page_and_the_api_show_the_same(world):
    client = world.app.test_client()
    client.post("/sign-in", data={"token": world.token()})
    assert "An editor can set the first one." in client.get("/goals").get_data(as_text=True)
    today = datetime.now(UTC).date()
    add(
        world, "calls", "500", (today - timedelta(days=9)).isoformat(),
        (today + timedelta(days=99)).isoformat(),
        name="The vote <b>", districts=["TX-07"], each_district=40,
    )  # fmt: skip
    world.act("call", id="c", email="c@example.org", target="TX-07")
    world.drain()
    html = client.get("/goals").get_data(as_text=True)
    assert "The vote &lt;b&gt;" in html
    assert "TX-07" in html
    assert ">39<" in html
    answer = client.get("/api/v1/goals", headers={"Authorization": f"Bearer {world.token()}"})
    (found,) = answer.json["goals"]
    assert (found["reached"], found["target"], found["campaign"]) == (1, 500, "stay")
    assert found["districts"] == [{"district": "TX-07", "calls": 1, "left": 39}]


def test_another_organization_does_not_see_it(world):
    from tests.support.world import World

    add(world, "calls", "5", "2026-06-01", "2026-06-30")
    bob = World(world.app, "bob")
    assert goals(bob.org_id) == ()
