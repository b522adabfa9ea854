"""The goals page: editors set and delete goals."""

from __future__ import annotations

import html

import pytest

from advocacy.storage import goals as store

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
    # It is asked before, by what needs no script.
    assert page.index('<details class="ask">') < page.index("/remove") < page.index("Confirm")
    (goal,) = store.list_goals(world.org_id)
    assert (goal.target, goal.campaign_id, goal.name) == (1000, world.campaign_id, "The vote")
    assert (goal.districts, goal.each_district) == (["TX-07", "TX-10", "TX-21"], 200)
    assert "set the goal The vote" in world.member("owner").get("/members").text
    assert "No goals yet." in editor.post(f"/goals/{goal.id}/remove", follow_redirects=True).text
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
def test_targets_of_each_measure(world, editor, measure, target, currency, kept):
    asked = {**VOTE, "measure": measure, "target": target, "currency": currency}
    assert editor.post("/goals", data=asked | {"districts": "", "each": ""}).status_code == 302
    (goal,) = store.list_goals(world.org_id)
    assert (goal.target, goal.growth_bp, goal.currency) == kept


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"target": "many"},
            "'many' is not a valid target; use a number above 0, e.g. 5,000, or growth, e.g. +5%.",
        ),
        ({"target": ""}, "'' is not a valid target"),
        ({"measure": "likes"}, "'likes' is not a measure"),
        ({"currency": "USD"}, "other measures have none"),
        ({"target": "1.250,50"}, "a number above 0, e.g. 5,000, or growth, e.g. +5%."),
        ({"target": "+some%"}, "growth is written like +2.5%"),
        ({"target": "+0%"}, "must be above 0 and below 10,000%"),
        ({"from": "2026-07-01"}, "the first day is after the last"),
        ({"from": "0206-06-01"}, "between the years 2000 and 2100 and span no more than ten years"),
        ({"until": "2062-06-30"}, "no more than ten years"),
        ({"until": "soon"}, "enter its first and last day"),
        ({"each": "some"}, "calls as a whole number"),
        ({"campaign": "none"}, "there is no such campaign"),
        ({"name": "n" * 201}, "its name is too long"),
        ({"districts": "x," * 1001}, "too many districts"),
        ({"measure": "donors"}, "only calls are counted by district"),
    ],
)
def test_an_invalid_goal_is_explained_and_the_form_keeps_its_values(world, editor, changed, said):
    answer = editor.post("/goals", data=VOTE | changed)
    assert answer.status_code == 422
    page = html.unescape(answer.text)
    assert "No goal was set:" in page
    assert said in page
    assert "TX-10" in page or "districts" in changed
    assert store.list_goals(world.org_id) == []


def test_form_errors_are_in_the_readers_language(world, editor):
    editor.post("/language", data={"language": "fr"})
    page = html.unescape(editor.post("/goals", data=VOTE | {"target": "many"}).text)
    assert "'many' n’est pas une cible\xa0; écrivez un nombre au-dessus de 0" in page
    assert "comme 5\u202f000, ou une croissance comme +5%" in page


def as_written(measure, target, each=""):
    """Return what the form sends."""
    return {
        **VOTE,
        "measure": measure,
        "target": target,
        "currency": "USD" if measure == "net" else "",
        "districts": "",
        "each": each,
    }


@pytest.mark.parametrize(
    ("language", "measure", "target", "kept"),
    [
        ("en", "calls", "5000", 5_000),
        ("en", "calls", "5 000", 5_000),
        ("en", "net", "1250000.50", 125_000_050),
        ("es", "calls", "5.000", 5_000),
        ("es", "calls", "5000", 5_000),
        ("es", "net", "5.000", 500_000),
        ("es", "net", "1.250,50", 125_050),
        ("fr", "calls", "5 000", 5_000),
        ("fr", "calls", "5\u202f000", 5_000),
        ("fr", "calls", "5\xa0000", 5_000),
        ("fr", "net", "1250,50", 125_050),
        ("fr", "net", "1 250,5", 125_050),
    ],
)
def test_a_target_is_read_as_the_language_of_the_page_writes_it(
    world, editor, language, measure, target, kept
):
    editor.post("/language", data={"language": language})
    asked = as_written(measure, target)
    assert editor.post("/goals", data=asked).status_code == 302
    (goal,) = store.list_goals(world.org_id)
    assert goal.target == kept
    shown = html.unescape(editor.get("/goals").text)
    assert letters_of(language, goal) in shown


def letters_of(language, goal):
    from babel.numbers import format_decimal

    if goal.currency:
        return format_decimal(goal.target / 100, "#,##0.00", locale=language) + " USD"
    return format_decimal(goal.target, locale=language)


@pytest.mark.parametrize(
    ("language", "measure", "target"),
    [
        # What another language writes is refused and not guessed at.
        ("en", "calls", "5.000"),
        ("en", "net", "5.000"),
        ("en", "net", "1250,50"),
        ("es", "calls", "5,000"),
        ("es", "net", "1250.50"),
        ("es", "net", "1,250.50"),
        ("fr", "calls", "5,000"),
        ("fr", "calls", "5.000"),
        ("fr", "net", "1250.50"),
        ("fr", "net", "12 50"),
    ],
)
def test_a_target_in_another_form_is_refused(world, editor, language, measure, target):
    editor.post("/language", data={"language": language})
    asked = as_written(measure, target)
    answer = editor.post("/goals", data=asked)
    assert answer.status_code == 422
    example = {
        "en": ("5,000", "1,250.50"),
        "es": ("5.000", "1.250,50"),
        "fr": ("5\u202f000", "1\u202f250,50"),
    }[language][measure == "net"]
    assert f"{example}, o" in html.unescape(answer.text)
    assert store.list_goals(world.org_id) == []


def test_growth_and_calls_by_district_are_read_likewise(world, editor):
    editor.post("/language", data={"language": "es"})
    asked = as_written("calls", "+2,5 %", each="1.200")
    assert editor.post("/goals", data=asked).status_code == 302
    (goal,) = store.list_goals(world.org_id)
    assert (goal.growth_bp, goal.each_district) == (250, 1_200)


def test_the_same_goal_is_set_once(world, editor):
    assert editor.post("/goals", data=VOTE).status_code == 302
    again = editor.post("/goals", data=VOTE | {"target": "2000", "name": "Again"})
    assert again.status_code == 422
    assert "there is already such a goal for this period; delete it" in again.text
    # Another figure, about something else, or for other days it is another goal.
    other = VOTE | {"measure": "actions", "districts": "", "each": ""}
    assert editor.post("/goals", data=other).status_code == 302
    assert editor.post("/goals", data=VOTE | {"campaign": ""}).status_code == 302
    assert editor.post("/goals", data=VOTE | {"campaign": ""}).status_code == 422
    assert editor.post("/goals", data=VOTE | {"until": "2026-07-01"}).status_code == 302
    assert len(store.list_goals(world.org_id)) == 4


def test_goals_are_set_by_editors_of_the_organization_on_our_own_page(world, editor):
    from tests.support.world import World

    editor.post("/goals", data=VOTE)
    (goal,) = store.list_goals(world.org_id)
    reader = world.member("reader")
    assert "Set a goal" not in reader.get("/goals").text
    assert "Delete goal" not in reader.get("/goals").text
    assert reader.post("/goals", data=VOTE).status_code == 403
    assert reader.post(f"/goals/{goal.id}/remove").status_code == 403
    bob = World(world.app, "bob").member("owner", "bob@example.org")
    assert bob.post(f"/goals/{goal.id}/remove").status_code == 404
    away = {"Sec-Fetch-Site": "cross-site"}
    assert editor.post(f"/goals/{goal.id}/remove", headers=away).status_code == 403
    assert len(store.list_goals(world.org_id)) == 1
