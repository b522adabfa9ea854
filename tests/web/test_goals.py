"""Goals are set and removed on their page, by those who may."""

from __future__ import annotations

import html

import pytest

from advocacy.store import goals as store

VOTE = {
    "measure": "calls",
    "target": "1 000",
    "campaign": "stay",
    "from": "2026-06-01",
    "until": "2026-06-30",
    "name": " The  vote ",
    "districts": "TX-07, TX-10\r\nTX-21;",
    "each": "200",
}


@pytest.fixture
def editor(world):
    return world.member("editor")


def test_a_goal_is_set_and_removed(world, editor):
    page = editor.post("/goals", data=VOTE, follow_redirects=True).text
    assert "The vote" in page
    (goal,) = store.list_goals(world.org_id)
    assert (goal.target, goal.campaign_id, goal.name) == (1000, world.campaign_id, "The vote")
    assert (goal.districts, goal.each_district) == (["TX-07", "TX-10", "TX-21"], 200)
    assert "set the goal The vote" in world.member("owner").get("/members").text
    assert (
        "There is no goal yet."
        in editor.post(f"/goals/{goal.id}/remove", follow_redirects=True).text
    )
    assert editor.post(f"/goals/{goal.id}/remove").status_code == 404


@pytest.mark.parametrize(
    ("measure", "target", "currency", "kept"),
    [
        ("supporters", "+5 %", "", (0, 500, "")),
        ("supporters", "+2.5%", "", (0, 250, "")),
        ("net", "1,250.50", "usd", (125050, 0, "USD")),
        ("donors", "50", "", (50, 0, "")),
    ],
)
def test_targets_of_each_sort(world, editor, measure, target, currency, kept):
    asked = {**VOTE, "measure": measure, "target": target, "currency": currency}
    assert editor.post("/goals", data=asked | {"districts": "", "each": ""}).status_code == 302
    (goal,) = store.list_goals(world.org_id)
    assert (goal.target, goal.growth_bp, goal.currency) == kept


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"target": "many"}, "'many' is no target; write a number above 0, or growth as +5%."),
        ({"target": ""}, "'' is no target"),
        ({"measure": "likes"}, "'likes' is nothing to measure by"),
        ({"currency": "USD"}, "nothing else has one"),
        ({"from": "2026-07-01"}, "the first day is after the last"),
        ({"until": "soon"}, "give its first and its last day"),
        ({"each": "some"}, "calls as a whole number"),
        ({"campaign": "none"}, "there is no such campaign"),
        ({"name": "n" * 201}, "its name is too long"),
        ({"districts": "x," * 1001}, "too many districts"),
        ({"measure": "donors"}, "only calls are counted by district"),
    ],
)
def test_what_is_no_goal_is_said_and_the_form_stays_filled(world, editor, changed, said):
    answer = editor.post("/goals", data=VOTE | changed)
    assert answer.status_code == 422
    page = html.unescape(answer.text)
    assert "No goal was set:" in page
    assert said in page
    assert "TX-10" in page or "districts" in changed
    assert store.list_goals(world.org_id) == []


def test_mistakes_are_said_in_the_readers_language(world, editor):
    editor.post("/language", data={"language": "fr"})
    page = html.unescape(editor.post("/goals", data=VOTE | {"target": "many"}).text)
    assert "'many' n’est pas une cible ; écrivez un nombre au-dessus de 0" in page
    assert "+5%" in page


def test_goals_are_set_by_editors_of_the_organization_on_our_own_page(world, editor):
    from tests.conftest import World

    editor.post("/goals", data=VOTE)
    (goal,) = store.list_goals(world.org_id)
    reader = world.member("reader")
    assert "Set a goal" not in reader.get("/goals").text
    assert "Remove this goal" not in reader.get("/goals").text
    assert reader.post("/goals", data=VOTE).status_code == 403
    assert reader.post(f"/goals/{goal.id}/remove").status_code == 403
    bob = World(world.app, "bob").member("owner", "bob@example.org")
    assert bob.post(f"/goals/{goal.id}/remove").status_code == 404
    away = {"Sec-Fetch-Site": "cross-site"}
    assert editor.post(f"/goals/{goal.id}/remove", headers=away).status_code == 403
    assert len(store.list_goals(world.org_id)) == 1
