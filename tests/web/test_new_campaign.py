"""The page on which editors create a campaign."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.core.slugs import LONGEST_SLUG, is_slug, slug_of
from advocacy.storage import campaigns

WANTED = {"name": "Clean water now", "slug": "", "timezone": "America/Chicago"}


@pytest.fixture
def editor(world):
    return world.member("editor")


def test_a_campaign_is_made_and_its_page_says_what_comes_next(world, editor):
    answer = editor.post("/new-campaign", data=WANTED, follow_redirects=True)
    assert answer.request.path == "/campaigns/clean-water-now"
    assert "/links?campaign=clean-water-now" in answer.text
    made = campaigns.get_campaign(world.org_id, "clean-water-now")
    assert (made.name, made.timezone) == ("Clean water now", "America/Chicago")
    assert "created the campaign clean-water-now" in world.member("owner").get("/members").text


def test_the_organization_s_zone_is_the_default_and_the_slug_can_be_chosen(world, editor):
    assert "<option selected>America/New_York</option>" in editor.get("/new-campaign").text
    editor.post("/new-campaign", data={**WANTED, "slug": "Water-26"})
    assert campaigns.find_campaign(world.org_id, "water-26")


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"name": " "}, 422, "Enter a name"),
        ({"name": "n" * 201}, 422, "Enter a name"),
        ({"slug": "a b"}, 422, "Enter a URL slug"),
        ({"slug": "a" * 61}, 422, "Enter a URL slug"),
        ({"name": "вода"}, 422, "Enter a URL slug"),
        ({"slug": "2026-0412"}, 422, "looks like a phone number"),
        ({"name": "1234567"}, 422, "looks like a phone number"),
        ({"timezone": "Mars/Olympus"}, 422, "Choose a time zone from the list."),
        ({"timezone": "CET"}, 422, "Choose a time zone from the list, such as Europe/Paris."),
        ({"timezone": "localtime"}, 422, "Choose a time zone from the list."),
        ({"slug": "stay"}, 409, "There is already a campaign stay"),
    ],
)
def test_an_invalid_form_is_explained_and_keeps_its_values(world, editor, changed, status, said):
    answer = editor.post("/new-campaign", data={**WANTED, **changed})
    assert (answer.status_code, said in answer.text) == (status, True)
    assert {**WANTED, **changed}["slug"] in answer.text
    assert len(campaigns.list_campaigns(world.org_id)) == 1


def test_it_is_for_editors_and_rejects_other_sites(world, editor):
    reader = world.member("reader")
    assert reader.get("/new-campaign").status_code == 403
    assert reader.post("/new-campaign", data=WANTED).status_code == 403
    away = {"Sec-Fetch-Site": "cross-site"}
    assert editor.post("/new-campaign", data=WANTED, headers=away).status_code == 403
    assert len(campaigns.list_campaigns(world.org_id)) == 1


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Stop the execution!", "stop-the-execution"),
        ("Justice pour l’eau – été 2027", "justice-pour-leau-ete-2027"),
        ("¿Y el agua?", "y-el-agua"),
        ("вода", ""),
    ],
)
def test_a_slug_is_made_of_a_name(name, slug):
    assert slug_of(name) == slug


@given(st.text())
def test_a_slug_of_any_name_is_valid_in_a_url(name):
    made = slug_of(name)
    assert made == "" or (is_slug(made) and len(made) <= LONGEST_SLUG)
